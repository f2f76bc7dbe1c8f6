"""A sealed licence's signatures exchanged, or spelled in another way that means the same."""

import re
from collections.abc import Iterator

from seal import asn1
from seal.pdf import document, fields
from seal.pdf.fields import Signature
from trust.crypto import cms, der

Files = Iterator[tuple[str, bytes]]


def signatures(pdf: bytes) -> list[Signature]:
    return fields.signatures(document.read(pdf))


def refilled(pdf: bytes, signature: Signature, value: bytes, *, padding: bytes = b"") -> bytes:
    """The file with another value in a /Contents, of the same length over all."""
    room = (signature.stop - signature.start - 2) // 2
    filled = (value + padding)[:room].ljust(room, b"\x00")
    return pdf[: signature.start + 1] + filled.hex().encode() + pdf[signature.stop - 1 :]


def respelled(pdf: bytes) -> Files:
    """The same signature in other spellings: each would verify, none is ours."""
    for signature in signatures(pdf):
        inner = pdf[signature.start + 1 : signature.stop - 1]
        name = signature.field

        def put(new: bytes, signature: Signature = signature) -> bytes:
            return pdf[: signature.start + 1] + new + pdf[signature.stop - 1 :]

        yield f"{name} in upper case", put(inner.upper())
        yield (
            f"{name} with one capital",
            put(re.sub(b"[a-f]", lambda m: m[0].upper(), inner, count=1)),
        )
        yield f"{name} with a space for padding", put(inner[:-2] + b"  ")
        yield f"{name} one digit short", put(inner[:-1] + b"\n")
        for padding in (b"\x01", b"\x00\x00\x01", b"\x30\x00", b"\xff" * 9):
            yield (
                f"{name} padded with {padding!r}",
                refilled(pdf, signature, signature.contents, padding=padding),
            )
        yield f"{name} padded longer", put(inner + b"00")
        yield f"{name} padded shorter", put(inner[:-2])
        yield (
            f"{name} twice",
            refilled(pdf, signature, signature.contents, padding=signature.contents),
        )
        yield f"{name} empty", refilled(pdf, signature, b"")


def swapped(pdf: bytes, other: bytes) -> Files:
    """Signatures of another licence, and one's own in each other's place."""
    ours, theirs = signatures(pdf), signatures(other)
    for mine, foreign in zip(ours, theirs, strict=True):
        yield f"{mine.field} of another licence", refilled(pdf, mine, foreign.contents)
    both = pdf
    for mine, foreign in zip(ours, theirs, strict=True):
        both = refilled(both, mine, foreign.contents)
    yield "both of another licence", both
    for mine, own in zip(ours, reversed(ours), strict=True):
        if mine is not own:
            yield f"{own.field} in the place of {mine.field}", refilled(pdf, mine, own.contents)
    for revision in document.read(pdf).revisions[:-1]:
        cut = revision.end
        yield (
            "revisions of two licences",
            pdf[:cut] + other[document.read(other).revisions[0].end :],
        )


def reencoded_cms(pdf: bytes, *, stray: bytes) -> Files:
    """The closing signature in other encodings that mean the same to a lenient reader."""
    closing = signatures(pdf)[-1]
    for name, value in _cms_variants(closing.contents, stray):
        assert value != closing.contents, name
        yield f"CMS: {name}", refilled(pdf, closing, value)


def _cms_variants(value: bytes, stray: bytes) -> Iterator[tuple[str, bytes]]:
    outer = der.children(der.parse(value))
    body = der.children(der.parse(outer[1].content))
    version, digests, content, certificates, infos = (part.raw for part in body)
    inside = [item.raw for item in der.children(body[3])]
    info = [part.raw for part in der.children(der.children(body[4])[0])]

    def build(*, parts: list[bytes] | None = None, held: list[bytes] | None = None,
              signer: list[bytes] | None = None, after: bytes = b"") -> bytes:  # fmt: skip
        chosen = der.tlv(0xA0, b"".join(inside if held is None else held))
        signed = der.set_of(der.sequence(*(signer or info)))
        whole = parts or [version, digests, content, chosen, signed]
        return der.sequence(outer[0].raw, der.explicit(0, der.sequence(*whole, after)))

    assert build() == value
    yield "an extra certificate", build(held=[*inside, stray])
    yield "an extra certificate in order", build(held=sorted([*inside, stray]))
    yield "a certificate twice", build(held=[*inside, inside[0]])
    yield "certificates reordered", build(held=inside[::-1])
    yield "a certificate removed", build(held=[stray_free(inside, info)])
    yield "no certificates", build(parts=[version, digests, content, infos])
    yield (
        "an empty set of CRLs",
        build(parts=[version, digests, content, certificates, b"\xa1\x00", infos]),
    )
    unsigned = der.tlv(0xA1, der.sequence(der.oid("1.2.3.4"), der.set_of(der.null())))
    yield "an unsigned attribute", build(signer=[*info, unsigned])
    yield "empty unsigned attributes", build(signer=[*info, b"\xa1\x00"])
    yield "version 3", build(parts=[der.integer(3), digests, content, certificates, infos])
    yield "signer version 3", build(signer=[der.integer(3), *info[1:]])
    yield "content present", build(
        parts=[version, digests, der.sequence(der.oid(cms.Dress.RFC5652.value[1]),
               der.explicit(0, der.octets(b""))), certificates, infos]
    )  # fmt: skip
    yield "no digest algorithms", build(parts=[version, b"\x31\x00", content, certificates, infos])
    bare = der.sequence(der.oid(cms.SHA256))
    yield "digest parameters absent", build(signer=[*info[:2], bare, *info[3:]])
    for oid in ("1.2.840.113549.1.1.1", "1.2.840.113549.1.1.5", "1.2.840.113549.1.1.12",
                "1.2.840.113549.1.1.10", cms.SM2_SIGN):  # fmt: skip
        renamed = der.sequence(der.oid(oid), der.null())
        yield f"signature algorithm {oid}", build(signer=[*info[:4], renamed, *info[5:]])
    plain = der.sequence(der.oid("1.2.840.113549.1.1.11"))
    yield "signature parameters absent", build(signer=[*info[:4], plain, *info[5:]])
    attributes = [item.raw for item in der.children(der.read(info[3]))]
    yield (
        "attributes reordered",
        build(signer=[*info[:3], der.tlv(0xA0, b"".join(attributes[::-1])), *info[4:]]),
    )
    yield (
        "an attribute twice",
        build(signer=[*info[:3], der.tlv(0xA0, b"".join([*attributes, attributes[0]])), *info[4:]]),
    )
    for odd in (b"\x30\x00", der.sequence(der.oid("1.2.3"), der.null(), der.null())):
        held = der.tlv(0xA0, b"".join([*attributes, odd]))
        yield f"an attribute of {len(odd)} bytes", build(signer=[*info[:3], held, *info[4:]])
    yield "no attributes", build(signer=[*info[:3], *info[4:]])
    yield "empty attributes", build(signer=[*info[:3], b"\xa0\x00", *info[4:]])
    yield (
        "two signers",
        build(
            parts=[
                version,
                digests,
                content,
                certificates,
                der.tlv(der.SET, der.sequence(*info) * 2),
            ]
        ),
    )
    yield "the other dress", der.sequence(der.oid(cms.Dress.GMT0010.value[0]), outer[1].raw)
    yield from _ber(value)


def stray_free(certificates: list[bytes], info: list[bytes]) -> bytes:
    """The signer's own certificate: the one whose serial number its identifier names."""
    serial = der.children(der.read(info[1]))[1].raw
    return next(one for one in certificates if serial in one[:60])


def _ber(value: bytes) -> Iterator[tuple[str, bytes]]:
    """BER that is not DER."""
    content = der.parse(value).content
    size = len(content)
    yield "a length with a leading zero", b"\x30\x83" + size.to_bytes(3, "big") + content
    yield "an indefinite length", b"\x30\x80" + content + b"\x00\x00"
    yield "a long tag", b"\x3f\x10" + value[1:]


def reencoded_stamp(pdf: bytes, *, stray: bytes) -> Files:
    """The SM2 seal signature in other encodings."""
    first = signatures(pdf)[0]
    stamp = asn1.parse_stamp(first.contents)
    tbs, signer, oid, signature, *stamped = (
        part.raw for part in der.children(der.parse(first.contents))
    )
    r, s = (der.read_integer(part) for part in der.children(der.parse(stamp.signature)))
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    long_r = der.sequence(b"\x02\x22\x00\x00" + r.to_bytes(32, "big"), der.integer(s))
    time_stamp = der.explicit(0, der.bits(b"\x30\x00"))

    def whole(*parts: bytes) -> bytes:
        return der.sequence(*parts, *stamped)

    order = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
    variants = {
        "signature raw": whole(tbs, signer, oid, der.bits(raw)),
        "signature raw, zero first": whole(tbs, signer, oid, der.bits(b"\x00" + raw)),
        "s negated": whole(tbs, signer, oid, der.bits(_pair(r, order - s))),
        "r above the order": whole(tbs, signer, oid, der.bits(_pair(r + order, s))),
        "s above the order": whole(tbs, signer, oid, der.bits(_pair(r, s + order))),
        "signature and a byte": whole(tbs, signer, oid, der.bits(stamp.signature + b"\x00")),
        "r with leading zeros": whole(tbs, signer, oid, der.bits(long_r)),
        "a time-stamp": der.sequence(tbs, signer, oid, signature, time_stamp),
        "an untagged fifth part": der.sequence(tbs, signer, oid, signature, der.bits(b"\x00")),
        "another certificate": whole(tbs, der.octets(stray), oid, signature),
        "another algorithm": whole(tbs, signer, der.oid("1.2.156.10197.1.301.1"), signature),
        "RSA named": whole(tbs, signer, der.oid("1.2.840.113549.1.1.11"), signature),
        "the form of 2014": der.sequence(tbs, signature),
        "bits not whole": whole(tbs, signer, oid, signature[:2] + b"\x01" + signature[3:]),
    }  # fmt: skip
    for name, value in [*variants.items(), *_ber(first.contents)]:
        assert value != first.contents, name
        yield f"SES: {name}", refilled(pdf, first, value)


def _pair(r: int, s: int) -> bytes:
    return der.sequence(der.integer(r), der.integer(s))
