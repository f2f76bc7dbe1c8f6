"""Signatures of webhooks: Standard Webhooks 1.0, and the same by SM3.

`webhook-signature` holds `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; for a receiver
that asks for SM3, `v1sm3,` and HMAC-SM3 (GB/T 15852.2). While a secret is being changed there are
two, with a space between.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from trust.crypto import hashes
from trust.crypto.errors import InvalidSignature

PREFIX: Final = "whsec_"
SECRET_LENGTH: Final = 32
#: A receiver refuses a time further away than this (Standard Webhooks, "Verifying signatures").
TOLERANCE: Final = timedelta(minutes=5)
_BLOCK: Final = 64  # bytes; SHA-256 and SM3 have the same


class SignatureKind(StrEnum):
    SHA256 = "sha256"
    SM3 = "sm3"


_LABELS: Final = {SignatureKind.SHA256: "v1", SignatureKind.SM3: "v1sm3"}


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_LENGTH)


def written(secret: bytes) -> str:
    """The secret as it is shown, once, to whoever registers a receiver."""
    return PREFIX + base64.b64encode(secret).decode()


def read_secret(text: str) -> bytes:
    """The bytes of a shown secret; InvalidSignature."""
    try:
        return base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise InvalidSignature("not a webhook secret") from error


def hmac_sm3(key: bytes, message: bytes) -> bytes:
    """HMAC (RFC 2104) over SM3."""
    if len(key) > _BLOCK:
        key = hashes.sm3(key)
    padded = key.ljust(_BLOCK, b"\0")
    inner = hashes.sm3(bytes(byte ^ 0x36 for byte in padded) + message)
    return hashes.sm3(bytes(byte ^ 0x5C for byte in padded) + inner)


def _one(kind: SignatureKind, secret: bytes, content: bytes) -> str:
    if kind is SignatureKind.SM3:
        value = hmac_sm3(secret, content)
    else:
        value = hmac.digest(secret, content, "sha256")
    return f"{_LABELS[kind]},{base64.b64encode(value).decode()}"


def headers(
    message: str, body: bytes, *, kind: SignatureKind, keys: Sequence[bytes], at: datetime
) -> dict[str, str]:
    """The three headers of one try; the time is that of the try, the id that of the message."""
    stamp = str(int(at.timestamp()))
    content = f"{message}.{stamp}.".encode() + body
    return {
        "webhook-id": message,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(_one(kind, key, content) for key in keys),
    }


def verify(
    given: Mapping[str, str], body: bytes, *, kind: SignatureKind, secret: bytes, at: datetime
) -> None:
    """What a receiver does, for tests and examples: InvalidSignature.

    `given` has lower-case names.
    """
    stamp = given.get("webhook-timestamp", "")
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        raise InvalidSignature("no webhook-timestamp")
    if abs(int(stamp) - at.timestamp()) > TOLERANCE.total_seconds():
        raise InvalidSignature("the webhook is not of now")
    content = f"{given.get('webhook-id', '')}.{stamp}.".encode() + body
    wanted = _one(kind, secret, content)
    signatures = given.get("webhook-signature", "")[:2000].split(" ")
    if not any(hmac.compare_digest(wanted.encode(), each.encode()) for each in signatures):
        raise InvalidSignature("the webhook is not signed with this secret")
