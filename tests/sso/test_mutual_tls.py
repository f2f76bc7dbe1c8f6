from datetime import timedelta
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from starlette.requests import Request
from starlette.testclient import TestClient

from sso import mutual_tls
from sso.provider import Provider
from tests.sso.parties import CALLBACK, VERIFIER, app_of, make_parties
from tests.sso.provider import START
from tests.sso.test_tokens import claims_of
from tests.sso.token_fixtures import clock, provider
from trust.crypto.errors import Malformed
from trust.crypto.hashes import sha256
from trust.crypto.jose import b64url

__all__ = ["clock", "provider"]
HEADER = "client-cert"


def certificate(name: str = "platform") -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder(subject, subject, key.public_key(), 1)
    return (
        made.not_valid_before(START - timedelta(days=1))
        .not_valid_after(START + timedelta(days=1))
        .sign(key, SHA256())
    )


CERTIFICATE = certificate()
DER = CERTIFICATE.public_bytes(Encoding.DER)
PEM = CERTIFICATE.public_bytes(Encoding.PEM).decode()


def rfc9440(der: bytes) -> str:
    import base64

    return f":{base64.b64encode(der).decode()}:"


@pytest.mark.parametrize("text", [rfc9440(DER), quote(PEM), quote(PEM, safe=""), PEM.strip()])
def test_both_forms_of_a_proxy_are_read(text: str) -> None:
    assert mutual_tls.certificate({HEADER: text}, name=HEADER) == DER


def test_no_header_is_read_where_none_is_set() -> None:
    assert mutual_tls.certificate({"": "x", HEADER: rfc9440(DER)}, name="") is None
    assert mutual_tls.certificate({}, name=HEADER) is None


@pytest.mark.parametrize("text", ["x", ":%%%:", "-----BEGIN CERTIFICATE-----", "a" * 20_000])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        mutual_tls.certificate({HEADER: text}, name=HEADER)


def test_a_bound_token_goes_with_its_certificate_only(provider: Provider) -> None:
    parties = make_parties(
        provider,
        metadata={
            "tls_client_certificate_bound_access_tokens": True,
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": "CN=platform",
        },
    )
    app = app_of(provider)

    def read(request: Request) -> bytes | None:
        return mutual_tls.certificate(request.headers, name=HEADER)

    app.state.client_certificate = read
    client = TestClient(app, base_url=provider.issuer)
    form = {
        "grant_type": "authorization_code", "code": parties.code(), "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER, "client_id": "platform",
    }  # fmt: skip
    mine, other = {HEADER: rfc9440(DER)}, rfc9440(certificate().public_bytes(Encoding.DER))
    assert client.post("/oauth2/token", data=form).status_code == 401
    answer = client.post("/oauth2/token", data=form, headers=mine).json()
    token = answer["access_token"]
    assert claims_of(parties, token)["cnf"] == {"x5t#S256": b64url(sha256(DER))}
    bearer = {"authorization": f"Bearer {token}"}
    assert client.get("/oauth2/userinfo", headers=bearer | mine).status_code == 200
    assert client.get("/oauth2/userinfo", headers=bearer).status_code == 401
    assert client.get("/oauth2/userinfo", headers=bearer | {HEADER: other}).status_code == 401
