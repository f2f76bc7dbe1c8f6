"""Licence identifiers (GB/T 36904-2018): `1.2.156.3005.2.TYPE.ISSUER.SERIAL.VERSION.CHECK`."""

import re
import secrets
from dataclasses import dataclass, replace

from trust.errors import Invalid
from trust.identifiers import iso7064_mod37_36

ROOT = "1.2.156.3005.2"
LENGTH_MAX = 200
VERSION_MAX = 999
SERIAL_LENGTH = 12
_SERIAL_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FORM = re.compile(
    r"1\.2\.156\.3005\.2\.([0-9A-Z]{18}\d{3})\.([0-9A-Z]{6,18})\.([0-9A-Z]{1,32})\.(\d{3})\.([0-9A-Z])"
)
_BODY = re.compile(r"([0-9A-Z]{18}[0-9]{3})\.([0-9A-Z]{6,18})\.([0-9A-Z]{1,32})\.([0-9]{3})")


class MalformedIdentifier(Invalid):
    code = "identifier_malformed"


class WrongCheckCharacter(Invalid):
    """Well formed, but the check character is another: both occur in the field."""

    code = "identifier_check"


@dataclass(frozen=True, slots=True)
class Identifier:
    """`type_code` 21, `issuer` 6 to 18, `serial` 1 to 32 characters, `version` 1 to 999."""

    type_code: str
    issuer: str
    serial: str
    version: int = 1

    def body(self) -> str:
        """Without root and check character: what a claim carries."""
        return f"{self.type_code}.{self.issuer}.{self.serial}.{self.version:03d}"

    def __str__(self) -> str:
        body = self.body()
        return f"{ROOT}.{body}.{iso7064_mod37_36(body.replace('.', ''))}"

    def next_version(self) -> "Identifier":
        """The identifier of a re-issue."""
        if self.version >= VERSION_MAX:
            raise Invalid("a licence has at most 999 versions")
        return replace(self, version=self.version + 1)


def parse(text: str) -> Identifier:
    """Read an identifier: MalformedIdentifier, or WrongCheckCharacter."""
    match = _FORM.fullmatch(text) if len(text) <= LENGTH_MAX else None
    if match is None:
        raise MalformedIdentifier("not a licence identifier of GB/T 36904")
    found = Identifier(match[1], match[2], match[3], int(match[4]))
    if str(found) != text:
        raise WrongCheckCharacter("the licence identifier's check character is wrong")
    return found


def from_body(body: str) -> Identifier:
    """Read what `body` writes; MalformedIdentifier."""
    match = _BODY.fullmatch(body)
    if match is None:
        raise MalformedIdentifier("not a licence identifier of GB/T 36904")
    return Identifier(match[1], match[2], match[3], int(match[4]))


def new_serial() -> str:
    """Twelve random characters: a serial number tells nobody how many licences there are."""
    return "".join(secrets.choice(_SERIAL_ALPHABET) for _ in range(SERIAL_LENGTH))
