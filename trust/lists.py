"""Trust lists: a region's services in the content model of ETSI TS 119 612, as JSON with a
detached JWS (RFC 7515, appendix F) over its canonical bytes.

`{"list": {…}, "signature": "<protected>..<signature>"}`; the signature is over canonical JSON of
`list`. The XML form and lists of lists come with mutual recognition.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from trust.crypto import jose
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import Malformed
from trust.crypto.jose import Jws

TYPE = "trust-list+jws"
LIST_MAX = 8 * 1024 * 1024
VERSION = 1


class ServiceType(StrEnum):
    """Kinds of services; the suffix of the URI `urn:trust:service:…`."""

    ROOT_CA = "ca-root"
    ISSUING_CA = "ca-issuing"
    SEAL_MAKER = "seal-maker"
    CLAIM_SIGNER = "claim-signer"
    STATUS = "status-list"
    LIST_SIGNER = "list-signer"
    LOG = "log"
    OCSP = "ocsp"
    TSA = "tsa"
    ISSUER = "licence-issuer"


GRANTED = "granted"


@dataclass(frozen=True, slots=True)
class Service:
    """One service. `certificate` is DER (empty for issuers); `uri` where it answers, if it does."""

    kind: ServiceType
    name: str
    since: datetime
    certificate: bytes = b""
    uri: str = ""
    code: str = ""
    status: str = GRANTED

    def as_json(self) -> dict[str, Any]:
        digital_id = base64.b64encode(self.certificate).decode() if self.certificate else None
        return {
            "serviceType": f"urn:trust:service:{self.kind}", "serviceName": self.name,
            "serviceCode": self.code or None, "digitalId": digital_id,
            "serviceUri": self.uri or None, "status": self.status,
            "statusStartingTime": _time(self.since), "history": [],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class TrustList:
    """A list as read, its signature not yet judged."""

    region: str
    sequence: int
    issued_at: datetime
    next_update: datetime
    services: tuple[Service, ...]
    jws: Jws

    def of_kind(self, kind: ServiceType) -> tuple[Service, ...]:
        return tuple(service for service in self.services if service.kind is kind)


def _time(at: datetime) -> str:
    return at.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def write(
    services: list[Service], *, region: str, operator: str, sequence: int, at: datetime,
    next_update: datetime, algorithm: Algorithm, kid: str, x5c: tuple[bytes, ...],
    sign: Callable[[bytes], bytes],
) -> bytes:  # fmt: skip
    """The signed list as a JSON document."""
    content = {
        "version": VERSION, "schemeTerritory": region, "schemeOperatorName": operator,
        "sequenceNumber": sequence, "issueDateTime": _time(at), "nextUpdate": _time(next_update),
        "services": [service.as_json() for service in services],
    }  # fmt: skip
    payload = jose.canonical_json(content)
    compact = jose.sign(payload, algorithm=algorithm, sign=sign, typ=TYPE, kid=kid, x5c=x5c)
    return jose.canonical_json({"list": content, "signature": jose.detach(compact)})


def parse(data: bytes) -> TrustList:
    """Read a list; Malformed. The caller checks who signed it (`jws`)."""
    document = jose.load_json(data, cap=LIST_MAX)
    try:
        content = document["list"]
        payload = jose.canonical_json(content)
        if set(document) != {"list", "signature"} or content["version"] != VERSION:
            raise Malformed("trust list of an unknown form")
        jws = jose.parse(jose.attach(document["signature"], payload), typ=TYPE)
        return TrustList(
            region=str(content["schemeTerritory"]), sequence=_integer(content["sequenceNumber"]),
            issued_at=_moment(content["issueDateTime"]),
            next_update=_moment(content["nextUpdate"]),
            services=tuple(_service(item) for item in content["services"]), jws=jws,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise Malformed("not a trust list") from error


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise ValueError("not an integer")
    return value


def _moment(text: Any) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at


def _service(item: dict[str, Any]) -> Service:
    return Service(
        kind=ServiceType(item["serviceType"].removeprefix("urn:trust:service:")),
        name=str(item["serviceName"]), since=_moment(item["statusStartingTime"]),
        certificate=base64.b64decode(item["digitalId"] or "", validate=True),
        uri=str(item["serviceUri"] or ""), code=str(item["serviceCode"] or ""),
        status=str(item["status"]),
    )  # fmt: skip
