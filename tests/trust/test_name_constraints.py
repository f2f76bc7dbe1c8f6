"""Name constraints: what lies within each form, and chains that are held to them."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.test_validation import KEYS, NOW, SIGNING, Entity, authority, make
from trust.crypto import der, x509, x509_write
from trust.crypto.errors import Malformed
from trust.crypto.names import DIRECTORY, DNS, IP, RFC822, URI, GeneralName
from trust.crypto.x509 import Extension
from trust.name_constraints import NameConstraints, NameFacts, check_names, read_constraints
from trust.path_errors import PathFailed, PathUnknown
from trust.validation import choose_path

OTHER = 8  # registeredID


def encoded(name: GeneralName) -> bytes:
    return der.tlv((0xA4 if name.number == DIRECTORY else 0x80 | name.number), name.value)


def alternative(*names: GeneralName) -> Extension:
    return Extension(x509.ALTERNATIVE_NAME, False, der.sequence(*map(encoded, names)))


def constraining(
    *, permitted: tuple[GeneralName, ...] = (), excluded: tuple[GeneralName, ...] = ()
) -> Extension:
    parts = [
        der.tlv(tag, b"".join(der.sequence(encoded(name)) for name in names))
        for tag, names in ((0xA0, permitted), (0xA1, excluded))
        if names
    ]
    return Extension(x509.NAME_CONSTRAINTS, True, der.sequence(*parts))


def dn(*attributes: tuple[str, str]) -> GeneralName:
    return GeneralName(DIRECTORY, x509_write.name(list(attributes)))


def text(number: int, value: str) -> GeneralName:
    return GeneralName(number, value.encode())


def address(value: str) -> GeneralName:
    if "/" not in value:
        return GeneralName(IP, ipaddress.ip_address(value).packed)
    network = ipaddress.ip_network(value)
    return GeneralName(IP, network.network_address.packed + network.netmask.packed)


def leaf_with(*names: GeneralName) -> Entity:
    extensions = [*SIGNING, alternative(*names)] if names else SIGNING
    return make("leaf", KEYS[2], issuer=None, extensions=extensions)


def refused(name: GeneralName, **constraints: tuple[GeneralName, ...]) -> str:
    """The code with which a certificate of that name is refused, or nothing."""
    above = read_constraints(constraining(**constraints))
    ca = NameFacts(leaf_with().certificate, above, False)
    try:
        check_names([ca, NameFacts(leaf_with(name).certificate, None, False)])
    except (PathFailed, PathUnknown) as error:
        return error.code
    return ""


WITHIN = [
    (text(DNS, "a.example.cn"), text(DNS, "example.cn")),
    (text(DNS, "EXAMPLE.cn"), text(DNS, "example.CN")),
    (text(DNS, "a.example.cn"), text(DNS, "")),
    (text(RFC822, "Li@a.cn"), text(RFC822, "Li@A.cn")),
    (text(RFC822, "li@a.cn"), text(RFC822, "a.cn")),
    (text(RFC822, "li@b.a.cn"), text(RFC822, ".a.cn")),
    (text(URI, "https://u@a.cn:8443/x?y#z"), text(URI, "a.cn")),
    (text(URI, "https://b.A.cn/x"), text(URI, ".a.cn")),
    (address("10.1.2.3"), address("10.0.0.0/8")),
    (address("2001:db8::1"), address("2001:db8::/32")),
    (dn((x509.COUNTRY, "CN"), (x509.ORGANIZATION, "阿里地区")), dn((x509.COUNTRY, "CN"))),
    (
        dn((x509.ORGANIZATION, "Ngari  BUREAU "), (x509.COMMON_NAME, "x")),
        dn((x509.ORGANIZATION, "ngari bureau")),
    ),
]
OUTSIDE = [
    (text(DNS, "badexample.cn"), text(DNS, "example.cn")),
    (text(DNS, "cn"), text(DNS, "example.cn")),
    (text(RFC822, "li@a.cn"), text(RFC822, "Li@a.cn")),
    (text(RFC822, "li@b.a.cn"), text(RFC822, "a.cn")),
    (text(RFC822, "li@a.cn"), text(RFC822, ".a.cn")),
    (text(URI, "https://b.a.cn/"), text(URI, "a.cn")),
    (text(URI, "https://a.cn/"), text(URI, ".a.cn")),
    (address("11.1.2.3"), address("10.0.0.0/8")),
    (address("::1"), address("10.0.0.0/8")),
    (dn((x509.COUNTRY, "CN")), dn((x509.COUNTRY, "CN"), (x509.ORGANIZATION, "a"))),
    (dn((x509.ORGANIZATION, "a"), (x509.COUNTRY, "CN")), dn((x509.COUNTRY, "CN"))),
]
MALFORMED = [
    (text(DNS, "a..cn"), text(DNS, "cn")),
    (GeneralName(DNS, "阿里.cn".encode()), text(DNS, "cn")),
    (text(RFC822, "a@b@c.cn"), text(RFC822, "c.cn")),
    (text(RFC822, "nobody"), text(RFC822, "c.cn")),
    (text(URI, "urn:x:y"), text(URI, "a.cn")),
    (text(URI, "https://10.0.0.1/"), text(URI, "a.cn")),
    (text(URI, "https://[::1]/"), text(URI, "a.cn")),
    (GeneralName(IP, b"123"), address("10.0.0.0/8")),
    (address("10.0.0.1"), GeneralName(IP, bytes([10, 0, 0, 0, 255, 0, 255, 0]))),
    (GeneralName(OTHER, b"\x2a\x03"), GeneralName(OTHER, b"\x2a\x03")),
    (GeneralName(DIRECTORY, der.sequence(der.tlv(der.SET, der.sequence(der.oid("2.5.4.3"))))),
     dn((x509.COUNTRY, "CN"))),
]  # fmt: skip
#: Every constraint on another form of name than the subject's, so that the subject is not asked.
APART = [(name, base) for name, base in WITHIN + OUTSIDE if base.number != DIRECTORY]


@pytest.mark.parametrize(("name", "base"), WITHIN)
def test_a_name_within_a_subtree_is_refused_only_where_it_is_excluded(
    name: GeneralName, base: GeneralName
) -> None:
    own = dn((x509.COMMON_NAME, "leaf"))
    assert refused(name, permitted=(base, own)) == ""
    assert refused(name, excluded=(base,)) == "name_constraints"


@pytest.mark.parametrize(("name", "base"), OUTSIDE)
def test_a_name_outside_a_subtree_is_refused_only_where_it_is_the_permitted_one(
    name: GeneralName, base: GeneralName
) -> None:
    own = dn((x509.COMMON_NAME, "leaf"))
    assert refused(name, permitted=(base, own)) == "name_constraints"
    assert refused(name, excluded=(base,)) == ""


@pytest.mark.parametrize(("name", "base"), MALFORMED)
def test_a_name_that_cannot_be_judged_is_refused_both_ways(
    name: GeneralName, base: GeneralName
) -> None:
    own = dn((x509.COMMON_NAME, "leaf"))
    assert refused(name, permitted=(base, own)) == "name_constraints"
    assert refused(name, excluded=(base,)) == "name_constraints"


@pytest.mark.parametrize(("name", "base"), APART)
def test_a_constraint_says_nothing_of_other_forms(name: GeneralName, base: GeneralName) -> None:
    other = text(DNS, "x.cn") if base.number != DNS else text(RFC822, "x@x.cn")
    assert refused(other, permitted=(base,), excluded=(base,)) == ""


def test_a_wildcard_is_forbidden_as_soon_as_one_of_its_names_is() -> None:
    assert refused(text(DNS, "*.a.cn"), excluded=(text(DNS, "secret.a.cn"),)) == "name_constraints"
    assert refused(text(DNS, "*.a.cn"), excluded=(text(DNS, "secret.b.cn"),)) == ""
    assert refused(text(DNS, "*.a.cn"), permitted=(text(DNS, "x.a.cn"),)) == "name_constraints"


def test_an_address_in_the_subject_is_held_to_the_constraint_too() -> None:
    subject = x509_write.name([("1.2.840.113549.1.9.1", "li@evil.cn")])
    key, algorithm = KEYS[2], "1.2.156.10197.1.501"
    tbs = x509_write.tbs_certificate(
        serial=5, signature_oid=algorithm, issuer=subject, subject=subject, not_before=NOW,
        not_after=NOW, spki=key.spki, extensions=[alternative(text(DNS, "a.cn"))],
    )  # fmt: skip
    read = x509.parse_certificate(x509_write.signed(tbs, algorithm, b"\x30\x00"))
    above = NameConstraints((), (text(RFC822, "evil.cn"),))
    with pytest.raises(PathFailed):
        check_names([NameFacts(read, above, False), NameFacts(read, None, False)])


def test_constraints_add_up_and_reach_every_certificate_below() -> None:
    def chain(*above: NameConstraints, name: GeneralName) -> list[NameFacts]:
        plain = leaf_with().certificate
        return [
            *(NameFacts(plain, one, False) for one in above),
            NameFacts(leaf_with(name).certificate, None, False),
        ]

    wide = NameConstraints((text(DNS, "cn"),), ())
    narrow = NameConstraints((text(DNS, "a.cn"),), ())
    check_names(chain(wide, narrow, name=text(DNS, "x.a.cn")))
    for order in ((wide, narrow), (narrow, wide)):
        with pytest.raises(PathFailed):
            check_names(chain(*order, name=text(DNS, "b.cn")))


def test_a_self_issued_certificate_is_exempt_unless_it_is_the_last() -> None:
    plain = leaf_with().certificate
    top = NameFacts(plain, NameConstraints((), (text(DNS, "a.cn"),)), False)
    own = NameFacts(leaf_with(text(DNS, "a.cn")).certificate, None, True)
    check_names([top, own, NameFacts(plain, None, False)])
    with pytest.raises(PathFailed):
        check_names([top, own])


def test_many_names_under_many_constraints_end_in_bounded_work() -> None:
    names = [text(DNS, f"a{n}.cn") for n in range(900)]
    bases = tuple(text(DNS, f"b{n}.cn") for n in range(900))
    top = NameFacts(leaf_with().certificate, NameConstraints((), bases), False)
    with pytest.raises(PathUnknown) as refusal:
        check_names([top, NameFacts(leaf_with(*names).certificate, None, False)])
    assert refusal.value.code == "path_work"


def test_a_roots_own_name_constraints_bind_the_chains_below_it() -> None:
    limits = constraining(permitted=(dn((x509.COMMON_NAME, "allowed")),))
    root = make("root", KEYS[0], issuer=None, extensions=[*authority(), limits])
    good = make("allowed", KEYS[2], issuer=root, extensions=SIGNING)
    bad = make("other", KEYS[2], issuer=root, extensions=SIGNING)
    choose_path(good.certificate, intermediates=[], anchors=[root.certificate], at=NOW)
    with pytest.raises(PathFailed) as refusal:
        choose_path(bad.certificate, intermediates=[], anchors=[root.certificate], at=NOW)
    assert refusal.value.code == "name_constraints"


@pytest.mark.parametrize(
    "value",
    [
        der.sequence(),
        der.sequence(der.tlv(0xA0, b"")),
        der.sequence(der.tlv(0xA2, b"")),
        der.sequence(der.tlv(0xA0, der.sequence(der.tlv(0x82, b"a.cn"))) * 2),
        der.sequence(der.tlv(0xA2, der.sequence(der.tlv(0x82, b"a.cn")))),
        der.sequence(der.tlv(0xA0, der.sequence(der.tlv(0x82, b"a.cn"), der.tlv(0x80, b"\x01")))),
        der.sequence(der.tlv(0xA0, der.sequence(der.tlv(0x92, b"a.cn")))),
        der.sequence(der.tlv(0xA0, der.sequence(der.tlv(0x82, b"a")) * 1025)),
    ],
)
def test_name_constraints_of_another_form_are_malformed(value: bytes) -> None:
    extension = Extension(x509.NAME_CONSTRAINTS, False, value)
    with pytest.raises(Malformed):
        read_constraints(extension)
    root = make("root", KEYS[0], issuer=None, extensions=[*authority(), extension])
    leaf = make("leaf", KEYS[2], issuer=root, extensions=SIGNING)
    with pytest.raises(PathFailed) as refusal:
        choose_path(leaf.certificate, intermediates=[], anchors=[root.certificate], at=NOW)
    assert refusal.value.code == "critical_extension"


@settings(deadline=None, max_examples=200)
@given(st.sampled_from([DNS, RFC822, URI, IP, OTHER]), st.binary(max_size=40),
       st.binary(max_size=40))  # fmt: skip
def test_garbage_is_judged_or_refused_and_never_both_within_and_outside(
    number: int, value: bytes, base: bytes
) -> None:
    name, subtree = GeneralName(number, value), GeneralName(number, base)
    out = refused(name, permitted=(subtree,)), refused(name, excluded=(subtree,))
    assert "name_constraints" in out


LABEL = st.text("abc-", min_size=1, max_size=3)


@settings(deadline=None, max_examples=200)
@given(st.lists(LABEL, min_size=1, max_size=4), st.lists(LABEL, min_size=1, max_size=3))
def test_a_host_is_within_a_domain_when_its_last_labels_are_the_domain(
    host: list[str], domain: list[str]
) -> None:
    found = refused(text(DNS, ".".join(host)), permitted=(text(DNS, ".".join(domain)),))
    assert (found == "") == (host[-len(domain) :] == domain)
