"""Config OP: oidcc-config-certification-test-plan."""

from joserfc import jwk

from tests.conformance import responses
from tests.conformance.conftest import IdentityProvider
from tests.conformance.discovery import check_discovery
from tests.conformance.person import Person
from tests.conformance.relying_party import WELL_KNOWN


def test_oidcc_discovery_endpoint_verification(op: IdentityProvider) -> None:
    document = check_discovery(op)
    assert "code" in document["response_types_supported"]
    assert "authorization_code" in document["grant_types_supported"]


def test_the_same_document_is_found_by_rfc_8414(op: IdentityProvider) -> None:
    response = op.http.get("/.well-known/oauth-authorization-server")
    assert response.json() == op.http.get(WELL_KNOWN).json()


def test_libraries_read_the_published_keys_when_one_platform_uses_sm2(
    op: IdentityProvider, person: Person
) -> None:
    """One key of a curve without a registered name, and joserfc or Nimbus refuse the whole set."""
    rp = op.client({"id_token_signed_response_alg": "SM2-SM3"})
    asked = rp.request()
    code = responses.check_code(rp.send(person, asked), asked, issuer=rp.issuer)
    responses.check_tokens(rp.redeem(code))
    published = rp.jwks()["keys"]
    assert len(jwk.KeySet.import_key_set({"keys": published}).keys) == len(published)
    apart = responses.check_jwks(op.http.get(op.metadata["sm2_jwks_uri"]))["keys"]
    assert [key["alg"] for key in apart] == ["SM2-SM3"]
