"""pkilint, a linter by others, over everything the CA signs; SM2 as much as RSA."""

import importlib
import re
from pathlib import Path

import pytest

from ca import crl, hold, issue, revoke, signers
from ca.issue import Order
from ca.ocsp import Responder
from ca.revoke import Reason
from tests.ca.requests import NAME, SUITES, authority, certify
from tests.regions import Region
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.crypto import ocsp, private_keys
from trust.crypto.algorithms import KeyKind

CERTIFICATE, CRL, OCSP = "lint_pkix_cert", "lint_crl", "lint_ocsp_response"
#: What pkilint says that is not a fault of ours, and why.
EXPLAINED = {
    # Our own purposes are below a UUID (X.667): its arc has 128 bits, pkilint's decoder reads 32.
    "OID contains arc which is larger than 32-bits",
    # A region of the tests lives there; pkilint knows only names with a dot.
    'Invalid URI syntax: "http://localhost:8000/',
    # RFC 8813 knows elliptic curves for agreement only; SM2 encrypts, and GB/T 20518 says so.
    "key_usage_value_prohibited_for_ec (ERROR): Prohibited key usage value(s) present: "
    "dataEncipherment, keyEncipherment",
}


def findings(
    linter: str, der: bytes, directory: Path, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """The errors that pkilint finds and EXPLAINED does not."""
    path = directory / "linted"
    path.write_bytes(der)
    options = ["-t", "CRL", "-p", "PKIX"] if linter == CRL else []
    capsys.readouterr()
    importlib.import_module(f"pkilint.bin.{linter}").main(
        ["lint", *options, "-s", "WARNING", "--document-format", "DER", str(path)]
    )
    said = capsys.readouterr()
    assert said.err == ""
    found = re.findall(r"^ +(\S+ \((?:FATAL|ERROR|WARNING)\).*)$", said.out, re.MULTILINE)
    return [each for each in found if not any(known in each for known in EXPLAINED)]


def test_pkilint_does_find_what_is_wrong(
    sqlite_region: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    der = bytearray(certify(sqlite_region, "rsa").der)
    at = der.index(bytes.fromhex("0603551d0f0101ff0404030206c0"))  # keyUsage
    der[at + 12] = 0x00
    assert findings(CERTIFICATE, bytes(der), tmp_path, capsys) != []


@pytest.mark.parametrize("suite", SUITES)
def test_pkilint_finds_no_error_in_authorities_and_certificates(
    sqlite_region: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str], suite: str
) -> None:
    linted = [authority(sqlite_region, f"{name}-{suite}").der for name in ("root", "issuing")]
    profiles = ("seal", "signing", "encryption") if suite == "sm2" else ("seal", "signing")
    linted += [certify(sqlite_region, suite, profile=name).der for name in profiles]
    spki = private_keys.generate(KeyKind.SM2).spki
    order = Order(
        "signing", NAME, spki, base_url="https://trust.example.cn", policies=("1.2.3.4",),
        particulars=(("resident-id", "11010519491231002X"), ("organization-code", "1")),
    )  # fmt: skip
    linted.append(
        issue.issue(
            sqlite_region.platform.sessions, order, issuer=f"issuing-{suite}",
            keys=sqlite_region.platform.keys, by=SYSTEM, at=utc_now(),
        ).der
    )  # fmt: skip
    for der in linted:
        assert findings(CERTIFICATE, der, tmp_path, capsys) == []


def test_pkilint_finds_no_error_in_the_platforms_signers(
    sqlite_region: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite_region.platform.reading() as session:
        made = signers.certificates(session)
    assert {"ocsp-sm2", "ocsp-rsa", "tsa-sm2", "tsa-rsa"} <= {name for name, _ in made}
    for name, der in made:
        assert findings(CERTIFICATE, der, tmp_path, capsys) == [], name


@pytest.mark.parametrize("suite", SUITES)
def test_pkilint_finds_no_error_in_crls_and_ocsp_answers(
    sqlite_region: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str], suite: str
) -> None:
    issuer, platform = f"issuing-{suite}", sqlite_region.platform
    good, held, gone = (certify(sqlite_region, suite) for _ in range(3))
    with platform.sessions.begin() as session:
        hold.hold(session, issuer=issuer, serial=held.serial, by=SYSTEM, at=utc_now())
        revoke.revoke(
            session, issuer=issuer, serial=gone.serial, reason=Reason.SUPERSEDED, by=SYSTEM,
            at=utc_now(),
        )  # fmt: skip
    for name in (issuer, f"root-{suite}"):
        with platform.sessions.begin() as session:
            der = crl.publish(session, name, keys=platform.keys, by=SYSTEM, at=utc_now())
        assert findings(CRL, der, tmp_path, capsys) == []
    parent = authority(sqlite_region, issuer)
    ids = [ocsp.cert_id(parent, serial) for serial in (good.serial, held.serial, gone.serial, 7)]
    requests = [ocsp.write_request(each) for each in ids]
    requests.append(ocsp.write_request(*ids, nonce=bytes(32)))
    responder = Responder(platform.reading, platform.keys)
    for request in requests:
        answer = responder.answer(request, at=utc_now())
        assert findings(OCSP, answer.der, tmp_path, capsys) == []
