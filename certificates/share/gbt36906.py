"""The envelope of the share interface as systems of GB/T 36906 speak it: names and status codes.

Request {head: {accessId, accessToken[, sign]}, data: {...}}, answer {head: {status, message}, data:
{...}}, always with HTTP 200. Two families of names and codes are in use; the operation's name says
which is spoken. The standard's own table was not to be had: what is here follows running systems.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from certificates.document import UnprintableLicence
from certificates.press.own_output import UnsoundOutput
from certificates.purpose import BadPurpose, Purpose, from_json
from certificates.share.admission import Way
from certificates.share.refusals import (
    BadQuery,
    BadRequestSignature,
    ItemNotBound,
    LicenceVoid,
    NoShareRight,
    NoSuchLicence,
    NotAuthorised,
    NotEntrusted,
    PurposeMissing,
    ShareAddressRefused,
    ShareCategoryRefused,
    ShareCeilingReached,
    ShareRightNotInForce,
)
from certificates.wallet.copies import NoCopySeal, NotCopied
from trust.crypto import jose
from trust.crypto.errors import Malformed
from trust.errors import Forbidden, Invalid, NotFound, TrustError, Unauthenticated, Unavailable


class BadEnvelope(Invalid):
    """The body is no envelope: not JSON, without head or data, or with names it cannot have."""

    code = "bad_envelope"


class ItemMissing(Invalid):
    """A required item of the data is missing or empty."""

    code = "envelope_item_missing"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One family: what our words are called, which status each refusal has, the nearest first."""

    names: Mapping[str, str]
    statuses: tuple[tuple[type[TrustError], int], ...]
    otherwise: int

    def status(self, error: TrustError) -> int:
        found = (number for kind, number in self.statuses if isinstance(error, kind))
        return next(found, self.otherwise)


#: Real-estate registration (不动产): 0 to 17.
ESTATE: Final = Dialect(
    {
        "licence": "zzbs", "type": "zzlxdm", "number": "zzbh", "holder": "czzt",
        "holder_code": "czztdm", "maker": "jzjzzz", "until": "jzjyxqz",
    },
    (
        (PurposeMissing, 5), (ItemMissing, 5), (BadPurpose, 4), (LicenceVoid, 11), (NotCopied, 11),
        (BadRequestSignature, 13), (ShareCeilingReached, 16), (NoShareRight, 1),
        (ShareRightNotInForce, 1), (Unauthenticated, 1), (NoCopySeal, 10), (UnsoundOutput, 10),
        (UnprintableLicence, 9), (NoSuchLicence, 3), (NotFound, 3), (Invalid, 4),
        (Unavailable, 2), (Forbidden, 17),
    ),
    17,
)  # fmt: skip
#: The family of Shandong's: two and three digits.
PROVINCE: Final = Dialect(
    {
        "licence": "certIdentifier", "type": "certTypeCode", "number": "certNo",
        "holder": "holder", "holder_code": "holderCode", "maker": "copyMaker",
        "until": "copyExpiry",
    },
    (
        (PurposeMissing, 12), (ItemMissing, 12), (LicenceVoid, 21), (NotCopied, 23),
        (BadRequestSignature, 11), (Unauthenticated, 11), (NoShareRight, 100),
        (ShareRightNotInForce, 100), (ShareAddressRefused, 100), (ShareCategoryRefused, 100),
        (ItemNotBound, 100), (NotAuthorised, 100), (NotEntrusted, 100), (NoSuchLicence, 10),
        (NotFound, 10), (BadQuery, 102), (Invalid, 102), (Unavailable, 2), (Forbidden, 100),
    ),
    102,
)  # fmt: skip

#: Operation -> our verb and its family.
OPERATIONS: Final[dict[str, tuple[str, Dialect]]] = {
    "token": ("token", ESTATE),
    "zzjs": ("search", ESTATE),
    "zzcx": ("search", ESTATE),
    "zzxxxz": ("file", ESTATE),
    "zzdzxz": ("url", ESTATE),
    "zzysj": ("metadata", ESTATE),
    "zzxxyz": ("verify_data", ESTATE),
    "zzwjyz": ("verify_file", ESTATE),
    "queryCert": ("search", PROVINCE),
    "downloadFile": ("file", PROVINCE),
    "downloadUrl": ("url", PROVINCE),
    "queryCertInfo": ("metadata", PROVINCE),
    "verifyCertInfo": ("verify_data", PROVINCE),
    "verifyFile": ("verify_file", PROVINCE),
}
#: What the data may hold in either family, besides the family's own names.
_COMMON: Final = frozenset(
    {"useCause", "bizNum", "way", "credential", "encrypt", "pageSize", "after", "contentType",
     "content", "data", "accessSecret"}
)  # fmt: skip
_HEAD: Final = frozenset({"accessId", "accessToken", "sign"})


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request, its form checked. Texts of the head are "" where they are missing."""

    access_id: str
    access_token: str
    sign: str | None
    data: Mapping[str, Any]

    def text(self, name: str, *, most: int = 200) -> str:
        """An item of the data as text, "" where it is missing; BadEnvelope."""
        found = self.data.get(name, "")
        if not isinstance(found, str) or len(found) > most or "\0" in found:
            raise BadEnvelope(f"{name} is a text of at most {most} characters")
        return found.strip()

    def required(self, name: str, *, most: int = 200) -> str:
        found = self.text(name, most=most)
        if not found:
            raise ItemMissing(f"{name} is required")
        return found

    def purpose(self) -> Purpose | None:
        """`useCause`: the standard's object, written as a JSON text."""
        text = self.text("useCause", most=2000)
        if not text:
            return None
        try:
            content = jose.load_json(text)
        except Malformed as error:
            raise BadPurpose("useCause is a JSON object as text") from error
        if not isinstance(content, dict):
            raise BadPurpose("useCause is a JSON object as text")
        return from_json(content)

    def way(self) -> Way:
        text = self.text("way", most=16) or Way.DUTY
        if text not in set(Way):
            raise BadEnvelope("way is duty, grant or entrusted")
        return Way(text)

    def page_size(self) -> int:
        found = self.data.get("pageSize", 10)
        if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= 150:
            raise BadEnvelope("pageSize is 1 to 150")
        return found


def read(body: bytes, dialect: Dialect, *, cap: int) -> Envelope:
    """An envelope; BadEnvelope. Names that mean nothing here are refused: a slip in one would ask
    for something else."""
    try:
        found = jose.load_json(body, cap=cap)
    except Malformed as error:
        raise BadEnvelope("the body is not JSON, or too long") from error
    if not isinstance(found, dict) or set(found) != {"head", "data"}:
        raise BadEnvelope("an envelope has a head and data")
    head, data = found["head"], found["data"]
    if not isinstance(head, dict) or not isinstance(data, dict):
        raise BadEnvelope("head and data are objects")
    if not set(head) <= _HEAD or not all(isinstance(each, str) for each in head.values()):
        raise BadEnvelope("the head has accessId, accessToken and sign, each a text")
    known = _COMMON | set(dialect.names.values())
    if not set(data) <= known:
        raise BadEnvelope("the data hold a name that this operation does not know")
    return Envelope(head.get("accessId", ""), head.get("accessToken", ""), head.get("sign"), data)


def answer(status: int, message: str, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"head": {"status": status, "message": message}, "data": dict(data or {})}
