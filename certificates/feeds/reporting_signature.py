"""The headers of a report, in the style of the national data exchange.

`gjzwfwpt_rid` says who calls, `_sid` which service, `_rtime` when (milliseconds since 1970), and
`_sign` is base64 of HMAC-SHA256 over sid, rid and rtime. That leaves the body to TLS alone, so
`gjzwfwpt_digest` is added: base64 of HMAC-SHA256 over `rtime.` and the body, under the same secret.
A superior that does not know it leaves it aside; ours asks for it.
"""

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from trust.errors import Unauthenticated

SID: Final = "licence-catalogue"
TOLERANCE: Final = timedelta(minutes=5)
_NAMES: Final = tuple(f"gjzwfwpt_{part}" for part in ("rid", "sid", "rtime", "sign", "digest"))


class BadReportSignature(Unauthenticated):
    """The headers are missing, of another time, or not by this caller."""

    code = "bad_report_signature"


def _mac(secret: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.digest(secret, message, "sha256")).decode()


def headers(*, rid: str, sid: str, secret: bytes, body: bytes, at: datetime) -> dict[str, str]:
    """The headers of one request."""
    return _headers(rid, sid, str(int(at.timestamp() * 1000)), secret, body)


def _headers(rid: str, sid: str, rtime: str, secret: bytes, body: bytes) -> dict[str, str]:
    values = (
        rid, sid, rtime, _mac(secret, f"{sid}{rid}{rtime}".encode()),
        _mac(secret, f"{rtime}.".encode() + body),
    )  # fmt: skip
    return dict(zip(_NAMES, values, strict=True))


def check(given: Mapping[str, str], body: bytes, *, secret: bytes, at: datetime) -> None:
    """BadReportSignature unless the caller who has `secret` sent exactly this, now."""
    rid, sid, rtime, sign, digest = (given.get(name, "")[:200] for name in _NAMES)
    if not (rtime.isascii() and rtime.isdigit() and len(rtime) <= 15):
        raise BadReportSignature("gjzwfwpt_rtime is missing")
    if abs(int(rtime) / 1000 - at.timestamp()) > TOLERANCE.total_seconds():
        raise BadReportSignature("gjzwfwpt_rtime is not of now")
    wanted = _headers(rid, sid, rtime, secret, body)
    same = hmac.compare_digest(wanted[_NAMES[3]].encode(), sign.encode())
    same_body = hmac.compare_digest(wanted[_NAMES[4]].encode(), digest.encode())
    if not (same and same_body and sid == SID):
        raise BadReportSignature("the signature of the report is wrong")
