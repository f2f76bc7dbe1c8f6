"""The QR claim: one form, both ways, and never too large to print."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certificates import qr
from certificates.identifier import Identifier
from certificates.qr import BadClaim, Claim
from trust.crypto import cose, private_keys
from trust.crypto.algorithms import DEFAULT, Algorithm, KeyKind
from trust.crypto.errors import InvalidSignature
from trust.crypto.jose import b64url, unb64url
from trust.crypto.private_keys import PrivateKey

BASE = "https://trust.example.gov.cn"
KEYS = {kind: private_keys.generate(kind) for kind in (KeyKind.SM2, KeyKind.P256)}
CLAIM = Claim(
    region="542500", identifier=Identifier("11100000MB0143028R001", "11542500999000056Q", "7ABC"),
    holder="阿里雪域高原生态农牧科技发展有限公司", made_at=datetime(2026, 11, 22, 4, 0, tzinfo=UTC),
    issued=date(2026, 11, 22), valid_from=date(2026, 11, 22), valid_until=None, status_list=3,
    status_index=77_001, digest=bytes(range(16)),
)  # fmt: skip


def write(claim: Claim, *, kind: KeyKind = KeyKind.SM2, base: str = BASE) -> str:
    key = KEYS[kind]
    algorithm = DEFAULT[kind]
    return qr.write(
        claim, base_url=base, algorithm=algorithm, kid=b"8 bytes!",
        sign=lambda message: key.sign(algorithm, message),
    )  # fmt: skip


def payload_of(text: str) -> dict[int, Any]:
    found: dict[int, Any] = cbor2.loads(cose.parse(unb64url(text.split("#")[1])).payload)
    return found


def signed(content: Any, *, key: PrivateKey = KEYS[KeyKind.SM2]) -> str:
    """Any content as a well-signed claim: what only a broken or newer signer would make."""
    made = cose.sign1(
        cose.encode(content), algorithm=Algorithm.SM2_SM3, kid=b"8 bytes!",
        sign=lambda message: key.sign(Algorithm.SM2_SM3, message),
    )  # fmt: skip
    return f"{BASE}/v#{b64url(made)}"


@pytest.mark.parametrize("kind", list(KEYS))
def test_a_claim_is_read_as_it_was_written(kind: KeyKind) -> None:
    read = qr.parse(write(CLAIM, kind=kind))
    assert read.claim == CLAIM
    cose.verify(read.message, KEYS[kind].spki)


def test_the_bare_claim_reads_like_the_whole_text() -> None:
    text = write(CLAIM)
    assert qr.parse(text.split("#")[1]).claim == CLAIM


_HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
_DATES = st.dates(date(1950, 1, 1), date(2100, 1, 1))


@settings(max_examples=150, deadline=None)
@given(
    holder=st.text(_HAN, min_size=1, max_size=300),
    serial=st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=32),
    issued=_DATES, start=_DATES, until=st.none() | _DATES,
    status=st.tuples(st.integers(0, 100_000), st.integers(0, (1 << 17) - 1)),
)  # fmt: skip
def test_whatever_it_says_it_fits_version_15_at_level_m(
    holder: str, serial: str, issued: date, start: date, until: date | None,
    status: tuple[int, int],
) -> None:  # fmt: skip
    claim = replace(
        CLAIM, holder=holder, identifier=replace(CLAIM.identifier, serial=serial), issued=issued,
        valid_from=start, valid_until=until, status_list=status[0], status_index=status[1],
    )  # fmt: skip
    text = write(claim, base="https://a-name-of-the-full-length.gov.cn")
    assert len(text) <= qr.TEXT_MAX
    read = qr.parse(text).claim
    assert replace(read, holder=holder) == claim
    cut = read.holder.removesuffix(qr.ELLIPSIS)
    assert holder.startswith(cut)
    assert read.holder == holder or read.holder.endswith(qr.ELLIPSIS)


def test_a_cut_name_is_as_long_as_fits() -> None:
    claim = replace(CLAIM, holder="公" * 300)
    text = write(claim)
    longer = replace(claim, holder=qr.parse(text).claim.holder[:-1] + "公公公")
    assert len(write(longer)) <= qr.TEXT_MAX
    assert qr.parse(write(longer)).claim.holder.endswith(qr.ELLIPSIS)


def edited(change: Callable[[dict[int, Any]], None]) -> str:
    content = payload_of(write(CLAIM))
    change(content)
    return signed(content)


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("another version", lambda c: c.update({qr.K_VERSION: 2}), "claim_version"),
        ("an unknown key", lambda c: c.update({14: 1}), "claim_malformed"),
        ("one key of a copy's three", lambda c: c.update({qr.K_COPY_NUMBER: "JZ0123456789ABCD"}),
         "claim_malformed"),
        ("no holder", lambda c: c.pop(qr.K_HOLDER), "claim_malformed"),
        ("an empty holder", lambda c: c.update({qr.K_HOLDER: ""}), "claim_malformed"),
        ("a short digest", lambda c: c.update({qr.K_DIGEST: b"x" * 15}), "claim_malformed"),
        ("a region that is none", lambda c: c.update({qr.K_REGION: 99999}), "claim_malformed"),
        ("a negative index", lambda c: c.update({qr.K_STATUS: [1, -1]}), "claim_malformed"),
        ("three status numbers", lambda c: c.update({qr.K_STATUS: [1, 2, 3]}), "claim_malformed"),
        ("a boolean for a number", lambda c: c.update({qr.K_TIME: True}), "claim_malformed"),
        ("a time beyond calendars", lambda c: c.update({qr.K_TIME: 1 << 60}), "claim_malformed"),
        ("an issue date that goes without saying", lambda c: c.update({qr.K_ISSUED: 20779}),
         "claim_malformed"),
        ("an identifier that is none", lambda c: c.update({qr.K_IDENTIFIER: "A.B"}),
         "claim_malformed"),
    ],
)  # fmt: skip
def test_a_claim_of_another_form_is_refused_by_name(
    name: str, change: Callable[[dict[int, Any]], None], code: str
) -> None:
    with pytest.raises(BadClaim) as refusal:
        qr.parse(edited(change))
    assert refusal.value.code == code, name


@pytest.mark.parametrize(
    "text",
    [
        "", "#", "https://x/v#", "https://x/v#!!!!", "A" * 3000, "https://x/w#AAAA",
        "https://x/v?#AAAA", "javascript:alert(1)/v#AAAA", "\x00", "０oRR",
    ],
)  # fmt: skip
def test_other_texts_are_no_claims(text: str) -> None:
    with pytest.raises(BadClaim):
        qr.parse(text)


#: Signed once: a signature is random, and what is drawn must not be.
TEXT = write(CLAIM)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_one_changed_character_never_verifies(data: st.DataObject) -> None:
    text = TEXT
    start = text.index("#") + 1
    at = data.draw(st.integers(start, len(text) - 1))
    letter = data.draw(st.sampled_from("ABCabc012-_").filter(lambda c: c != text[at]))
    try:
        read = qr.parse(text[:at] + letter + text[at + 1 :])
    except BadClaim:
        return
    if read.message.algorithm is not Algorithm.SM2_SM3 or read.message.kid != b"8 bytes!":
        return
    with pytest.raises(InvalidSignature):
        cose.verify(read.message, KEYS[KeyKind.SM2].spki)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_garbage_is_refused_and_never_crashes(data: bytes) -> None:
    with pytest.raises(BadClaim):
        qr.parse(b64url(data + secrets.token_bytes(1)))


def test_an_unknown_algorithm_is_refused_by_name() -> None:
    message = cbor2.loads(unb64url(write(CLAIM).split("#")[1]))
    protected = cose.encode({1: -257, 4: b"8 bytes!"})
    forged = cose.encode(cbor2.CBORTag(18, [protected, {}, message.value[2], message.value[3]]))
    with pytest.raises(BadClaim, match="-257"):
        qr.parse(b64url(forged))
