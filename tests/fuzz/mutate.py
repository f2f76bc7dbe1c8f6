"""Changes to an input that keep enough of its form to get past the first check."""

import io
import random
import re
import struct
import warnings
import zipfile
import zlib

from trust.crypto import der
from trust.crypto.errors import Malformed
from trust.crypto.jose import b64url, unb64url

_NUMBERS = (0, 1, -1, 7, 127, 128, 255, 256, 65535, 1 << 31, (1 << 31) - 1, 1 << 63, 10**12)
_TAGS = (0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x16, 0x17, 0x18, 0x30, 0x31, 0x80, 0xA0, 0xA1)
_WORDS = (
    b"null", b"true", b"<<>>", b"[]", b"()", b"<>", b"/", b"1 0 R", b"0 0 R", b"99999 0 R", b"-1",
    b"endobj", b"stream", b"xref", b"trailer", b"%%EOF", b"/Prev 9", b"/Length", b"/Kids", b"[[",
)  # fmt: skip
_XML = (
    b"<a/>", b"]]>", b"&lt;", b"../../x", b"/", b"", b"\x00", b"<!DOCTYPE a>", b"\xff", b"AAAA",
    b"ofd:Reference", b"xmlns:ofd", b"<!--", b'BaseLoc=""',
)  # fmt: skip
_DEPTH_MAX, _SIZE_MAX = 12, 1 << 16


def mutated(target: str, data: bytes, other: bytes, seed: random.Random) -> bytes:
    """One to four changes; `other` is another input to take pieces from."""
    for _ in range(seed.choice((1, 1, 1, 2, 4))):
        data = _STROKES[target](data, other, seed)[:_SIZE_MAX]
    return data


def _bytes(data: bytes, other: bytes, seed: random.Random) -> bytes:
    """Anything: flips, cuts, insertions, repeats, a piece of another input."""
    at = seed.randrange(len(data) + 1)
    size = seed.choice((1, 1, 2, 4, 16, 200))
    way = seed.randrange(6)
    if way == 0 and at < len(data):
        return data[:at] + bytes((data[at] ^ (1 << seed.randrange(8)),)) + data[at + 1 :]
    if way == 1:
        return data[:at] + data[at + size :]
    if way == 2:
        return data[:at] + seed.randbytes(size) + data[at:]
    if way == 3:
        return data[:at] + data[at : at + size] * seed.choice((2, 3, 50)) + data[at + size :]
    if way == 4:
        start = seed.randrange(len(other) + 1)
        return data[:at] + other[start : start + size] + data[at + size :]
    return data[:at] + bytes((seed.choice((0, 0x7F, 0x80, 0xFF)),)) * size + data[at + size :]


def _der(data: bytes, other: bytes, seed: random.Random) -> bytes:
    """One element somewhere in the tree; the lengths around it are made right again."""
    if seed.random() < 0.2:
        return _bytes(data, other, seed)
    try:
        return _element(der.read(data), seed, 0)
    except (Malformed, RecursionError):
        return _bytes(data, other, seed)


def _element(value: der.Value, seed: random.Random, depth: int) -> bytes:
    inner = _children(value)
    if inner and depth < _DEPTH_MAX and seed.random() < 0.85:
        at = seed.randrange(len(inner))
        parts = [part.raw for part in inner]
        parts[at] = _element(inner[at], seed, depth + 1)
        return der.tlv(value.tag, b"".join(parts))
    return _changed(value, inner, seed)


def _children(value: der.Value) -> list[der.Value]:
    """Also of what an OCTET or BIT STRING wraps: certificates stand in them."""
    try:
        return der.children(value) if value.tag & 0x20 else []
    except Malformed:
        return []


def _changed(value: der.Value, inner: list[der.Value], seed: random.Random) -> bytes:
    way = seed.randrange(9)
    parts = [part.raw for part in inner]
    if way == 0:
        return b""
    if way == 1:
        return value.raw * 2
    if way == 2:
        return der.tlv(seed.choice(_TAGS), value.content)
    if way == 3:
        return der.integer(seed.choice(_NUMBERS))
    if way == 4 and parts:
        seed.shuffle(parts)
        return der.tlv(value.tag, b"".join(parts))
    if way == 5:
        nested = value.raw
        for _ in range(seed.choice((1, 5, 200))):
            nested = der.sequence(nested)
        return nested
    if way == 6:
        return der.tlv(value.tag, value.content[: seed.randrange(len(value.content) + 1)])
    if way == 7:
        return der.tlv(value.tag, seed.randbytes(seed.choice((0, 1, 8, 33))))
    return der.tlv(value.tag, _bytes(value.content, value.content, seed))


def _pdf(data: bytes, other: bytes, seed: random.Random) -> bytes:
    """An object changed in a sound revision behind the rest, or a token where it stands."""
    bodies = list(re.finditer(rb"(\d{1,6}) 0 obj\n(.*?)\nendobj", data, re.DOTALL))
    if bodies and data.rstrip().endswith(b"%%EOF") and seed.random() < 0.4:
        chosen = seed.choice(bodies)
        changed = _tokens(chosen[2], other, seed)
        return _revision(data, int(chosen[1]), changed)
    return _tokens(data, other, seed)


def _revision(data: bytes, number: int, body: bytes) -> bytes:
    previous = re.search(rb"startxref\s+(\d{1,10})\s+%%EOF\s*$", data)
    added = b"%d 0 obj\n%b\nendobj\n" % (number, body)
    at = len(data) + len(added)
    return (
        data
        + added
        + (
            b"xref\n%d 1\n%010d 00000 n \ntrailer\n<</Size 90 /Root 1 0 R /Prev %b>>\nstartxref\n%d"
            b"\n%%%%EOF\n" % (number, len(data), previous[1] if previous else b"0", at)
        )
    )


def _tokens(data: bytes, other: bytes, seed: random.Random) -> bytes:
    """A number, a name or a word in another's place; sometimes of the same length."""
    tokens = list(re.finditer(rb"\d+|/[A-Za-z]+|<<|>>|\[|\]|obj|endobj|stream|xref", data))
    if not tokens or seed.random() < 0.25:
        return _bytes(data, other, seed)
    token = seed.choice(tokens)
    new = seed.choice((
        str(seed.choice(_NUMBERS)).encode(), seed.choice(_WORDS), seed.choice(tokens)[0],
        str(seed.randrange(len(data))).encode(),
    ))  # fmt: skip
    if seed.random() < 0.6:
        new = new[: len(token[0])].rjust(len(token[0]))
    return data[: token.start()] + new + data[token.end() :]


def _ofd(data: bytes, other: bytes, seed: random.Random) -> bytes:
    """A change in one file, packed again; or in the package's own bytes."""
    files = _unpacked(data) if seed.random() < 0.8 else {}
    if not files:
        return _bytes(data, other, seed)
    name = seed.choice(sorted(files))
    way = seed.randrange(6)
    if way == 0:
        files[seed.choice(("OFD.xml", "a/../b", "/x", "Doc_0/x", name + "/"))] = files[name]
    elif way == 1:
        files.pop(name)
    elif name.endswith(".dat"):
        files[name] = _der(files[name], files[name], seed)
    else:
        files[name] = _xml(files[name], seed)
    return _packed(files)


def _xml(data: bytes, seed: random.Random) -> bytes:
    spots = [match.start() for match in re.finditer(rb'[<>"/]', data)] or [0]
    one, two = sorted((seed.choice(spots), seed.choice(spots)))
    way = seed.randrange(4)
    if way == 0:
        return data[:one] + data[two:]
    if way == 1:
        return data[:two] + data[one:two] * seed.choice((1, 2, 40)) + data[two:]
    if way == 2:
        return data[:one] + seed.choice(_XML) + data[one:]
    return _bytes(data, data, seed)


def _unpacked(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > _SIZE_MAX:
                return {}
            return {info.filename: archive.read(info) for info in archive.infolist()}
    except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, OSError, EOFError,
            RuntimeError, NotImplementedError):  # fmt: skip
        return {}


def _packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        warnings.simplefilter("ignore")
        for name, content in files.items():
            target.writestr(name, content)
    return out.getvalue()


def _claim(data: bytes, other: bytes, seed: random.Random) -> bytes:
    """The CBOR under the text's base64url; or the text."""
    head, mark, body = data.rpartition(b"#")
    try:
        inner = unb64url(body.decode("ascii"))
    except (Malformed, ValueError):
        inner = b""
    if not inner or seed.random() < 0.2:
        return _bytes(data, other, seed)
    return head + mark + b64url(_bytes(inner, inner, seed)).encode()


_STROKES = {"ses": _der, "cms": _der, "pki": _der, "pdf": _pdf, "ofd": _ofd, "qr": _claim}
