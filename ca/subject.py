"""The name on a certificate: written for people, and whose it may be.

Who asks for a certificate wishes for a name; who certifies answers for it. What a region's OU says
decides for whom a signature speaks (`trust.chain`), and an organisation's code whose seal it is.
"""

import re
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from ca.models import Issuer, Signer
from trust import identifiers
from trust.access import Caller
from trust.crypto import names, x509, x509_write
from trust.errors import Forbidden, Invalid

TEXT_MAX: Final = 500
PARTS_MAX: Final = 10
_KINDS: Final = {
    "C": x509.COUNTRY, "ST": x509.PROVINCE, "L": x509.LOCALITY, "O": x509.ORGANIZATION,
    "OU": x509.UNIT, "CN": x509.COMMON_NAME, "SERIALNUMBER": x509.SERIAL_NUMBER,
}  # fmt: skip
_PART: Final = re.compile(r"\s*([A-Za-z]+)\s*=((?:[^,\\]|\\.)*)")
_DIVISION: Final = re.compile(r"[0-9]{6}")
_CODE: Final = re.compile(r"[0-9A-Z]{18}")


class NameNotYours(Forbidden):
    """A name that is somebody else's: another authority's, another region's, a CA's."""

    code = "name_not_yours"


def parse(text: str) -> bytes:
    """The DER Name of `C=CN,O=某局,CN=名`; a comma inside a value is written `\\,`. Invalid."""
    if len(text) > TEXT_MAX:
        raise Invalid(f"a name has at most {TEXT_MAX} characters")
    parts, at = [], 0
    while at <= len(text):
        found = _PART.match(text, at)
        if found is None or (found.end() < len(text) and text[found.end()] != ","):
            raise Invalid("a name is KIND=VALUE, KIND=VALUE …")
        kind = _KINDS.get(found[1].upper())
        value = re.sub(r"\\(.)", r"\1", found[2]).strip()
        if kind is None or not value or not value.isprintable():
            raise Invalid(f"a part of a name is one of {', '.join(_KINDS)}, and has a value")
        parts.append((kind, value))
        at = found.end() + 1
    if len(parts) > PARTS_MAX:
        raise Invalid(f"a name has at most {PARTS_MAX} parts")
    return x509_write.name(parts)


def check(session: Session, subject: bytes, *, region: str, by: Caller) -> None:
    """NameNotYours unless `by` may have this name certified here; Invalid for one that is empty.

    An OU of six digits is the region's own; who acts for an authority has its code at the front of
    every O; nobody has the name of a CA or signer of the platform.
    """
    values = x509.name_values(subject)
    if not any(kind in (x509.COMMON_NAME, x509.ORGANIZATION) for kind, _ in values):
        raise Invalid("a name has a CN or an O")
    for kind, text in values:
        if kind == x509.UNIT and _DIVISION.fullmatch(text) and text != region:
            raise NameNotYours("the name speaks for another region")
        if kind == x509.ORGANIZATION:
            _check_organization(text, by=by)
    if by.authority is not None and not any(kind == x509.ORGANIZATION for kind, _ in values):
        raise NameNotYours("the name does not say whose it is: an O is missing")
    _refuse_taken(session, subject)


def _check_organization(text: str, *, by: Caller) -> None:
    """An O begins with the owner's unified social credit code, as seals' certificates have it."""
    code = text[:18]
    if by.authority is not None and code != by.authority:
        raise NameNotYours("the name is not the caller's: its O is another body's")
    if _CODE.fullmatch(code) and any(one.isdigit() for one in code):
        identifiers.check_uscc(code)


def check_particulars(particulars: tuple[tuple[str, str], ...], *, by: Caller) -> None:
    """Who acts for an authority has no other organisation's code certified."""
    for name, text in particulars:
        if name == "organization-code" and by.authority not in (None, text):
            raise NameNotYours("the organisation's code is not the caller's")


def _refuse_taken(session: Session, subject: bytes) -> None:
    taken = [
        *session.scalars(select(Issuer.certificate)), *session.scalars(select(Signer.certificate)),
    ]  # fmt: skip
    if any(names.same(x509.parse_certificate(der).subject, subject) for der in taken):
        raise NameNotYours("the name is that of a CA or signer of the platform")
