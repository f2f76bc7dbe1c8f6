"""What oidcc-discovery-endpoint-verification asserts, wherever it stands in a plan."""

import re
from typing import Any
from urllib.parse import urlsplit

from tests.conformance import responses
from tests.conformance.conftest import IdentityProvider
from tests.conformance.relying_party import WELL_KNOWN

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")


def check_discovery(op: IdentityProvider) -> dict[str, Any]:
    """The discovery document (OIDC Discovery 1.0, 3 and 4; RFC 8414, 2), fetched anew.

    The suite also wants every endpoint to be https; here the issuer's own scheme is expected,
    which outside a development machine can only be https.
    """
    response = op.http.get(op.issuer + WELL_KNOWN)
    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == "application/json"
    document: dict[str, Any] = response.json()
    assert document["issuer"] == op.issuer
    assert not urlsplit(document["issuer"]).query
    assert not urlsplit(document["issuer"]).fragment
    for name, value in document.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            assert value.startswith(op.issuer + "/"), name
        if name.endswith("_supported") and isinstance(value, list):
            assert value
            assert len(value) == len(set(value)), name
    _check_words(document)
    responses.check_jwks(op.http.get(document["jwks_uri"]))
    return document


def _check_words(document: dict[str, Any]) -> None:
    assert {"public", "pairwise"} >= set(document["subject_types_supported"])
    assert "RS256" in document["id_token_signing_alg_values_supported"]
    assert "RS256" in document["userinfo_signing_alg_values_supported"]
    assert "RS256" in document["request_object_signing_alg_values_supported"]
    for name, value in document.items():
        if "signing_alg_values" in name:
            assert "none" not in value, name
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        assert name in document
    assert "registration_endpoint" in document
    assert "openid" in document["scopes_supported"]
    assert all(_SCOPE.fullmatch(each) for each in document["scopes_supported"])
    assert all(_LANGUAGE.fullmatch(each) for each in document.get("ui_locales_supported", []))
    assert isinstance(document["code_challenge_methods_supported"], list)
    assert "S256" in document["code_challenge_methods_supported"]
    assert document["claims_parameter_supported"] is True
    assert document["request_parameter_supported"] is True
    assert document["request_uri_parameter_supported"] is True
    assert {"sub", "iss", "name", "email"} <= set(document["claims_supported"])
