"""Path validation: what each rule refuses, and that mazes end."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from trust import chain
from trust.crypto import der, private_keys, x509, x509_write
from trust.crypto.algorithms import DEFAULT, Algorithm, KeyKind
from trust.crypto.errors import UnknownAlgorithm
from trust.crypto.private_keys import PrivateKey
from trust.crypto.x509 import Certificate, Extension, Revoked
from trust.report import Outcome
from trust.revocation import CrlLookup
from trust.validation import (
    PathFailed,
    PathUnknown,
    Standing,
    Status,
    TrustStore,
    check_path,
    choose_path,
    find_path,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEYS = [private_keys.generate(KeyKind.SM2) for _ in range(4)]
SIGNING = [x509_write.key_usage({0, 1}),
           x509_write.extended_key_usage([chain.DOCUMENT_SIGNING], critical=False)]  # fmt: skip


@dataclass(frozen=True)
class Entity:
    name: str
    key: PrivateKey
    certificate: Certificate


def name(text: str) -> bytes:
    return x509_write.name([(x509.COMMON_NAME, text)])


def authority(*, path_length: int | None = None) -> list[Extension]:
    return [x509_write.basic_constraints(path_length=path_length), x509_write.key_usage({5, 6})]


def make(
    text: str, key: PrivateKey, *, issuer: Entity | None, extensions: list[Extension],
    start: datetime = NOW - timedelta(days=10), end: datetime = NOW + timedelta(days=10),
    signer: PrivateKey | None = None, serial: int = 1 << 100,
) -> Entity:  # fmt: skip
    parent = issuer.key if issuer else key
    algorithm = DEFAULT[parent.kind]
    tbs = x509_write.tbs_certificate(
        serial=serial, signature_oid=algorithm.row.oid,
        issuer=name(issuer.name if issuer else text), subject=name(text), not_before=start,
        not_after=end, spki=key.spki, extensions=extensions,
    )  # fmt: skip
    signature = (signer or parent).sign(algorithm, tbs)
    der = x509_write.signed(tbs, algorithm.row.oid, signature)
    return Entity(text, key, x509.parse_certificate(der))


ROOT = make("root", KEYS[0], issuer=None, extensions=authority())
SUB = make("sub", KEYS[1], issuer=ROOT, extensions=authority(path_length=0))
LEAF = make("leaf", KEYS[2], issuer=SUB, extensions=SIGNING)


def path_of(leaf: Entity, *intermediates: Entity, root: Entity = ROOT) -> None:
    found = find_path(
        leaf.certificate, intermediates=[i.certificate for i in intermediates],
        anchors=[root.certificate],
    )  # fmt: skip
    check_path(found, at=NOW)


def failure(leaf: Entity, *intermediates: Entity, root: Entity = ROOT) -> str:
    with pytest.raises((PathFailed, PathUnknown)) as refusal:
        path_of(leaf, *intermediates, root=root)
    return refusal.value.code


def test_a_good_path_is_good() -> None:
    path_of(LEAF, SUB)


def test_without_the_issuing_certificate_no_anchor_is_reached() -> None:
    assert failure(LEAF) == "no_anchor"


def test_a_stranger_with_the_roots_name_is_no_root() -> None:
    stranger = make("root", KEYS[3], issuer=None, extensions=authority())
    assert failure(LEAF, SUB, stranger, root=stranger) == "chain_signature"


def test_a_certificate_that_its_issuer_did_not_sign_is_refused() -> None:
    forged = make("leaf", KEYS[2], issuer=SUB, extensions=SIGNING, signer=KEYS[3])
    assert failure(forged, SUB) == "chain_signature"


@pytest.mark.parametrize("which", ["root", "sub", "leaf"])
@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (NOW - timedelta(days=9), NOW - timedelta(seconds=1), "expired"),
        (NOW + timedelta(seconds=1), NOW + timedelta(days=9), "not_yet_valid"),
    ],
)
def test_every_certificate_must_be_within_its_dates(
    which: str, start: datetime, end: datetime, code: str
) -> None:
    """The root's own dates count as well."""
    long = (NOW - timedelta(days=10), NOW + timedelta(days=10))
    dates = {name: (start, end) if name == which else long for name in ("root", "sub", "leaf")}
    root = make("root", KEYS[0], issuer=None, extensions=authority(),
                start=dates["root"][0], end=dates["root"][1])  # fmt: skip
    sub = make("sub", KEYS[1], issuer=root, extensions=authority(),
               start=dates["sub"][0], end=dates["sub"][1])  # fmt: skip
    leaf = make("leaf", KEYS[2], issuer=sub, extensions=SIGNING,
                start=dates["leaf"][0], end=dates["leaf"][1])  # fmt: skip
    assert failure(leaf, sub, root=root) == code


@pytest.mark.parametrize(
    "extensions",
    [
        SIGNING,
        [],
        [x509_write.basic_constraints(path_length=None), x509_write.key_usage({6})],
        [x509_write.basic_constraints(path_length=None), x509_write.key_usage({0})],
    ],
)
def test_only_a_ca_issues(extensions: list[Extension]) -> None:
    sub = make("sub", KEYS[1], issuer=ROOT, extensions=extensions)
    leaf = make("leaf", KEYS[2], issuer=sub, extensions=SIGNING)
    assert failure(leaf, sub) == "not_a_ca"


def test_a_path_length_is_kept_also_the_roots() -> None:
    second = make("second", KEYS[3], issuer=SUB, extensions=authority())
    leaf = make("leaf", KEYS[2], issuer=second, extensions=SIGNING)
    assert failure(leaf, SUB, second) == "path_length"
    root = make("root", KEYS[0], issuer=None, extensions=authority(path_length=0))
    assert failure(LEAF, SUB, root=root) == "path_length"


@pytest.mark.parametrize("oid", ["2.5.29.30", "2.5.29.36", "1.2.3.4"])
def test_a_critical_extension_that_is_not_understood_ends_the_path(oid: str) -> None:
    strange = Extension(oid, True, b"\x30\x00")
    leaf = make("leaf", KEYS[2], issuer=SUB, extensions=[*SIGNING, strange])
    assert failure(leaf, SUB) == "critical_extension"
    sub = make("sub", KEYS[1], issuer=ROOT, extensions=[*authority(), strange])
    assert (
        failure(make("leaf", KEYS[2], issuer=sub, extensions=SIGNING), sub) == "critical_extension"
    )


def test_a_maze_of_equal_names_ends_in_bounded_work() -> None:
    maze = [
        make("maze", KEYS[1], issuer=Entity("maze", KEYS[1], SUB.certificate),
             extensions=authority(), serial=(1 << 100) + n)
        for n in range(60)
    ]  # fmt: skip
    leaf = make("leaf", KEYS[2], issuer=maze[0], extensions=SIGNING)
    assert failure(leaf, *maze) == "path_work"


class Told:
    """What an outside source says of every certificate."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def status(self, _certificate: Certificate, _issuer: Certificate, *, at: datetime) -> Status:
        return self._status


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [
        (Status(Standing.GOOD), Outcome.PASSED, "not_revoked"),
        (Status(Standing.UNKNOWN), Outcome.INDETERMINATE, "revocation_unknown"),
        (Status(Standing.REVOKED), Outcome.FAILED, "revoked"),
        (Status(Standing.REVOKED, NOW - timedelta(days=1), 4), Outcome.FAILED, "revoked"),
        (Status(Standing.REVOKED, NOW + timedelta(hours=1), 4), Outcome.PASSED, "not_revoked"),
        (
            Status(Standing.REVOKED, NOW + timedelta(hours=1), 1),
            Outcome.INDETERMINATE,
            "compromised",
        ),
    ],
)
def test_revocation_is_judged_by_the_time_of_signing(
    status: Status, outcome: Outcome, code: str
) -> None:
    store = TrustStore((ROOT.certificate,), (SUB.certificate,), Told(status))
    legs = chain.judge(
        "", LEAF.certificate, store=store, at=NOW, now=NOW + timedelta(hours=2),
        purpose=chain.DOCUMENT_SIGNING,
    )  # fmt: skip
    assert legs[0].outcome is Outcome.PASSED
    assert (legs[1].outcome, legs[1].code) == (outcome, code)


@pytest.mark.parametrize(
    "extensions",
    [
        [x509_write.key_usage({2, 3}), SIGNING[1]],
        [SIGNING[0]],
        [SIGNING[0], x509_write.extended_key_usage(["1.3.6.1.5.5.7.3.1"], critical=False)],
        [*authority(), SIGNING[1]],
    ],
)
def test_a_certificate_for_other_uses_seals_nothing(extensions: list[Extension]) -> None:
    sub = make("sub", KEYS[1], issuer=ROOT, extensions=authority())
    leaf = make("leaf", KEYS[2], issuer=sub, extensions=extensions)
    store = TrustStore((ROOT.certificate,), (sub.certificate,), Told(Status(Standing.GOOD)))
    legs = chain.judge(
        "", leaf.certificate, store=store, at=NOW, now=NOW, purpose=chain.DOCUMENT_SIGNING
    )
    assert (legs[0].outcome, legs[0].code) == (Outcome.FAILED, "key_usage")


def crl(
    *, signer: PrivateKey = KEYS[1], entries: list[Revoked] | None = None,
    next_update: datetime = NOW + timedelta(days=1), extensions: list[Extension] | None = None,
) -> x509.RevocationList:  # fmt: skip
    algorithm = Algorithm.SM2_SM3
    tbs = x509_write.tbs_crl(
        signature_oid=algorithm.row.oid, issuer=name("sub"), this_update=NOW - timedelta(days=1),
        next_update=next_update, entries=entries or [],
        extensions=[x509_write.crl_number(1), *(extensions or [])],
    )  # fmt: skip
    return x509.parse_crl(x509_write.signed(tbs, algorithm.row.oid, signer.sign(algorithm, tbs)))


def standing(*crls: x509.RevocationList, at: datetime = NOW) -> Status:
    return CrlLookup(crls).status(LEAF.certificate, SUB.certificate, at=at)


def test_a_crl_says_good_and_revoked() -> None:
    assert standing(crl()).standing is Standing.GOOD
    entry = Revoked(LEAF.certificate.serial, NOW - timedelta(hours=1), 1)
    found = standing(crl(entries=[entry]))
    assert (found.standing, found.reason) == (Standing.REVOKED, 1)


@pytest.mark.parametrize(
    "unusable",
    [
        crl(signer=KEYS[3]),
        crl(next_update=NOW - timedelta(seconds=1)),
        crl(extensions=[Extension("2.5.29.28", True, b"\x30\x00")]),
    ],
)
def test_a_crl_that_is_forged_stale_or_partial_says_nothing(unusable: x509.RevocationList) -> None:
    assert standing(unusable).standing is Standing.UNKNOWN
    assert standing().standing is Standing.UNKNOWN


def chosen(leaf: Entity, *intermediates: Entity, root: Entity = ROOT) -> list[Entity]:
    path = choose_path(
        leaf.certificate, intermediates=[i.certificate for i in intermediates],
        anchors=[root.certificate], at=NOW,
    )  # fmt: skip
    return [i for i in intermediates if i.certificate in path.certificates]


def test_a_bad_way_up_hides_no_good_one() -> None:
    old = make("sub", KEYS[1], issuer=ROOT, extensions=authority(), end=NOW - timedelta(days=1))
    assert chosen(LEAF, old, SUB) == [SUB]
    assert chosen(LEAF, SUB, old) == [SUB]
    with pytest.raises(PathFailed) as refusal:
        chosen(LEAF, old)
    assert refusal.value.code == "expired"


def test_a_stranger_of_the_issuers_name_with_another_kind_of_key_ends_no_search() -> None:
    key = private_keys.generate(KeyKind.P256)
    stranger = make("sub", key, issuer=None, extensions=authority())
    assert chosen(LEAF, stranger, SUB) == [SUB]
    with pytest.raises(UnknownAlgorithm):
        chosen(LEAF, stranger)


def test_names_chain_though_their_strings_are_of_another_type_and_case() -> None:
    tbs = x509_write.tbs_certificate(
        serial=9, signature_oid=Algorithm.SM2_SM3.row.oid,
        issuer=der.sequence(der.set_of(der.sequence(der.oid("2.5.4.3"), der.printable("SUB ")))),
        subject=name("leaf"), not_before=NOW, not_after=NOW, spki=KEYS[2].spki, extensions=SIGNING,
    )  # fmt: skip
    signature = KEYS[1].sign(Algorithm.SM2_SM3, tbs)
    found = x509.parse_certificate(x509_write.signed(tbs, Algorithm.SM2_SM3.row.oid, signature))
    assert chosen(Entity("leaf", KEYS[2], found), SUB) == [SUB]
    crls = CrlLookup([crl()])
    assert crls.status(found, SUB.certificate, at=NOW).standing is Standing.GOOD


def test_a_certificate_of_another_key_id_is_no_issuer_whatever_it_signed() -> None:
    named = [*SIGNING, x509_write.authority_key_id(b"one")]
    sub = make("sub", KEYS[1], issuer=ROOT,
               extensions=[*authority(), x509_write.subject_key_id(b"two")])  # fmt: skip
    leaf = make("leaf", KEYS[2], issuer=sub, extensions=named)
    assert failure(leaf, sub) == "no_anchor"
    twin = make("sub", KEYS[1], issuer=ROOT,
                extensions=[*authority(), x509_write.subject_key_id(b"one")])  # fmt: skip
    assert chosen(leaf, sub, twin) == [twin]


def test_a_report_names_the_rule_of_names_and_of_policies() -> None:
    policies = Extension("2.5.29.36", True, der.sequence(der.implicit(0, der.integer(0))))
    other = der.tlv(0xA4, name("another"))
    constraints = Extension("2.5.29.30", True, der.sequence(der.tlv(0xA0, der.sequence(other))))
    for extension, code in ((policies, "policy"), (constraints, "name_constraints")):
        sub = make("sub", KEYS[1], issuer=ROOT, extensions=[*authority(), extension])
        leaf = make("leaf", KEYS[2], issuer=sub, extensions=SIGNING)
        store = TrustStore((ROOT.certificate,), (sub.certificate,), Told(Status(Standing.GOOD)))
        leg = chain.judge("", leaf.certificate, store=store, at=NOW, now=NOW, purpose=None)[0]
        assert (leg.outcome, leg.code) == (Outcome.FAILED, code)
