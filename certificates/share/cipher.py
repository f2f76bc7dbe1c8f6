"""A platform's SM2 key at work: data encrypted to it, requests signed by it (GB/T 32918).

Ciphertext is 04 x y C3 C2 in hexadecimal, the order C1C3C2 of GB/T 32918.4-2016; a signature is r
then s, 64 bytes in hexadecimal, with the default identity of GM/T 0009.
"""

import re
from collections.abc import Mapping
from typing import Final

from sqlalchemy.orm import Session

from certificates.share.models import ShareKey
from certificates.share.refusals import BadRequestSignature, NoPublicKey
from trust.crypto import jose, sm2, sm2_formats
from trust.crypto.errors import InvalidSignature, Malformed

_SIGNATURE: Final = re.compile(r"[0-9A-Fa-f]{128}")


def encrypt(session: Session, client: str | None, plaintext: bytes) -> str:
    """Hexadecimal SM2 ciphertext of 1 to 65536 bytes for a platform; NoPublicKey."""
    key = require_key(session, client)
    point, digest, text = sm2_formats.parse_cipher(sm2.encrypt(key.public_key, plaintext))
    return (b"\x04" + point + digest + text).hex()


def require_key(session: Session, client: str | None) -> ShareKey:
    """NoPublicKey for a caller that registered none."""
    key = _key(session, client)
    if key is None:
        raise NoPublicKey("no SM2 public key is registered for this caller")
    return key


def check_request(
    session: Session, client: str | None, signature: str | None, *, token: str,
    data: Mapping[str, object],
) -> None:  # fmt: skip
    """BadRequestSignature for a signature that is not the platform's over this request, or for
    none where the platform is registered to sign."""
    key = _key(session, client)
    if signature is None:
        if key is not None and key.signed:
            raise BadRequestSignature("this caller's requests are signed")
        return
    if key is None or not _SIGNATURE.fullmatch(signature):
        raise BadRequestSignature("the signature is 128 hexadecimal digits by a registered key")
    try:
        der = sm2_formats.raw_to_der(bytes.fromhex(signature))
        sm2.verify(key.public_key, signed_bytes(client or "", token, data), der)
    except (InvalidSignature, Malformed) as error:
        raise BadRequestSignature("the signature is not the caller's over this request") from error


def signed_bytes(client: str, token: str, data: Mapping[str, object]) -> bytes:
    """What a request's signature covers: accessId, accessToken and the data, a line each; the data
    as JSON with names in order, no spaces, UTF-8 (RFC 8785)."""
    return b"\n".join((client.encode(), token.encode(), jose.canonical_json(data)))


def _key(session: Session, client: str | None) -> ShareKey | None:
    return None if client is None else session.get(ShareKey, client)
