"""Particulars of a subject as extensions of their own: IdentifyCode, InsuranceNumber,
ICRegistrationNumber, OrganizationCode … (GM/T 0015-2012, GB/T 20518-2018), as `extensions.toml`
lists them. They are never critical, and nothing of ours relies on them."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from trust.crypto import der
from trust.crypto.x509 import Certificate, Extension
from trust.errors import Invalid

_FILE = Path(__file__).parent / "extensions.toml"
_STRINGS = {"printable": der.printable, "utf8": der.utf8}
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*)){2,}")
TEXT_MAX = 64


class UnknownParticular(Invalid):
    code = "unknown_particular"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the file; `choice` is the explicit tag inside IdentifyCode, else None."""

    oid: str
    string: str
    choice: int | None

    def encode(self, text: str) -> bytes:
        inner = _STRINGS[self.string](text)
        return inner if self.choice is None else der.explicit(self.choice, inner)


@cache
def kinds() -> dict[str, Kind]:
    """Every kind that has an OID, by its name."""
    return check(tomllib.loads(_FILE.read_text(encoding="utf-8")))


def check(content: dict[str, Any]) -> dict[str, Kind]:
    """Refuse rows that no extension could have; those without an OID are left out."""
    found = {}
    for name, row in content.items():
        oid, string, choice = row.get("oid", ""), row.get("string"), row.get("choice")
        if not oid:
            continue
        if not _OID.fullmatch(oid) or string not in _STRINGS or choice not in (None, 0, 1, 2):
            raise Invalid(f"extensions.toml: {name} is not oid, string and choice")
        found[name] = Kind(oid, string, choice)
    return found


def write(particulars: Iterable[tuple[str, str]]) -> list[Extension]:
    """The extensions of (name, text) pairs; UnknownParticular, Malformed for text outside the
    string type, Invalid for two of one extension or text that is empty or over `TEXT_MAX`."""
    found: list[Extension] = []
    for name, text in particulars:
        kind = kinds().get(name)
        if kind is None:
            raise UnknownParticular(f"no particular {name[:40]!r}, or its OID is not set")
        if not 0 < len(text) <= TEXT_MAX or not text.isprintable():
            raise Invalid(f"{name} is 1 to {TEXT_MAX} printable characters")
        if kind.oid in {extension.oid for extension in found}:
            raise Invalid(f"{name} stands beside another one with the same OID")
        found.append(Extension(kind.oid, False, kind.encode(text)))
    return found


def read(certificate: Certificate) -> tuple[tuple[str, str], ...]:
    """The (name, text) pairs in a certificate that have exactly our form; others are left out."""
    found = []
    for name, kind in kinds().items():
        extension = certificate.extensions.get(kind.oid)
        if extension is not None:
            value = der.parse(extension.value)
            if kind.choice is not None:
                if value.tag != 0xA0 | kind.choice:
                    continue
                value = der.parse(value.content)
            text = der.read_text(value)
            if kind.encode(text) == extension.value:
                found.append((name, text))
    return tuple(found)
