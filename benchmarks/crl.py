"""A CRL of a million entries: made, read, asked again; beside `openssl ca -gencrl` and `crl`.

    python -m benchmarks.crl [--entries 1000000]

Ours comes out of the registry on SQLite (a row a certificate, read, encoded, signed by RSA-3072,
stored); openssl's out of its own index file, by a key of the same size. All times are processor
seconds, openssl's of its own process.
"""

import argparse
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import insert
from sqlalchemy.orm import Session

from benchmarks import openssl
from ca import crl, issue
from ca.models import Certificate, CertificateState
from server import provision
from server.platform import Platform
from server.provision import RegionPlan
from trust.access import SYSTEM
from trust.anchors import pem
from trust.clock import utc_now
from trust.crypto import private_keys, x509, x509_write
from trust.crypto.algorithms import KeyKind
from trust.revocation import CrlLookup
from trust.settings import Settings
from trust.validation import Standing

Row = tuple[str, float, str]
ENTRIES = 1_000_000
ISSUER = "issuing-rsa"
BATCH = 20_000
LOOKS = 1000
_BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
#: Of openssl's CA: as little as `ca -gencrl` asks for.
_CNF = """[ca]
default_ca = own
[own]
database = index.txt
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_crl_days = 7
crl_extensions = ext
crlnumber = number
[ext]
authorityKeyIdentifier = keyid
"""


def rows(entries: int = ENTRIES) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory) / "home"
        platform = Platform(
            Settings(home=home, key_passphrase=SecretStr("bench"), development=True)
        )
        provision.create_region(platform, RegionPlan("542500", "阿里地区"), clock=utc_now)
        serials = [secrets.randbits(158) | 1 << 158 for _ in range(entries)]
        _fill(platform, serials)
        yield from _measured(platform, Path(directory), serials)
        platform.engine.dispose()


def _seconds(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


def _measured(platform: Platform, directory: Path, serials: list[int]) -> Iterator[Row]:
    told = f"{len(serials):,} entries"
    made: list[bytes] = []
    making = _seconds(lambda: made.append(_publish(platform)))
    (der,) = made
    yield f"CRL of {told}: make", making, "s CPU: rows read, encoded, signed, stored"
    yield "… size", len(der) / 1e6, "MB"
    theirs = _peer_makes(directory, serials)
    yield "… openssl ca -gencrl", theirs, f"s CPU; ours takes {making / theirs:.2f} times as long"
    yield from _read(platform, directory, der, serials[len(serials) // 2])


def _read(platform: Platform, directory: Path, der: bytes, serial: int) -> Iterator[Row]:
    with platform.reading() as session:
        issuer = x509.parse_certificate(issue.find_issuer(session, ISSUER).certificate)
        listed = _certificate(session, serial)
    kept: list[CrlLookup] = []
    asked = utc_now()

    def ask() -> None:
        if kept[0].status(listed, issuer, at=asked).standing is not Standing.REVOKED:
            raise RuntimeError("a revoked certificate was not found")

    def first() -> None:
        kept.append(CrlLookup([x509.parse_crl(der)]))
        ask()

    reading = _seconds(first)
    again = _seconds(lambda: _often(ask)) / LOOKS
    yield "CRL: first use", reading, "s CPU: read, signature checked, one certificate looked up"
    yield "CRL: every further use", again * 1e6, "us CPU"
    (directory / "read.crl").write_bytes(der)
    (directory / "issuer.pem").write_bytes(pem("CERTIFICATE", issuer.der))
    words = ("crl", "-inform", "DER", "-in", "read.crl", "-noout", "-CAfile", "issuer.pem")
    theirs = openssl.child_seconds(lambda: openssl.run(directory, *words, says="verify OK"))
    told = f"s CPU, no look-up; ours takes {reading / theirs:.2f} times as long"
    yield "… openssl crl -CAfile, each time", theirs, told


def _often(act: Callable[[], None]) -> None:
    for _ in range(LOOKS):
        act()


def _publish(platform: Platform) -> bytes:
    with platform.sessions.begin() as session:
        return crl.publish(session, ISSUER, keys=platform.keys, by=SYSTEM, at=utc_now())


def _fill(platform: Platform, serials: list[int]) -> None:
    """Revoked certificates by the row; nothing of them but what a CRL tells is ever read."""
    shared = {
        "issuer": ISSUER, "profile": "seal", "subject": "CN=bench",
        "state": CertificateState.REVOKED, "not_before": _BEGAN,
        "not_after": _BEGAN + timedelta(days=3650), "reason": 4,
    }  # fmt: skip
    with platform.sessions.begin() as session:
        for start in range(0, len(serials), BATCH):
            several = [
                {**shared, "serial": f"{serial:x}", "revoked_at": _revoked_at(start + number)}
                for number, serial in enumerate(serials[start : start + BATCH])
            ]
            session.execute(insert(Certificate), several)


def _revoked_at(number: int) -> datetime:
    return _BEGAN + timedelta(seconds=31 * number)


def _certificate(session: Session, serial: int) -> x509.Certificate:
    """A certificate with one of the serials that are listed, signed for the purpose."""
    row = issue.find_issuer(session, ISSUER)
    issuer = x509.parse_certificate(row.certificate)
    oid = "1.2.840.113549.1.1.11"
    key = private_keys.generate(KeyKind.SM2)
    tbs = x509_write.tbs_certificate(
        serial=serial, signature_oid=oid, issuer=issuer.subject,
        subject=x509_write.name([(x509.COMMON_NAME, "bench")]), not_before=_BEGAN,
        not_after=_BEGAN + timedelta(days=3650), spki=key.spki,
        extensions=[x509_write.key_usage({x509.DIGITAL_SIGNATURE})],
    )  # fmt: skip
    return x509.parse_certificate(x509_write.signed(tbs, oid, bytes(384)))


def _peer_makes(directory: Path, serials: list[int]) -> float:
    (directory / "ca.cnf").write_text(_CNF)
    (directory / "number").write_text("01\n")
    request = ("req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout", "ca.key")
    openssl.run(directory, *request, "-out", "ca.pem", "-subj", "/CN=openssl")
    with (directory / "index.txt").open("w") as index:
        for number, serial in enumerate(serials):
            at = _revoked_at(number).strftime("%y%m%d%H%M%SZ")
            index.write(f"R\t350101000000Z\t{at},superseded\t{serial:040X}\tunknown\t/CN=bench\n")
    words = ("ca", "-config", "ca.cnf", "-gencrl", "-out", "made.crl")
    return openssl.child_seconds(lambda: openssl.run(directory, *words))


if __name__ == "__main__":
    words = argparse.ArgumentParser(prog="benchmarks.crl")
    words.add_argument("--entries", type=int, default=ENTRIES)
    for what, value, remark in rows(words.parse_args().entries):
        print(f"  {what:42} {value:10.2f}  {remark}")
