"""Time-stamp tokens of other makers, and of none."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trust import timestamps
from trust.crypto import cms, der, tst
from trust.crypto.errors import InvalidSignature, Malformed
from trust.crypto.tst import Imprint

DATA = Path(__file__).resolve().parents[2] / "../shared/data/timestamps"
ZEROS = Imprint(cms.SM3, bytes(32))


@pytest.fixture
def foreign() -> bytes:
    """A token by BouncyCastle: SM2, SM3, ESS signing certificate of the first version."""
    path = DATA / "bc_sm2_token.der"
    if not path.exists():
        pytest.skip("the foreign time-stamps are not here")
    return path.read_bytes()


def test_a_foreign_sm2_token_verifies(foreign: bytes) -> None:
    found = timestamps.verify(foreign, ZEROS)
    assert found.signer.der == (DATA / "bc_tsa.cer").read_bytes()
    assert found.info.at == datetime(2026, 11, 22, 2, 7, 15, tzinfo=UTC)
    assert (found.info.version, found.info.nonce) == (1, 10)


def test_the_token_of_a_foreign_answer_is_taken_out(foreign: bytes) -> None:
    answer = tst.parse_response((DATA / "bc_sm2_resp.tsr").read_bytes())
    assert isinstance(answer, bytes)
    assert timestamps.verify(answer, ZEROS).info.policy == "1.2.3"


def test_a_foreign_token_is_over_nothing_else(foreign: bytes) -> None:
    with pytest.raises(InvalidSignature, match="something else"):
        timestamps.verify(foreign, Imprint(cms.SM3, b"\x01" + bytes(31)))


def test_a_changed_certificate_binding_is_noticed(foreign: bytes) -> None:
    """The first version of ESS names the certificate by SHA-1."""
    stamp = timestamps.read(foreign)
    bound = cms.attribute(stamp.signed, "1.2.840.113549.1.9.16.2.12")
    assert bound is not None
    changed = foreign.replace(bound.content[-20:], bytes(20))
    assert changed != foreign
    with pytest.raises(InvalidSignature):
        timestamps.verify(changed, ZEROS)


def info(version: int = 1, time: bytes = b"20261122020715Z", rest: bytes = b"") -> bytes:
    imprint = der.sequence(der.sequence(der.oid(cms.SM3)), der.octets(bytes(32)))
    return der.sequence(
        der.integer(version), der.oid("1.2.3"), imprint, der.integer(2),
        der.tlv(der.GENERALIZED_TIME, time), rest,
    )  # fmt: skip


@pytest.mark.parametrize("version", [1, 2])
def test_both_versions_of_tst_info_are_read(version: int) -> None:
    assert tst.parse_info(info(version)).version == version


def test_fractions_of_a_second_are_read() -> None:
    assert tst.parse_info(info(time=b"20261122020715.25Z")).at.microsecond == 250_000


@pytest.mark.parametrize(
    "broken",
    [
        info(version=3),
        info(time=b"20261122020715.50Z"),
        info(time=b"20261322020715Z"),
        info(time=b"20261122020715+0800"),
        info(rest=der.octets(b"")),
        info(rest=der.integer(1) + der.integer(1)),
        info(rest=der.sequence(der.integer(-1))),
    ],
)
def test_a_tst_info_that_breaks_the_rules_is_refused(broken: bytes) -> None:
    with pytest.raises(Malformed):
        tst.parse_info(broken)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=300))
def test_garbage_is_malformed_and_nothing_else(data: bytes) -> None:
    with pytest.raises(Malformed):
        timestamps.read(data)
