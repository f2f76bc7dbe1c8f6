"""SWA, signature wrapping: the covered bytes stay findable, and others are put where they were."""

from seal.pdf.objects import Ref
from tests.attacks.attack import (
    EVIL,
    Attack,
    Attacks,
    last_table,
    overwritten,
    raw_revision,
    standard_trailer,
    updated,
)
from tests.certificates.mutated_signatures import refilled, signatures

_RANGE = frozenset({"byte_range", "malformed"})
_SPELLING = frozenset({"not_canonical", "byte_range", "malformed"})


def attacks(pdf: bytes) -> Attacks:
    closing = signatures(pdf)[-1]
    start, stop, end = closing.start, closing.stop, closing.end
    tail = pdf[stop:]
    evil = b"\n900 0 obj\n<</Length %d>>\nstream\n%b\nendstream\nendobj\n" % (len(EVIL), EVIL)
    at = pdf.rindex(b"/ByteRange [", 0, start) + len(b"/ByteRange ")
    close = pdf.index(b"]", at) + 1

    def moved(before: bytes, filler: bytes, *, range_: bytes | None = None) -> bytes:
        whole = pdf[:stop] + before + filler + tail
        if range_ is not None:
            whole = overwritten(whole, at, close, range_)
        shift = len(before) + len(filler)
        old = b"startxref\n%d" % last_table(pdf)
        spot = whole.rindex(old)
        return (
            whole[:spot] + b"startxref\n%d" % (last_table(pdf) + shift) + whole[spot + len(old) :]
        )

    shift = len(evil)
    yield _swa("the tail moved, the range left", moved(evil, b""), _RANGE)
    yield _swa(
        "the tail moved, the range moved too",
        moved(evil, b"", range_=b"[0 %d %d %d]" % (start, stop + shift, end - stop)), _RANGE,
    )  # fmt: skip
    yield _swa("the tail moved after blanks", moved(evil, b" " * 1000), _RANGE)
    yield _swa("the tail moved after zeros", moved(b"", b"\x00" * 1000), _RANGE)
    yield _swa("the tail twice", pdf + evil + tail, {"malformed"})
    room = stop - start - 2
    digits = pdf[start + 1 : stop - 1].rstrip(b"0")
    inner = b"> " + evil.replace(b"\n", b" ")
    if len(digits) + len(inner) <= room:
        filled = digits + inner + b" <" + b"0" * (room - len(digits) - len(inner) - 2)
        yield _swa("objects in the padding", pdf[: start + 1] + filled + pdf[stop - 1 :], _SPELLING)
    yield _swa(
        "bytes in the padding", refilled(pdf, closing, closing.contents, padding=b"\x01evil"),
        _SPELLING,
    )  # fmt: skip
    yield from _pointing(pdf, closing.number, start, stop)


def _pointing(pdf: bytes, number: int, start: int, stop: int) -> Attacks:
    """A revision whose table points into the gap of the signature, or into what it covers."""
    content = updated(pdf).document.dictionary(updated(pdf).document.pages()[0], "page")["Contents"]
    assert isinstance(content, Ref)
    for name, offset in {"the gap": start + 1, "the covered part": 20}.items():
        entry = {content.number: b"%010d 00000 n \n" % offset}
        yield _swa(
            f"a table that points into {name}", raw_revision(pdf, {}, entries=entry), {"malformed"}
        )
    for name, extra in {
        "two byte ranges": b"/ByteRange [0 %d %d 9] " % (start, stop),
        "two contents": b"/Contents <00> ",
    }.items():
        at = pdf.rindex(b"%d 0 obj\n<<" % number, 0, start) + len(b"%d 0 obj\n<<" % number)
        copied = extra + pdf[at : pdf.index(b"endobj", stop)].rstrip()
        yield _swa(
            f"the signature again with {name}",
            raw_revision(
                pdf, {number: b"<<" + copied}, trailer=standard_trailer(pdf)
            ),
            _RANGE | {"changed", "not_canonical", "signature_malformed"},
        )  # fmt: skip


def _swa(name: str, pdf: bytes, codes: frozenset[str] | set[str]) -> Attack:
    return Attack("SWA", name, pdf, frozenset(codes))
