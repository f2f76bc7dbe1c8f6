"""Attacks that once worked, or might: each is a whole way of cheating, not a single byte."""

import shutil
from datetime import timedelta
from pathlib import Path

import cbor2
import httpx
import pytest

from ca import issue as ca_issue
from ca.issue import Order
from certificates import evidence, publish, qr
from certificates.evidence import Knowledge
from certificates.models import LicenceState
from certificates.regions.exchange import AskedStatus
from certificates.verify import verify_file
from certificates.verify_claim import verify_claim
from server.commands import text
from server.provision import RegionPlan
from tests.certificates.test_life import codes, end, offline
from tests.regions import Region, build
from tests.sealed import Sealed, sealed
from trust import anchors
from trust.access import SYSTEM
from trust.anchors import Anchors, key_id
from trust.clock import utc_now
from trust.crypto import cose, private_keys, x509, x509_write
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.jose import b64url
from trust.report import Outcome, failed, printable

__all__ = ["sealed"]


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Region:
    """A second region, trusted by the same verifier, that tries to speak for the first."""
    return build(tmp_path_factory.mktemp("other"), plan=RegionPlan("621100", "定西市"))


def both(one: Region, two: Region, directory: Path) -> Anchors:
    """The anchors of two regions in one folder."""
    offline(one, directory / "one")
    offline(two, directory / "two")
    together = directory / "both"
    together.mkdir()
    for name in ("one", "two"):
        for path in (directory / name).iterdir():
            shutil.copy(path, together / f"{name}-{path.name}")
    return anchors.load(together)


def test_a_region_cannot_sign_claims_of_another(
    sqlite_region: Region, other: Region, tmp_path: Path
) -> None:
    """Its CA certifies a claim signer that calls itself the other region's."""
    key = private_keys.generate(KeyKind.SM2)
    subject = x509_write.name(
        [(x509.COUNTRY, "CN"), (x509.UNIT, "542500"), (x509.COMMON_NAME, "claim-signer")]
    )
    certificate = ca_issue.issue(
        other.platform.sessions, Order("claim-signer", subject, key.spki), issuer="issuing-sm2",
        keys=other.platform.keys, by=SYSTEM, at=utc_now(),
    )  # fmt: skip
    known = both(sqlite_region, other, tmp_path)
    known = Anchors(
        known.roots, (*known.intermediates, certificate), known.crls, known.status_lists
    )
    claim = qr.parse(sqlite_region.issued().claim).claim
    forged = qr.write(
        claim, base_url="http://localhost:8000", algorithm=Algorithm.SM2_SM3,
        kid=key_id(key.spki), sign=lambda message: key.sign(Algorithm.SM2_SM3, message),
    )  # fmt: skip
    found = verify_claim(forged, evidence.offline(known, evidence.store_of(known)), at=utc_now())
    assert found.outcome is Outcome.FAILED
    assert "region_mismatch" in codes(found)
    assert found.licence is None


def test_a_regions_status_list_says_nothing_of_another_regions_licences(
    sqlite_region: Region, other: Region, tmp_path: Path
) -> None:
    licence = sqlite_region.issued()
    end(sqlite_region, licence, LicenceState.REVOKED)
    other.issued()
    known = both(sqlite_region, other, tmp_path)
    found = verify_claim(
        licence.claim, evidence.offline(known, evidence.store_of(known)), at=utc_now()
    )
    assert "void" in codes(found)


def test_an_older_list_played_again_does_not_undo_a_newer_one(
    sqlite_region: Region, tmp_path: Path
) -> None:
    licence = sqlite_region.issued()
    at = utc_now()
    with sqlite_region.platform.reading() as session:
        number = qr.parse(licence.claim).claim.status_list
        old = publish.sign_status_list(
            session, number, keys=sqlite_region.platform.keys, at=at, lifetime=timedelta(hours=24)
        )
    end(sqlite_region, licence)
    offline(sqlite_region, tmp_path)
    known = anchors.load(tmp_path)
    store = evidence.store_of(known)
    replay = httpx.MockTransport(lambda _: httpx.Response(200, text=old))
    with httpx.Client(transport=replay) as client:
        source = AskedStatus(known, store, client=client)
        found = verify_claim(
            licence.claim, Knowledge(store, known.signer, None, source), at=utc_now()
        )
    assert "void" in codes(found)


@pytest.mark.parametrize(
    "protected",
    [{1: [1], 4: b"12345678"}, {1: {}, 4: b"12345678"}, {1: -65538, 4: [1]}, {1: True, 4: b"1"}],
)
def test_headers_of_odd_kinds_are_refused(protected: dict[int, object]) -> None:
    header = cbor2.dumps(protected, canonical=True)
    message = cose.encode(cbor2.CBORTag(18, [header, {}, b"", bytes(64)]))
    with pytest.raises(qr.BadClaim):
        qr.parse(b64url(message))


@pytest.mark.parametrize("value", ["c5821b000fffffffffffff03", "c4821b000fffffffffffff03"])
def test_numbers_of_absurd_size_are_refused(value: str) -> None:
    with pytest.raises(qr.BadClaim):
        qr.parse(b64url(bytes.fromhex(value)))


def test_what_strangers_sealed_is_not_drawn(
    other: Region, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that nobody trusted stands for could be made to keep the renderer busy."""

    def drawn(_data: bytes) -> str:
        raise AssertionError("the page was drawn")

    monkeypatch.setattr("certificates.qr_reading.from_pdf", drawn)
    found = verify_file(other.file(other.issued()), sealed.offline(), at=utc_now())
    assert found.outcome is Outcome.INDETERMINATE
    assert found.licence is None


def test_foreign_text_cannot_steer_the_terminal() -> None:
    hostile = "\x1b[2J\x1b[H✓ 通过 PASSED\n持证主体\u202e"
    said = failed("changes", "changed", hostile).reason()
    for line in said.values():
        assert "\x1b" not in line
        assert "\n" not in line
        assert "\u202e" not in line
    assert "\x1b" not in "".join(text.licence({"holder": hostile}))
    assert printable("x" * 5000) == "x" * 300 + "…"


def test_a_seal_from_the_future_is_refused(sealed: Sealed) -> None:
    """Sealed with a clock that someone moved ahead: the certificate would hold then as well."""
    early = sealed.at - timedelta(hours=1)
    found = verify_file(sealed.dual, sealed.online(), at=early)
    assert found.outcome is Outcome.FAILED
    assert "sealed_in_future" in codes(found)
