"""`trust ca init|issue|request|import|crl|list` as typed; whose name a certificate may bear."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from ca import subject as subjects
from ca.certify import NotByRequest, Wish, certify
from ca.models import Issuer, KeyRequest
from ca.subject import NameNotYours
from server import cli
from tests.ca.outside_ca import OutsideCa
from tests.ca.requests import request_for
from tests.regions import MARKET, Region, build
from trust.access import SYSTEM, Caller, Role
from trust.anchors import load, pem, read_pem
from trust.clock import utc_now
from trust.crypto import private_keys, x509
from trust.crypto.algorithms import KeyKind
from trust.db import Base
from trust.errors import Forbidden, Invalid
from trust.identifiers import InvalidIdentifier
from trust.validation import Standing

ADMINISTRATOR = Caller("c.admin", MARKET.code, frozenset({Role.CA_ADMIN}))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    made = build(tmp_path_factory.mktemp("requests") / "home")
    Base.metadata.create_all(made.platform.engine)  # nothing, once every table has its migration
    yield made
    made.platform.engine.dispose()


@pytest.fixture(autouse=True)
def home(here: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = here.platform.settings
    assert settings.key_passphrase is not None
    monkeypatch.setenv("TRUST_HOME", str(settings.home))
    monkeypatch.setenv("TRUST_KEY_PASSPHRASE", settings.key_passphrase.get_secret_value())


def csr(path: Path, kind: KeyKind = KeyKind.SM2) -> Path:
    path.write_bytes(
        pem("CERTIFICATE REQUEST", request_for(private_keys.generate(kind, bits=2048)))
    )
    return path


@pytest.mark.parametrize(("kind", "issuer"), [("SM2", "issuing-sm2"), ("RSA", "issuing-rsa")])
def test_a_request_becomes_a_certificate_by_profile(
    here: Region, tmp_path: Path, kind: str, issuer: str
) -> None:
    path, out = csr(tmp_path / "x.csr", KeyKind(kind)), tmp_path / "x.pem"
    words = ["ca", "issue", "--csr", str(path), "--profile", "signing", "--issuer", issuer,
             "--subject", f"C=CN,O={MARKET.code}某局,CN=试\\,验", "--particular",
             f"organization-code={MARKET.code}", "--out", str(out)]  # fmt: skip
    assert cli.main(words) == 0
    made = x509.parse_certificate(read_pem(out.read_bytes(), name="x")[0][1])
    assert x509.name_value(made.subject, x509.COMMON_NAME) == "试,验"
    assert x509.CRL_POINTS in made.extensions
    assert cli.main(words[:-2]) == 0


def test_bad_requests_are_refused_by_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = bytearray(request_for(private_keys.generate(KeyKind.SM2)))
    forged[-1] ^= 1
    (tmp_path / "forged").write_bytes(bytes(forged))
    (tmp_path / "garbage").write_bytes(b"\x30\x03\x02\x01\x00")
    csr(tmp_path / "good")
    issue = ["ca", "issue", "--issuer", "issuing-sm2"]
    for words, code, told in (
        (["--csr", "forged", "--profile", "signing"], 65, "no_proof_of_possession"),
        (["--csr", "garbage", "--profile", "signing"], 65, "malformed"),
        (["--csr", "missing", "--profile", "signing"], 66, "cannot_open"),
        (["--csr", "good", "--profile", "signing", "--subject", "nonsense"], 65, "invalid"),
        (["--csr", "good", "--profile", "signing", "--subject", "C=CN,OU=110000,CN=x"], 77,
         "name_not_yours"),
    ):  # fmt: skip
        words[1] = str(tmp_path / words[1])
        assert cli.main([*issue, *words]) == code
        assert f"[{told}]" in capsys.readouterr().err


def name(text: str) -> bytes:
    return subjects.parse(text)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (f"C=CN,O={MARKET.code}市场监管局,OU=310000,CN=章", None),
        ("C=CN,O=113100000024200000别的局,CN=章", NameNotYours),
        ("C=CN,CN=章", NameNotYours),
        (f"C=CN,O={MARKET.code},OU=110000,CN=章", NameNotYours),
        ("C=CN,OU=310000", Invalid),
    ],
)
def test_who_acts_for_an_authority_has_its_name_certified_and_no_other(
    here: Region, text: str, refusal: type[Exception] | None
) -> None:
    wish = Wish(
        request_for(private_keys.generate(KeyKind.SM2)), "signing", "issuing-sm2", "310000",
        subject=name(text),
    )  # fmt: skip
    platform = here.platform
    if refusal is None:
        made = certify(platform.sessions, wish, keys=platform.keys, by=ADMINISTRATOR, at=utc_now())
        assert made.subject == name(text)
        return
    with pytest.raises(refusal):
        certify(platform.sessions, wish, keys=platform.keys, by=ADMINISTRATOR, at=utc_now())


def test_nobody_gets_a_cas_name_another_bodys_code_or_a_platform_profile(here: Region) -> None:
    platform = here.platform
    with platform.reading() as session:
        taken = x509.parse_certificate(session.get_one(Issuer, "root-rsa").certificate).subject
    request = request_for(private_keys.generate(KeyKind.SM2))

    def asked(by: Caller = SYSTEM, profile: str = "signing", **changes: object) -> None:
        wish = Wish(request, profile, "issuing-sm2", "310000", **changes)  # type: ignore[arg-type]
        certify(platform.sessions, wish, keys=platform.keys, by=by, at=utc_now())

    with pytest.raises(NameNotYours):
        asked(subject=taken)
    with pytest.raises(NameNotYours):
        asked(ADMINISTRATOR, subject=name(f"O={MARKET.code},CN=x"),
              particulars=(("organization-code", "91310000000000000X"),))  # fmt: skip
    with pytest.raises(InvalidIdentifier):
        asked(subject=name("O=913100000000000000某,CN=x"))
    with pytest.raises(Forbidden):
        asked(Caller("c.clerk", MARKET.code, frozenset({Role.CLERK})))
    for profile in ("issuing", "root", "claim-signer", "ocsp-signer", "log-signer"):
        with pytest.raises(NotByRequest):
            asked(profile=profile)


@pytest.mark.parametrize(
    "text", ["", "CN", "CN=", "XX=a", "CN=a,", "CN=a,,O=b", "CN=a\nb", "CN=" + "x" * 600,
             ",".join(["CN=x"] * 11), "C=中国,CN=x", "CN=a\\"],
)  # fmt: skip
def test_a_name_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        subjects.parse(text)


def test_the_list_tells_what_ends_soon(here: Region, capsys: pytest.CaptureFixture[str]) -> None:
    for days, some in ((3, False), (36_000, True)):
        assert cli.main(["ca", "list", "--ending", str(days), "--json"]) == 0
        assert bool(json.loads(capsys.readouterr().out)) is some
    assert cli.main(["ca", "list", "--ending", "-1"]) == 64


def test_an_outside_ca_by_commands(
    here: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Request out, certificate in, its CRL by hand, the anchors handed on; a seal of it verifies
    offline."""
    other = OutsideCa(tmp_path / "other", "http://127.0.0.1:9/unreachable.crl")
    other.begin()
    out = tmp_path / "gov.csr"
    request = ["ca", "request", "gov-rsa", "--purpose", "issuing", "--kind", "RSA", "--out",
               str(out)]  # fmt: skip
    assert cli.main(request) == 0
    der = read_pem(out.read_bytes().replace(b"CERTIFICATE REQUEST", b"CERTIFICATE"), name="x")[0][1]
    made = other.certify(der, "issuing")
    (tmp_path / "gov.pem").write_bytes(pem("CERTIFICATE", made.der))
    words = ["ca", "import", "gov-rsa", str(tmp_path / "gov.pem")]
    assert cli.main(words) == 65  # nobody trusts its root yet
    assert cli.main([*words, "--root", str(other.directory / "ca.pem")]) == 0
    assert cli.main([*words, "--root", str(other.directory / "ca.pem")]) == 75
    with here.platform.reading() as session:
        above = session.get_one(KeyRequest, "gov-rsa").issuer or ""
        assert session.get_one(Issuer, above).outside
    assert cli.main(["ca", "crl", above]) == 69
    (tmp_path / "other.crl").write_bytes(other.crl())
    assert cli.main(["ca", "crl", above, "--from", str(tmp_path / "other.crl")]) == 0
    assert cli.main(["ca", "crl", "issuing-sm2", "--from", str(tmp_path / "other.crl")]) == 64
    assert cli.main(["ca", "hold", f"{made.serial:x}", "--issuer", above]) == 75
    issue = ["ca", "issue", "--csr", str(csr(tmp_path / "a.csr", KeyKind.RSA)), "--profile",
             "seal", "--issuer", "gov-rsa", "--out", str(tmp_path / "a.pem")]  # fmt: skip
    assert cli.main(issue) == 0
    capsys.readouterr()
    assert cli.main(["anchors", str(tmp_path / "anchors")]) == 0
    anchors = load(tmp_path / "anchors")
    assert other.root in anchors.roots
    leaf = x509.parse_certificate(read_pem((tmp_path / "a.pem").read_bytes(), name="a")[0][1])
    for certificate, issuer in ((leaf, made), (made, other.root)):
        found = anchors.revocation().status(certificate, issuer, at=utc_now())
        assert found.standing is Standing.GOOD
    with here.platform.reading() as session:
        listed = session.scalars(select(Issuer.name).where(Issuer.parent == above)).all()
    assert listed == ["gov-rsa"]
