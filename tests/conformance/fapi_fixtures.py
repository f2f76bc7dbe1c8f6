"""The platforms of the FAPI 2.0 tests, registered once."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from server.identity import CertificateHeader
from tests.conformance.fapi import CERTIFICATE_HEADER, Platform
from tests.conformance.fapi_keys import Key, certificate_of, make_key, subject_of
from tests.conformance.person import Person

if TYPE_CHECKING:  # conftest imports this
    from tests.conformance.conftest import IdentityProvider

SCOPES = "openid profile email phone address offline_access"


@pytest.fixture(scope="session")
def rsa_key() -> Key:
    """One for the run, because making one takes its time. Good under PS256."""
    return make_key("PS256", "rsa")


@pytest.fixture(scope="session")
def citizen(op: "IdentityProvider") -> Person:
    """Somebody whose browser has a session: they went through the sign-in page."""
    found = op.person()
    found.open(f"{op.issuer}/sign-in")
    assert found.asked == ["sign_in"]
    return found


@pytest.fixture(scope="session")
def behind_proxy(op: "IdentityProvider") -> Iterator[None]:
    """The proxy that ends TLS hands certificates over."""
    state = op.app.state
    before, provider = state.client_certificate, state.provider
    state.client_certificate = CertificateHeader(CERTIFICATE_HEADER)
    state.provider = replace(provider, policy=replace(provider.policy, certificate_header=True))
    yield
    state.client_certificate, state.provider = before, provider


def registered(
    op: "IdentityProvider", person: Person, key: Key, *more: Key, host: str, **metadata: Any
) -> Platform:
    """A platform by FAPI 2.0: private_key_jwt and DPoP unless `metadata` say otherwise."""
    redirect_uri = f"https://{host}.example/callback"
    said = {
        "redirect_uris": [redirect_uri, f"{redirect_uri}?dummy1=lorem&dummy2=ipsum"],
        "token_endpoint_auth_method": "private_key_jwt", "scope": SCOPES,
        "id_token_signed_response_alg": key.alg, "jwks": {"keys": [key.listed, *_bare(more)]},
        **metadata,
    }  # fmt: skip
    made = op.client(said, fapi=True)
    return Platform(op, person, made.client_id, key, make_key("ES256"), redirect_uri)


def _bare(keys: tuple[Key, ...]) -> list[dict[str, Any]]:
    """Without `alg`: what refuses RS256 must be the profile, not the key."""
    return [{**key.public, "kid": key.kid} for key in keys]


def _signing(op: "IdentityProvider", person: Person, alg: str, rsa_key: Key) -> Platform:
    key = make_key(alg)
    made = registered(
        op, person, key, rsa_key, host=f"first-{alg.lower()}", require_signed_request_object=True,
        introspection_signed_response_alg=key.alg,
    )  # fmt: skip
    return replace(made, signs=True)


@pytest.fixture(scope="session", params=["PS256", "ES256"])
def signer(
    op: "IdentityProvider", citizen: Person, rsa_key: Key, request: pytest.FixtureRequest
) -> Platform:
    """private_key_jwt, DPoP, signed requests: Message Signing."""
    return _signing(op, citizen, request.param, rsa_key)


@pytest.fixture(scope="session", params=["PS256", "ES256", "unsigned"])
def platform(
    op: "IdentityProvider", citizen: Person, rsa_key: Key, request: pytest.FixtureRequest
) -> Platform:
    """The same, and one that need not sign: the Security Profile without Message Signing."""
    if request.param != "unsigned":
        return _signing(op, citizen, request.param, rsa_key)
    return registered(op, citizen, make_key("ES256"), rsa_key, host="first-unsigned")


@pytest.fixture(scope="session")
def other(op: "IdentityProvider", citizen: Person) -> Platform:
    """The second client of the plan."""
    key = make_key("ES256")
    made = registered(op, citizen, key, host="second", require_signed_request_object=True)
    return replace(made, signs=True)


@pytest.fixture(scope="session")
def plain(op: "IdentityProvider", citizen: Person) -> Platform:
    """Unsigned requests: the Security Profile without Message Signing."""
    return registered(op, citizen, make_key("ES256"), host="plain")


@pytest.fixture(scope="session")
def eddsa(op: "IdentityProvider", citizen: Person) -> Platform:
    """Everything by Ed25519, the proofs too."""
    made = registered(op, citizen, make_key("EdDSA"), host="eddsa")
    return replace(made, signs=True, proof_key=make_key("EdDSA"))


@pytest.fixture(scope="session")
def bound(op: "IdentityProvider", citizen: Person, behind_proxy: None) -> Platform:
    """private_key_jwt, tokens bound to a certificate."""
    made = registered(
        op, citizen, make_key("ES256"), host="bound",
        tls_client_certificate_bound_access_tokens=True, dpop_bound_access_tokens=False,
    )  # fmt: skip
    return replace(made, certificate=certificate_of(make_key("ES256")))


@pytest.fixture(scope="session", params=["self_signed_tls_client_auth", "tls_client_auth"])
def by_certificate(
    op: "IdentityProvider", citizen: Person, behind_proxy: None, request: pytest.FixtureRequest
) -> Platform:
    """Authenticated by the certificate that its tokens are bound to (RFC 8705, 2): its key is
    registered, or its subject."""
    key = make_key("ES256")
    made = registered(
        op, citizen, key, host="by-certificate", token_endpoint_auth_method=request.param,
        tls_client_auth_subject_dn=subject_of(key), tls_client_certificate_bound_access_tokens=True,
    )  # fmt: skip
    return replace(made, certificate=certificate_of(key))
