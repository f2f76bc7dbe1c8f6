"""Trust lists as JSON with a detached JWS (RFC 7515, appendix F) over their canonical bytes.

`{"list": {…}, "signature": "<protected>..<signature>"}`; the signature is over canonical JSON of
`list` (docs/trust-lists.md). The XML form is `trust.lists_xml`.
"""

import base64
import binascii
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from trust.crypto import hashes, jose
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import Malformed
from trust.lists_model import GRANTED as GRANTED
from trust.lists_model import ListContent, Period, Pointer, Service, ServiceStatus
from trust.lists_model import ServiceType as ServiceType
from trust.lists_model import TrustList as TrustList

TYPE = "trust-list+jws"
LIST_MAX = 8 * 1024 * 1024
VERSION = 2
#: A list names at most so many services, and a service so many earlier statuses.
SERVICES_MAX, HISTORY_MAX, POINTERS_MAX, SIGNERS_MAX = 20_000, 100, 500, 8
NAME_MAX, URI_MAX = 200, 400
_PREFIX = "urn:trust:service:"
_LIST = {"version", "schemeTerritory", "schemeOperatorName", "sequenceNumber", "issueDateTime",
         "nextUpdate", "services", "pointers"}  # fmt: skip
_SERVICE = {"serviceType", "serviceName", "serviceCode", "digitalId", "serviceUri", "status",
            "statusStartingTime", "history"}  # fmt: skip
_POINTER = {"schemeTerritory", "schemeOperatorName", "location", "signers", "sequenceNumber",
            "digest"}  # fmt: skip


def write(
    content: ListContent, *, algorithm: Algorithm, kid: str, x5c: tuple[bytes, ...],
    sign: Callable[[bytes], bytes],
) -> bytes:  # fmt: skip
    """The signed list as a JSON document; `sign` gives DER signatures."""
    said = as_json(content)
    compact = jose.sign(
        jose.canonical_json(said), algorithm=algorithm, sign=sign, typ=TYPE, kid=kid, x5c=x5c
    )
    return jose.canonical_json({"list": said, "signature": jose.detach(compact)})


def as_json(content: ListContent) -> dict[str, Any]:
    return {
        "version": VERSION, "schemeTerritory": content.region,
        "schemeOperatorName": content.operator, "sequenceNumber": content.sequence,
        "issueDateTime": _time(content.issued_at), "nextUpdate": _time(content.next_update),
        "services": [_service_json(service) for service in content.services],
        "pointers": [_pointer_json(pointer) for pointer in content.pointers],
    }  # fmt: skip


def _service_json(service: Service) -> dict[str, Any]:
    return {
        "serviceType": f"{_PREFIX}{service.kind}", "serviceName": service.name,
        "serviceCode": service.code or None, "digitalId": _base64(service.certificate) or None,
        "serviceUri": service.uri or None, "status": str(service.status),
        "statusStartingTime": _time(service.since),
        "history": [
            {"status": str(period.status), "statusStartingTime": _time(period.since)}
            for period in service.history
        ],
    }  # fmt: skip


def _pointer_json(pointer: Pointer) -> dict[str, Any]:
    return {
        "schemeTerritory": pointer.region, "schemeOperatorName": pointer.name,
        "location": pointer.uri, "signers": [_base64(each) for each in pointer.signers],
        "sequenceNumber": pointer.sequence, "digest": pointer.digest or None,
    }  # fmt: skip


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _time(at: datetime) -> str:
    """UTC to the second, in its one form."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def parse(data: bytes) -> TrustList:
    """Read a list; Malformed. Who signed it is for `trust.lists_judge` (or the caller) to say."""
    document = jose.load_json(data, cap=LIST_MAX)
    try:
        if set(document) != {"list", "signature"}:
            raise Malformed("trust list of an unknown form")
        content = document["list"]
        if content["version"] != VERSION or set(content) != _LIST:
            raise Malformed("trust list of an unknown version")
        payload = jose.canonical_json(content)
        jws = jose.parse(jose.attach(document["signature"], payload), typ=TYPE)
        return TrustList(
            region=_division(content["schemeTerritory"]),
            operator=_text(content["schemeOperatorName"], NAME_MAX),
            sequence=_integer(content["sequenceNumber"]),
            issued_at=_moment(content["issueDateTime"]),
            next_update=_moment(content["nextUpdate"]),
            services=tuple(map(_service, _some(content["services"], SERVICES_MAX))),
            pointers=tuple(map(_pointer, _some(content["pointers"], POINTERS_MAX))),
            jws=jws, digest=hashes.sha256(payload).hex(),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise Malformed("not a trust list") from error


def _service(item: Any) -> Service:
    if set(item) != _SERVICE:
        raise ValueError("a service with other members")
    history = tuple(_period(each) for each in _some(item["history"], HISTORY_MAX))
    since = _moment(item["statusStartingTime"])
    _check_order([since, *(each.since for each in history)])
    return Service(
        kind=ServiceType(_text(item["serviceType"], NAME_MAX).removeprefix(_PREFIX)),
        name=_text(item["serviceName"], NAME_MAX), since=since,
        certificate=_bytes(item["digitalId"]), uri=_text(item["serviceUri"] or "", URI_MAX),
        code=_text(item["serviceCode"] or "", NAME_MAX), status=ServiceStatus(item["status"]),
        history=history,
    )  # fmt: skip


def _period(item: Any) -> Period:
    if set(item) != {"status", "statusStartingTime"}:
        raise ValueError("a period with other members")
    return Period(ServiceStatus(item["status"]), _moment(item["statusStartingTime"]))


def _check_order(times: Iterable[datetime]) -> None:
    """A history runs backwards: otherwise "what held then" has two answers."""
    later: datetime | None = None
    for at in times:
        if later is not None and at > later:
            raise ValueError("a history out of order")
        later = at


def _pointer(item: Any) -> Pointer:
    if set(item) != _POINTER:
        raise ValueError("a pointer with other members")
    sequence = item["sequenceNumber"]
    return Pointer(
        region=_division(item["schemeTerritory"]), name=_text(item["schemeOperatorName"], NAME_MAX),
        uri=_text(item["location"], URI_MAX),
        signers=tuple(_bytes(each) for each in _some(item["signers"], SIGNERS_MAX)),
        sequence=None if sequence is None else _integer(sequence),
        digest=_text(item["digest"] or "", 64),
    )  # fmt: skip


def _some(items: Any, most: int) -> list[Any]:
    if not isinstance(items, list) or len(items) > most:
        raise ValueError(f"no list of at most {most}")
    return items


def _text(value: Any, most: int) -> str:
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        raise ValueError("no text, or too long")
    return value


def _division(value: Any) -> str:
    text = _text(value, 6)
    if len(text) != 6 or not text.isascii() or not text.isdigit():
        raise ValueError("no division code")
    return text


def _bytes(value: Any) -> bytes:
    return base64.b64decode(value or "", validate=True)


def _integer(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError("not a natural number")
    return value


def _moment(text: Any) -> datetime:
    """The one form that `_time` writes."""
    at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if _time(at) != text:
        raise ValueError("a time in another form")
    return at
