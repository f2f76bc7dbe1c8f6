"""A sealed licence with bytes changed, cut or added, and byte ranges that lie; always the same."""

import random

from seal.pdf import document
from tests.certificates.mutated_signatures import Files, refilled, signatures


def flips(pdf: bytes, seed: random.Random, count: int) -> Files:
    for _ in range(count):
        at, change = seed.randrange(len(pdf)), seed.randrange(1, 256)
        yield f"byte {at} xor {change}", pdf[:at] + bytes((pdf[at] ^ change,)) + pdf[at + 1 :]


def flips_of_signatures(pdf: bytes, seed: random.Random, count: int) -> Files:
    """One bit of the DER in a /Contents, the file otherwise untouched."""
    for _ in range(count):
        signature = seed.choice(signatures(pdf))
        value = bytearray(signature.contents)
        at, bit = seed.randrange(len(value)), 1 << seed.randrange(8)
        value[at] ^= bit
        yield f"{signature.field} byte {at} xor {bit}", refilled(pdf, signature, bytes(value))


def digits_of_signatures(pdf: bytes, seed: random.Random, count: int) -> Files:
    """A character of a /Contents, in the padding too, becomes another one."""
    for _ in range(count):
        signature = seed.choice(signatures(pdf))
        at = seed.randrange(signature.start, signature.stop)
        new = seed.choice(b"0123456789abcdefABCDEF <>\n/()\x00")
        if new != pdf[at]:
            yield f"character {at} to {new:#x}", pdf[:at] + bytes((new,)) + pdf[at + 1 :]


def cuts(pdf: bytes, seed: random.Random, count: int) -> Files:
    for _ in range(count):
        at, size = seed.randrange(len(pdf)), seed.choice((1, 2, 3, 16, 100, 4096))
        yield f"{size} bytes cut at {at}", pdf[:at] + pdf[at + size :]


def insertions(pdf: bytes, seed: random.Random, count: int) -> Files:
    for _ in range(count):
        at, size = seed.randrange(len(pdf)), seed.choice((1, 2, 16, 100))
        yield f"{size} bytes put at {at}", pdf[:at] + seed.randbytes(size) + pdf[at:]


def truncations(pdf: bytes, seed: random.Random, count: int) -> Files:
    for revision in document.read(pdf).revisions[:-1]:
        for slip in (-2, -1, 0, 1):
            yield f"truncated at revision end {slip:+}", pdf[: revision.end + slip]
    yield "without its last byte", pdf[:-1]
    for _ in range(count):
        at = seed.randrange(len(pdf))
        yield f"truncated at {at}", pdf[:at]


def appended(pdf: bytes, seed: random.Random, count: int) -> Files:
    for tail in (b"\n", b" ", b"%", b"\r\n", b"\x00", b"%%EOF\n", b"startxref\n0\n%%EOF\n"):
        yield f"appended {tail!r}", pdf + tail
    yield "itself appended", pdf + pdf
    last = pdf.rindex(b"startxref")
    yield "the last startxref repeated", pdf + pdf[last:]
    for _ in range(count):
        yield "random bytes appended", pdf + seed.randbytes(seed.choice((1, 10, 1000)))
        yield "random bytes and an end appended", pdf + seed.randbytes(9) + pdf[last:]


def lies(pdf: bytes) -> Files:
    """USF, SWA and ISA as Mladenov and others describe them (CCS 2019), in our file's terms."""
    for signature in signatures(pdf):
        start, stop, end = signature.start, signature.stop, signature.end
        true = f"[0 {start} {stop} {end - stop}".encode()
        at = pdf.rindex(true, 0, start)
        room = pdf.index(b"]", at) - at
        for lie in (
            "[", "[0", f"[0 {start}", f"[0 {start} {stop}", f"[0 {start} {stop} {end - stop - 1}",
            f"[0 {start} {stop} {end - stop + 1}", f"[1 {start} {stop} {end - stop}",
            f"[0 {start + 1} {stop} {end - stop}", f"[0 {start} {stop - 1} {end - stop + 1}",
            f"[0 0 {stop} {end - stop}", f"[0 {start} {stop} -1",
            f"[0 {-start} {stop} {end - stop}",
            "[null", "[0 1.5 2 3", f"[0 {start} {stop} {end - stop} 0", "[0 99999999999 1 1",
        ):  # fmt: skip
            yield (
                f"{signature.field} {lie}]",
                pdf[:at] + lie.encode().ljust(room) + pdf[at + room :],
            )
        for word in (b"/ByteRange", b"/Contents", b"/SubFilter", b"/Filter", b"/Type /Sig"):
            spot = pdf.rindex(word, 0, start)
            gone = word[:1] + b"x" * (len(word) - 1)
            yield (
                f"{signature.field} without {word.decode()}",
                pdf[:spot] + gone + pdf[spot + len(word) :],
            )
    yield from _wrapped(pdf)


def _wrapped(pdf: bytes) -> Files:
    """SWA: the second half is moved back, and other content put between."""
    closing = signatures(pdf)[-1]
    rest = pdf[closing.stop :]
    for evil in (b" " * 100, b"\n9 0 obj\n<</Type /Page>>\nendobj\n"):
        yield "wrapped: content before the second half", pdf[: closing.stop] + evil + rest
        filler = pdf[closing.start : closing.stop - 1] + b"00" * 50 + b">"
        yield "wrapped: a longer gap", pdf[: closing.start] + filler + evil + rest
