"""Names compared as RFC 5280, 7.1 compares them, and GeneralNames read (4.2.1.6).

Two names are the same when their attributes are, in order; a text is the same in another string
type, in another case and with other runs of blanks. What cannot be read equals only its own bytes.
"""

import unicodedata
from functools import lru_cache
from typing import NamedTuple

from trust.crypto import der
from trust.crypto.errors import Malformed

RFC822, DNS, DIRECTORY, URI, IP = 1, 2, 4, 6, 7
#: The tag of each GeneralName, by its number.
_TAGS = (0xA0, 0x81, 0x82, 0xA3, 0xA4, 0xA5, 0x86, 0x87, 0x88)
#: Longer names are compared without being remembered: hostile ones must not fill the memory.
_REMEMBERED = 2048

Attribute = tuple[str, str]
Canonical = tuple[frozenset[Attribute], ...]


class GeneralName(NamedTuple):
    """`value` is the content; of a directoryName it is the DER of the Name."""

    number: int
    value: bytes


def same(one: bytes, other: bytes) -> bool:
    """Whether two DER Names are one name."""
    return one == other or canonical(one) == canonical(other)


def canonical(name: bytes) -> Canonical:
    """The name's RDNs in a form that is equal for equal names; never fails."""
    return _remembered(name) if len(name) <= _REMEMBERED else _canonical(name)


def _canonical(name: bytes) -> Canonical:
    try:
        return read_name(name)
    except Malformed:
        return (frozenset({("", name.hex())}),)


_remembered = lru_cache(maxsize=2048)(_canonical)


def read_name(name: bytes) -> Canonical:
    """As `canonical`, but Malformed for what is no Name: a constraint must not be slipped by it."""
    rdns = der.children(der.parse(name, tag=der.SEQUENCE))
    return tuple(frozenset(_attribute(part) for part in der.children(rdn)) for rdn in rdns)


def _attribute(value: der.Value) -> Attribute:
    parts = der.children(value)
    if len(parts) != 2:
        raise Malformed("a name's attribute has two parts")
    return der.read_oid(parts[0]), _prepared(parts[1])


def _prepared(value: der.Value) -> str:
    """The text by RFC 4518 in essence: one composition, one case, single blanks, none outside."""
    try:
        text = der.read_text(value)
    except Malformed:
        return f"#{value.raw.hex()}"
    if not text.isascii():
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    # The blank in front keeps a text that begins with "#" apart from the bytes above.
    return " " + " ".join(text.casefold().split())


def general_name(value: der.Value) -> GeneralName:
    number = value.tag & 0x1F
    if number >= len(_TAGS) or _TAGS[number] != value.tag:
        raise Malformed("a GeneralName of no known form")
    if number == DIRECTORY:
        der.parse(value.content, tag=der.SEQUENCE)
    return GeneralName(number, value.content)


def general_names(value: der.Value) -> tuple[GeneralName, ...]:
    """The elements of a GeneralNames, whatever tag it stands under; at least one."""
    found = tuple(general_name(part) for part in der.children(value))
    if not found:
        raise Malformed("GeneralNames without a name")
    return found


def one_directory_name(encoded: bytes) -> bytes:
    """The Name in a GeneralNames that names a certificate's issuer (RFC 5280, 5.3.3)."""
    found = general_names(der.parse(encoded, tag=der.SEQUENCE))
    if len(found) != 1 or found[0].number != DIRECTORY:
        raise Malformed("an issuer that is not one directory name")
    return found[0].value


def extended(base: bytes, rdn: bytes) -> bytes:
    """`base` with one more RDN, given as the content of its SET (nameRelativeToCRLIssuer)."""
    return der.sequence(der.parse(base, tag=der.SEQUENCE).content, der.tlv(der.SET, rdn))
