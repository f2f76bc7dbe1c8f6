"""OCSP answers at hand: whose word counts, for which certificate and for which time."""

from datetime import UTC, datetime, timedelta

import pytest

from trust.carried import CarriedLookup, Demanding, Evidence, Together
from trust.crypto import hashes, ocsp, private_keys, x509, x509_write
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.ocsp import CertId, Known, Revocation, Single
from trust.crypto.private_keys import PrivateKey
from trust.crypto.x509 import Certificate, Extension
from trust.ocsp_answers import OcspLookup, read_answers
from trust.validation import Standing, Status

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class Authority:
    """A key with a certificate, and what it certifies."""

    def __init__(self, name: str) -> None:
        self.key = private_keys.generate(KeyKind.SM2)
        self.name = x509_write.name([(x509.COMMON_NAME, name)])
        self.certificate = self.certify(self.name, self.key, ends=AT + 3650 * DAY)

    def certify(
        self, subject: bytes, key: PrivateKey, *extensions: Extension, ends: datetime,
    ) -> Certificate:  # fmt: skip
        serial = 1 << 80 | int.from_bytes(hashes.sha256(key.spki)[:3])
        tbs = x509_write.tbs_certificate(
            serial=serial, signature_oid=Algorithm.SM2_SM3.row.oid,
            issuer=self.name, subject=subject, not_before=AT - 30 * DAY, not_after=ends,
            spki=key.spki, extensions=list(extensions),
        )  # fmt: skip
        signature = self.key.sign(Algorithm.SM2_SM3, tbs)
        return x509.parse_certificate(x509_write.signed(tbs, Algorithm.SM2_SM3.row.oid, signature))


CA, OTHER = Authority("CA"), Authority("other CA")
LEAF_KEY, HELPER_KEY = (private_keys.generate(KeyKind.SM2) for _ in range(2))
LEAF = CA.certify(x509_write.name([(x509.COMMON_NAME, "leaf")]), LEAF_KEY, ends=AT + 60 * DAY)
HELPER = x509_write.name([(x509.COMMON_NAME, "responder")])
PURPOSE = Extension(x509.EXTENDED_KEY_USAGE, False, bytes.fromhex("300a06082b06010505070309"))
NOCHECK = Extension(x509.OCSP_NOCHECK, False, b"\x05\x00")
RESPONDER = CA.certify(HELPER, HELPER_KEY, PURPOSE, NOCHECK, ends=AT + 90 * DAY)


def answer(
    standing: Revocation | Known = Known.GOOD, *, by: tuple[Certificate, PrivateKey] | None = None,
    about: CertId | None = None, at: datetime = AT, until: datetime | None = AT + 12 * HOUR,
) -> bytes:  # fmt: skip
    signer, key = by or (RESPONDER, HELPER_KEY)
    wanted = about or ocsp.cert_id(CA.certificate, LEAF.serial)
    tbs = ocsp.tbs_response(
        [Single(wanted, standing, at, until)], responder=signer.subject, produced_at=at, nonce=None
    )
    signature = key.sign(Algorithm.SM2_SM3, tbs)
    return ocsp.response(tbs, Algorithm.SM2_SM3, signature, certificates=(signer.der,))


def told(*answers: bytes, at: datetime = AT + HOUR, seen: datetime = AT + HOUR) -> Status:
    read = read_answers(answers, until=AT + 30 * DAY)
    return OcspLookup(read, seen=seen).status(LEAF, CA.certificate, at=at)


def test_a_good_answer_of_the_issuer_or_its_responder_is_good() -> None:
    assert told(answer()).standing is Standing.GOOD
    assert told(answer(by=(CA.certificate, CA.key))).standing is Standing.GOOD
    for oid in ocsp.HASHES:
        about = ocsp.cert_id(CA.certificate, LEAF.serial, hash_oid=oid)
        assert told(answer(about=about)).standing is Standing.GOOD


def test_a_revocation_comes_with_its_time_and_goes_before_any_good_answer() -> None:
    revoked = answer(Revocation(AT - HOUR, 1))
    for answers in ([revoked], [answer(), revoked], [revoked, answer()]):
        assert told(*answers) == Status(Standing.REVOKED, AT - HOUR, 1)


@pytest.mark.parametrize("after", [timedelta(), HOUR, 12 * HOUR])
def test_an_answer_is_good_until_its_next_update_and_for_all_times_before(
    after: timedelta,
) -> None:
    assert told(answer(), at=AT + after).standing is Standing.GOOD
    assert told(answer(), at=AT - after).standing is Standing.GOOD


def _nameless() -> tuple[Certificate, PrivateKey]:
    return CA.certify(HELPER, HELPER_KEY, NOCHECK, ends=AT + DAY), HELPER_KEY


def _asked_about() -> tuple[Certificate, PrivateKey]:
    return CA.certify(HELPER, HELPER_KEY, PURPOSE, ends=AT + DAY), HELPER_KEY


def _others() -> tuple[Certificate, PrivateKey]:
    return OTHER.certify(HELPER, HELPER_KEY, PURPOSE, NOCHECK, ends=AT + DAY), HELPER_KEY


def _not_yet() -> tuple[Certificate, PrivateKey]:
    return CA.certify(HELPER, HELPER_KEY, PURPOSE, NOCHECK, ends=AT - DAY), HELPER_KEY


@pytest.mark.parametrize("by", [_nameless, _asked_about, _others, _not_yet])
def test_an_answer_by_somebody_else_says_nothing(by: object) -> None:
    assert callable(by)
    for standing in (Known.GOOD, Revocation(AT - HOUR, 0)):
        assert told(answer(standing, by=by())).standing is Standing.UNKNOWN


def test_an_answer_of_another_time_certificate_or_issuer_says_nothing() -> None:
    nothing = [
        answer(at=AT - 2 * DAY, until=AT - DAY), answer(until=None), answer(Known.UNKNOWN),
        answer(about=ocsp.cert_id(CA.certificate, LEAF.serial + 1)),
        answer(about=ocsp.cert_id(OTHER.certificate, LEAF.serial)),
        answer(at=AT + 40 * DAY, until=AT + 41 * DAY), b"", b"0\x00",
        ocsp.error(ocsp.ResponseStatus.TRY_LATER),
    ]  # fmt: skip
    assert told(*nothing).standing is Standing.UNKNOWN


def test_a_changed_octet_makes_it_say_nothing() -> None:
    good = answer()
    for at in range(0, len(good), 7):
        changed = good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :]
        assert told(changed).standing in (Standing.UNKNOWN, Standing.GOOD)
        if changed[:-700] != good[:-700]:  # before the responder's certificate
            assert told(changed).standing is Standing.UNKNOWN, at


def test_an_answer_made_after_the_certificate_ended_may_have_forgotten_it() -> None:
    late = answer(at=AT + 61 * DAY, until=AT + 62 * DAY)
    lookup = OcspLookup(read_answers([late], until=AT + 70 * DAY), seen=AT + 61 * DAY)
    assert lookup.status(LEAF, CA.certificate, at=AT).standing is Standing.UNKNOWN
    gone = answer(Revocation(AT, 0), at=AT + 61 * DAY, until=AT + 62 * DAY)
    lookup = OcspLookup(read_answers([gone], until=AT + 70 * DAY), seen=AT + 61 * DAY)
    assert lookup.status(LEAF, CA.certificate, at=AT).standing is Standing.REVOKED


def test_evidence_counts_from_when_it_is_known_to_have_been_there() -> None:
    evidence = Evidence(answers=(answer(),))
    for seen, standing in ((AT, Standing.GOOD), (AT + 89 * DAY, Standing.GOOD),
                           (AT + 91 * DAY, Standing.UNKNOWN)):  # fmt: skip
        lookup = CarriedLookup(evidence, roots=(), seen=seen, now=AT + 3600 * DAY)
        assert lookup.status(LEAF, CA.certificate, at=AT).standing is standing
    early = CarriedLookup(evidence, roots=(), seen=AT, now=AT - HOUR)
    assert early.status(LEAF, CA.certificate, at=AT).standing is Standing.UNKNOWN


class Says:
    def __init__(self, standing: Standing) -> None:
        self.standing = standing

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        return Status(self.standing)


@pytest.mark.parametrize("one", list(Standing))
@pytest.mark.parametrize("other", list(Standing))
def test_together_whoever_says_revoked_is_believed_and_demanding_wants_both(
    one: Standing, other: Standing
) -> None:
    both = {one, other}
    together = Together(Says(one), Says(other)).status(LEAF, CA.certificate, at=AT).standing
    assert together is next(
        s for s in (Standing.REVOKED, Standing.GOOD, Standing.UNKNOWN) if s in both
    )
    demanding = Demanding(Says(one), Says(other)).status(LEAF, CA.certificate, at=AT).standing
    assert demanding is (other if one is Standing.GOOD else one)
