"""Front-Channel Logout OP: oidcc-frontchannel-rp-initiated-logout-certification-test-plan."""

from urllib.parse import parse_qsl, urlsplit

from tests.conformance.conftest import IdentityProvider
from tests.conformance.discovery import check_discovery
from tests.conformance.logout import check_returned, check_signed_out, log_out
from tests.conformance.person import Person

FRAME = "https://rp.example.org/frontchannel_logout"


def test_oidcc_frontchannel_logout_discovery_endpoint_verification(op: IdentityProvider) -> None:
    document = check_discovery(op)
    assert document["frontchannel_logout_supported"] is True
    assert document["frontchannel_logout_session_supported"] is True
    assert "end_session_endpoint" in document


def test_oidcc_frontchannel_rp_initiated_logout(op: IdentityProvider, person: Person) -> None:
    rp = op.client({"frontchannel_logout_uri": FRAME, "frontchannel_logout_session_required": True})
    login = rp.log_in(person)
    found, state = log_out(rp, person, login)
    (frame,) = person.frames
    assert frame.partition("?")[0] == FRAME
    asked = parse_qsl(urlsplit(frame).query, strict_parsing=True)
    assert sorted(asked) == [("iss", op.issuer), ("sid", login.claims["sid"])]
    check_returned(found, state)
    check_signed_out(rp, person)
