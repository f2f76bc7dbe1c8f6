"""What stands out in a seal, a seal signature or a certificate of foreign make, named for people.

Deviations that occur in the field are read (docs/seal.md); a reader should know of them all the
same. Nothing here fails or passes anything.
"""

from seal import asn1
from seal.asn1 import CertListType, Seal, Stamp
from trust.crypto import der
from trust.crypto.errors import Malformed

_SHOWN_MAX = 8


def of_seal(seal: Seal) -> tuple[str, ...]:
    """The seal's own, without those that `facts` repeats beside it."""
    found = list(_raw_value("the maker's value", seal.algorithm, seal.signature))
    found += _extensions("the seal", _last(seal.info_raw, 4))
    if seal.info.cert_list_type == CertListType.DIGESTS:
        found.append("the seal lists digests of certificates")
    listed = seal.info.cert_list
    if len(set(listed)) != len(listed):
        found.append("a certificate is listed twice")
    if (seal.generation is asn1.Generation.V1) != (seal.info.version < asn1.VERSION):
        found.append(f"version {seal.info.version} in the form of {seal.generation}")
    return tuple(found[:_SHOWN_MAX])


def of_stamp(stamp: Stamp) -> tuple[str, ...]:
    found = [*stamp.oddities, *_raw_value("the value", stamp.algorithm, stamp.signature)]
    if stamp.seal.generation is not asn1.Generation.V1:
        found += _extensions("the signature", _last(stamp.tbs, 5))
    found += of_certificate(stamp.signer)
    return tuple(dict.fromkeys((*found, *of_seal(stamp.seal))))[: 2 * _SHOWN_MAX]


def of_certificate(data: bytes) -> tuple[str, ...]:
    """A curve given by its numbers where a name belongs."""
    explicit = bytes.fromhex("06072a8648ce3d010102")  # prime-field, then its number
    return ("a certificate with explicit curve parameters",) if explicit in data else ()


def _raw_value(what: str, algorithm: str, value: bytes) -> tuple[str, ...]:
    raw = algorithm == asn1.SM2_SM3 and len(value) == 64 and value[:1] != b"0"
    return (f"{what} is r then s, raw",) if raw else ()


def _last(raw: bytes, count: int) -> der.Value | None:
    """The part after the first `count`, where there is one."""
    parts = der.children(der.parse(raw))
    return parts[count] if len(parts) > count else None


def _extensions(what: str, value: der.Value | None) -> list[str]:
    """extDatas: each extension by its OID, in [0] or bare."""
    if value is None:
        return []
    try:
        outer = der.parse(value.content) if value.tag == 0xA0 else value
        listed = der.children(outer)
        names = [_extension(item) for item in listed[:_SHOWN_MAX]]
    except Malformed:
        return [f"{what} holds something beyond its known parts"]
    return [f"extension of {what}: {name}" for name in names]


def _extension(value: der.Value) -> str:
    parts = der.parts(value, 2, 3)
    critical = len(parts) == 3 and der.read_boolean(parts[1])
    return der.read_oid(parts[0]) + (", critical" if critical else "")
