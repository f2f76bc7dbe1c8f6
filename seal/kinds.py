"""What a lone piece of DER or PEM is, by its structure alone."""

import base64
import binascii
import re

from seal import asn1
from trust.crypto import cms, der, tst
from trust.crypto.errors import Malformed

_SIGNED_DATA = frozenset(dress.value[0] for dress in cms.Dress)
_PEM = re.compile(rb"\s*-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----\s*")


def unwrapped(data: bytes) -> bytes:
    """The DER in a PEM block, and the token in a time-stamp response; anything else as it is."""
    block = _PEM.fullmatch(data) if data[:64].lstrip().startswith(b"-----BEGIN ") else None
    if block is not None:
        try:
            data = base64.b64decode(b"".join(block[2].split()), validate=True)
        except binascii.Error as error:
            raise Malformed("a PEM block that is no base64") from error
    try:
        parts = der.children(der.parse(data, tag=der.SEQUENCE, cap=asn1.STAMP_MAX))
    except Malformed:
        return data  # in BER, perhaps
    if [part.tag for part in parts] == [der.SEQUENCE, der.SEQUENCE]:
        inner = der.children(parts[1])
        if inner and inner[0].tag == der.OID and der.read_oid(inner[0]) in _SIGNED_DATA:
            return parts[1].raw
    return data


def form_of(value: bytes) -> str:
    """`seal`, `stamp`, `cms`, `time_stamp`, `bare`, `certificate` or `request`; Malformed for
    anything else."""
    parts = der.children(der.parse(value, tag=der.SEQUENCE, cap=asn1.STAMP_MAX))
    tags = [part.tag for part in parts]
    if tags[:1] == [der.OID]:
        return _cms(parts)
    if tags == [der.INTEGER, der.INTEGER]:
        return "bare"
    if tags[:1] != [der.SEQUENCE]:
        raise Malformed("neither a seal nor a signature")
    first = der.children(parts[0])
    numbered = bool(first) and first[0].tag == der.INTEGER
    if tags == [der.SEQUENCE, der.SEQUENCE, der.BIT_STRING]:
        return "request" if numbered and len(first) in (3, 4) else "certificate"
    return "stamp" if numbered else "seal"


def _cms(parts: list[der.Value]) -> str:
    if der.read_oid(parts[0]) not in _SIGNED_DATA or len(parts) != 2:
        raise Malformed("a CMS structure that is no SignedData")
    body = der.children(der.parse(parts[1].content, tag=der.SEQUENCE))
    if len(body) > 2 and body[2].tag == der.SEQUENCE:
        inner = der.children(body[2])
        if inner and inner[0].tag == der.OID and der.read_oid(inner[0]) == tst.TST_INFO:
            return "time_stamp"
    return "cms"
