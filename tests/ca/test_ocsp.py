"""The OCSP responder: what it says, how fast it changes its mind, and what garbage gets."""

import base64
import importlib
import secrets
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.x509 import ocsp as reference
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from ca import hold, revoke
from ca.ocsp import LIFETIME, REFRESH, Responder
from ca.revoke import Reason
from server import upkeep
from tests.ca.requests import SUITES, authority, certify
from tests.regions import Region, build
from tests.tools import find_tool
from trust.access import SYSTEM
from trust.anchors import pem
from trust.clock import utc_now
from trust.crypto import der, ocsp, signatures, sm2, x509, x509_write
from trust.crypto.algorithms import by_oid
from trust.crypto.errors import Malformed
from trust.crypto.ocsp import Known, ResponseStatus, Revocation
from trust.validation import verify_signed

SM3 = "1.2.156.10197.1.401"


def responder(region: Region) -> Responder:
    return Responder(region.platform.reading, region.platform.keys)


def ask(
    region: Region, certificate: x509.Certificate, issuer: str, *, hash_oid: str = ocsp.SHA1,
    nonce: bytes | None = None, at: datetime | None = None, by: Responder | None = None,
) -> ocsp.Response:  # fmt: skip
    wanted = ocsp.cert_id(authority(region, issuer), certificate.serial, hash_oid=hash_oid)
    request = ocsp.write_request(wanted, nonce=nonce)
    answer = (by or responder(region)).answer(request, at=at or utc_now())
    read = ocsp.parse_response(answer.der)
    assert isinstance(read, ocsp.Response)
    return read


@pytest.mark.parametrize("hash_oid", ocsp.HASHES)
@pytest.mark.parametrize("suite", SUITES)
def test_a_good_certificate_is_good_and_its_own_ca_vouches_for_the_answer(
    region: Region, suite: str, hash_oid: str
) -> None:
    made, issuer = certify(region, suite), authority(region, f"issuing-{suite}")
    read = ask(region, made, f"issuing-{suite}", hash_oid=hash_oid)
    assert [(each.cert_id.serial, each.standing) for each in read.singles] == [
        (made.serial, Known.GOOD)
    ]
    signer = x509.parse_certificate(read.certificates[0])
    verify_signed(signer, issuer.spki)
    signatures.verify(by_oid(read.signature_oid), signer.spki, read.tbs, read.signature)
    assert x509.extended_key_usage(signer) == (ocsp.OCSP_SIGNING,)
    assert x509.OCSP_NOCHECK in signer.extensions


def test_the_issuing_cas_are_answered_for_by_their_roots(sqlite_region: Region) -> None:
    for suite in SUITES:
        issuing = authority(sqlite_region, f"issuing-{suite}")
        read = ask(sqlite_region, issuing, f"root-{suite}")
        assert read.singles[0].standing is Known.GOOD


def test_revocation_hold_and_release_are_in_the_very_next_answer(region: Region) -> None:
    made, by = certify(region, "sm2"), responder(region)
    assert ask(region, made, "issuing-sm2", by=by).singles[0].standing is Known.GOOD
    at = utc_now()
    with region.platform.sessions.begin() as session:
        hold.hold(session, issuer="issuing-sm2", serial=made.serial, by=SYSTEM, at=at)
    held = ask(region, made, "issuing-sm2", by=by).singles[0].standing
    assert held == Revocation(at.replace(microsecond=0), 6)
    with region.platform.sessions.begin() as session:
        hold.release(session, issuer="issuing-sm2", serial=made.serial, by=SYSTEM, at=at)
    assert ask(region, made, "issuing-sm2", by=by).singles[0].standing is Known.GOOD
    with region.platform.sessions.begin() as session:
        revoke.revoke(
            session, issuer="issuing-sm2", serial=made.serial, reason=Reason.UNSPECIFIED,
            by=SYSTEM, at=at,
        )  # fmt: skip
    gone = ask(region, made, "issuing-sm2", by=by).singles[0].standing
    assert gone == Revocation(at.replace(microsecond=0), 0)


def test_a_kept_answer_is_given_out_as_it_is_on_both_databases(region: Region) -> None:
    made, by, at = certify(region, "sm2"), responder(region), utc_now()
    body = ocsp.write_request(ocsp.cert_id(authority(region, "issuing-sm2"), made.serial))
    first = by.answer(body, at=at)
    assert by.answer(body, at=at + timedelta(seconds=5)) is first


def test_an_answer_is_signed_ahead_and_again_before_half_its_life_is_over(
    sqlite_region: Region,
) -> None:
    made, by, at = certify(sqlite_region, "sm2"), responder(sqlite_region), utc_now()
    first = ask(sqlite_region, made, "issuing-sm2", by=by, at=at)
    kept = ask(sqlite_region, made, "issuing-sm2", by=by, at=at + REFRESH - timedelta(seconds=2))
    later = ask(sqlite_region, made, "issuing-sm2", by=by, at=at + REFRESH)
    assert kept == first
    assert later.produced_at - first.produced_at == REFRESH
    single = first.singles[0]
    assert single.next_update is not None
    assert single.next_update - single.this_update == LIFETIME


@pytest.mark.parametrize("size", [1, 16, 32, 128])
def test_a_nonce_comes_back_in_a_live_answer(sqlite_region: Region, size: int) -> None:
    made, by, at = certify(sqlite_region, "sm2"), responder(sqlite_region), utc_now()
    ask(sqlite_region, made, "issuing-sm2", by=by, at=at)
    later = at + timedelta(minutes=5)
    read = ask(sqlite_region, made, "issuing-sm2", by=by, nonce=b"n" * size, at=later)
    assert read.nonce == b"n" * size
    assert read.produced_at == later.replace(microsecond=0)


def test_serials_that_were_never_issued_are_unknown_and_not_kept(sqlite_region: Region) -> None:
    by = responder(sqlite_region)
    issuer = authority(sqlite_region, "issuing-sm2")
    for serial in (1, 2**159, -5):
        request = ocsp.write_request(ocsp.cert_id(issuer, serial))
        read = ocsp.parse_response(by.answer(request, at=utc_now()).der)
        assert isinstance(read, ocsp.Response)
        assert read.singles[0].standing is Known.UNKNOWN
    assert len(by._kept) == 0


def test_several_certificates_of_one_ca_are_answered_at_once(sqlite_region: Region) -> None:
    made = [certify(sqlite_region, "sm2") for _ in range(3)]
    issuer = authority(sqlite_region, "issuing-sm2")
    request = ocsp.write_request(*(ocsp.cert_id(issuer, each.serial) for each in made))
    read = ocsp.parse_response(responder(sqlite_region).answer(request, at=utc_now()).der)
    assert isinstance(read, ocsp.Response)
    assert [each.cert_id.serial for each in read.singles] == [each.serial for each in made]


def test_a_request_about_another_ca_or_about_two_is_not_ours_to_answer(
    sqlite_region: Region,
) -> None:
    first, second = (authority(sqlite_region, f"issuing-{suite}") for suite in SUITES)
    stranger = certify(sqlite_region, "sm2")
    for ids in (
        [ocsp.cert_id(stranger, 5)],
        [ocsp.cert_id(first, 5), ocsp.cert_id(second, 5)],
    ):
        answer = responder(sqlite_region).answer(ocsp.write_request(*ids), at=utc_now())
        assert ocsp.parse_response(answer.der) is ResponseStatus.UNAUTHORIZED


def broken_requests(issuer: x509.Certificate) -> dict[str, bytes]:
    one = ocsp.cert_id(issuer, 5)
    critical = x509.Extension("1.2.3.4", True, der.null())
    listed = der.sequence(der.sequence(one.raw))
    extended = der.explicit(2, x509_write.write_extensions([critical]))
    single = der.explicit(0, x509_write.write_extensions([critical]))
    good = ocsp.write_request(one)
    return {
        "empty": b"",
        "no certificate": ocsp.write_request(),
        "twenty-one certificates": ocsp.write_request(*[one] * 21),
        "no octet of nonce": ocsp.write_request(one, nonce=b""),
        "a nonce of 129": ocsp.write_request(one, nonce=bytes(129)),
        "critical extension": der.sequence(der.sequence(listed, extended)),
        "critical extension of one": der.sequence(
            der.sequence(der.sequence(der.sequence(one.raw, single)))
        ),
        "version 2": der.sequence(der.sequence(der.explicit(0, der.integer(1)), listed)),
        "a byte after": good + b"\x00",
        "cut short": good[:-1],
        "long": good + bytes(5000),
        "serial of 21 octets": ocsp.write_request(ocsp.cert_id(issuer, 1 << 165)),
    }


def test_broken_requests_get_the_protocols_own_refusal(sqlite_region: Region) -> None:
    by = responder(sqlite_region)
    for name, request in broken_requests(authority(sqlite_region, "issuing-sm2")).items():
        answer = by.answer(request, at=utc_now())
        read = ocsp.parse_response(answer.der)
        assert read is ResponseStatus.MALFORMED_REQUEST, name


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_garbage_and_changed_requests_never_break_the_responder(
    sqlite_region: Region, data: st.DataObject
) -> None:
    issuer = authority(sqlite_region, "issuing-sm2")
    request = bytearray(ocsp.write_request(ocsp.cert_id(issuer, 77), nonce=b"12345678"))
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(request) - 1))
        request[at] = data.draw(st.integers(0, 255))
    else:
        request = bytearray(data.draw(st.binary(max_size=200)))
    answer = responder(sqlite_region).answer(bytes(request), at=utc_now())
    assert ocsp.parse_response(answer.der) is not None


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=300))
def test_reading_answers_of_strangers_never_breaks(data: bytes) -> None:
    try:
        ocsp.parse_response(data)
    except Malformed:
        return


def test_without_a_signer_in_force_the_answer_is_an_internal_error(sqlite_region: Region) -> None:
    made = certify(sqlite_region, "sm2")
    wanted = ocsp.cert_id(authority(sqlite_region, "issuing-sm2"), made.serial)
    answer = responder(sqlite_region).answer(
        ocsp.write_request(wanted), at=utc_now() + timedelta(days=3 * 365)
    )
    assert ocsp.parse_response(answer.der) is ResponseStatus.INTERNAL_ERROR


# --- over HTTP, and what others say ------------------------------------------------------------


def test_get_may_be_cached_for_minutes_and_post_not_at_all(
    sqlite_region: Region, client: TestClient
) -> None:
    made = certify(sqlite_region, "rsa")
    wanted = ocsp.cert_id(authority(sqlite_region, "issuing-rsa"), made.serial)
    request = ocsp.write_request(wanted)
    got = client.get("/ocsp/" + quote(base64.b64encode(request).decode(), safe=""))
    assert got.headers["content-type"] == "application/ocsp-response"
    assert got.headers["cache-control"] == ("max-age=600, public, no-transform, must-revalidate")
    plain = client.get("/ocsp/" + base64.b64encode(request).decode())
    assert plain.content == got.content
    posted = client.post("/ocsp", content=request)
    assert posted.headers["cache-control"] == "no-store"
    assert posted.content == got.content
    live = ocsp.write_request(wanted, nonce=secrets.token_bytes(16))
    fresh = client.get("/ocsp/" + quote(base64.b64encode(live).decode(), safe=""))
    assert fresh.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("body", [b"", b"hello", bytes(100_000)])
def test_http_garbage_is_answered_by_the_protocol(client: TestClient, body: bytes) -> None:
    for got in (client.post("/ocsp", content=body), client.get("/ocsp/%25%25not-base64")):
        assert got.status_code == 200
        assert got.headers["cache-control"] == "no-store"
        assert ocsp.parse_response(got.content) is ResponseStatus.MALFORMED_REQUEST


def test_openssl_asks_over_http_and_believes_the_answers(
    sqlite_region: Region, address: str, tmp_path: Path
) -> None:
    openssl = find_tool("openssl")
    good, bad = certify(sqlite_region, "rsa"), certify(sqlite_region, "rsa")
    with sqlite_region.platform.sessions.begin() as session:
        revoke.revoke(
            session, issuer="issuing-rsa", serial=bad.serial, reason=Reason.KEY_COMPROMISE,
            by=SYSTEM, at=utc_now(),
        )  # fmt: skip
    issuing, root = (authority(sqlite_region, f"{name}-rsa") for name in ("issuing", "root"))
    for name, each in (("good", good), ("bad", bad), ("issuing", issuing), ("root", root)):
        (tmp_path / f"{name}.pem").write_bytes(pem("CERTIFICATE", each.der))
    (tmp_path / "cas.pem").write_bytes(
        pem("CERTIFICATE", root.der) + pem("CERTIFICATE", issuing.der)
    )
    for nonce in ("-nonce", "-no_nonce"):
        said = subprocess.run(
            [openssl, "ocsp", "-url", f"{address}/ocsp", nonce, "-issuer", "issuing.pem",
             "-cert", "good.pem", "-cert", "bad.pem", "-sha256", "-cert", "good.pem",
             "-CAfile", "cas.pem"],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
        assert "Response verify OK" in said.stderr, said.stderr
        assert said.stdout.count("good.pem: good") == 2
        assert "bad.pem: revoked" in said.stdout
        assert "Reason: keyCompromise" in said.stdout
    assert "WARNING: no nonce" not in said.stderr


def test_cryptography_reads_the_rsa_answer_as_it_was_meant(sqlite_region: Region) -> None:
    made = certify(sqlite_region, "rsa")
    wanted = ocsp.cert_id(authority(sqlite_region, "issuing-rsa"), made.serial)
    answer = responder(sqlite_region).answer(ocsp.write_request(wanted), at=utc_now())
    read = reference.load_der_ocsp_response(answer.der)
    assert read.response_status is reference.OCSPResponseStatus.SUCCESSFUL
    assert read.certificate_status is reference.OCSPCertStatus.GOOD
    assert read.serial_number == made.serial
    assert read.next_update_utc == answer.until


def test_gmssl_verifies_the_signed_bytes_of_the_sm2_answer(sqlite_region: Region) -> None:
    read = ask(sqlite_region, certify(sqlite_region, "sm2"), "issuing-sm2", nonce=b"12345678")
    signer = x509.parse_certificate(read.certificates[0])
    assert gmssl_accepts(signer.spki, read.tbs, read.signature)
    assert not gmssl_accepts(signer.spki, read.tbs + b"\x00", read.signature)


def gmssl_accepts(spki: bytes, message: bytes, signature: bytes) -> bool:
    """What gmssl says of a DER signature with the default id."""
    point = sm2.public_key_from_spki(spki)
    head = b"\x00\x80" + b"1234567812345678"
    gmssl_sm2: Any = importlib.import_module("gmssl.sm2")
    gmssl_sm3: Any = importlib.import_module("gmssl.sm3")
    curve = gmssl_sm2.default_ecc_table
    fixed = bytes.fromhex(curve["a"] + curve["b"] + curve["g"])
    za = bytes.fromhex(gmssl_sm3.sm3_hash(list(head + fixed + point)))
    digest = bytes.fromhex(gmssl_sm3.sm3_hash(list(za + message)))
    verifier = gmssl_sm2.CryptSM2(private_key="", public_key="")
    verifier.public_key = point.hex()
    said: object = verifier.verify(sm2.der_to_raw(signature).hex(), digest)
    return said is True


def test_an_ocsp_signer_near_its_end_is_followed_by_the_next(tmp_path: Path) -> None:
    region = build(tmp_path / "home")
    made = certify(region, "sm2")
    end = x509.parse_certificate(ask(region, made, "issuing-sm2").certificates[0]).not_after
    assert upkeep.rotate_ocsp_signers(region.platform, at=end - timedelta(days=61)) == []
    near = end - timedelta(days=59)
    new = upkeep.rotate_ocsp_signers(region.platform, at=near)
    assert sorted(new) == ["ocsp-root-rsa-2", "ocsp-root-sm2-2", "ocsp-rsa-2", "ocsp-sm2-2"]
    assert upkeep.rotate_ocsp_signers(region.platform, at=near) == []
    read = ask(region, made, "issuing-sm2", at=end + timedelta(days=1))
    assert read.singles[0].standing is Known.GOOD
    region.platform.engine.dispose()


def test_without_its_database_the_responder_says_try_later(tmp_path: Path) -> None:
    region = build(tmp_path / "home")
    wanted = ocsp.cert_id(authority(region, "issuing-sm2"), 5)
    by = responder(region)
    region.platform.engine.dispose()
    for path in (tmp_path / "home").glob("trust.db*"):
        path.unlink()
    answer = by.answer(ocsp.write_request(wanted), at=utc_now())
    assert ocsp.parse_response(answer.der) is ResponseStatus.TRY_LATER


def test_a_kept_good_is_not_repeated_when_the_registry_cannot_be_asked(tmp_path: Path) -> None:
    region = build(tmp_path / "home")
    made, by = certify(region, "sm2"), responder(region)
    body = ocsp.write_request(ocsp.cert_id(authority(region, "issuing-sm2"), made.serial))
    assert by.answer(body, at=utc_now()).until
    region.platform.engine.dispose()
    for path in (tmp_path / "home").glob("trust.db*"):
        path.unlink()
    answer = by.answer(body, at=utc_now())
    assert ocsp.parse_response(answer.der) is ResponseStatus.TRY_LATER
