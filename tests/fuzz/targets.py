"""What is fuzzed: each takes bytes and may raise nothing. A parser's own refusal is no finding."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from certificates import evidence, qr
from certificates.verify import verify_file
from certificates.verify_claim import verify_claim
from seal.inspect import inspect
from seal.pdf import attachments, document, dss, fields
from seal.pdf.errors import BadPdf
from trust import timestamps
from trust.anchors import Anchors
from trust.crypto import cms, cose, ocsp, tst, x509
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm

NOW = datetime(2026, 6, 1, tzinfo=UTC)
_REFUSALS = (Malformed, UnknownAlgorithm, InvalidSignature)
_NOBODY = evidence.offline(Anchors(()), evidence.store_of(Anchors(())))


def ses(data: bytes) -> None:
    """Seals and seal signatures, of any generation; with and without an original."""
    for original in (None, b"the document"):
        found = inspect(data, now=NOW, original=original)
        found.text()
        found.as_json()


def signed_data(data: bytes) -> None:
    """CMS of both dresses, time-stamps, and what our own form would make of it."""
    ses(data)
    for read in (timestamps.read, lambda der: cms.require_canonical(cms.parse(der))):
        try:
            read(data)
        except _REFUSALS:
            continue


def ofd(data: bytes) -> None:
    """Whole packages. Without a ZIP's first bytes they would be read as something else."""
    ses(b"PK\x03\x04" + data[4:])


def pdf(data: bytes) -> None:
    """Our own reader and what is built on it; a library's reader runs confined, not here."""
    verify_file(data, _NOBODY, at=NOW).as_json()
    try:
        whole = document.read(data)
        fields.signatures(whole)
        dss.read(whole)
        attachments.find(whole, "licence.json", cap=1 << 20)
        whole.pages()
    except BadPdf:
        return


def claim(data: bytes) -> None:
    """QR texts, and the COSE in them."""
    text = data.decode("utf-8", "replace")
    verify_claim(text, _NOBODY, at=NOW).as_json()
    with suppress(qr.BadClaim):
        qr.parse(text)
    with suppress(*_REFUSALS):
        cose.parse(data)


def pki(data: bytes) -> None:
    """Certificates, CRLs, requests, OCSP and time-stamps on the wire."""
    for read in (
        x509.parse_certificate, x509.parse_crl, x509.parse_request, ocsp.parse_request,
        ocsp.parse_response, tst.parse_request, tst.parse_response,
    ):  # fmt: skip
        try:
            read(data)
        except _REFUSALS:
            continue


TARGETS: dict[str, Callable[[bytes], None]] = {
    "ses": ses, "cms": signed_data, "ofd": ofd, "pdf": pdf, "qr": claim, "pki": pki,
}  # fmt: skip
