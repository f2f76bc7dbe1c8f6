"""What a CRL speaks about: its scope, and a certificate's points (RFC 5280, 4.2.1.13, 5.2.5).

`reasons_covered` is the scope check of 6.3.3 (b) and (d): the revocation reasons for which a CRL
can answer for a certificate at one of its distribution points.
"""

from dataclasses import dataclass
from functools import lru_cache

from trust.crypto import der, names, x509
from trust.crypto.errors import Malformed
from trust.crypto.names import GeneralName
from trust.crypto.x509 import Certificate, RevocationList

#: Bits of ReasonFlags (RFC 5280, 4.2.1.13), from keyCompromise to aACompromise.
ALL_REASONS = frozenset(range(1, 9))
#: Distribution points in one certificate.
POINTS = 64
_UNDERSTOOD = frozenset(
    {x509.CRL_NUMBER, x509.AUTHORITY_KEY_ID, x509.ISSUING_POINT, x509.DELTA_INDICATOR}
)


@dataclass(frozen=True, slots=True)
class Place:
    """A DistributionPointName: full names, or the last RDN of one (content of its SET)."""

    full: tuple[GeneralName, ...]
    relative: bytes | None = None

    def under(self, base: bytes) -> tuple[GeneralName, ...]:
        if self.relative is None:
            return self.full
        return (GeneralName(names.DIRECTORY, names.extended(base, self.relative)),)


@dataclass(frozen=True, slots=True)
class Point:
    """Where a certificate says it would be listed; `issuers` are Names of cRLIssuer."""

    place: Place | None
    reasons: frozenset[int]
    issuers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a CRL is confined to, by its issuingDistributionPoint."""

    place: Place | None = None
    users_only: bool = False
    authorities_only: bool = False
    attributes_only: bool = False
    reasons: frozenset[int] = ALL_REASONS
    indirect: bool = False


EVERYTHING = Scope()


@lru_cache(maxsize=256)
def points(certificate: Certificate) -> tuple[Point, ...]:
    """The certificate's cRLDistributionPoints, and its issuer as the last one; Malformed."""
    own = Point(Place((GeneralName(names.DIRECTORY, certificate.issuer),)), ALL_REASONS, ())
    extension = certificate.extensions.get(x509.CRL_POINTS)
    if extension is None:
        return (own,)
    found = der.children(der.parse(extension.value, tag=der.SEQUENCE))
    if len(found) > POINTS:
        raise Malformed(f"more than {POINTS} distribution points")
    return (*(_point(value) for value in found), own)


def _point(value: der.Value) -> Point:
    parts = _tagged(der.expect(value, der.SEQUENCE), allowed={0xA0, 0x81, 0xA2})
    issuers = names.general_names(parts[0xA2]) if 0xA2 in parts else ()
    return Point(
        place=_place(parts[0xA0]) if 0xA0 in parts else None,
        reasons=_reasons(parts[0x81]) if 0x81 in parts else ALL_REASONS,
        issuers=tuple(name.value for name in issuers if name.number == names.DIRECTORY),
    )


def _tagged(value: der.Value, *, allowed: set[int]) -> dict[int, der.Value]:
    found: dict[int, der.Value] = {}
    for part in der.children(value):
        if part.tag not in allowed or part.tag in found:
            raise Malformed("a distribution point of another form")
        found[part.tag] = part
    if not found:
        raise Malformed("a distribution point that says nothing")
    return found


def _place(value: der.Value) -> Place:
    inner = der.children(value)
    if len(inner) != 1 or inner[0].tag not in (0xA0, 0xA1):
        raise Malformed("a distribution point's name of another form")
    if inner[0].tag == 0xA1:
        return Place((), inner[0].content)
    return Place(names.general_names(inner[0]))


def _reasons(value: der.Value) -> frozenset[int]:
    return der.read_named_bits(value._replace(tag=der.BIT_STRING)) & ALL_REASONS


def scope(crl: RevocationList) -> Scope | None:
    """The CRL's scope; None when it is not to be used: an extension that is not understood (5.2),
    a scope of unknown form, entries of other issuers in a CRL that does not announce them."""
    if any(e.critical and e.oid not in _UNDERSTOOD for e in crl.extensions.values()):
        return None
    extension = crl.extensions.get(x509.ISSUING_POINT)
    try:
        found = _scope(extension.value) if extension else EVERYTHING
    except Malformed:
        return None
    return found if found.indirect or not crl.others else None


def _scope(encoded: bytes) -> Scope:
    parts = _tagged(
        der.parse(encoded, tag=der.SEQUENCE), allowed={0xA0, 0x81, 0x82, 0x83, 0x84, 0x85}
    )
    flags = {
        tag: tag in parts and der.read_boolean(parts[tag]._replace(tag=der.BOOLEAN))
        for tag in (0x81, 0x82, 0x84, 0x85)
    }
    return Scope(
        place=_place(parts[0xA0]) if 0xA0 in parts else None,
        users_only=flags[0x81], authorities_only=flags[0x82], attributes_only=flags[0x85],
        reasons=_reasons(parts[0x83]) if 0x83 in parts else ALL_REASONS, indirect=flags[0x84],
    )  # fmt: skip


def numbers(crl: RevocationList) -> tuple[int, int | None]:
    """(cRLNumber, BaseCRLNumber); -1 for a CRL without a number, None for one that is no delta."""
    own, base = crl.extensions.get(x509.CRL_NUMBER), crl.extensions.get(x509.DELTA_INDICATOR)
    return (
        der.read_integer(der.parse(own.value)) if own else -1,
        der.read_integer(der.parse(base.value)) if base else None,
    )


def reasons_covered(
    crl: RevocationList, said: Scope, certificate: Certificate, point: Point
) -> frozenset[int]:
    """The reasons for which `crl`, of scope `said`, answers for `certificate` at `point`; none
    when it is out of scope (6.3.3 (b))."""
    if point.issuers:
        if not said.indirect or not any(names.same(crl.issuer, name) for name in point.issuers):
            return frozenset()
    elif not names.same(crl.issuer, certificate.issuer):
        return frozenset()
    wrong_kind = said.users_only if certificate.is_ca else said.authorities_only
    if wrong_kind or said.attributes_only or not _placed(crl, said, certificate, point):
        return frozenset()
    return said.reasons & point.reasons


def _placed(crl: RevocationList, said: Scope, certificate: Certificate, point: Point) -> bool:
    """Whether the CRL's own place is the point's (6.3.3 (b) (2) (i))."""
    if said.place is None:
        return True
    bases = point.issuers or (certificate.issuer,)
    wanted = [GeneralName(names.DIRECTORY, base) for base in point.issuers]
    if point.place is not None:
        wanted = [name for base in bases for name in point.place.under(base)]
    return any(_same(one, other) for one in said.place.under(crl.issuer) for other in wanted)


def _same(one: GeneralName, other: GeneralName) -> bool:
    if one.number == other.number == names.DIRECTORY:
        return names.same(one.value, other.value)
    return one == other
