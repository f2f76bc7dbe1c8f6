"""Changes to a DER structure that keep every length right: what flipping bytes never reaches."""

import random
from collections.abc import Iterator

from trust.crypto import der
from trust.crypto.errors import Malformed

REPLACEMENTS = (
    *map(bytes.fromhex, (
        "", "0500", "3000", "3100", "a000", "0400", "0300", "030100", "0200", "020100", "0600",
        "06012a", "0c00", "1700", "1800", "0101ff", "30023000", "30020500", "0a00", "0a0163",
    )),
    der.sequence(der.null(), der.null(), der.null()), der.oid("1.2.3"), der.integer(-1),
)  # fmt: skip


def mutate(data: bytes, seed: random.Random) -> bytes:
    """One element, anywhere, replaced, doubled, swapped with its neighbour or dropped."""
    value = der.read(data)
    parts = _children(value)
    if not parts or seed.random() < 0.15:
        return seed.choice(REPLACEMENTS)
    at = seed.randrange(len(parts))
    how = seed.random()
    if how < 0.7:
        parts[at] = mutate(parts[at], seed)
    elif how < 0.8:
        parts.insert(at, parts[at])
    elif how < 0.9:
        parts[at], parts[at - 1] = parts[at - 1], parts[at]
    else:
        del parts[at]
    prefix = b"\x00" if value.tag == der.BIT_STRING else b""
    return der.tlv(value.tag, prefix + b"".join(parts))


def mutations(data: bytes, *, seed: int, count: int) -> Iterator[bytes]:
    chooser = random.Random(seed)
    for _ in range(count):
        yield mutate(data, chooser)


def _children(value: der.Value) -> list[bytes]:
    """What is inside, also in strings that wrap DER; nothing for plain content."""
    content = value.content
    if not value.tag & 0x20:
        if value.tag not in (der.OCTET_STRING, der.BIT_STRING):
            return []
        content = content[1:] if value.tag == der.BIT_STRING else content
    try:
        return [part.raw for part in der.children(der.Value(der.SEQUENCE, content, b""))]
    except Malformed:
        return []
