"""3rd Party-Init Login OP: oidcc-3rdparty-init-login-certification-test-plan."""

from joserfc import jwk

from tests.conformance.conftest import IdentityProvider
from tests.conformance.test_dynamic import metadata, refused, registered

INITIATE = "https://rp.example.org/initiate-login"


def test_oidcc_3rd_party_init_login(op: IdentityProvider, key: jwk.RSAKey) -> None:
    rp = registered(op, key, initiate_login_uri=INITIATE)
    assert rp.registration["initiate_login_uri"] == INITIATE
    token = rp.registration["registration_access_token"]
    found = op.http.get(
        rp.registration["registration_client_uri"], headers={"Authorization": f"Bearer {token}"}
    )
    assert found.status_code == 200
    assert found.headers["content-type"].partition(";")[0] == "application/json"
    assert found.json()["initiate_login_uri"] == INITIATE


def test_oidcc_3rd_party_init_login_nohttps(op: IdentityProvider, key: jwk.RSAKey) -> None:
    asked = metadata(key, initiate_login_uri=INITIATE.replace("https:", "http:"))
    refused(op, asked, "invalid_client_metadata")
