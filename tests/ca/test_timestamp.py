"""The time-stamp authority: what it stamps, what it refuses, and what others say of its tokens."""

import logging
import secrets
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from ca.models import Timestamp
from ca.timestamp import POLICY, Stamper
from server.app import create_app
from tests.ca.requests import authority
from tests.ca.test_ocsp import gmssl_accepts
from tests.regions import Region, build
from tests.tools import find_tool
from trust import chain, timestamps
from trust.anchors import pem
from trust.clock import utc_now
from trust.crypto import cms, der, hashes, tst, x509
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.hashes import Digest
from trust.crypto.tst import FailureInfo, Imprint

MESSAGE = "盖章的文件".encode()


def stamper(region: Region, clock: Callable[[], datetime] = utc_now) -> Stamper:
    platform = region.platform
    return Stamper(platform.sessions, platform.reading, platform.keys, clock=clock)


def request(digest: Digest = Digest.SM3, **fields: object) -> bytes:
    imprint = tst.imprint(digest, hashes.digest(digest, MESSAGE))
    return tst.write_request(imprint, **fields)  # type: ignore[arg-type]


def token(region: Region, asked: bytes) -> bytes:
    found = tst.parse_response(stamper(region).answer(asked))
    assert isinstance(found, bytes), found
    return found


@pytest.mark.parametrize("digest", list(Digest))
def test_a_stamp_says_when_and_over_what_and_its_chain_holds(
    region: Region, digest: Digest
) -> None:
    nonce, before = secrets.randbits(64), utc_now()
    found = timestamps.verify_message(token(region, request(digest, nonce=nonce)), MESSAGE)
    assert found.info.nonce == nonce
    assert found.info.policy == POLICY
    assert found.info.accuracy == timedelta(seconds=1)
    assert abs(found.info.at - before) <= timedelta(seconds=2)
    suite = Algorithm.SM2_SM3 if digest is Digest.SM3 else Algorithm.RSA_SHA256
    assert found.signer.signature_oid == suite.row.oid
    checks = chain.judge(
        ".stamp", found.signer, store=region.platform.knowledge.store, at=found.info.at,
        now=utc_now(), purpose=timestamps.TIME_STAMPING,
        extra=map(x509.parse_certificate, found.certificates),
    )  # fmt: skip
    assert chain.all_passed(checks), checks


def test_a_token_without_certificates_is_verified_with_those_at_hand(
    sqlite_region: Region,
) -> None:
    bare = token(sqlite_region, request(certificates=False))
    signer = timestamps.verify_message(token(sqlite_region, request()), MESSAGE).signer
    assert cms.parse(bare).certificates == ()
    assert timestamps.verify_message(bare, MESSAGE, known=[signer]).signer == signer


def test_a_token_is_over_nothing_else(sqlite_region: Region) -> None:
    made = token(sqlite_region, request())
    with pytest.raises(InvalidSignature):
        timestamps.verify_message(made, MESSAGE + b"!")
    with pytest.raises(InvalidSignature):
        timestamps.verify(made, Imprint(cms.SHA256, hashes.sm3(MESSAGE)))


def test_one_changed_octet_of_a_token_is_noticed(sqlite_region: Region) -> None:
    made = token(sqlite_region, request())
    signed = cms.parse(made)
    vital = [signed.attributes[2:], signed.content or b"", signed.signature]
    for part in vital:
        start = made.index(part)
        for offset in range(0, len(part), 7):
            changed = bytearray(made)
            changed[start + offset] ^= 1
            with pytest.raises((InvalidSignature, Malformed, UnknownAlgorithm)):
                timestamps.verify_message(bytes(changed), MESSAGE)


REFUSALS = {
    "SHA-1": (
        tst.write_request(Imprint("1.3.14.3.2.26", bytes(20))), FailureInfo.BAD_ALG,
    ),
    "MD5 in the dress of SM3": (
        tst.write_request(Imprint(cms.SM3, bytes(16))), FailureInfo.BAD_DATA_FORMAT,
    ),
    "SHA-512 cut short": (
        tst.write_request(Imprint("2.16.840.1.101.3.4.2.3", bytes(32))),
        FailureInfo.BAD_DATA_FORMAT,
    ),
    "another policy": (request(policy="1.2.3"), FailureInfo.UNACCEPTED_POLICY),
    "an extension": (
        der.sequence(der.parse(request()).content, der.tlv(0xA0, b"")),
        FailureInfo.UNACCEPTED_EXTENSION,
    ),
    "nothing": (b"", FailureInfo.BAD_DATA_FORMAT),
    "a byte after": (request() + b"\x00", FailureInfo.BAD_DATA_FORMAT),
    "version 2": (
        der.sequence(der.integer(2), der.parse(request()).content[3:]),
        FailureInfo.BAD_DATA_FORMAT,
    ),
    "long": (request(nonce=1 << 4000), FailureInfo.BAD_DATA_FORMAT),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_stamped_is_refused_by_its_reason(sqlite_region: Region, name: str) -> None:
    asked, reason = REFUSALS[name]
    assert tst.parse_response(stamper(sqlite_region).answer(asked)) == frozenset({reason})


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=120))
def test_garbage_is_refused_and_never_breaks_the_authority(
    sqlite_region: Region, data: bytes
) -> None:
    assert tst.parse_response(stamper(sqlite_region).answer(data)) == frozenset(
        {FailureInfo.BAD_DATA_FORMAT}
    )


def test_many_at_once_get_serials_of_their_own(region: Region) -> None:
    one, two = stamper(region), stamper(region)
    before = _count(region)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: (one, two)[n % 2].answer(request()), range(40)))
    serials = set()
    for answer in answers:
        made = tst.parse_response(answer)
        assert isinstance(made, bytes)
        serials.add(timestamps.read(made).info.serial)
    assert len(serials) == 40
    assert _count(region) - before == 40


def _count(region: Region) -> int:
    with region.platform.reading() as session:
        return session.scalar(select(func.count()).select_from(Timestamp)) or 0


def test_a_clock_that_was_moved_back_stops_the_stamps_and_rings_the_alarm(
    region: Region, caplog: pytest.LogCaptureFixture
) -> None:
    token(region, request())
    moved = stamper(region, lambda: utc_now() - timedelta(minutes=10))
    before = _count(region)
    with caplog.at_level(logging.CRITICAL):
        assert tst.parse_response(moved.answer(request())) == frozenset(
            {FailureInfo.TIME_NOT_AVAILABLE}
        )
    assert "CLOCK WAS MOVED BACK" in caplog.text
    assert _count(region) == before
    slewed = stamper(region, lambda: utc_now() - timedelta(seconds=0.5))
    assert isinstance(tst.parse_response(slewed.answer(request())), bytes)


def test_without_a_signer_in_force_the_failure_is_the_systems(sqlite_region: Region) -> None:
    ahead = stamper(sqlite_region, lambda: utc_now() + timedelta(days=20 * 365))
    assert tst.parse_response(ahead.answer(request())) == frozenset({FailureInfo.SYSTEM_FAILURE})


# --- over HTTP, and what others say ------------------------------------------------------------


def test_openssl_verifies_the_rsa_stamp_of_its_own_query(
    sqlite_region: Region, client: TestClient, tmp_path: Path
) -> None:
    openssl = find_tool("openssl")
    (tmp_path / "message").write_bytes(MESSAGE)
    root = authority(sqlite_region, "root-rsa")
    (tmp_path / "root.pem").write_bytes(pem("CERTIFICATE", root.der))
    for digest in ("-sha256", "-sha384", "-sha512"):
        _run(tmp_path, [openssl, "ts", "-query", "-data", "message", digest, "-cert",
                        "-out", "query.tsq"])  # fmt: skip
        got = client.post("/tsa", content=(tmp_path / "query.tsq").read_bytes(),
                          headers={"Content-Type": "application/timestamp-query"})  # fmt: skip
        assert got.headers["content-type"] == "application/timestamp-reply"
        (tmp_path / "reply.tsr").write_bytes(got.content)
        for given_ in (["-queryfile", "query.tsq"], ["-data", "message"]):
            said = _run(tmp_path, [openssl, "ts", "-verify", *given_, "-in", "reply.tsr",
                                   "-CAfile", "root.pem"])  # fmt: skip
            assert "Verification: OK" in said


def _run(directory: Path, command: list[object]) -> str:
    said = subprocess.run(
        [str(part) for part in command], cwd=directory, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    return said.stdout + said.stderr


def test_openssl_reads_the_sm2_stamp_and_our_refusals(
    sqlite_region: Region, tmp_path: Path
) -> None:
    openssl = find_tool("openssl")
    (tmp_path / "reply.tsr").write_bytes(stamper(sqlite_region).answer(request()))
    said = _run(tmp_path, [openssl, "ts", "-reply", "-in", "reply.tsr", "-text"])
    assert "Status: Granted." in said
    assert "Hash Algorithm: sm3" in said
    (tmp_path / "no.tsr").write_bytes(stamper(sqlite_region).answer(REFUSALS["SHA-1"][0]))
    said = _run(tmp_path, [openssl, "ts", "-reply", "-in", "no.tsr", "-text"])
    assert "unrecognized or unsupported algorithm identifier" in said


def test_gmssl_verifies_the_signed_bytes_of_the_sm2_stamp(sqlite_region: Region) -> None:
    signed = cms.parse(token(sqlite_region, request()))
    assert gmssl_accepts(signed.signer().spki, signed.attributes, signed.signature)


@pytest.mark.parametrize("body", [b"", b"hello", bytes(100_000)])
def test_http_garbage_is_answered_by_the_protocol(client: TestClient, body: bytes) -> None:
    got = client.post("/tsa", content=body)
    assert got.status_code == 200
    assert tst.parse_response(got.content) == frozenset({FailureInfo.BAD_DATA_FORMAT})


def test_one_address_gets_no_flood_of_stamps(tmp_path: Path) -> None:
    """Every stamp is a signature and a row: a stranger must not fill the table."""
    region = build(tmp_path / "home")
    app = create_app(region.platform.settings, platform=region.platform)
    with TestClient(app) as own:
        told = [own.post("/tsa", content=b"").status_code for _ in range(330)]
    assert told[:300] == [200] * 300
    assert 429 in told
    region.platform.engine.dispose()
