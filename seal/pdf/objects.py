"""PDF objects (ISO 32000-1, 7.3), read strictly and written in one form.

Python's own types stand for PDF's: dict, list, int, bool, None; `Name`, `Ref`, `Real` and `bytes`
(a string) for the rest. A stream is a `Stream` with its raw, still encoded data.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from seal.pdf.errors import BadPdf

DEPTH_MAX, ITEMS_MAX = 40, 20_000
#: Possessive: what it stepped over is never tried again, or a file of comments costs gigabytes.
_SPACE = re.compile(rb"(?:[\x00\t\n\f\r ]++|%[^\r\n]*+)*+")
#: What white space and comments begin with; the empty slice at the end of the data is in it too.
_BLANK = b"\x00\t\n\f\r %"
_NAME = rb"/([^\x00\t\n\f\r ()<>\[\]{}/%]*)"
_PLAIN = rb"[\x00\t\n\f\r ]*+"
#: A key, and the white space around it.
_KEY = re.compile(_PLAIN + _NAME + _PLAIN)
#: White space, then a name, a reference (two groups), a number or a word: they exclude one another
#: but for a reference, which begins as a number and so comes first.
_ATOM = re.compile(
    _PLAIN + rb"(?:" + _NAME + rb"|(\d{1,10})[ \r\n\t]+(\d{1,5})[ \r\n\t]+R(?![A-Za-z0-9])"
    rb"|([+-]?(?:\d+\.?\d*|\.\d+))|(true|false|null)(?![A-Za-z0-9]))"
)
_HEX = re.compile(rb"<([0-9A-Fa-f\x00\t\n\f\r ]*)>")
_WORDS: dict[bytes, bool | None] = {b"true": True, b"false": False, b"null": None}
STRING_MAX = 65_536
_IN_STRING = re.compile(rb"[()]|\\.", re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_HASHED = re.compile(rb"#([0-9A-Fa-f]{2})")
_SPECIAL = re.compile(rb"([\\()])")
_UNUSUAL = re.compile(rb"[^!\"$&'*-.0-;=?-Z^-z|~\\]")
#: Names up to this long are remembered: a file says the same few all the time.
_USUAL = 32


class Name(str):
    """A name, without its solidus, `#` escapes resolved."""

    __slots__ = ()


class Real(str):
    """A real number in the spelling it came in."""

    __slots__ = ()


class Ref(NamedTuple):
    number: int
    generation: int


@dataclass(frozen=True, slots=True)
class Stream:
    dictionary: "Dict"
    data: bytes


Dict = dict[str, "Object"]
Object = Name | Real | Ref | bytes | int | bool | Dict | list["Object"] | Stream | None


class Parser:
    """Reads one object at a time. `spans` holds where the values of the outermost dict stood."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data, self.position = data, position
        self.spans: dict[str, tuple[int, int]] = {}
        self._items = 0

    def skip(self) -> bool:
        """Step over white space and comments; say whether there were any."""
        start = self.position
        if self.data[start : start + 1] not in _BLANK:
            return False
        match = _SPACE.match(self.data, start)
        if match:
            self.position = match.end()
        return self.position > start

    def take(self, word: bytes) -> None:
        """Step over a keyword that must stand here."""
        self.skip()
        if not self.data.startswith(word, self.position):
            raise BadPdf("malformed", f"{word.decode()} expected at byte {self.position}")
        self.position += len(word)

    def read(self, depth: int = 0) -> Object:
        self._items += 1
        if depth > DEPTH_MAX or self._items > ITEMS_MAX:
            raise BadPdf("too_complex", "objects nested too deep or too many")
        match = _ATOM.match(self.data, self.position)
        if match is None and self.skip():
            match = _ATOM.match(self.data, self.position)
        if match is not None:
            self.position = match.end()
            return self._atom(match)
        head = self.data[self.position : self.position + 2]
        if head == b"<<":
            return self._dictionary(depth)
        if head[:1] == b"[":
            return self._array(depth)
        if head[:1] == b"(":
            return self._string()
        if head[:1] == b"<":
            return self._hex()
        raise BadPdf("malformed", f"no object at byte {self.position}")

    def _match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        match = pattern.match(self.data, self.position)
        if match:
            self.position = match.end()
        return match

    def _atom(self, match: re.Match[bytes]) -> Object:
        kind = match.lastindex
        if kind == 1:
            return _name(match[1])
        if kind == 3:
            return Ref(int(match[2]), int(match[3]))
        if kind == 5:
            return _WORDS[match[5]]
        text = match[4]
        if len(text) > 40:
            raise BadPdf("malformed", "a number that long means nothing")
        return Real(text.decode()) if b"." in text else int(text)

    def _dictionary(self, depth: int) -> Dict:
        self.position += 2
        found: Dict = {}
        while True:
            match = _KEY.match(self.data, self.position)
            if match is None and self.skip():
                match = _KEY.match(self.data, self.position)
            if match is None:
                if self.data.startswith(b">>", self.position):
                    self.position += 2
                    return found
                raise BadPdf("malformed", f"dictionary key expected at byte {self.position}")
            self.position = match.end()
            key = _unescape_name(match[1])
            if key in found:
                raise BadPdf("malformed", f"dictionary key {key[:40]} stands twice")
            if self.data[self.position : self.position + 1] == b"%":
                self.skip()
            start = self.position
            found[key] = self.read(depth + 1)
            if depth == 0:
                self.spans[key] = (start, self.position)

    def _array(self, depth: int) -> list[Object]:
        self.position += 1
        found: list[Object] = []
        while True:
            if self.data[self.position : self.position + 1] in _BLANK:
                self.skip()
            if self.data[self.position : self.position + 1] == b"]":
                self.position += 1
                return found
            found.append(self.read(depth + 1))

    def _hex(self) -> bytes:
        match = self._match(_HEX)
        if match is None:
            raise BadPdf("malformed", f"broken hexadecimal string at byte {self.position}")
        try:
            return bytes.fromhex(match[1].decode())  # the long ones are signatures, without gaps
        except ValueError:
            digits = b"".join(match[1].replace(b"\x00", b" ").split())
            return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())

    def _string(self) -> bytes:
        start, level = self.position, 0
        for token in _IN_STRING.finditer(self.data, start, start + STRING_MAX + 1):
            if token[0] == b"(":
                level += 1
            elif token[0] == b")":
                level -= 1
                if level == 0:
                    self.position = token.end()
                    return _unescape(self.data[start + 1 : token.start()])
        raise BadPdf("malformed", f"string at byte {start} does not end")


def _name(raw: bytes) -> Name:
    return _usual_name(raw) if len(raw) <= _USUAL else Name(_unescape_name(raw))


@lru_cache(maxsize=1024)
def _usual_name(raw: bytes) -> Name:
    return Name(_unescape_name(raw))


def _unescape_name(raw: bytes) -> str:
    if b"#" not in raw:
        return raw.decode("latin-1")
    raw = _HASHED.sub(lambda m: bytes.fromhex(m[1].decode()), raw)
    return raw.decode("latin-1")


def _unescape(raw: bytes) -> bytes:
    if b"\\" not in raw:
        return raw

    def one(match: re.Match[bytes]) -> bytes:
        token = match[1]
        if token[:1] in b"01234567":
            return bytes((int(token, 8) & 0xFF,))
        if token[:1] in b"\r\n":
            return b""
        return _ESCAPES.get(token, token)

    return _ESCAPED.sub(one, raw)


# --- writing -----------------------------------------------------------------------------------


def write(value: Object) -> bytes:
    """The one spelling we give an object."""
    return _WRITERS[type(value)](value)


def _write_string(value: bytes) -> bytes:
    return b"(" + _SPECIAL.sub(rb"\\\1", value).replace(b"\r", b"\\r") + b")"


def _write_dict(value: Dict) -> bytes:
    parts = [
        b"/" + _escape_name(key) + b" " + _WRITERS[type(item)](item) for key, item in value.items()
    ]
    return b"<<" + b" ".join(parts) + b">>"


def _write_list(value: list[Object]) -> bytes:
    return b"[" + b" ".join([_WRITERS[type(item)](item) for item in value]) + b"]"


def _write_stream(value: Stream) -> bytes:
    body = _write_dict({**value.dictionary, "Length": len(value.data)})
    return b"".join((body, b"\nstream\n", value.data, b"\nendstream"))


def _escape_name(name: str) -> bytes:
    return _usual_escape(name) if len(name) <= _USUAL else _escaped(name)


def _escaped(name: str) -> bytes:
    return _UNUSUAL.sub(lambda match: b"#%02X" % match[0][0], name.encode("latin-1"))


_usual_escape = lru_cache(maxsize=1024)(_escaped)

_WRITERS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"null",
    bool: lambda value: b"true" if value else b"false",
    Name: lambda value: b"/" + _escape_name(value),
    Ref: lambda value: b"%d %d R" % value,
    int: lambda value: b"%d" % value,
    Real: lambda value: value.encode(),
    bytes: _write_string,
    dict: _write_dict,
    list: _write_list,
    Stream: _write_stream,
}
