"""A trust list in the XML form of ETSI TS 119 612 (v2.2.1), with an enveloped XAdES-BES signature.

Kinds of service that the standard knows bear its names (CA/PKC, TSA, OCSP, …); each also says our
own kind in an AdditionalServiceInformation extension. Territories are `CN-` and the division code;
a region of China has no code of its own in ISO 3166-1.
"""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, cast

from cryptography import x509 as _x509
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.xades.xades import XAdESSigner

from trust.crypto import x509
from trust.lists_model import ListContent, Period, Pointer, Service, ServiceStatus, ServiceType

TSL: Final = "http://uri.etsi.org/02231/v2#"
EXTRA: Final = "http://uri.etsi.org/02231/v2/additionaltypes#"
XML: Final = "http://www.w3.org/XML/1998/namespace"
#: For what the standard has no element: a body's code.
OURS: Final = "urn:trust:list"
_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
TAG: Final = "http://uri.etsi.org/19612/TSLTag"
MIME_TYPE: Final = "application/vnd.etsi.tsl+xml"
SVC: Final = "http://uri.etsi.org/TrstSvc/Svctype/"
STATUS: Final = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/"
KIND_PREFIX: Final = "urn:trust:service:"
COMPROMISED: Final = "urn:trust:status:compromised"
RULES: Final = "urn:trust:schemerules:mutual-recognition"

_TYPES: Final = {
    ServiceType.ROOT_CA: SVC + "CA/PKC", ServiceType.ISSUING_CA: SVC + "CA/PKC",
    ServiceType.OCSP: SVC + "Certstatus/OCSP", ServiceType.TSA: SVC + "TSA",
    ServiceType.IDENTITY_PROVIDER: SVC + "IdV", ServiceType.LIST_SIGNER: SVC + "TLIssuer",
}  # fmt: skip
STATUSES: Final = {
    ServiceStatus.GRANTED: STATUS + "granted", ServiceStatus.WITHDRAWN: STATUS + "withdrawn",
    ServiceStatus.COMPROMISED: COMPROMISED,
}  # fmt: skip


def write(
    content: ListContent, *, certificate: bytes, sign: Callable[[bytes], bytes], base_url: str,
    at: datetime,
) -> bytes:  # fmt: skip
    """The list signed by ES256; `sign` gives DER signatures, `certificate` is its DER."""
    root = _Node("TrustServiceStatusList", TSLTag=TAG, Id="trust-list")
    _scheme(root.add("SchemeInformation"), content, base_url)
    if content.services:
        provider = root.add("TrustServiceProviderList").add("TrustServiceProvider")
        _provider(provider, content, base_url)
    signer = _Signer(at)
    made = signer.sign(
        root.element, key=cast(Any, _Key(sign)), always_add_key_value=False,
        cert=[_x509.load_der_x509_certificate(certificate)],
    )  # fmt: skip
    found: bytes = etree.tostring(made, xml_declaration=True, encoding="UTF-8")
    return found


class _Key:
    """A key of a key store in the place of one of the library's: P-256, DER signatures."""

    key_size = 256

    def __init__(self, sign: Callable[[bytes], bytes]) -> None:
        self._sign = sign

    def sign(self, data: bytes, *, signature_algorithm: object) -> bytes:
        """ECDSA over SHA-256 is what `write` asks for, and what ES256 is."""
        return self._sign(data)


class _Signer(XAdESSigner):
    """Signs at the time it is told."""

    def __init__(self, at: datetime) -> None:
        super().__init__(
            signature_algorithm=SignatureMethod.ECDSA_SHA256,
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        self._at = at

    def add_signing_time(
        self, signed_signature_properties: Any, sig_root: Any, signing_settings: Any
    ) -> None:
        name = "{http://uri.etsi.org/01903/v1.3.2#}SigningTime"
        etree.SubElement(signed_signature_properties, name).text = _time(self._at)

    def _add_reference_to_signed_info(
        self, sig_root: Any, node_to_reference: Any, **attrs: str
    ) -> None:
        """With its canonicalization named (TS 119 612, annex B: exclusive); the library leaves it
        to a default that differs from what it signs."""
        cast(Any, super())._add_reference_to_signed_info(sig_root, node_to_reference, **attrs)
        reference = sig_root.find(f"{_DS}SignedInfo")[-1]
        transforms = etree.Element(f"{_DS}Transforms")
        etree.SubElement(transforms, f"{_DS}Transform", Algorithm=self.c14n_alg.value)
        reference.insert(0, transforms)


class _Node:
    """An element, and children put under it in the order the schema wants."""

    def __init__(self, name: str, **attributes: str) -> None:
        self.element = etree.Element(f"{{{TSL}}}{name}", attributes, nsmap={None: TSL})

    @classmethod
    def of(cls, element: Any) -> "_Node":
        made = cls.__new__(cls)
        made.element = element
        return made

    def add(
        self, name: str, text: str = "", *, lang: str = "", namespace: str = TSL, **attributes: str
    ) -> "_Node":
        child = etree.SubElement(self.element, f"{{{namespace}}}{name}", attributes)
        if lang:
            child.set(f"{{{XML}}}lang", lang)
        if text:
            child.text = text
        return _Node.of(child)


def _scheme(node: _Node, content: ListContent, base_url: str) -> None:
    """TS 119 612, 5.3, in its order."""
    kind = "listofthelists" if content.pointers and not content.services else "generic"
    node.add("TSLVersionIdentifier", "5")
    node.add("TSLSequenceNumber", str(content.sequence))
    node.add("TSLType", f"urn:trust:tsltype:{kind}")
    _named(node.add("SchemeOperatorName"), "Name", content.operator)
    _address(node.add("SchemeOperatorAddress"), content.operator, base_url)
    _named(node.add("SchemeName"), "Name", f"CN-{content.region}: {content.operator}")
    _named(node.add("SchemeInformationURI"), "URI", f"{base_url}/trust-list")
    node.add("StatusDeterminationApproach", "urn:trust:statusdetn:region")
    _named(node.add("SchemeTypeCommunityRules"), "URI", RULES)
    node.add("SchemeTerritory", f"CN-{content.region}")
    _named(node.add("PolicyOrLegalNotice"), "TSLLegalNotice", f"{base_url}/docs")
    node.add("HistoricalInformationPeriod", "65535")  # for ever (5.3.12)
    if content.pointers:
        above = node.add("PointersToOtherTSL")
        for pointer in content.pointers:
            _pointer(above.add("OtherTSLPointer"), pointer)
    node.add("ListIssueDateTime", _time(content.issued_at))
    node.add("NextUpdate").add("dateTime", _time(content.next_update))


def _named(node: _Node, name: str, text: str) -> None:
    node.add(name, text, lang="zh")
    node.add(name, text, lang="en")


def _address(node: _Node, operator: str, base_url: str) -> None:
    postal = node.add("PostalAddresses").add("PostalAddress", lang="zh")
    postal.add("StreetAddress", operator)
    postal.add("Locality", operator)
    postal.add("CountryName", "CN")
    node.add("ElectronicAddress").add("URI", base_url, lang="zh")


def _pointer(node: _Node, pointer: Pointer) -> None:
    """TS 119 612, 5.3.13; the XML form of the list lies beside the JSON that we point to."""
    identities = node.add("ServiceDigitalIdentities")
    for der in pointer.signers:
        _certificate(identities.add("ServiceDigitalIdentity"), der)
    node.add("TSLLocation", f"{pointer.uri}.xml")
    more = node.add("AdditionalInformation")
    more.add("OtherInformation").add("TSLType", "urn:trust:tsltype:generic")
    _named(more.add("OtherInformation").add("SchemeOperatorName"), "Name", pointer.name)
    _named(more.add("OtherInformation").add("SchemeTypeCommunityRules"), "URI", RULES)
    more.add("OtherInformation").add("SchemeTerritory", f"CN-{pointer.region}")
    more.add("OtherInformation").add("MimeType", MIME_TYPE, namespace=EXTRA)


def _certificate(node: _Node, der: bytes) -> None:
    node.add("DigitalId").add("X509Certificate", base64.b64encode(der).decode())


def _provider(node: _Node, content: ListContent, base_url: str) -> None:
    about = node.add("TSPInformation")
    _named(about.add("TSPName"), "Name", content.operator)
    _address(about.add("TSPAddress"), content.operator, base_url)
    _named(about.add("TSPInformationURI"), "URI", base_url)
    services = node.add("TSPServices")
    for service in content.services:
        _service(services.add("TSPService"), service)


def _service(node: _Node, service: Service) -> None:
    """TS 119 612, 5.5 and 5.6."""
    now = node.add("ServiceInformation")
    _state(now, service, Period(service.status, service.since))
    if service.uri:
        now.add("ServiceSupplyPoints").add("ServiceSupplyPoint", service.uri)
    extension = now.add("ServiceInformationExtensions").add("Extension", Critical="false")
    _named_kind(extension.add("AdditionalServiceInformation"), service.kind)
    if service.history:
        past = node.add("ServiceHistory")
        for period in service.history:
            _state(past.add("ServiceHistoryInstance"), service, period, past=True)


def _named_kind(node: _Node, kind: ServiceType) -> None:
    node.add("URI", KIND_PREFIX + kind, lang="en")


def _state(node: _Node, service: Service, period: Period, *, past: bool = False) -> None:
    """What holds, or held, since when. The past names a key without its certificate (5.6.3)."""
    node.add("ServiceTypeIdentifier", _TYPES.get(service.kind, KIND_PREFIX + service.kind))
    _named(node.add("ServiceName"), "Name", service.name)
    identity = node.add("ServiceDigitalIdentity")
    if service.certificate and not past:
        _certificate(identity, service.certificate)
    elif service.certificate:
        subject = x509.name_text(x509.parse_certificate(service.certificate).subject)
        identity.add("DigitalId").add("X509SubjectName", subject)
    else:
        other = identity.add("DigitalId").add("Other")
        other.add("Code", service.code, namespace=OURS)
    node.add("ServiceStatus", STATUSES[period.status])
    node.add("StatusStartingTime", _time(period.since))


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
