"""Partitioned CRLs: each certificate leads to the one that tells of it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ca import crl, revoke
from ca.revoke import Reason
from server.app import create_app
from tests.ca.requests import authority, certify
from tests.ca.test_pkilint import CRL, findings
from tests.regions import Region, build
from tests.tools import find_tool
from trust.access import SYSTEM
from trust.anchors import pem
from trust.clock import utc_now
from trust.crypto import der, x509
from trust.errors import Invalid
from trust.revocation import CrlLookup
from trust.validation import Standing

ISSUER = "issuing-rsa"
SHARDS = 4


@pytest.fixture(scope="module")
def sharded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """A region of its own: what is partitioned stays so."""
    region = build(tmp_path_factory.mktemp("sharded"))
    certify(region, "rsa")
    with region.platform.sessions.begin() as session:
        crl.partition(
            session, ISSUER, shards=SHARDS, base_url="http://localhost:8000", by=SYSTEM,
            at=utc_now(),
        )  # fmt: skip
    yield region
    region.platform.engine.dispose()


def publish(region: Region) -> bytes:
    with region.platform.sessions.begin() as session:
        return crl.publish(session, ISSUER, keys=region.platform.keys, by=SYSTEM, at=utc_now())


def end(region: Region, certificate: x509.Certificate) -> None:
    with region.platform.sessions.begin() as session:
        revoke.revoke(
            session, issuer=ISSUER, serial=certificate.serial, reason=Reason.SUPERSEDED,
            by=SYSTEM, at=utc_now(),
        )  # fmt: skip


def point(certificate: x509.Certificate) -> str:
    """The address of the certificate's CRL."""
    value = der.parse(certificate.extensions[x509.CRL_POINTS].value)
    for _ in range(4):
        value = der.children(value)[0]
    return value.content.decode()


def test_each_certificate_is_in_its_own_partition_and_in_the_complete_crl(
    sharded: Region,
) -> None:
    made = [certify(sharded, "rsa") for _ in range(6)]
    for each in made[:4]:
        end(sharded, each)
    complete = x509.parse_crl(publish(sharded))
    assert {each.serial for each in made[:4]} <= set(complete.entries)
    assert x509.ISSUING_POINT not in complete.extensions
    for each in made:
        shard = each.serial % SHARDS + 1
        assert point(each) == f"http://localhost:8000/crl/{ISSUER}-{shard}.crl"
        with sharded.platform.reading() as session:
            own = crl.newest(session, ISSUER, shard=shard)
        assert own is not None
        read = x509.parse_crl(own)
        assert (each.serial in read.entries) == (each in made[:4])
        assert all(serial % SHARDS + 1 == shard for serial in read.entries)
        assert read.extensions[x509.ISSUING_POINT].critical


def test_each_partition_is_fetched_where_the_certificate_says(sharded: Region) -> None:
    made = certify(sharded, "rsa")
    end(sharded, made)
    publish(sharded)
    app = create_app(sharded.platform.settings, platform=sharded.platform)
    with TestClient(app) as client:
        got = client.get(point(made).removeprefix("http://localhost:8000"))
        assert made.serial in x509.parse_crl(got.content).entries
        assert client.get(f"/crl/{ISSUER}.crl").status_code == 200
        for name in (f"{ISSUER}-{SHARDS + 1}", f"{ISSUER}-01", "nobody-1", f"{ISSUER}-99999"):
            assert client.get(f"/crl/{name}.crl").status_code == 404


def test_openssl_follows_the_partition(sharded: Region, tmp_path: Path) -> None:
    openssl = find_tool("openssl")
    good = certify(sharded, "rsa")
    bad = certify(sharded, "rsa")
    while bad.serial % SHARDS != good.serial % SHARDS:
        bad = certify(sharded, "rsa")
    end(sharded, bad)
    publish(sharded)
    root, issuing = authority(sharded, "root-rsa"), authority(sharded, ISSUER)
    cas = pem("CERTIFICATE", root.der) + pem("CERTIFICATE", issuing.der)
    (tmp_path / "cas.pem").write_bytes(cas)
    for name, each in (("good", good), ("bad", bad)):
        (tmp_path / f"{name}.pem").write_bytes(pem("CERTIFICATE", each.der))
    said = {}
    for shard in range(1, SHARDS + 1):
        with sharded.platform.reading() as session:
            own = crl.newest(session, ISSUER, shard=shard) or b""
        (tmp_path / "own.crl").write_bytes(pem("X509 CRL", own))
        for name in ("good", "bad"):
            ran = subprocess.run(
                [openssl, "verify", "-crl_check", "-extended_crl", "-CRLfile", "own.crl",
                 "-CAfile", "cas.pem", f"{name}.pem"],
                cwd=tmp_path, capture_output=True, text=True, check=False,
            )  # fmt: skip
            said[shard, name] = ran.stdout + ran.stderr
    own_shard = good.serial % SHARDS + 1
    assert "good.pem: OK" in said[own_shard, "good"]
    assert "certificate revoked" in said[own_shard, "bad"]
    others = [text for (shard, _), text in said.items() if shard != own_shard]
    assert not any(": OK" in text for text in others)


def test_our_own_path_validation_follows_the_partition(sharded: Region) -> None:
    good, bad = certify(sharded, "rsa"), certify(sharded, "rsa")
    end(sharded, bad)
    complete = publish(sharded)
    issuing = authority(sharded, ISSUER)
    with sharded.platform.reading() as session:
        shards = [crl.newest(session, ISSUER, shard=n + 1) or b"" for n in range(SHARDS)]
    every = CrlLookup([x509.parse_crl(each) for each in shards])
    assert every.status(good, issuing, at=utc_now()).standing is Standing.GOOD
    assert every.status(bad, issuing, at=utc_now()).standing is Standing.REVOKED
    others = [x509.parse_crl(each) for n, each in enumerate(shards) if n != good.serial % SHARDS]
    assert CrlLookup(others).status(good, issuing, at=utc_now()).standing is Standing.UNKNOWN
    whole = CrlLookup([x509.parse_crl(complete)])
    assert whole.status(good, issuing, at=utc_now()).standing is Standing.GOOD


def test_pkilint_finds_no_error_in_a_partition(
    sharded: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(sharded)
    with sharded.platform.reading() as session:
        own = crl.newest(session, ISSUER, shard=1)
    assert findings(CRL, own or b"", tmp_path, capsys) == []


def test_fewer_partitions_leave_old_certificates_where_they_are(tmp_path: Path) -> None:
    region = build(tmp_path / "home")
    for shards in (3, 1):
        with region.platform.sessions.begin() as session:
            crl.partition(
                session, ISSUER, shards=shards, base_url="https://a.example", by=SYSTEM,
                at=utc_now(),
            )  # fmt: skip
        if shards == 3:
            old = certify(region, "rsa")
            while old.serial % 3 != 2:
                old = certify(region, "rsa")
    new = certify(region, "rsa")
    end(region, old)
    publish(region)
    assert point(new).endswith(f"/crl/{ISSUER}.crl")
    with region.platform.reading() as session:
        third = crl.newest_named(session, f"{ISSUER}-3")
    assert third is not None
    assert old.serial in x509.parse_crl(third).entries
    region.platform.engine.dispose()


@pytest.mark.parametrize("shards", [0, -1, crl.SHARDS_MAX + 1])
def test_the_number_of_partitions_is_bounded(sharded: Region, shards: int) -> None:
    with sharded.platform.sessions() as session, pytest.raises(Invalid):
        crl.partition(session, ISSUER, shards=shards, base_url="x", by=SYSTEM, at=utc_now())
