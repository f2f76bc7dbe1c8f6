"""Reading trusted lists of ETSI TS 119 612 in XML: ours, and those of other countries.

Nothing is read but what the signature covers: the parts are taken from the bytes that it verified
(XML Signature best practices: see what is signed). No entities, no DTD, no network, bounded size
and depth; one signature, by a certificate that the caller names.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

import cryptography.exceptions
from cryptography import x509 as _x509
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

from trust.crypto.x509 import Certificate
from trust.lists_judge import (
    ListMalformed,
    ListSignatureWrong,
    ListSignerUnknown,
    ListTooLarge,
    check_life,
)
from trust.lists_model import Was
from trust.lists_xml import COMPROMISED, KIND_PREFIX, TSL

XML_MAX: Final = 16 * 1024 * 1024
ELEMENTS_MAX: Final = 500_000
_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_N: Final = f"{{{TSL}}}"
_METHODS: Final = frozenset(
    {SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384, SignatureMethod.ECDSA_SHA512,
     SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512,
     SignatureMethod.SHA256_RSA_MGF1, SignatureMethod.SHA512_RSA_MGF1}
)  # fmt: skip
_DIGESTS: Final = frozenset(
    {DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512}
)
#: What counts as granted: TS 119 612, 5.5.4 and annex J, and the words of before 2016.
_GRANTED: Final = frozenset(
    {"granted", "recognisedatnationallevel", "undersupervision", "accredited",
     "setbynationallaw", "supervisionincessation"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class XmlPeriod:
    """A status by its URI, and since when."""

    status: str
    since: datetime

    @property
    def granted(self) -> Was:
        if self.status == COMPROMISED:
            return Was.COMPROMISED
        word = self.status.rsplit("/", 1)[-1].lower()
        return Was.GRANTED if word in _GRANTED else Was.WITHDRAWN


@dataclass(frozen=True, slots=True)
class XmlService:
    """`kind` and `status` are URIs as they stand; `kinds` those of its extensions too (ours)."""

    kind: str
    kinds: frozenset[str]
    provider: str
    name: str
    certificates: tuple[bytes, ...]
    uris: tuple[str, ...]
    periods: tuple[XmlPeriod, ...]  # the newest first

    def was(self, at: datetime) -> Was:
        """The standing at a time, by what the list knows now."""
        if any(each.granted is Was.COMPROMISED for each in self.periods):
            return Was.COMPROMISED
        found = next((each for each in self.periods if each.since <= at), None)
        return found.granted if found is not None else Was.NOT_YET


@dataclass(frozen=True, slots=True)
class XmlPointer:
    uri: str
    territory: str
    signers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class XmlList:
    """A list that its signer signed. `territory` is ISO 3166-1, EU, or CN- and a division code."""

    territory: str
    operator: str
    sequence: int
    issued_at: datetime
    next_update: datetime | None
    services: tuple[XmlService, ...]
    pointers: tuple[XmlPointer, ...]

    def was_trusted(self, certificate: bytes, at: datetime, *, kind: str) -> Was:
        """Whether a certificate (DER) was granted a kind of service (URI) at a time."""
        found = {
            service.was(at)
            for service in self.services
            if kind in {service.kind, *service.kinds} and certificate in service.certificates
        }
        order = (Was.COMPROMISED, Was.GRANTED, Was.WITHDRAWN, Was.NOT_YET)
        return next((each for each in order if each in found), Was.NOT_LISTED)


def judge(data: bytes, *, signers: Iterable[Certificate], at: datetime) -> XmlList:
    """The list in `data`, signed by one of `signers` and within its life at `at`; a ListRefused."""
    found = read(data, signers=signers, at=at)
    if found.next_update is None:  # a closed list (5.3.15): it ends with its last status
        raise ListMalformed("the list is closed: it has no next update")
    check_life(found.issued_at, found.next_update, at=at)
    return found


def read(data: bytes, *, signers: Iterable[Certificate], at: datetime) -> XmlList:
    """The list in `data`, signed by one of `signers`, whether its life is over or not; `at` is the
    time at which the signer's certificate must be valid. A ListRefused."""
    root = parse_safely(data)
    if root.tag != _N + "TrustServiceStatusList":
        raise ListMalformed("no trusted list of TS 119 612")
    signatures = [each for each in root if each.tag == _DS + "Signature"]
    if len(signatures) != 1 or len(root.findall(f".//{_DS}Signature")) != 1:
        raise ListSignatureWrong("a list bears one signature, enveloped by its root")
    signed = _verified(data, [each.der for each in signers], at=at)
    try:
        return _list(signed)
    except (AttributeError, ValueError, TypeError, binascii.Error) as error:
        raise ListMalformed("not a list of TS 119 612") from error


def parse_safely(data: bytes) -> Any:
    """The root element; ListTooLarge or ListMalformed. A document type is refused as such: entities
    are what bombs and disclosures are made of."""
    if len(data) > XML_MAX:
        raise ListTooLarge(f"an XML list has at most {XML_MAX} bytes")
    try:
        root = etree.fromstring(data, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ListMalformed("not well-formed XML") from error
    tree = root.getroottree()
    if tree.docinfo.doctype or tree.docinfo.internalDTD is not None:
        raise ListMalformed("a document type has no place in a list")
    if sum(1 for _ in root.iter()) > ELEMENTS_MAX:
        raise ListTooLarge(f"more than {ELEMENTS_MAX} elements")
    return root


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, remove_comments=False,
    )  # fmt: skip


def _verified(data: bytes, signers: list[bytes], *, at: datetime) -> Any:
    """The root as the signature covers it; ListSignerUnknown or ListSignatureWrong."""
    named = _named_signer(data)
    signer = next((der for der in signers if der == named), None)
    if signer is None:
        raise ListSignerUnknown("the list is signed by a certificate that was not named for it")
    config = XAdESSignatureConfiguration(
        require_x509=True, expect_references=True, location="./", verification_time=at,
        signature_methods=_METHODS, digest_algorithms=_DIGESTS,
    )  # fmt: skip
    try:
        results = XAdESVerifier().verify(
            data, x509_cert=_x509.load_der_x509_certificate(signer), expect_config=config,
            parser=_parser(),
        )  # fmt: skip
        covered = [each.signed_xml for each in results if each.signed_xml is not None]
    except (SignXMLException, cryptography.exceptions.InvalidSignature, ValueError, TypeError,
            KeyError, AttributeError, etree.LxmlError, NotImplementedError) as error:  # fmt: skip
        raise ListSignatureWrong("the list's signature does not hold") from error
    found = [each for each in covered if each.tag == _N + "TrustServiceStatusList"]
    if len(found) != 1:
        raise ListSignatureWrong("the signature does not cover the list")
    return found[0]


def _named_signer(data: bytes) -> bytes:
    root = parse_safely(data)
    path = f"{_DS}Signature/{_DS}KeyInfo/{_DS}X509Data/{_DS}X509Certificate"
    try:
        return base64.b64decode("".join((root.findtext(path) or "").split()), validate=True)
    except binascii.Error as error:
        raise ListMalformed("the signer's certificate is not Base64") from error


def _list(root: Any) -> XmlList:
    scheme = root.find(_N + "SchemeInformation")
    next_update = scheme.findtext(f"{_N}NextUpdate/{_N}dateTime")
    return XmlList(
        territory=_text(scheme, "SchemeTerritory"),
        operator=_text(scheme, "SchemeOperatorName", "Name"),
        sequence=int(_text(scheme, "TSLSequenceNumber")),
        issued_at=_moment(_text(scheme, "ListIssueDateTime")),
        next_update=_moment(next_update) if next_update else None,
        services=tuple(_services(root)), pointers=tuple(_pointers(scheme)),
    )  # fmt: skip


def _services(root: Any) -> Iterable[XmlService]:
    providers = f"{_N}TrustServiceProviderList/{_N}TrustServiceProvider"
    for provider in root.findall(providers):
        name = _text(provider, "TSPInformation", "TSPName", "Name")
        for node in provider.findall(f"{_N}TSPServices/{_N}TSPService"):
            yield _service(node, name)


def _service(node: Any, provider: str) -> XmlService:
    now = node.find(_N + "ServiceInformation")
    states = [now, *node.findall(f"{_N}ServiceHistory/{_N}ServiceHistoryInstance")]
    periods = [
        XmlPeriod(_text(each, "ServiceStatus"), _moment(_text(each, "StatusStartingTime")))
        for each in states
    ]
    newest, *older = periods
    extensions = now.iter(f"{_N}AdditionalServiceInformation")
    kinds = frozenset(_text(each, "URI") for each in extensions)
    return XmlService(
        kind=_text(now, "ServiceTypeIdentifier"),
        kinds=frozenset(each for each in kinds if each.startswith(KIND_PREFIX)),
        provider=provider, name=_text(now, "ServiceName", "Name"),
        certificates=_certificates(now.find(_N + "ServiceDigitalIdentity")),
        uris=tuple(each.text or "" for each in now.iter(f"{_N}ServiceSupplyPoint")),
        # The present is what the list puts first; the past it may have in any order.
        periods=(newest, *sorted(older, key=lambda each: each.since, reverse=True)),
    )  # fmt: skip


def _pointers(scheme: Any) -> Iterable[XmlPointer]:
    for node in scheme.findall(f"{_N}PointersToOtherTSL/{_N}OtherTSLPointer"):
        territory = next((each.text or "" for each in node.iter(_N + "SchemeTerritory")), "")
        yield XmlPointer(_text(node, "TSLLocation"), territory.strip(), _certificates(node))


def _certificates(node: Any) -> tuple[bytes, ...]:
    found = node.iter(_N + "X509Certificate") if node is not None else ()
    return tuple(
        base64.b64decode("".join((each.text or "").split()), validate=True) for each in found
    )


def _text(node: Any, *path: str) -> str:
    found = node.findtext("/".join(_N + name for name in path))
    if found is None:
        raise ValueError(f"no {path[-1]}")
    return cast(str, found).strip()


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text.strip())
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time before the first year or after the last") from error
