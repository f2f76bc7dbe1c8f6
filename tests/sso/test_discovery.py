"""What this provider says it can do."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sso import client_metadata, discovery, jose
from sso.policy import level_of_acr
from sso.provider import Provider
from tests.sso.provider import ISSUER, make_provider
from trust.db import Sessions
from trust.keys import SoftKeyStore


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return make_provider(sqlite_sessions, soft_keys, tmp_path)


def test_what_the_standards_demand_is_there(provider: Provider) -> None:
    """oidcc-discovery-endpoint-verification, fapi2-...-discovery-end-point-verification, ..."""
    found = discovery.metadata(provider)
    assert found["issuer"] == ISSUER
    assert found["response_types_supported"] == ["code"]
    assert "RS256" in found["id_token_signing_alg_values_supported"]
    assert {"PS256", "ES256", "EdDSA"} <= set(found["id_token_signing_alg_values_supported"])
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert "openid" in found["scopes_supported"]
    assert {"public", "pairwise"} == set(found["subject_types_supported"])
    for ability in (
        "claims_parameter_supported", "request_uri_parameter_supported",
        "authorization_response_iss_parameter_supported", "frontchannel_logout_supported",
        "frontchannel_logout_session_supported", "backchannel_logout_supported",
        "backchannel_logout_session_supported",
    ):  # fmt: skip
        assert found[ability] is True


def test_mutual_tls_is_announced_only_where_the_proxy_hands_certificates_over(
    provider: Provider,
) -> None:
    behind = replace(provider, policy=replace(provider.policy, certificate_header=True))
    lists = [f"{each}_endpoint_auth_methods_supported" for each in ("token", "revocation")]
    for made, offered in ((provider, False), (behind, True)):
        found = discovery.metadata(made)
        assert found["tls_client_certificate_bound_access_tokens"] is offered
        for name in (*lists, "introspection_endpoint_auth_methods_supported"):
            methods = set(found[name])
            assert ({"tls_client_auth", "self_signed_tls_client_auth"} <= methods) is offered
            assert bool(methods & client_metadata.TLS_METHODS) is offered
            assert "private_key_jwt" in methods


def test_every_endpoint_is_below_the_issuer(provider: Provider) -> None:
    found = discovery.metadata(provider)
    named = {name for name in found if name.endswith(("_endpoint", "_uri"))}
    assert {"authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint",
            "pushed_authorization_request_endpoint"} <= named  # fmt: skip
    for name in named:
        assert found[name].startswith(ISSUER + "/oauth2/")
        assert not urlsplit(found[name]).fragment


def test_none_and_hmac_are_offered_nowhere(provider: Provider) -> None:
    for name, value in discovery.metadata(provider).items():
        if name.endswith("alg_values_supported"):
            assert value
            assert not {"none", "HS256", "HS384", "HS512"} & set(value)


def test_what_is_offered_is_what_clients_may_register_and_what_we_can_do(
    provider: Provider,
) -> None:
    found = discovery.metadata(provider)
    assert set(found["id_token_signing_alg_values_supported"]) == jose.SIGNING
    assert set(client_metadata.FAPI_ALGS) == jose.FAPI_SIGNING
    methods = found["token_endpoint_auth_methods_supported"]
    assert set(methods) == client_metadata.AUTH_METHODS - client_metadata.TLS_METHODS
    assert [level_of_acr(each) for each in found["acr_values_supported"]] == [0, 1, 2, 3]


def test_registration_is_announced_only_where_it_is_open(provider: Provider) -> None:
    assert "registration_endpoint" not in discovery.metadata(provider)
    policy = replace(provider.policy, initial_access_token="initial-token")
    opened = discovery.metadata(replace(provider, policy=policy))
    assert opened["registration_endpoint"] == f"{ISSUER}/oauth2/register"
