"""A licence's state as verifiers see it: by registry, by status list, by time, offline."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ca import issue as ca_issue
from ca import revoke as ca_revoke
from ca.revoke import Reason
from certificates import evidence, publish, revoke
from certificates.evidence import Knowledge
from certificates.models import Licence, LicenceState
from certificates.revoke import LicenceNotInForce
from certificates.verify import verify_file
from certificates.verify_claim import Verification, verify_claim
from tests.regions import Region
from trust import anchors
from trust.anchors import Anchors
from trust.clock import utc_now
from trust.crypto import x509
from trust.errors import Forbidden, Invalid, NotFound
from trust.report import Outcome


def offline(region: Region, directory: Path, *, at: datetime | None = None) -> Knowledge:
    """What a folder of anchors, written at `at`, lets one know."""
    at = at or utc_now()
    publish.publish_crls(region.platform.sessions, keys=region.platform.keys, at=at)
    publish.export_anchors(
        region.platform.reading, directory, keys=region.platform.keys, at=at,
        lifetime=timedelta(hours=24),
    )  # fmt: skip
    known = anchors.load(directory)
    return evidence.offline(known, evidence.store_of(known))


def end(region: Region, licence: Licence, state: LicenceState = LicenceState.REVOKED) -> None:
    with region.platform.sessions.begin() as session:
        revoke.change(
            session, licence.identifier, state, reason="试验", at=utc_now(),
            by=region.caller("market.approver"), vault=region.platform.vault,
        )  # fmt: skip


def codes(found: Verification) -> set[str]:
    return {check.code for check in found.checks}


def test_file_and_code_pass_offline_with_all_anchors(sqlite_region: Region, tmp_path: Path) -> None:
    licence = sqlite_region.issued("food-business-licence")
    away = offline(sqlite_region, tmp_path)
    for found in (
        verify_file(sqlite_region.file(licence), away, at=utc_now()),
        verify_claim(licence.claim, away, at=utc_now()),
    ):
        assert found.outcome is Outcome.PASSED, found.checks


def test_with_roots_alone_nothing_passes_and_nothing_fails(
    sqlite_region: Region, tmp_path: Path
) -> None:
    licence = sqlite_region.issued()
    offline(sqlite_region, tmp_path)
    roots = Anchors(anchors.load(tmp_path).roots)
    alone = evidence.offline(roots, evidence.store_of(roots))
    for found in (
        verify_file(sqlite_region.file(licence), alone, at=utc_now()),
        verify_claim(licence.claim, alone, at=utc_now()),
    ):
        assert found.outcome is Outcome.INDETERMINATE, found.checks


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (LicenceState.REVOKED, "void"),
        (LicenceState.CANCELLED, "void"),
        (LicenceState.SUSPENDED, "suspended"),
        (LicenceState.TRANSFERRED_OUT, "other_state"),
    ],
)
def test_a_state_is_seen_by_registry_and_by_status_list(
    region: Region, tmp_path: Path, state: LicenceState, code: str
) -> None:
    licence = region.issued()
    before = utc_now()
    end(region, licence, state)
    away = offline(region, tmp_path)
    for knowledge in (region.platform.knowledge, away):
        found = verify_claim(licence.claim, knowledge, at=utc_now())
        assert found.outcome is Outcome.FAILED
        assert code in codes(found)
    then = verify_claim(licence.claim, region.platform.knowledge, at=before)
    assert then.outcome is Outcome.PASSED, then.checks


def test_a_status_list_past_its_life_says_nothing(sqlite_region: Region, tmp_path: Path) -> None:
    licence = sqlite_region.issued()
    away = offline(sqlite_region, tmp_path)
    late = verify_claim(licence.claim, away, at=utc_now() + timedelta(hours=25))
    assert late.outcome is Outcome.INDETERMINATE
    assert "state_unknown" in codes(late)


def test_a_status_list_that_is_not_the_regions_says_nothing(
    sqlite_region: Region, tmp_path: Path
) -> None:
    licence = sqlite_region.issued()
    offline(sqlite_region, tmp_path)
    token = (tmp_path / "status-1.jwt").read_text()
    header, payload, signature = token.strip().split(".")
    flipped = signature[:-8] + ("A" if signature[-8] != "A" else "B") + signature[-7:]
    (tmp_path / "status-1.jwt").write_text(f"{header}.{payload}.{flipped}")
    known = anchors.load(tmp_path)
    away = evidence.offline(known, evidence.store_of(known))
    found = verify_claim(licence.claim, away, at=utc_now())
    assert found.outcome is Outcome.INDETERMINATE


def test_a_licence_is_not_in_force_before_and_after_its_dates(sqlite_region: Region) -> None:
    licence = sqlite_region.issued("food-business-licence")
    knowledge = sqlite_region.platform.knowledge
    early = verify_claim(licence.claim, knowledge, at=licence.issued_at - timedelta(days=2))
    assert early.outcome is not Outcome.PASSED
    late = verify_claim(licence.claim, knowledge, at=utc_now() + timedelta(days=366 * 5))
    assert "dates_over" in codes(late)


def test_revoking_takes_a_reason_an_approver_and_a_licence_in_force(
    sqlite_region: Region,
) -> None:
    licence = sqlite_region.issued()
    platform = sqlite_region.platform

    def attempt(identifier: str, *, reason: str, who: str) -> None:
        with platform.sessions.begin() as session:
            revoke.revoke(
                session, identifier, reason=reason, by=sqlite_region.caller(who), at=utc_now(),
                vault=platform.vault,
            )  # fmt: skip

    with pytest.raises(Invalid):
        attempt(licence.identifier, reason=" ", who="market.approver")
    with pytest.raises(Forbidden):
        attempt(licence.identifier, reason="停业", who="market.clerk")
    with pytest.raises(Forbidden):
        attempt(licence.identifier, reason="停业", who="transport.approver")
    with pytest.raises(NotFound):
        attempt("1.2.3", reason="停业", who="market.approver")
    attempt(licence.identifier, reason="停业", who="market.approver")
    with pytest.raises(LicenceNotInForce):
        attempt(licence.identifier, reason="停业", who="market.approver")


def test_the_public_sees_a_natural_persons_name_masked(sqlite_region: Region) -> None:
    data = {
        "CZZT": "扎西多吉", "CZZTDM": "11010519491231002X", "CZZTDMLXDM": "111",
        "CZZTDMLX": "公民身份号码",
    }  # fmt: skip
    with sqlite_region.platform.reading():
        base = json.loads(
            (Path(__file__).parents[2] / "examples/food-business-licence.json").read_text("utf-8")
        )
    changes = {k: v for k, v in data.items() if k in base or k in ("CZZT", "CZZTDM", "CZZTDMLXDM")}
    changes.pop("CZZTDMLX", None)
    licence = _issue_for_person(sqlite_region, base, changes)
    found = verify_claim(licence.claim, sqlite_region.platform.knowledge, at=utc_now())
    assert found.licence is not None
    assert found.licence["holder"] == "扎***"
    assert "11010519491231002X" not in json.dumps(found.as_json())


def _issue_for_person(region: Region, base: dict[str, object], changes: dict[str, str]) -> Licence:
    base.pop("CZZTDMLX", None)
    return region.issued("food-business-licence", **changes, CZZTDMLX="公民身份号码")


def test_a_compromised_claim_key_needs_the_registry(tmp_path: Path) -> None:
    from tests.regions import build

    region = build(tmp_path / "home")
    licence = region.issued()
    with region.platform.reading() as session:
        signer = next(
            x509.parse_certificate(der)
            for name, der in ca_signers(session)
            if name == "claim-signer-sm2"
        )
    with region.platform.sessions.begin() as session:
        issuer = ca_issue.find_issuer(session, "issuing-sm2").name
        ca_revoke.revoke(
            session, issuer=issuer, serial=signer.serial, reason=Reason.KEY_COMPROMISE,
            by=region.caller("market.seal"), at=utc_now() + timedelta(seconds=1),
        )  # fmt: skip
    later = utc_now() + timedelta(seconds=2)
    away = offline(region, tmp_path / "anchors", at=later)
    found = verify_claim(licence.claim, away, at=later)
    assert found.outcome is Outcome.INDETERMINATE
    assert "compromised" in codes(found)
    online = verify_claim(licence.claim, region.platform.knowledge, at=later)
    assert online.outcome is Outcome.PASSED, online.checks
    assert "confirmed_by_registry" in codes(online)


def ca_signers(session: object) -> list[tuple[str, bytes]]:
    from sqlalchemy.orm import Session

    from ca import signers

    assert isinstance(session, Session)
    return signers.certificates(session)


def test_a_licence_of_another_region_is_unknown_here(sqlite_region: Region, tmp_path: Path) -> None:
    from server.provision import RegionPlan
    from tests.regions import build

    other = build(tmp_path / "dingxi", plan=RegionPlan("621100", "定西市"))
    licence = other.issued()
    for found in (
        verify_claim(licence.claim, sqlite_region.platform.knowledge, at=utc_now()),
        verify_file(other.file(licence), sqlite_region.platform.knowledge, at=utc_now()),
    ):
        assert found.outcome is Outcome.INDETERMINATE, found.checks


def test_a_claim_signer_of_one_region_cannot_speak_for_another(
    sqlite_region: Region, tmp_path: Path
) -> None:
    """Region B's own signer, trusted as B's, signs a claim that names region A."""
    from dataclasses import replace

    from ca import signers
    from certificates import qr
    from server.provision import RegionPlan
    from tests.regions import build
    from trust.anchors import key_id

    other = build(tmp_path / "dingxi", plan=RegionPlan("621100", "定西市"))
    away = offline(other, tmp_path / "anchors")
    claim = replace(qr.parse(other.issued().claim).claim, region="542500")
    with other.platform.reading() as session:
        signer = signers.active(session, "claim-signer", keys=other.platform.keys, at=utc_now())
    text = qr.write(
        claim, base_url="http://localhost:8000", algorithm=signer.algorithm,
        kid=key_id(signer.certificate.spki), sign=signer.sign,
    )  # fmt: skip
    found = verify_claim(text, away, at=utc_now())
    assert found.outcome is Outcome.FAILED
    assert "claim_region_mismatch" in codes(found)
