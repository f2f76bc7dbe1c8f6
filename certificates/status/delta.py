"""What changed in a status list since a time: for verifiers that carry the list and a thin line.

A JWS (`typ` statusdelta+jwt) over `{sub, iat, exp, since, digest, changes}`. `changes` is base64url
of a zlib stream over deterministic CBOR `[[index, state], …]`, ascending; `digest` the SHA-256 of
the packed list as it is after them. Whoever applies a delta to what was signed at or after `since`
holds the very list that was signed at `iat`, or learns by the digest that it does not.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from certificates.status.lists import Status, inflate
from trust.crypto import cose, jose
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import Malformed
from trust.crypto.hashes import sha256
from trust.crypto.jose import Jws
from trust.errors import Conflict

TYPE: Final = "statusdelta+jwt"
#: Beyond this many changes the whole list is the shorter answer.
CHANGES_MAX: Final = 1 << 17


class DeltaDoesNotFit(Conflict):
    """The list that was to be brought up to date is not the one the delta was made for."""

    code = "delta_does_not_fit"


@dataclass(frozen=True, slots=True)
class Delta:
    """A delta as read; its signature is the caller's to check (`jws`)."""

    jws: Jws
    subject: str
    since: datetime
    issued_at: datetime
    expires_at: datetime
    digest: bytes
    changes: tuple[tuple[int, Status], ...]


def write(
    changes: Mapping[int, Status], packed: bytes, *, since: datetime, subject: str, at: datetime,
    lifetime: timedelta, algorithm: Algorithm, kid: str, x5c: tuple[bytes, ...],
    sign: Callable[[bytes], bytes],
) -> str:  # fmt: skip
    """The signed delta; `packed` is the whole list as it is at `at`."""
    issued = int(at.timestamp())
    listed = cose.encode([[index, int(changes[index])] for index in sorted(changes)])
    payload = {
        "sub": subject, "iat": issued, "exp": issued + int(lifetime.total_seconds()),
        "since": int(since.timestamp()), "digest": jose.b64url(sha256(packed)),
        "changes": jose.b64url(zlib.compress(listed, 9)),
    }  # fmt: skip
    return jose.sign(
        jose.canonical_json(payload), algorithm=algorithm, sign=sign, typ=TYPE, kid=kid, x5c=x5c
    )


def parse(token: str) -> Delta:
    """Read a delta; Malformed."""
    jws = jose.parse(token, typ=TYPE)
    payload = jose.load_json(jws.payload)
    try:
        times = [payload[key] for key in ("since", "iat", "exp")]
        if any(type(time) is not int for time in times) or sorted(set(times)) != times:
            raise Malformed("a delta without a life")
        since, issued, expires = (datetime.fromtimestamp(time, UTC) for time in times)
        changes = cose.decode(inflate(jose.unb64url(payload["changes"])))
        return Delta(
            jws, str(payload["sub"]), since, issued, expires,
            jose.unb64url(payload["digest"]), _changes(changes),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise Malformed("not a status delta") from error


def apply(delta: Delta, packed: bytes, *, subject: str, issued_at: datetime) -> bytes:
    """The list after the delta; DeltaDoesNotFit for another list, a gap, or an older delta."""
    if delta.subject != subject or not delta.since <= issued_at <= delta.issued_at:
        raise DeltaDoesNotFit("the delta begins after the list was signed, or is of another list")
    made = bytearray(packed)
    for index, status in delta.changes:
        if index >= 4 * len(made):
            raise DeltaDoesNotFit("an index outside the list")
        shift = 2 * (index % 4)
        made[index // 4] = made[index // 4] & ~(3 << shift) | int(status) << shift
    if sha256(bytes(made)) != delta.digest:
        raise DeltaDoesNotFit("the list is not what was signed")
    return bytes(made)


def _changes(value: Any) -> tuple[tuple[int, Status], ...]:
    if not isinstance(value, list) or len(value) > CHANGES_MAX:
        raise Malformed(f"at most {CHANGES_MAX} changes")
    found = []
    for pair in value:
        index, status = pair
        if type(index) is not int or type(status) is not int or index < 0:
            raise Malformed("a change is an index and a state")
        found.append((index, Status(status)))
    if [index for index, _ in found] != sorted({index for index, _ in found}):
        raise Malformed("changes are in ascending order, each index once")
    return tuple(found)
