"""An entry of the audit log: its columns, and the bytes its hash covers."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, cast

from sqlalchemy import BigInteger, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from trust.crypto.hashes import sm3
from trust.db import Base, UTCDateTime
from trust.errors import Invalid

#: What canonical JSON holds. No fractions: their spelling differs between languages.
JSON = None | bool | int | str | Sequence["JSON"] | Mapping[str, "JSON"]

#: The name of the Merkle log.
LOG: Final = "audit"
#: What the first entry follows.
BEGINNING: Final = bytes(32)
DETAILS_MAX: Final = 4096
TEXT_MAX: Final = 200
#: Beyond this a reader in JavaScript sees another number (RFC 8785, 3.2.2.3).
_INTEGER_MAX: Final = 2**53 - 1


class AuditEntry(Base):
    """One act. `sequence` counts from 0 and is the leaf's index in the Merkle log."""

    __tablename__ = "audit_entry"
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    act: Mapped[str] = mapped_column(String(64), index=True)
    subject: Mapped[str] = mapped_column(String(TEXT_MAX), index=True)
    account: Mapped[str] = mapped_column(String(TEXT_MAX))
    authority: Mapped[str | None] = mapped_column(String(TEXT_MAX))
    details: Mapped[str] = mapped_column(Text)
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


def in_utc(at: datetime) -> datetime:
    """The time in UTC; Invalid without a zone."""
    if at.tzinfo is None:
        raise Invalid("an audit entry's time has a zone")
    return at.astimezone(UTC)


def entry_hash(entry: Mapping[str, object]) -> bytes:
    """SM3 over the previous hash and the canonical JSON of the entry's other fields.

    The fields in order of name, no spaces, UTF-8; the time as `2026-06-01T08:00:00.000000Z`;
    details as the JSON text that is stored, a string here, so that no reader has to rebuild it.
    """
    content = {
        "account": entry["account"],
        "act": entry["act"],
        "at": f"{in_utc(cast(datetime, entry['at'])):%Y-%m-%dT%H:%M:%S.%fZ}",
        "authority": entry["authority"],
        "details": entry["details"],
        "sequence": entry["sequence"],
        "subject": entry["subject"],
    }
    return sm3(cast(bytes, entry["previous"]) + _canonical(content).encode())


def canonical_details(details: Mapping[str, JSON]) -> str:
    """The one JSON text of these details: RFC 8785, for ASCII keys and no fractions."""
    _check_json(details, depth=0)
    try:
        text = _canonical(details)
        length = len(text.encode())
    except (TypeError, ValueError) as error:
        raise Invalid("the details of an audit entry are not JSON in Unicode") from error
    if length > DETAILS_MAX:
        raise Invalid(f"the details of an audit entry have at most {DETAILS_MAX} bytes")
    return text


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _check_json(value: object, *, depth: int) -> None:
    if depth > 8:
        raise Invalid("the details of an audit entry are nested too deeply")
    if isinstance(value, dict):
        for key, below in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise Invalid("the keys of an audit entry's details are ASCII")
            _check_json(below, depth=depth + 1)
    elif isinstance(value, list | tuple):
        for below in value:
            _check_json(below, depth=depth + 1)
    elif isinstance(value, int):
        if abs(value) > _INTEGER_MAX:
            raise Invalid("a number in an audit entry's details is at most 2^53 - 1")
    elif value is not None and not isinstance(value, str):
        raise Invalid(f"an audit entry's details cannot hold a {type(value).__name__}")
