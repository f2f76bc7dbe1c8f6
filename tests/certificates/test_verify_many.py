"""Many codes at once: every report is the one that `verify_claim` gives alone."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ca import revoke as ca_revoke
from ca.revoke import Reason
from ca.signers import ReadySigner
from certificates import qr, verify_many
from certificates.evidence import Knowledge
from certificates.qr import Claim
from certificates.verify_claim import verify_claim
from certificates.verify_many import verify_claims
from server.provision import RegionPlan
from tests.certificates import test_copies, test_qr
from tests.certificates.test_life import codes, end, offline
from tests.network import Pair
from tests.regions import Region, build
from trust.access import SYSTEM
from trust.anchors import key_id
from trust.clock import utc_now
from trust.crypto import _crypto_mb
from trust.crypto.algorithms import Algorithm
from trust.report import Outcome


def require_same(texts: Sequence[str], knowledge: Knowledge, *, at: datetime) -> set[str]:
    """Both ways agree on each; all codes of all reports."""
    together = list(verify_claims(texts, knowledge, at=at))
    for text, found in zip(texts, together, strict=True):
        assert found == verify_claim(text, knowledge, at=at), text
        written = json.dumps(found.as_json(), ensure_ascii=False, separators=(",", ":"))
        assert found.as_json_text() == written
    return {code for found in together for code in codes(found)}


def sign(claim: Claim, signer: ReadySigner) -> str:
    return qr.write(
        claim, base_url="http://localhost:8000", algorithm=signer.algorithm,
        kid=key_id(signer.certificate.spki), sign=signer.sign,
    )  # fmt: skip


def spoilt(text: str) -> list[str]:
    """A bit of the payload and of the signature turned, cut short, of other words, too long."""
    head, _, tail = text.partition("#")
    changed = [
        f"{head}#{tail[:at]}{'A' if tail[at] != 'A' else 'B'}{tail[at + 1 :]}"
        for at in (3, 30, 80, len(tail) - 40, len(tail) - 2)
    ]
    return [*changed, text[:-9], "no code at all", "", f"{text}x" * 40]


@pytest.fixture(scope="module")
def given_codes(sqlite_region: Region) -> dict[str, str]:
    """Codes of all fates, named."""
    region = sqlite_region
    made = {name: region.issued("food-business-licence") for name in ("good", "revoked", "copied")}
    end(region, made["revoked"])
    signer = region.platform.workshop(at=utc_now()).claim_signer
    claim = qr.parse(made["good"].claim).claim
    over = (claim.made_at - timedelta(days=1)).date()
    copy = test_copies.claim_of(region, test_copies.copy(region, made["copied"]))
    early = replace(claim, made_at=claim.made_at - timedelta(days=40))
    return {
        "good": made["good"].claim, "revoked": made["revoked"].claim, "copy": copy,
        "nobody's": test_qr.write(test_qr.CLAIM),
        "expired": sign(replace(claim, valid_until=over), signer),
        "not in the registry": sign(
            replace(claim, identifier=replace(claim.identifier, serial="NOWHERE")), signer
        ),
        "before its signer": sign(early, signer),
        "of another region": sign(replace(claim, region="621100"), signer),
        "a copy by the wrong signer": sign(
            replace(qr.parse(copy).claim, made_at=claim.made_at), signer
        ),
        "beyond every list": sign(replace(claim, status_index=1 << 24), signer),
    }  # fmt: skip


def test_the_reports_are_those_of_one_by_one_online_and_offline(
    sqlite_region: Region, given_codes: dict[str, str], tmp_path: Path
) -> None:
    texts = [*given_codes.values(), *spoilt(given_codes["good"])] * 3
    now = utc_now()
    online = require_same(texts, sqlite_region.platform.knowledge, at=now)
    away = require_same(texts, offline(sqlite_region, tmp_path), at=utc_now())
    both = {"claim_valid", "claim_forged", "claim_malformed", "claim_signer_unknown", "void",
            "claim_region_mismatch", "key_usage", "not_yet_valid", "copy_in_force"}  # fmt: skip
    assert both | {"not_in_registry", "claim_matches_registry"} <= online
    assert both | {"dates_over", "state_unknown"} <= away


def test_the_past_and_the_future_are_judged_alike(
    sqlite_region: Region, given_codes: dict[str, str]
) -> None:
    texts = list(given_codes.values())
    for days in (-400, -1, 1, 40, 2000, 20_000):
        require_same(texts, sqlite_region.platform.knowledge, at=utc_now() + timedelta(days=days))


@settings(max_examples=60, deadline=None)
@given(draw=st.data())
def test_whatever_is_changed_in_a_code_both_ways_say_the_same(
    sqlite_region: Region, given_codes: dict[str, str], draw: st.DataObject
) -> None:
    text = draw.draw(st.sampled_from(sorted(given_codes.values())))
    at = draw.draw(st.integers(0, len(text)))
    cut = draw.draw(st.integers(0, 3))
    put = draw.draw(st.text(st.sampled_from("AZaz09-_#=é٣"), max_size=3))
    changed = text[:at] + put + text[at + cut :]
    found = require_same([changed, text], sqlite_region.platform.knowledge, at=utc_now())
    assert changed == text or "claim_forged" in found or len(found) > 1


def test_a_signer_that_is_compromised_half_way_taints_each_of_its_codes(tmp_path: Path) -> None:
    """What was remembered of a signer while it was good is not said after its revocation."""
    region = build(tmp_path / "region")
    platform = region.platform
    signer = platform.workshop(at=utc_now()).claim_signer
    claim = qr.parse(region.issued("food-business-licence").claim).claim
    texts = [
        sign(replace(claim, made_at=claim.made_at + timedelta(seconds=n)), signer)
        for n in range(12)
    ]
    at = utc_now() + timedelta(minutes=1)
    assert "not_revoked" in require_same(texts, platform.knowledge, at=at)
    with platform.sessions.begin() as session:
        ca_revoke.revoke(
            session, issuer="issuing-sm2", serial=signer.certificate.serial,
            reason=Reason.KEY_COMPROMISE, by=SYSTEM, at=claim.made_at + timedelta(seconds=6),
        )  # fmt: skip
    found = require_same(texts, platform.knowledge, at=at)
    assert {"revoked", "confirmed_by_registry"} <= found
    assert "not_revoked" not in found
    platform.engine.dispose()


def test_codes_by_es256_are_judged_alike(tmp_path: Path) -> None:
    plan = RegionPlan("361000", "抚州市", claim_algorithm=Algorithm.ES256)
    region = build(tmp_path / "region", plan=plan)
    text = region.issued("food-business-licence").claim
    found = require_same([text, *spoilt(text), text], region.platform.knowledge, at=utc_now())
    assert {"claim_valid", "claim_forged", "in_force"} <= found
    region.platform.engine.dispose()


def test_codes_of_another_region_are_judged_by_its_lists(pair: Pair) -> None:
    texts = [each.region.issued("food-business-licence").claim for each in (pair.ali, pair.dingxi)]
    knowledge = pair.ali.platform.knowledge
    found = require_same([*texts, *spoilt(texts[1])], knowledge, at=utc_now())
    assert {"recognised", "on_list", "claim_matches_registry", "claim_forged"} <= found


def test_the_portable_way_gives_the_same_reports(
    sqlite_region: Region, given_codes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the vector engine, as on most machines."""
    monkeypatch.setattr(_crypto_mb, "load", lambda: None)
    texts = [*given_codes.values(), *spoilt(given_codes["good"])]
    require_same(texts, sqlite_region.platform.knowledge, at=utc_now())


def test_more_codes_than_are_held_at_once_come_out_in_their_order(
    sqlite_region: Region, given_codes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_many, "TOGETHER", 4)
    texts = [given_codes["good"], given_codes["revoked"], "x"] * 5
    reports = verify_claims(iter(texts), sqlite_region.platform.knowledge, at=utc_now())
    outcomes = [report.outcome for report in reports]
    assert outcomes == [Outcome.PASSED, Outcome.FAILED, Outcome.FAILED] * 5


@pytest.mark.parametrize("seconds", [253402300799, 253402300800 - 8 * 3600, 1 << 70])
def test_a_claim_at_the_end_of_time_is_malformed_and_no_fault(seconds: int) -> None:
    content = {**test_qr.payload_of(test_qr.write(test_qr.CLAIM)), qr.K_TIME: seconds,
               qr.K_ISSUED: 20_000}  # fmt: skip
    with pytest.raises(qr.BadClaim):
        qr.parse(test_qr.signed(content))
