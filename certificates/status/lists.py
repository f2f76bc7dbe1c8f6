"""Status lists in the form of the IETF Token Status List: a JWT over two bits a licence.

0 valid, 1 void, 2 suspended, 3 other. A list's life (`exp`) is the longest time for which a revoked
licence can be taken for good offline.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from trust.crypto import jose
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import Malformed
from trust.crypto.jose import Jws

BITS = 2
TYPE = "statuslist+jwt"
#: Licences to a list that is begun now: 256 kB unpacked, some hundred bytes when most are valid.
#: Large, so that whoever asks for one tells little, and few certificates travel with millions.
CAPACITY = 1 << 20
UNPACKED_MAX = 16 * 1024 * 1024


class Status(IntEnum):
    VALID = 0
    VOID = 1
    SUSPENDED = 2
    OTHER = 3


@dataclass(frozen=True, slots=True)
class StatusList:
    """A list as read; its signature is the caller's to check. `packed` has four to the byte."""

    jws: Jws
    subject: str
    issued_at: datetime
    expires_at: datetime
    packed: bytes

    def status(self, index: int) -> Status:
        """Malformed when the index is outside the list."""
        if not 0 <= index < 4 * len(self.packed):
            raise Malformed("index outside the status list")
        return Status(self.packed[index // 4] >> 2 * (index % 4) & 3)


def write(
    states: Mapping[int, Status], *, capacity: int = CAPACITY, subject: str, at: datetime,
    lifetime: timedelta, ttl: timedelta, algorithm: Algorithm, kid: str, x5c: tuple[bytes, ...],
    sign: Callable[[bytes], bytes],
) -> str:  # fmt: skip
    """The signed list; `states` names only what is not VALID."""
    packed = pack(states, capacity=capacity)
    issued = int(at.timestamp())
    payload = {
        "sub": subject, "iat": issued, "exp": issued + int(lifetime.total_seconds()),
        "ttl": int(ttl.total_seconds()),
        "status_list": {"bits": BITS, "lst": jose.b64url(zlib.compress(packed, 9))},
    }  # fmt: skip
    return jose.sign(
        jose.canonical_json(payload), algorithm=algorithm, sign=sign, typ=TYPE, kid=kid, x5c=x5c
    )


def pack(states: Mapping[int, Status], *, capacity: int) -> bytes:
    """Two bits a licence, four to the byte, the lowest bits first."""
    packed = bytearray(capacity // 4)
    for index, status in states.items():
        packed[index // 4] |= int(status) << 2 * (index % 4)
    return bytes(packed)


def parse(token: str) -> StatusList:
    """Read a list; Malformed."""
    jws = jose.parse(token, typ=TYPE)
    payload = jose.load_json(jws.payload)
    try:
        listed = payload["status_list"]
        if listed["bits"] != BITS:
            raise Malformed("status list of other than two bits")
        packed = inflate(jose.unb64url(listed["lst"]))
        issued, expires = payload["iat"], payload["exp"]
        if type(issued) is not int or type(expires) is not int or issued >= expires:
            raise Malformed("status list without a life")
        return StatusList(
            jws, str(payload["sub"]), datetime.fromtimestamp(issued, UTC),
            datetime.fromtimestamp(expires, UTC), packed,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise Malformed("not a status list") from error


def inflate(data: bytes) -> bytes:
    """A zlib stream unpacked, whole and not beyond UNPACKED_MAX; Malformed."""
    inflater = zlib.decompressobj()
    try:
        unpacked = inflater.decompress(data, UNPACKED_MAX)
    except zlib.error as error:
        raise Malformed("status list does not unpack") from error
    if inflater.unconsumed_tail or not inflater.eof or inflater.unused_data:
        raise Malformed("status list is too large, cut short or followed by more")
    return unpacked


def subject(base_url: str, number: int) -> str:
    """Where a region publishes the list of that number."""
    return f"{base_url}/status/{number}"
