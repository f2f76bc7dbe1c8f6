"""`trust ca`: suspension, renewal, CRLs and the list, as an operator types them."""

import base64
import json
from pathlib import Path

import pytest
from sqlalchemy import select

from ca import crl
from ca.models import Certificate, CertificateState
from server import cli, exits
from server.commands import files
from tests.ca.requests import certify, request_for
from tests.regions import Region, sqlite_region
from trust.crypto import private_keys, x509
from trust.crypto.algorithms import KeyKind

__all__ = ["sqlite_region"]


@pytest.fixture(autouse=True)
def home(sqlite_region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command finds the region the way an operator's shell tells it."""
    settings = sqlite_region.platform.settings
    assert settings.key_passphrase is not None
    monkeypatch.setenv("TRUST_HOME", str(settings.home))
    monkeypatch.setenv("TRUST_KEY_PASSPHRASE", settings.key_passphrase.get_secret_value())


def of(certificate: x509.Certificate) -> list[str]:
    return [f"{certificate.serial:x}", "--issuer", "issuing-sm2"]


def newest_crl(region: Region) -> x509.RevocationList:
    with region.platform.reading() as session:
        der = crl.newest(session, "issuing-sm2")
    assert der is not None
    return x509.parse_crl(der)


def test_hold_and_release_are_published_at_once(sqlite_region: Region) -> None:
    made = certify(sqlite_region, "sm2")
    assert cli.main(["ca", "hold", *of(made)]) == 0
    assert newest_crl(sqlite_region).entries[made.serial].reason == 6
    assert cli.main(["ca", "hold", *of(made)]) == 75
    assert cli.main(["ca", "release", *of(made)]) == 0
    assert made.serial not in newest_crl(sqlite_region).entries
    assert cli.main(["ca", "release", *of(made)]) == 75
    assert cli.main(["ca", "revoke", *of(made), "--reason", "superseded"]) == 0
    assert newest_crl(sqlite_region).entries[made.serial].reason == 4


def test_renew_writes_a_certificate_for_the_same_or_for_a_new_key(
    sqlite_region: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, key = certify(sqlite_region, "sm2"), private_keys.generate(KeyKind.SM2)
    assert cli.main(["ca", "renew", *of(made)]) == 0
    assert capsys.readouterr().out.startswith("-----BEGIN CERTIFICATE-----")
    (tmp_path / "new.csr").write_bytes(request_for(key))
    out = tmp_path / "new.pem"
    words = ["ca", "renew", *of(made), "--csr", str(tmp_path / "new.csr"), "--out", str(out)]
    assert cli.main(words) == 0
    assert out.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")
    with sqlite_region.platform.reading() as session:
        rows = session.scalars(
            select(Certificate).where(Certificate.renews == f"{made.serial:x}")
        ).all()
    assert [x509.parse_certificate(row.der or b"").spki for row in rows] == [made.spki, key.spki]


def test_a_request_in_pem_is_taken_and_garbage_is_refused(
    sqlite_region: Region, tmp_path: Path
) -> None:
    der = request_for(private_keys.generate(KeyKind.SM2))
    text = base64.encodebytes(der).decode()
    marks = ("-----BEGIN CERTIFICATE REQUEST-----", "-----END CERTIFICATE REQUEST-----")
    path = tmp_path / "new.csr"
    path.write_text(f"{marks[0]}\n{text}{marks[1]}\n")
    assert files.read_request(path) == der
    made = certify(sqlite_region, "sm2")
    for garbage in ("-----BEGIN NOTHING-----\n", f"{marks[0]}\n!!\n{marks[1]}\n", "hello"):
        path.write_text(garbage)
        assert cli.main(["ca", "renew", *of(made), "--csr", str(path)]) == 65
    missing = str(tmp_path / "missing")
    assert cli.main(["ca", "renew", *of(made), "--csr", missing]) == exits.NO_INPUT


def test_a_fresh_crl_is_written_on_demand(sqlite_region: Region, tmp_path: Path) -> None:
    out = tmp_path / "out.crl"
    before = newest_crl(sqlite_region)
    assert cli.main(["ca", "crl", "issuing-sm2", "--out", str(out)]) == 0
    assert out.read_bytes() == newest_crl(sqlite_region).der != before.der
    assert cli.main(["ca", "crl", "nobody"]) == 67
    words = ["ca", "crl", "issuing-sm2", "--out", str(tmp_path / "no" / "where")]
    assert cli.main(words) == exits.CANNOT_WRITE


def test_an_issuer_is_partitioned_and_made_whole_again(sqlite_region: Region) -> None:
    assert cli.main(["ca", "shards", "root-sm2", "2"]) == 0
    with sqlite_region.platform.reading() as session:
        assert crl.newest(session, "root-sm2", shard=2) is not None
    assert cli.main(["ca", "shards", "root-sm2", "1"]) == 0
    assert cli.main(["ca", "shards", "root-sm2", "0"]) == 65
    assert cli.main(["ca", "shards", "nobody", "2"]) == 67


def test_the_list_is_filtered_by_issuer_and_state(
    sqlite_region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    made = certify(sqlite_region, "sm2")
    cli.main(["ca", "hold", *of(made)])
    capsys.readouterr()
    words = ["ca", "list", "--issuer", "issuing-sm2", "--state", CertificateState.HELD.value]
    assert cli.main([*words, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert f"{made.serial:x}" in {row["serial"] for row in rows}
    assert {(row["state"], row["reason"], row["issuer"]) for row in rows} == {
        ("held", 6, "issuing-sm2")
    }
    assert cli.main(words) == 0
    assert f"{made.serial:x}  held" in capsys.readouterr().out


@pytest.mark.parametrize("act", ["hold", "release", "renew"])
def test_words_that_are_off_are_refused(act: str) -> None:
    assert cli.main(["ca", act, "not-hex", "--issuer", "issuing-sm2"]) == exits.USAGE
    assert cli.main(["ca", act, "1", "--issuer", "issuing-sm2"]) == 67
