"""The XML form: read strictly, by pyHanko as well as by us; other countries' lists judged."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from asn1crypto import x509 as asn1
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from pyhanko.sign.validation.qualified import eutl_parse

from tests.trust.listing import DAY, NOW, Publisher, make_key, publisher
from trust import lists_xml, lists_xml_read
from trust.crypto import x509
from trust.crypto.x509 import Certificate
from trust.lists_judge import ListRefused
from trust.lists_model import Period, Pointer, Service, ServiceStatus, ServiceType, Was

HOME = Path(__file__).resolve().parents[2] / "../shared/data/trusted-lists"
#: When the lists of 2019 were in force, and those of the made-up third country.
AT_2019, AT_2023 = datetime(2019, 10, 1, tzinfo=UTC), datetime(2023, 1, 1, tzinfo=UTC)
published = pytest.mark.skipif(not HOME.is_dir(), reason="the published lists are not at hand")


def write(region: Publisher, pointers: tuple[Pointer, ...] = ()) -> bytes:
    content = region.content(pointers=pointers)
    return lists_xml.write(
        content, certificate=region.key.der, sign=region.key.sign,
        base_url=f"https://{region.code}.example", at=NOW,
    )  # fmt: skip


def certificate(der: bytes) -> asn1.Certificate:
    """As pyHanko wants it."""
    return cast(asn1.Certificate, cast(Any, asn1.Certificate).load(der))


@pytest.fixture(scope="module")
def region() -> Publisher:
    """Three services with a past, one a body without a key."""
    made = publisher("542500")
    old = Period(ServiceStatus.GRANTED, NOW - 50 * DAY)
    made.services = (
        Service(ServiceType.TSA, "tsa", NOW - 9 * DAY, make_key("542500").der,
                "https://542500.example/tsa", status=ServiceStatus.WITHDRAWN, history=(old,)),
        Service(ServiceType.CLAIM_SIGNER, "claims", NOW - 9 * DAY, make_key("542500").der,
                status=ServiceStatus.COMPROMISED, history=(old,)),
        Service(ServiceType.ISSUER, "市场监管局 <&>", NOW - 50 * DAY,
                code="11542500MB1234567X"),
    )  # fmt: skip
    return made


def test_our_xml_is_read_back_with_its_history(region: Publisher) -> None:
    found = lists_xml_read.judge(write(region), signers=[region.key.certificate], at=NOW)
    assert (found.territory, found.operator) == ("CN-542500", "region 542500")
    tsa, claims = region.services[0].certificate, region.services[1].certificate
    kind = lists_xml.KIND_PREFIX + ServiceType.TSA
    assert found.was_trusted(tsa, NOW - 20 * DAY, kind=kind) is Was.GRANTED
    assert found.was_trusted(tsa, NOW, kind=kind) is Was.WITHDRAWN
    assert found.was_trusted(tsa, NOW - 60 * DAY, kind=kind) is Was.NOT_YET
    assert found.was_trusted(tsa, NOW - 20 * DAY, kind=lists_xml.SVC + "TSA") is Was.GRANTED
    kind = lists_xml.KIND_PREFIX + ServiceType.CLAIM_SIGNER
    assert found.was_trusted(claims, NOW - 20 * DAY, kind=kind) is Was.COMPROMISED
    assert found.was_trusted(b"other", NOW, kind=kind) is Was.NOT_LISTED
    assert found.services[-1].name == "市场监管局 <&>"


def test_pyhanko_reads_our_list_and_accepts_its_signature(region: Publisher) -> None:
    text = write(region).decode()
    signer = certificate(region.key.der)
    _, errors = eutl_parse.trust_list_to_registry(text, [signer])
    assert errors == []
    listed: Any = eutl_parse._raw_tl_parse(text)
    provider = listed.trust_service_provider_list.trust_service_provider[0]
    services = provider.tspservices.tspservice
    assert len(services) == 4
    tsa = services[1]
    assert tsa.service_information.service_type_identifier.value == lists_xml.SVC + "TSA"
    assert tsa.service_information.service_status.value == lists_xml.STATUS + "withdrawn"
    (before,) = tsa.service_history.service_history_instance
    assert before.service_status.value == lists_xml.STATUS + "granted"
    assert before.status_starting_time.to_datetime() == NOW - 50 * DAY


def test_pyhanko_reads_our_list_of_lists(region: Publisher) -> None:
    hub = publisher("100000")
    text = write(hub, (region.pointer(),)).decode()
    found = eutl_parse.validate_and_parse_lotl(text, [certificate(hub.key.der)], NOW)
    assert found.errors == []
    (pointer,) = found.references
    assert pointer.territory == "CN-542500"
    assert pointer.location_uri == region.uri + ".xml"
    assert [cast(Any, each).dump() for each in pointer.tlso_certs] == [region.key.der]


def _wrapped(data: bytes) -> bytes:
    """The signed list hidden in a list that says something else."""
    root = etree.fromstring(data)
    outer = etree.fromstring(data)
    signature = outer.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
    hidden = etree.SubElement(signature, "{http://www.w3.org/2000/09/xmldsig#}Object")
    hidden.append(root)
    return bytes(etree.tostring(outer))


def _twice(data: bytes) -> bytes:
    root = etree.fromstring(data)
    root.append(etree.fromstring(etree.tostring(root[-1])))
    return bytes(etree.tostring(root))


def _unsigned(data: bytes) -> bytes:
    root = etree.fromstring(data)
    root.remove(root[-1])
    return bytes(etree.tostring(root))


BAD: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "a changed name": ("list_signature_wrong", lambda d: d.replace(b"region 5", b"region 6")),
    "a changed status": ("list_signature_wrong", lambda d: d.replace(b"withdrawn<", b"granted<")),
    "no signature": ("list_signature_wrong", _unsigned),
    "two signatures": ("list_signature_wrong", _twice),
    "a list wrapped in its signature": ("list_signature_wrong", _wrapped),
    "an entity": (
        "list_malformed",
        lambda d: b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
    ),
    "a document type": ("list_malformed", lambda d: b"<!DOCTYPE x>" + d.partition(b"?>")[2]),
    "another document": ("list_malformed", lambda d: b"<x/>"),
    "no XML": ("list_malformed", lambda d: b"list"),
    "a deep tree": ("list_malformed", lambda d: b"<x>" * 5000 + b"</x>" * 5000),
    "too many bytes": ("list_too_large", lambda d: d + b" " * lists_xml_read.XML_MAX),
    "too many elements": ("list_too_large", lambda d: b"<x>" + b"<y/>" * 600_000 + b"</x>"),
}  # fmt: skip


@pytest.mark.parametrize("fault", sorted(BAD))
def test_a_bad_xml_list_is_refused_by_name(region: Publisher, fault: str) -> None:
    code, spoil = BAD[fault]
    with pytest.raises(ListRefused) as refused:
        lists_xml_read.judge(spoil(write(region)), signers=[region.key.certificate], at=NOW)
    assert refused.value.code == code


def test_a_signer_that_nobody_named_is_not_believed(region: Publisher) -> None:
    with pytest.raises(ListRefused) as refused:
        lists_xml_read.judge(write(region), signers=[make_key("542500").certificate], at=NOW)
    assert refused.value.code == "list_signer_unknown"


def test_an_xml_list_whose_life_is_over_is_refused(region: Publisher) -> None:
    data = write(region)
    with pytest.raises(ListRefused) as refused:
        lists_xml_read.judge(data, signers=[region.key.certificate], at=NOW + 8 * DAY)
    assert refused.value.code == "list_expired"


@settings(max_examples=60, deadline=None)
@given(at=st.floats(0, 1), to=st.integers(0, 255))
def test_no_change_of_a_byte_changes_what_is_believed(
    region: Publisher, at: float, to: int
) -> None:
    data = bytearray(_kept(region))
    sound = lists_xml_read.judge(bytes(data), signers=[region.key.certificate], at=NOW)
    data[int(at * (len(data) - 1))] = to
    try:
        found = lists_xml_read.judge(bytes(data), signers=[region.key.certificate], at=NOW)
    except ListRefused:
        return
    assert found == sound


_KEPT: dict[str, bytes] = {}


def _kept(region: Publisher) -> bytes:
    return _KEPT.setdefault(region.code, write(region))


# Lists as they were published


def read(name: str) -> bytes:
    return (HOME / name).read_bytes()


def signer_in(data: bytes) -> Certificate:
    """Who says to have signed it: for a list of lists, which nobody points to."""
    root = etree.fromstring(data)
    text = root.findtext(".//{http://www.w3.org/2000/09/xmldsig#}X509Certificate") or ""
    return x509.parse_certificate(base64.b64decode(text))


def pinned(hub: str, territory: str, at: datetime) -> list[Certificate]:
    """The signers that a list of lists names for a country."""
    data = read(hub)
    found = lists_xml_read.read(data, signers=[signer_in(data)], at=at)
    pointers = [each for each in found.pointers if each.territory == territory]
    return [x509.parse_certificate(der) for each in pointers for der in each.signers]


@published
@pytest.mark.parametrize(
    ("country", "number", "services"),
    [("CZ", 77, 133), ("IE", 17, 4), ("LU", 37, 11), ("MT", 30, 5)],
)
def test_a_countrys_list_is_believed_by_the_signers_that_the_eu_names(
    country: str, number: int, services: int
) -> None:
    signers = pinned("eu-lotl_original.xml", country, AT_2019)
    found = lists_xml_read.judge(read(f"{country}.xml"), signers=signers, at=AT_2019)
    assert (found.territory, found.sequence, len(found.services)) == (country, number, services)


@published
@pytest.mark.parametrize("name", ["CZ_broken-sig.xml", "CZ_no-sig.xml"])
def test_a_broken_and_an_unsigned_list_are_refused(name: str) -> None:
    signers = pinned("eu-lotl_original.xml", "CZ", AT_2019)
    with pytest.raises(ListRefused) as refused:
        lists_xml_read.judge(read(name), signers=signers, at=AT_2019)
    assert refused.value.code == "list_signature_wrong"


@published
def test_one_countrys_signer_signs_no_list_of_another() -> None:
    signers = pinned("eu-lotl_original.xml", "IE", AT_2019)
    with pytest.raises(ListRefused) as refused:
        lists_xml_read.judge(read("CZ.xml"), signers=signers, at=AT_2019)
    assert refused.value.code == "list_signer_unknown"


@published
def test_a_third_country_is_read_through_the_list_that_recognises_it() -> None:
    signers = pinned("mra-lotl.xml", "XX", AT_2023)
    found = lists_xml_read.read(read("mra-zz-tl.xml"), signers=signers, at=AT_2023)
    assert found.territory == "ZZ"
    assert found.services


@published
def test_a_list_that_lives_ten_years_is_refused() -> None:
    data = read("mra-lotl.xml")
    with pytest.raises(ListRefused) as refused:
        lists_xml_read.judge(data, signers=[signer_in(data)], at=AT_2023)
    assert refused.value.code == "list_life_too_long"


@published
def test_a_withdrawn_service_was_granted_before_by_its_history() -> None:
    signers = pinned("eu-lotl_original.xml", "CZ", AT_2019)
    found = lists_xml_read.judge(read("CZ.xml"), signers=signers, at=AT_2019)
    past = [
        each for each in found.services
        if each.was(AT_2019) is Was.WITHDRAWN
        and any(period.granted is Was.GRANTED for period in each.periods)
    ]  # fmt: skip
    assert past
    for each in past:
        since = next(period.since for period in each.periods if period.granted is Was.GRANTED)
        assert each.was(since) is Was.GRANTED
