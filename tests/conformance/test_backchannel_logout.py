"""Back-Channel Logout OP: oidcc-backchannel-rp-initiated-logout-certification-test-plan."""

import json

from sso import logout_outbox
from tests.conformance import responses
from tests.conformance.conftest import IdentityProvider
from tests.conformance.discovery import check_discovery
from tests.conformance.logout import check_returned, check_signed_out, log_out
from tests.conformance.person import Person
from tests.conformance.relying_party import Login, RelyingParty, b64decoded

EVENT = "http://schemas.openid.net/event/backchannel-logout"


def test_oidcc_backchannel_logout_discovery_endpoint_verification(op: IdentityProvider) -> None:
    document = check_discovery(op)
    assert document["backchannel_logout_supported"] is True
    assert document["backchannel_logout_session_supported"] is True
    assert "end_session_endpoint" in document


def test_oidcc_backchannel_rp_initiated_logout(op: IdentityProvider, person: Person) -> None:
    rp = op.client(
        {
            "backchannel_logout_uri": op.documents.url("/backchannel_logout"),
            "backchannel_logout_session_required": True,
        }
    )
    login = rp.log_in(person)
    found, state = log_out(rp, person, login)
    # The courier's thread would come by within seconds.
    logout_outbox.deliver_due(op.provider, op.clock())
    notice = op.documents.notice("/backchannel_logout")
    assert notice.content_type == "application/x-www-form-urlencoded"
    assert [name for name, _ in notice.form] == ["logout_token"]
    check_logout_token(rp, login, notice.form[0][1])
    check_returned(found, state)
    check_signed_out(rp, person)


def check_logout_token(rp: RelyingParty, login: Login, token: str) -> None:
    """Back-Channel Logout 1.0, 2.4 and 2.6."""
    header = json.loads(b64decoded(token.partition(".")[0]))
    assert header["typ"] == "logout+jwt"
    claims = responses.verified(token, rp.jwks(), alg=rp.id_token_alg)
    now = rp.clock().timestamp()
    assert claims["iss"] == rp.issuer
    assert claims["aud"] == rp.client_id
    assert abs(claims["iat"] - now) <= 5 * 60
    assert now < claims["exp"]
    assert claims["jti"]
    assert claims["events"] == {EVENT: {}}
    assert claims["sub"] == login.claims["sub"]
    assert claims["sid"] == login.claims["sid"]
    assert "nonce" not in claims
