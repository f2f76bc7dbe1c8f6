"""What a platform says of itself when it registers."""

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso import client_metadata, clients, metadata_fields
from sso.client import Client
from sso.oauth_errors import OAuthError
from sso.policy import Policy
from tests.sso import front
from tests.sso.provider import START

DEVELOPMENT = Policy(development=True)


def checked(*, fapi: bool = False, administered: bool = True, policy: Policy | None = None,
            **more: Any) -> Client:  # fmt: skip
    return clients.checked(
        front.metadata(**more), "c", at=START, fapi=fapi, administered=administered, policy=policy
    )


def refusal(**more: Any) -> str:
    with pytest.raises(OAuthError) as caught:
        checked(**more)
    return caught.value.error


@pytest.mark.parametrize(
    "uri",
    [
        "https://platform.example/cb#fragment", "https://platform.example/*",
        "https://*.example/cb", "http://platform.example/cb", "https://user:pw@platform.example/",
        "javascript:alert(1)", "/callback", "", "https://", "com.example.app:/cb",
        "https://platform.example:99999/", "https://platform.example/a b", 7, None,
    ],
)  # fmt: skip
def test_a_redirect_uri_is_an_https_url_in_full(uri: object) -> None:
    assert refusal(redirect_uris=[uri]) == "invalid_redirect_uri"


@pytest.mark.parametrize(
    "uri", ["http://localhost:8080/cb", "http://127.0.0.1/cb", "http://[::1]:9/cb"]
)
def test_http_is_good_for_the_loopback_interface(uri: str) -> None:
    assert checked(redirect_uris=[uri]).redirect_uris == (uri,)


def test_http_elsewhere_is_good_in_development_only() -> None:
    uri = "http://platform.example/cb"
    assert checked(redirect_uris=[uri], policy=DEVELOPMENT).redirect_uris == (uri,)
    assert refusal(redirect_uris=[uri]) == "invalid_redirect_uri"


def test_a_native_client_may_have_a_scheme_of_its_own() -> None:
    uri = "com.example.app:/cb"
    assert checked(application_type="native", redirect_uris=[uri]).redirect_uris == (uri,)
    assert refusal(application_type="native", redirect_uris=["app:/cb"]) == "invalid_redirect_uri"


def test_a_query_in_a_redirect_uri_is_kept() -> None:
    uri = "https://platform.example/cb?tenant=1"
    assert checked(redirect_uris=[uri]).redirect_uris == (uri,)


@pytest.mark.parametrize(
    "more",
    [
        {"response_types": ["code id_token"]}, {"response_types": ["token"]},
        {"grant_types": ["implicit"]}, {"grant_types": []}, {"subject_type": "shared"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"id_token_signed_response_alg": "none"}, {"id_token_signed_response_alg": "HS256"},
        {"request_object_signing_alg": "none"}, {"userinfo_signed_response_alg": "none"},
        {"id_token_encrypted_response_alg": "RSA-OAEP"}, {"default_acr_values": ["gold"]},
        {"jwks": {"keys": []}}, {"jwks": {"keys": [front.EC.as_dict(private=True)]}},
        {"jwks": front.jwks(front.EC), "jwks_uri": "https://platform.example/jwks"},
        {"jwks_uri": "http://platform.example/jwks"}, {"client_name": 7},
        {"client_uri": "javascript:alert(1)"}, {"logo_uri": "data:image/png;base64,AA"},
        {"initiate_login_uri": "http://platform.example/start"},
        {"backchannel_logout_uri": "http://platform.example/out"},
        {"frontchannel_logout_uri": "https://platform.example/out#x"},
        {"request_uris": ["http://platform.example/r"]}, {"default_max_age": -1},
        {"default_max_age": True}, {"require_auth_time": "yes"}, {"application_type": "desktop"},
        {"post_logout_redirect_uris": ["javascript:alert(1)"]}, {"scope": ["openid"]},
        {"token_endpoint_auth_method": "none", "grant_types": ["client_credentials"]},
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "what"},
        {"subject_type": "pairwise",
         "redirect_uris": ["https://a.example/cb", "https://b.example/cb"]},
    ],
    ids=lambda more: " ".join(more) if isinstance(more, dict) else str(more),
)  # fmt: skip
def test_metadata_that_cannot_be_honoured_are_refused(more: dict[str, Any]) -> None:
    assert refusal(**more) == "invalid_client_metadata"


def test_a_client_without_wishes_gets_rs256_and_pkce() -> None:
    client = clients.checked({"redirect_uris": [front.CALLBACK]}, "c", at=START)
    assert (client.id_token_alg, client.userinfo_alg) == ("RS256", None)
    assert client.auth_method == "client_secret_basic"
    assert client.grant_types == {"authorization_code"}
    assert client.require_pkce
    assert client.scopes == {"openid", "profile", "email", "address", "phone", "offline_access"}


def test_pkce_can_be_switched_off_for_clients_with_a_secret_only() -> None:
    assert not checked(require_pkce=False).require_pkce
    assert checked(require_pkce=False, token_endpoint_auth_method="none").require_pkce


@pytest.mark.parametrize(
    "more",
    [
        {"redirect_uris": ["http://platform.example/cb"]},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "none"},
        {"dpop_bound_access_tokens": False},
        {"id_token_signed_response_alg": "RS256"},
        {"request_object_signing_alg": "RS256"},
    ],
    ids=lambda more: " ".join(more) if isinstance(more, dict) else str(more),
)
def test_fapi_clients_prove_themselves_by_a_key_and_bind_their_tokens(more: dict[str, Any]) -> None:
    with pytest.raises(OAuthError):
        checked(fapi=True, policy=DEVELOPMENT, **{**front.FAPI, **more})


def test_a_fapi_client_must_push_use_pkce_and_gets_ps256() -> None:
    client = checked(
        fapi=True, jwks=front.jwks(front.EC), require_pkce=False,
        require_pushed_authorization_requests=False,
    )  # fmt: skip
    assert client.require_par
    assert client.require_pkce
    assert client.dpop_bound
    assert (client.auth_method, client.id_token_alg) == ("private_key_jwt", "PS256")


def test_what_only_administrators_give_is_refused_to_the_holder_of_the_initial_token() -> None:
    for more in ({"scope": "openid id_number"}, {"resources": ["https://api.example/"]}):
        assert checked(**more)
        assert refusal(administered=False, **more) == "invalid_client_metadata"


def test_the_sector_of_pairwise_subjects_is_a_host() -> None:
    assert checked(subject_type="pairwise").sector == "platform.example"
    named = checked(
        subject_type="pairwise", sector_identifier_uri="https://sector.example/uris",
        redirect_uris=["https://a.example/cb", "https://b.example/cb"],
    )  # fmt: skip
    assert named.sector == "sector.example"
    client_metadata.check_sector_document(named, ["https://a.example/cb", "https://b.example/cb"])
    for document in (["https://a.example/cb"], [], {"a": 1}, None):
        with pytest.raises(OAuthError):
            client_metadata.check_sector_document(named, document)


def test_fapi_takes_http_on_the_loopback_interface_from_native_clients_only() -> None:
    """FAPI 2.0, 5.3.2.2; in development from any, so that it can be tried out."""
    loopback: dict[str, Any] = {**front.FAPI, "redirect_uris": ["http://localhost/cb"]}
    checked(fapi=True, policy=DEVELOPMENT, **loopback)
    checked(fapi=True, **loopback, application_type="native")
    with pytest.raises(OAuthError):
        checked(fapi=True, **loopback)


def test_unknown_metadata_are_ignored() -> None:
    assert checked(something_new={"a": 1}) == checked()


def test_what_is_written_out_reads_back_as_the_same_client() -> None:
    client = checked(
        subject_type="pairwise", jwks=front.jwks(front.EC), default_max_age=60,
        default_acr_values=["urn:trust:loa:2"], contacts=["a@platform.example"],
        backchannel_logout_uri="https://platform.example/out", require_pkce=False,
    )  # fmt: skip
    again = clients.checked(client_metadata.metadata_of(client), "c", at=START)
    assert again == client


@settings(deadline=None, max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from([each.name for each in metadata_fields.FIELDS] + ["response_types", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["keys", "kty", "d"]), inner, max_size=2)
            ),
            max_leaves=5,
        ),
        max_size=6,
    )
)
def test_garbage_raises_nothing_but_the_refusal_of_the_standard(metadata: dict[str, Any]) -> None:
    with contextlib.suppress(OAuthError):
        clients.checked(metadata, "c", at=START)
