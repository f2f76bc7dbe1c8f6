"""CRLs that speak of some certificates, some reasons, other issuers, or changes since (6.3)."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.test_validation import KEYS, NOW, ROOT, SIGNING, Entity, authority, make, name
from trust.crls import ALL_REASONS
from trust.crypto import der, private_keys, x509, x509_write
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.errors import Malformed
from trust.crypto.private_keys import PrivateKey
from trust.crypto.x509 import Certificate, Extension, RevocationList, Revoked
from trust.revocation import CrlLookup
from trust.validation import Standing

SM2 = Algorithm.SM2_SM3.row.oid
CRL_KEY = private_keys.generate(KeyKind.SM2)
HERE, THERE = "http://a.cn/1.crl", "http://a.cn/2.crl"
CRL_ONLY = [x509_write.key_usage({6})]


def uri(url: str) -> bytes:
    return der.tlv(0xA0, der.tlv(0xA0, der.tlv(0x86, url.encode())))


def directory(text: str) -> bytes:
    return der.tlv(0xA4, name(text))


def reasons(*bits: int, tag: int) -> bytes:
    encoded = der.named_bits(set(bits))
    return bytes((tag,)) + encoded[1:]


def points(*contents: bytes) -> Extension:
    return Extension(x509.CRL_POINTS, False, der.sequence(*map(der.sequence, contents)))


def issuing(*parts: bytes) -> Extension:
    return Extension(x509.ISSUING_POINT, True, der.sequence(*parts))


def flag(tag: int) -> bytes:
    return der.tlv(tag, b"\xff")


USERS, AUTHORITIES, INDIRECT, ATTRIBUTES = flag(0x81), flag(0x82), flag(0x84), flag(0x85)
SUB = make("sub", KEYS[1], issuer=ROOT, extensions=authority(), serial=7)
PLAIN = make("leaf", KEYS[2], issuer=SUB, extensions=SIGNING, serial=11)


def leaf(*contents: bytes) -> Entity:
    return make("leaf", KEYS[2], issuer=SUB, extensions=[*SIGNING, points(*contents)], serial=11)


def entry(serial: int = 11, reason: int = 4, *, of: str | None = None) -> bytes:
    """A revokedCertificates element; `of` is its certificateIssuer."""
    extensions = [Extension(x509.REASON_CODE, False, der.tlv(0x0A, bytes((reason,))))]
    if of is not None:
        extensions.append(Extension(x509.CERTIFICATE_ISSUER, True, der.sequence(directory(of))))
    return der.sequence(
        der.integer(serial), der.time(NOW - timedelta(hours=1)),
        x509_write.write_extensions(extensions),
    )  # fmt: skip


def crl(
    *extensions: Extension, entries: tuple[bytes, ...] = (), issuer: str = "sub",
    key: PrivateKey = KEYS[1], number: int = 1, start: datetime = NOW - timedelta(days=1),
    end: datetime = NOW + timedelta(days=1),
) -> RevocationList:  # fmt: skip
    tbs = der.sequence(
        der.integer(1), x509_write.algorithm_identifier(SM2), name(issuer), der.time(start),
        der.time(end), der.sequence(*entries) if entries else b"",
        der.explicit(0, x509_write.write_extensions(
            [x509_write.crl_number(number), *extensions])),
    )  # fmt: skip
    return x509.parse_crl(x509_write.signed(tbs, SM2, key.sign(Algorithm.SM2_SM3, tbs)))


def delta(base: int, *extensions: Extension, number: int = 2, entries: tuple[bytes, ...] = (),
          key: PrivateKey = KEYS[1]) -> RevocationList:  # fmt: skip
    indicator = Extension(x509.DELTA_INDICATOR, True, der.integer(base))
    return crl(indicator, *extensions, entries=entries, number=number, key=key)


def standing(
    certificate: Entity, *crls: RevocationList, others: tuple[Certificate, ...] = ()
) -> Standing:
    lookup = CrlLookup(crls, certificates=[SUB.certificate, *others], anchors=[ROOT.certificate])
    return lookup.status(certificate.certificate, SUB.certificate, at=NOW).standing


def both_ways(certificate: Entity, *extensions: Extension) -> tuple[Standing, Standing]:
    """What one CRL says without the certificate's entry, and with it."""
    return (
        standing(certificate, crl(*extensions)),
        standing(certificate, crl(*extensions, entries=(entry(),))),
    )


ANSWERS = (Standing.GOOD, Standing.REVOKED)
SILENT = (Standing.UNKNOWN, Standing.UNKNOWN)


@pytest.mark.parametrize(
    ("certificate", "scope", "said"),
    [
        (PLAIN, issuing(USERS), ANSWERS),
        (PLAIN, issuing(AUTHORITIES), SILENT),
        (PLAIN, issuing(ATTRIBUTES), SILENT),
        (PLAIN, issuing(uri(HERE)), SILENT),
        (PLAIN, issuing(INDIRECT), ANSWERS),
        (PLAIN, issuing(der.tlv(0xA0, der.tlv(0xA0, directory("sub")))), ANSWERS),
        (leaf(uri(HERE)), issuing(uri(HERE)), ANSWERS),
        (leaf(uri(HERE)), issuing(uri(THERE)), SILENT),
        (leaf(uri(THERE), uri(HERE)), issuing(uri(HERE)), ANSWERS),
        (leaf(uri(HERE)), issuing(USERS), ANSWERS),
        (leaf(uri(HERE)), issuing(), SILENT),
        (leaf(uri(HERE)), issuing(flag(0x86)), SILENT),
        (leaf(uri(HERE)), issuing(der.tlv(0x81, b"\x01")), SILENT),
    ],
)
def test_a_crl_answers_within_its_scope_only(
    certificate: Entity, scope: Extension, said: tuple[Standing, Standing]
) -> None:
    assert both_ways(certificate, scope) == said


def test_a_ca_is_not_told_by_a_crl_of_users() -> None:
    certificate = make("lower", KEYS[2], issuer=SUB, extensions=authority(), serial=11)
    assert both_ways(certificate, issuing(USERS)) == SILENT
    assert both_ways(certificate, issuing(AUTHORITIES)) == ANSWERS


def test_a_name_relative_to_the_issuer_is_the_full_one() -> None:
    attribute = der.sequence(der.oid(x509.COMMON_NAME), der.utf8("shard"))
    relative = der.tlv(0xA0, der.tlv(0xA1, attribute))
    full = x509_write.name([(x509.COMMON_NAME, "sub"), (x509.COMMON_NAME, "SHARD")])
    whole = der.tlv(0xA0, der.tlv(0xA0, der.tlv(0xA4, full)))
    for one, other in ((relative, whole), (whole, relative), (relative, relative)):
        assert both_ways(leaf(one), issuing(other)) == ANSWERS


def test_reasons_add_up_until_all_are_answered_for() -> None:
    some, rest = reasons(1, 2, tag=0x83), reasons(*range(3, 9), tag=0x83)
    assert standing(PLAIN, crl(issuing(some))) is Standing.UNKNOWN
    assert standing(PLAIN, crl(issuing(some)), crl(issuing(rest))) is Standing.GOOD
    listed = crl(issuing(some), entries=(entry(reason=1),))
    assert standing(PLAIN, listed) is Standing.REVOKED
    split = leaf(uri(HERE) + reasons(1, 2, tag=0x81), uri(THERE) + reasons(*range(3, 9), tag=0x81))
    assert standing(split, crl(issuing(uri(HERE)))) is Standing.UNKNOWN
    both = crl(issuing(uri(HERE))), crl(issuing(uri(THERE)))
    assert standing(split, *both) is Standing.GOOD


@settings(deadline=None, max_examples=25)
@given(st.lists(st.frozensets(st.integers(1, 8), min_size=1), max_size=4))
def test_it_is_good_exactly_when_the_crls_together_cover_every_reason(
    parts: list[frozenset[int]],
) -> None:
    crls = [crl(issuing(reasons(*part, tag=0x83))) for part in parts]
    covered = frozenset().union(*parts) == ALL_REASONS
    assert (standing(PLAIN, *crls) is Standing.GOOD) == covered


# --- who signed it ------------------------------------------------------------------------------


def signer(
    text: str = "sub", *, key: PrivateKey = CRL_KEY, issuer: Entity = ROOT, serial: int = 21,
    extensions: list[Extension] = CRL_ONLY,
) -> Entity:  # fmt: skip
    return make(text, key, issuer=issuer, extensions=extensions, serial=serial)


ROOT_CRL = crl(issuer="root", key=KEYS[0])
#: Of the separate key itself, by the CA's other key: CRLs, by their points, of each.
SEPARATE = signer()


def test_a_separate_crl_key_answers_when_it_leads_to_the_same_anchor_unrevoked() -> None:
    mine = crl(key=CRL_KEY)
    assert standing(PLAIN, mine) is Standing.UNKNOWN
    assert standing(PLAIN, mine, others=(SEPARATE.certificate,)) is Standing.UNKNOWN
    assert standing(PLAIN, mine, ROOT_CRL, others=(SEPARATE.certificate,)) is Standing.GOOD
    gone = crl(issuer="root", key=KEYS[0], entries=(entry(21),))
    assert standing(PLAIN, mine, gone, others=(SEPARATE.certificate,)) is Standing.UNKNOWN


@pytest.mark.parametrize(
    "other",
    [
        signer(extensions=[x509_write.key_usage({0})]),
        signer("stranger"),
        make("sub", CRL_KEY, issuer=None, extensions=authority()),
        signer(issuer=make("elsewhere", KEYS[3], issuer=None, extensions=authority())),
        signer(extensions=[*CRL_ONLY, Extension("1.2.3.4", True, b"\x30\x00")]),
    ],
)
def test_a_stranger_to_the_anchor_answers_nothing(other: Entity) -> None:
    mine = crl(key=CRL_KEY)
    assert standing(PLAIN, mine, ROOT_CRL, others=(other.certificate,)) is Standing.UNKNOWN


def test_a_key_that_only_its_own_crl_calls_good_answers_nothing() -> None:
    own = signer(issuer=SUB)
    mine = crl(key=CRL_KEY)
    assert standing(PLAIN, mine, ROOT_CRL, others=(own.certificate,)) is Standing.UNKNOWN


def test_an_indirect_crl_answers_by_the_entrys_own_issuer() -> None:
    agency = signer("agency")
    named = leaf(uri(HERE) + der.tlv(0xA2, directory("agency")))
    crl_of = issuing(uri(HERE), INDIRECT)

    def said(*entries: bytes, scope: Extension = crl_of, certificate: Entity = named) -> Standing:
        theirs = crl(scope, entries=entries, issuer="agency", key=CRL_KEY)
        return standing(certificate, theirs, ROOT_CRL, others=(agency.certificate,))

    assert said() is Standing.GOOD
    assert said(entry()) is Standing.GOOD  # The agency's own number 11.
    assert said(entry(of="root"), entry(12)) is Standing.GOOD
    assert said(entry(of="sub")) is Standing.REVOKED
    # Without an issuer of its own an entry is of the issuer before it.
    assert said(entry(99, of="sub"), entry()) is Standing.REVOKED
    assert said(scope=issuing(uri(HERE))) is Standing.UNKNOWN
    assert said(certificate=leaf(uri(HERE))) is Standing.UNKNOWN


def test_entries_of_other_issuers_need_a_crl_that_announces_them() -> None:
    foreign = entry(5, of="root")
    assert standing(PLAIN, crl(entries=(foreign,))) is Standing.UNKNOWN
    assert standing(PLAIN, crl(issuing(INDIRECT), entries=(foreign,))) is Standing.GOOD


def test_a_tampered_crl_gains_nothing_from_the_genuine_one_beside_it() -> None:
    """Same signature, other content: what was found out of the one says nothing of the other."""
    genuine = crl(entries=(entry(),))
    tampered = bytearray(genuine.der)
    at = genuine.der.index(der.integer(11))
    tampered[at + 2] = 12
    # Made the newer one, which would be asked first.
    early, late = (der.time(NOW - timedelta(days=1)), der.time(NOW - timedelta(hours=2)))
    forged = x509.parse_crl(bytes(tampered).replace(early, late, 1))
    assert forged.this_update > genuine.this_update
    for order in ((genuine, forged), (forged, genuine)):
        lookup = CrlLookup(order)
        for _ in range(2):
            found = lookup.status(PLAIN.certificate, SUB.certificate, at=NOW)
            assert found.standing is Standing.REVOKED
        late_at = NOW + timedelta(hours=1)
        found = lookup.status(PLAIN.certificate, SUB.certificate, at=late_at)
        assert found.standing is Standing.REVOKED


# --- changes since ------------------------------------------------------------------------------


def test_a_crl_of_another_key_id_answers_nothing() -> None:
    own = make("sub", KEYS[1], issuer=ROOT,
               extensions=[*authority(), x509_write.subject_key_id(b"one")])  # fmt: skip
    for key_id, said in ((b"one", Standing.GOOD), (b"two", Standing.UNKNOWN)):
        lookup = CrlLookup([crl(x509_write.authority_key_id(key_id))])
        assert lookup.status(PLAIN.certificate, own.certificate, at=NOW).standing is said


def test_a_delta_alone_says_nothing() -> None:
    assert standing(PLAIN, delta(1)) is Standing.UNKNOWN


def test_the_deltas_word_goes_before_the_complete_crls() -> None:
    revoked = delta(1, entries=(entry(),))
    assert standing(PLAIN, crl(), revoked) is Standing.REVOKED
    held, released = crl(entries=(entry(reason=6),)), delta(1, entries=(entry(reason=8),))
    assert standing(PLAIN, held) is Standing.REVOKED
    assert standing(PLAIN, held, released) is Standing.GOOD
    assert standing(PLAIN, held, delta(1)) is Standing.REVOKED
    newest = delta(1, number=3, entries=(entry(reason=6),))
    assert standing(PLAIN, held, released, newest) is Standing.REVOKED


@pytest.mark.parametrize(
    "useless",
    [
        delta(2, number=3, entries=(entry(reason=8),)),
        delta(0, number=1, entries=(entry(reason=8),)),
        delta(1, issuing(USERS), entries=(entry(reason=8),)),
        delta(1, entries=(entry(reason=8),), key=KEYS[3]),
    ],
)
def test_a_delta_of_another_base_scope_or_key_releases_nothing(useless: RevocationList) -> None:
    held = crl(entries=(entry(reason=6),))
    assert standing(PLAIN, held, useless) is Standing.REVOKED


# --- bounds and bad input -----------------------------------------------------------------------


def test_many_points_and_many_crls_end_in_bounded_work() -> None:
    many = leaf(*(uri(f"http://a.cn/{n}") for n in range(64)))
    one = crl(issuing(uri(HERE)), key=KEYS[3])
    assert standing(many, *([one] * 200)) is Standing.UNKNOWN
    assert standing(leaf(*[uri(HERE)] * 65), crl()) is Standing.UNKNOWN


@pytest.mark.parametrize("content", [b"", der.integer(1), der.tlv(0xA0, b""), uri(HERE) * 2])
def test_points_of_another_form_leave_the_standing_unknown(content: bytes) -> None:
    assert standing(leaf(content), crl()) is Standing.UNKNOWN


def test_an_entry_with_an_unknown_critical_extension_makes_no_crl() -> None:
    strange = der.sequence(
        der.integer(1), der.time(NOW),
        x509_write.write_extensions([Extension("1.2.3.4", True, b"\x05\x00")]),
    )  # fmt: skip
    with pytest.raises(Malformed):
        crl(entries=(strange,))


def test_entries_written_by_us_are_read_as_before() -> None:
    tbs = x509_write.tbs_crl(
        signature_oid=SM2, issuer=name("sub"), this_update=NOW, next_update=NOW,
        entries=[Revoked(3, NOW, 1), Revoked(4, NOW, 0)], extensions=[],
    )  # fmt: skip
    read = x509.parse_crl(x509_write.signed(tbs, SM2, b"\x30\x00"))
    assert list(read.entries.values()) == [Revoked(3, NOW, 1), Revoked(4, NOW, 0)]
    assert read.others == {}
