"""PDF objects (ISO 32000-1, 7.3), read strictly and written in one form.

Python's own types stand for PDF's: dict, list, int, bool, None; `Name`, `Ref`, `Real` and `bytes`
(a string) for the rest. A stream is a `Stream` with its raw, still encoded data.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from seal.pdf.errors import BadPdf

DEPTH_MAX, ITEMS_MAX = 40, 20_000
#: Possessive: what it stepped over is never tried again, or a file of comments costs gigabytes.
_SPACE = re.compile(rb"(?:[\x00\t\n\f\r ]++|%[^\r\n]*+)*+")
#: What white space and comments begin with; the empty slice at the end of the data is in it too.
_BLANK = b"\x00\t\n\f\r %"
_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)")
_REF = re.compile(rb"(\d{1,10})[ \r\n\t]+(\d{1,5})[ \r\n\t]+R(?![A-Za-z0-9])")
_NAME = re.compile(rb"/([^\x00\t\n\f\r ()<>\[\]{}/%]*)")
_HEX = re.compile(rb"<([0-9A-Fa-f\x00\t\n\f\r ]*)>")
_WORD = re.compile(rb"(true|false|null)(?![A-Za-z0-9])")
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


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

    def skip(self) -> None:
        if self.data[self.position : self.position + 1] not in _BLANK:
            return
        match = _SPACE.match(self.data, self.position)
        if match:
            self.position = match.end()

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
        self.skip()
        head = self.data[self.position : self.position + 2]
        if head == b"<<":
            return self._dictionary(depth)
        if head[:1] == b"[":
            return self._array(depth)
        if head[:1] == b"(":
            return self._string()
        if head[:1] == b"<":
            return self._hex()
        return self._atom()

    def _match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        match = pattern.match(self.data, self.position)
        if match:
            self.position = match.end()
        return match

    def _atom(self) -> Object:
        if match := self._match(_NAME):
            return Name(_unescape_name(match[1]))
        if match := self._match(_REF):
            return Ref(int(match[1]), int(match[2]))
        if match := self._match(_NUMBER):
            text = match[0]
            if len(text) > 40:
                raise BadPdf("malformed", "a number that long means nothing")
            return Real(text.decode()) if b"." in text else int(text)
        if match := self._match(_WORD):
            return {b"true": True, b"false": False, b"null": None}[match[1]]
        raise BadPdf("malformed", f"no object at byte {self.position}")

    def _dictionary(self, depth: int) -> Dict:
        self.position += 2
        found: Dict = {}
        while True:
            self.skip()
            if self.data.startswith(b">>", self.position):
                self.position += 2
                return found
            match = self._match(_NAME)
            if match is None:
                raise BadPdf("malformed", f"dictionary key expected at byte {self.position}")
            key = _unescape_name(match[1])
            if key in found:
                raise BadPdf("malformed", f"dictionary key {key[:40]} stands twice")
            self.skip()
            start = self.position
            found[key] = self.read(depth + 1)
            if depth == 0:
                self.spans[key] = (start, self.position)

    def _array(self, depth: int) -> list[Object]:
        self.position += 1
        found: list[Object] = []
        while True:
            self.skip()
            if self.data.startswith(b"]", self.position):
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
        start, level, at = self.position, 0, self.position
        while at < len(self.data):
            byte = self.data[at : at + 1]
            if byte == b"\\":
                at += 1
            elif byte == b"(":
                level += 1
            elif byte == b")":
                level -= 1
                if level == 0:
                    self.position = at + 1
                    return _unescape(self.data[start + 1 : at])
            at += 1
            if at - start > 65536:
                break
        raise BadPdf("malformed", f"string at byte {start} does not end")


def _unescape_name(raw: bytes) -> str:
    if b"#" not in raw:
        return raw.decode("latin-1")
    raw = re.sub(rb"#([0-9A-Fa-f]{2})", lambda m: bytes.fromhex(m[1].decode()), raw)
    return raw.decode("latin-1")


def _unescape(raw: bytes) -> bytes:
    def one(match: re.Match[bytes]) -> bytes:
        token = match[1]
        if token[:1] in b"01234567":
            return bytes((int(token, 8) & 0xFF,))
        if token[:1] in b"\r\n":
            return b""
        return _ESCAPES.get(token, token)

    return re.sub(rb"\\([0-7]{1,3}|\r\n|.)", one, raw, flags=re.DOTALL)


# --- writing -----------------------------------------------------------------------------------


def write(value: Object) -> bytes:
    """The one spelling we give an object."""
    if value is None or isinstance(value, bool):
        return {None: b"null", True: b"true", False: b"false"}[value]
    if isinstance(value, Name):
        return b"/" + _escape_name(value)
    if isinstance(value, Ref):
        return b"%d %d R" % value
    if isinstance(value, Real | int):
        return str(value).encode()
    if isinstance(value, bytes):
        return b"(" + re.sub(rb"([\\()])", rb"\\\1", value).replace(b"\r", b"\\r") + b")"
    if isinstance(value, dict):
        parts = (b"/" + _escape_name(key) + b" " + write(item) for key, item in value.items())
        return b"<<" + b" ".join(parts) + b">>"
    if isinstance(value, list):
        return b"[" + b" ".join(map(write, value)) + b"]"
    body = write({**value.dictionary, "Length": len(value.data)})
    return body + b"\nstream\n" + value.data + b"\nendstream"


def _escape_name(name: str) -> bytes:
    return re.sub(
        rb"[^!\"$&'*-.0-;=?-Z^-z|~\\]",
        lambda match: b"#%02X" % match[0][0],
        name.encode("latin-1"),
    )
