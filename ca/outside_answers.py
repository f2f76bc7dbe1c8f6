"""What an outside CA says of its certificates, judged: a CRL or an OCSP answer of its own.

Only what the CA signed itself is believed, or for OCSP a responder that it has certified for that.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trust.crypto import names, ocsp, x509
from trust.crypto.errors import InvalidSignature, UnknownAlgorithm
from trust.crypto.ocsp import Response
from trust.crypto.x509 import Certificate, RevocationList
from trust.errors import Invalid
from trust.ocsp_answers import OcspLookup, read_answers
from trust.validation import Standing, Status, verify_signed

#: Another CA's clock may be ahead of ours by so much.
AHEAD: Final = timedelta(minutes=5)


class BadAnswer(Invalid):
    """An answer that the CA did not give, or that is of another time or another certificate."""

    code = "bad_revocation_answer"


@dataclass(frozen=True, slots=True)
class Told:
    """The standing of one certificate, and until when the answer holds."""

    status: Status
    until: datetime


def read_crl(data: bytes, issuer: Certificate, *, at: datetime) -> tuple[RevocationList, datetime]:
    """The CA's own CRL in force at `at`, and its nextUpdate; BadAnswer, Malformed."""
    crl = x509.parse_crl(data)
    if not names.same(crl.issuer, issuer.subject):
        raise BadAnswer("the CRL is another CA's")
    try:
        verify_signed(crl, issuer.spki)
    except (InvalidSignature, UnknownAlgorithm) as error:
        raise BadAnswer("the CRL is not signed by the CA") from error
    until = crl.next_update
    if until is None or not crl.this_update - AHEAD <= at <= until:
        raise BadAnswer("the CRL is not of this time")
    return crl, until


def read_ocsp(data: bytes, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Told:
    """The CA's answer about one certificate; BadAnswer unless it is good or revoked, Malformed."""
    answer = ocsp.parse_response(data)
    if not isinstance(answer, Response):
        raise BadAnswer(f"the responder answered {answer.name.lower()}")
    believed = read_answers([data], until=at + AHEAD)
    status = OcspLookup(believed, seen=at).status(certificate, issuer, at=at)
    if status.standing is Standing.UNKNOWN:
        raise BadAnswer("the responder says nothing that counts about the certificate")
    ends = [
        single.next_update for single in answer.singles
        if single.cert_id.serial == certificate.serial and single.next_update is not None
    ]  # fmt: skip
    return Told(status, min(ends))
