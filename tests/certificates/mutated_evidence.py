"""A sealed licence whose time-stamps were taken away, exchanged, or spelled in another way."""

import random
from collections.abc import Iterator

from certificates import long_term
from seal import asn1
from seal.pdf import document
from seal.pdf.fields import Signature
from tests.certificates.mutated_signatures import Files, refilled, signatures
from trust.crypto import cms, der, tst


def token_of(signature: Signature) -> bytes:
    token, _, _ = long_term.time_stamp(signature)
    assert token is not None
    return token


def with_tokens(signature: Signature, *tokens: bytes) -> bytes:
    """The closing signature's value with these in its one unsigned attribute; with none, none."""
    attribute = der.sequence(der.oid(cms.SIGNATURE_TIME_STAMP), der.set_of(*tokens))
    return with_unsigned(signature, der.tlv(0xA1, attribute) if tokens else b"")


def with_unsigned(signature: Signature, unsigned: bytes) -> bytes:
    outer = der.children(der.parse(signature.contents))
    body = der.children(der.parse(outer[1].content))
    info = [part.raw for part in der.children(der.children(body[4])[0])][:6]
    signed = der.set_of(der.sequence(*info, unsigned))
    whole = der.sequence(*(part.raw for part in body[:4]), signed)
    return der.sequence(outer[0].raw, der.explicit(0, whole))


def with_time_stamp(signature: Signature, token: bytes | None) -> bytes:
    """The SM2 seal signature with another time-stamp, or without."""
    read = asn1.parse_stamp(signature.contents)
    return asn1.write_stamp(
        read.tbs, signer=read.signer, signature=read.signature, time_stamp=token
    )


def time_stamps(pdf: bytes, other: bytes, *, stray: bytes) -> Files:
    """Every file has a time-stamp that is not the one which its signature was given."""
    closing, foreign = signatures(pdf)[-1], signatures(other)[-1]
    mine = token_of(closing)
    assert with_tokens(closing, mine) == closing.contents
    attribute = der.sequence(der.oid(cms.SIGNATURE_TIME_STAMP), der.set_of(mine))
    odd = der.sequence(der.oid("1.2.3.4"), der.set_of(der.null()))
    values = {
        "taken away": with_tokens(closing),
        "empty attributes": with_unsigned(closing, b"\xa1\x00"),
        "an attribute without a value": with_unsigned(closing, der.tlv(
            0xA1, der.sequence(der.oid(cms.SIGNATURE_TIME_STAMP), der.set_of()))),
        "twice in one attribute": with_tokens(closing, mine, mine),
        "with another in one attribute": with_tokens(closing, mine, token_of(foreign)),
        "in two attributes": with_unsigned(closing, der.tlv(0xA1, attribute + attribute)),
        "with another attribute": with_unsigned(closing, der.tlv(0xA1, attribute + odd)),
        "another attribute first": with_unsigned(closing, der.tlv(0xA1, odd + attribute)),
        "another attribute alone": with_unsigned(closing, der.tlv(0xA1, odd)),
        "of another licence": with_tokens(closing, token_of(foreign)),
        "nothing in it": with_tokens(closing, der.sequence()),
        "not DER": with_tokens(closing, b"\x30\x80" + mine[4:] + b"\x00\x00"),
    }  # fmt: skip
    for name, token in _respelled(mine, stray):
        values[f"respelled: {name}"] = with_tokens(closing, token)
    for first in signatures(pdf)[:-1]:
        values["the SM2 seal's"] = with_tokens(closing, token_of(first))
        yield "the SM2 seal without its stamp", refilled(pdf, first, with_time_stamp(first, None))
        moved = with_time_stamp(first, mine)
        yield "the closing stamp on the SM2 seal", refilled(pdf, first, moved)
    for name, value in values.items():
        assert value != closing.contents, name
        yield f"time-stamp {name}", refilled(pdf, closing, value)


def seal_time_stamps(pdf: bytes, other: bytes, *, stray: bytes) -> Files:
    """The same where the last seal is an SM2 one, and nothing covers its stamp."""
    last, foreign = signatures(pdf)[-1], signatures(other)[0]
    mine = token_of(last)
    tokens: dict[str, bytes | None] = {
        "taken away": None, "of another licence": token_of(foreign), "empty": b"",
        "nothing in it": der.sequence(), "with a byte behind it": mine + b"\x00",
        **{f"respelled: {name}": token for name, token in _respelled(mine, stray)},
    }  # fmt: skip
    for name, token in tokens.items():
        yield f"SES time-stamp {name}", refilled(pdf, last, with_time_stamp(last, token))
    parts = [part.raw for part in der.children(der.parse(last.contents))][:4]
    for name, held in {
        "[0] IMPLICIT": der.tlv(0x80, b"\x00" + mine), "untagged": der.bits(mine),
        "as octets": der.explicit(0, der.octets(mine)), "in [1]": der.explicit(1, der.bits(mine)),
    }.items():  # fmt: skip
        yield f"SES time-stamp {name}", refilled(pdf, last, der.sequence(*parts, held))


def _respelled(token: bytes, stray: bytes) -> Iterator[tuple[str, bytes]]:
    """The same token as far as its authority signed it; what it did not sign is other."""
    assert tst.rewritten(token) == token
    outer = der.children(der.parse(token))
    version, digests, content, held, infos = (
        part.raw for part in der.children(der.parse(outer[1].content))
    )
    inside = [part.raw for part in der.children(der.read(held))]
    info = [part.raw for part in der.children(der.children(der.read(infos))[0])]

    def build(*, parts: list[bytes] | None = None, certificates: list[bytes] | None = None,
              signer: list[bytes] | None = None) -> bytes:  # fmt: skip
        chosen = der.tlv(0xA0, b"".join(inside if certificates is None else certificates))
        signed = der.tlv(der.SET, der.sequence(*(signer or info)))
        whole = parts or [version, digests, content, chosen, signed]
        return der.sequence(outer[0].raw, der.explicit(0, der.sequence(*whole)))

    assert build() == token
    yield "an extra certificate", build(certificates=sorted([*inside, stray]))
    yield "a certificate twice", build(certificates=[*inside, inside[0]])
    yield "certificates reordered", build(certificates=inside[::-1])
    for number in range(len(inside)):
        left = [one for at, one in enumerate(inside) if at != number]
        yield f"without certificate {number}", build(certificates=left)
    yield "without certificates", build(parts=[version, digests, content, infos])
    yield "an empty set of CRLs", build(parts=[version, digests, content, held, b"\xa1\x00", infos])
    yield "version 1", build(parts=[der.integer(1), digests, content, held, infos])
    yield "signer version 3", build(signer=[der.integer(3), *info[1:]])
    yield "no digest algorithms", build(parts=[version, b"\x31\x00", content, held, infos])
    unsigned = der.tlv(0xA1, der.sequence(der.oid("1.2.3.4"), der.set_of(der.null())))
    yield "an unsigned attribute", build(signer=[*info, unsigned])
    yield "empty unsigned attributes", build(signer=[*info, b"\xa1\x00"])
    for name, oid in (("RSA", "1.2.840.113549.1.1.1"), ("SM2", cms.SM2_SIGN)):
        renamed = der.sequence(der.oid(oid), der.null())
        yield f"algorithm named {name}", build(signer=[*info[:4], renamed, *info[5:]])
    bare = der.sequence(der.children(der.read(info[4]))[0].raw)
    padded = der.sequence(der.children(der.read(info[4]))[0].raw, der.null())
    other = padded if info[4] == bare else bare
    yield "algorithm parameters", build(signer=[*info[:4], other, *info[5:]])
    attributes = [part.raw for part in der.children(der.read(info[3]))]
    backwards = der.tlv(0xA0, b"".join(attributes[::-1]))
    yield "attributes reordered", build(signer=[*info[:3], backwards, *info[4:]])
    yield (
        "two signers",
        build(parts=[version, digests, content, held, der.tlv(der.SET, der.sequence(*info) * 2)]),
    )
    yield "the other dress", der.sequence(der.oid(cms.Dress.GMT0010.value[0]), outer[1].raw)


def flips_of_tokens(pdf: bytes, seed: random.Random, count: int) -> Files:
    """One bit of the DER of the last signature's time-stamp, the file otherwise untouched."""
    last = signatures(pdf)[-1]
    token = token_of(last)
    begins = last.contents.index(token)
    for _ in range(count):
        at, bit = begins + seed.randrange(len(token)), 1 << seed.randrange(8)
        value = bytearray(last.contents)
        value[at] ^= bit
        yield f"{last.field} byte {at} xor {bit}", refilled(pdf, last, bytes(value))


def flips_of_evidence(pdf: bytes, seed: random.Random, count: int) -> Files:
    """One bit of the long-term data in the closing revision."""
    whole = document.read(pdf)
    begins = whole.revisions[-1].start
    places = [at for at in _streams(pdf, begins)]
    for _ in range(count):
        start, length = seed.choice(places)
        at, bit = start + seed.randrange(length), 1 << seed.randrange(8)
        yield (
            f"long-term data byte {at} xor {bit}",
            pdf[:at] + bytes((pdf[at] ^ bit,)) + pdf[at + 1 :],
        )


def _streams(pdf: bytes, begins: int) -> Iterator[tuple[int, int]]:
    at = begins
    while (at := pdf.find(b"stream\n", at)) >= 0:
        if pdf[at - 3 : at] != b"end":
            start = at + len(b"stream\n")
            yield start, pdf.index(b"\nendstream", start) - start
        at += 6
