"""What a trust list says: services with a status and its history, pointers to other lists.

The content model is ETSI TS 119 612 (v2): a service is what one key, or one body, does; its status
holds since a time, and what held before stays in its history, so that "was it trusted then?" has an
answer. Forms: `trust.lists` (JSON), `trust.lists_xml` (XML).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trust.crypto.jose import Jws

#: GB/T 2260 begins with provinces; a list for the whole nation needs a territory too.
NATION = "100000"


class ServiceType(StrEnum):
    """Kinds of services; the suffix of the URI `urn:trust:service:…`."""

    ROOT_CA = "ca-root"
    ISSUING_CA = "ca-issuing"
    SEAL_MAKER = "seal-maker"
    CLAIM_SIGNER = "claim-signer"
    COPY_SIGNER = "copy-signer"
    ARCHIVE_SIGNER = "archive-signer"
    STATUS = "status-list"
    LIST_SIGNER = "list-signer"
    LOG = "log"
    OCSP = "ocsp"
    TSA = "tsa"
    ISSUER = "licence-issuer"
    IDENTITY_PROVIDER = "identity-provider"
    SHARE = "share"
    EXCHANGE = "exchange"


class ServiceStatus(StrEnum):
    """COMPROMISED is a withdrawal after which nothing the key says of earlier times counts."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    COMPROMISED = "compromised"


GRANTED = ServiceStatus.GRANTED


class Was(StrEnum):
    """What a service was at a time, by what is known now."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    COMPROMISED = "compromised"
    NOT_YET = "not_yet"
    NOT_LISTED = "not_listed"


@dataclass(frozen=True, slots=True)
class Period:
    """A status and since when; it lasted until the next one began."""

    status: ServiceStatus
    since: datetime


@dataclass(frozen=True, slots=True)
class Service:
    """One service. `certificate` is DER (empty for bodies); `uri` where it answers, if it does;
    `code` a body's USCC. `history` are the periods before `since`, the newest first."""

    kind: ServiceType
    name: str
    since: datetime
    certificate: bytes = b""
    uri: str = ""
    code: str = ""
    status: ServiceStatus = GRANTED
    history: tuple[Period, ...] = ()

    def periods(self) -> tuple[Period, ...]:
        """All there ever were, the newest first."""
        return (Period(self.status, self.since), *self.history)

    def was(self, at: datetime) -> Was:
        """The standing at a time. A compromise taints what came before it: a time that only the
        key itself claims is worth nothing from then on."""
        if any(each.status is ServiceStatus.COMPROMISED for each in self.periods()):
            return Was.COMPROMISED
        found = next((each for each in self.periods() if each.since <= at), None)
        return Was(found.status) if found is not None else Was.NOT_YET


@dataclass(frozen=True, slots=True)
class Pointer:
    """Another region's list: where it is and who may sign it (DER certificates).

    `sequence` and `digest` (SHA-256 of its content, hexadecimal) name the list that was in force
    when this was said: an older one must not be believed beside it.
    """

    region: str
    name: str
    uri: str
    signers: tuple[bytes, ...]
    sequence: int | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class ListContent:
    """All that a list says. Times are UTC, to the second."""

    region: str
    operator: str
    sequence: int
    issued_at: datetime
    next_update: datetime
    services: tuple[Service, ...]
    pointers: tuple[Pointer, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustList:
    """A list as read, its signature not yet judged. `digest` is SHA-256 of its content."""

    region: str
    operator: str
    sequence: int
    issued_at: datetime
    next_update: datetime
    services: tuple[Service, ...]
    pointers: tuple[Pointer, ...]
    jws: Jws
    digest: str

    def of_kind(self, kind: ServiceType) -> tuple[Service, ...]:
        return tuple(service for service in self.services if service.kind is kind)


def was_trusted(
    services: tuple[Service, ...], kind: ServiceType, subject: bytes | str, at: datetime
) -> Was:
    """Whether a certificate (DER) or a body (USCC) was granted a kind of service at a time.

    A subject that is listed twice is as good as its worst entry: one of them is a compromise.
    """
    found = {
        service.was(at)
        for service in services
        if service.kind is kind
        and (service.certificate if isinstance(subject, bytes) else service.code) == subject
    }
    order = (Was.COMPROMISED, Was.GRANTED, Was.WITHDRAWN, Was.NOT_YET)
    return next((each for each in order if each in found), Was.NOT_LISTED)


def covers(region: str, division: str) -> bool:
    """Whether a division lies within a region: 540000 covers 542500; the nation covers all."""
    return region == NATION or division.startswith(_stem(region))


def _stem(region: str) -> str:
    """The pairs of digits that say something: `5400` of 540000 is 54."""
    pairs = [region[at : at + 2] for at in range(0, len(region), 2)]
    while pairs and pairs[-1] == "00":
        pairs.pop()
    return "".join(pairs) or region
