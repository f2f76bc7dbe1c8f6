"""RP-Initiated Logout OP: oidcc-rp-initiated-logout-certification-test-plan.

Each test is one module of the plan and bears its name. Beyond the modules, a request that is
refused must leave the person signed in: it may be anybody's link.
"""

from joserfc import jwk

from tests.conformance import responses
from tests.conformance.conftest import AFTER_LOGOUT, IdentityProvider
from tests.conformance.discovery import check_discovery
from tests.conformance.logout import (
    check_returned,
    check_signed_out,
    check_still_signed_in,
    log_out,
)
from tests.conformance.person import Page, Person
from tests.conformance.relying_party import RelyingParty, claims_of, unsigned


def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(op: IdentityProvider) -> None:
    assert check_discovery(op)["end_session_endpoint"].startswith(op.issuer)


def test_oidcc_rp_initiated_logout(rp: RelyingParty, person: Person) -> None:
    login = rp.log_in(person)
    person.forget()
    found, state = log_out(rp, person, login)
    check_returned(found, state)
    assert person.asked == [], "a platform's own user is not asked again"
    check_signed_out(rp, person)


def check_refused(rp: RelyingParty, person: Person, **changes: str | None) -> None:
    """Logging out this way ends at a page, and nobody is signed out."""
    login = rp.log_in(person)
    found, _ = log_out(rp, person, login, **changes)
    responses.check_page(found)
    check_still_signed_in(rp, person)


def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(
    rp: RelyingParty, person: Person
) -> None:
    check_refused(rp, person, post_logout_redirect_uri="https://rp.example.org/elsewhere")


def test_oidcc_rp_initiated_logout_modified_id_token_hint(rp: RelyingParty, person: Person) -> None:
    login = rp.log_in(person)
    check_refused(rp, person, id_token_hint=unsigned(claims_of(login.id_token)))


def test_oidcc_rp_initiated_logout_no_id_token_hint(rp: RelyingParty, person: Person) -> None:
    check_refused(rp, person, id_token_hint=None)


def check_signed_out_here(rp: RelyingParty, person: Person, **changes: str | None) -> None:
    """Logging out this way ends at a page that says so; a person is asked where no hint tells
    whose wish it is."""
    login = rp.log_in(person)
    person.forget()
    found, _ = log_out(rp, person, login, **changes)
    assert isinstance(found, Page)
    assert found.status == 200
    assert person.asked == ([] if changes.get("id_token_hint", "") is not None else ["logout"])
    check_signed_out(rp, person)


def test_oidcc_rp_initiated_logout_no_params(rp: RelyingParty, person: Person) -> None:
    check_signed_out_here(rp, person, id_token_hint=None, post_logout_redirect_uri=None, state=None)


def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(
    rp: RelyingParty, person: Person
) -> None:
    check_signed_out_here(rp, person, post_logout_redirect_uri=None)


def test_oidcc_rp_initiated_logout_no_state(rp: RelyingParty, person: Person) -> None:
    found, _ = log_out(rp, person, rp.log_in(person), state=None)
    check_returned(found, None)
    check_signed_out(rp, person)


def test_oidcc_rp_initiated_logout_only_state(rp: RelyingParty, person: Person) -> None:
    check_signed_out_here(rp, person, id_token_hint=None, post_logout_redirect_uri=None)


def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(
    rp: RelyingParty, person: Person
) -> None:
    check_refused(rp, person, post_logout_redirect_uri=f"{AFTER_LOGOUT}?foo=bar")


def test_oidcc_rp_initiated_logout_bad_id_token_hint(
    rp: RelyingParty, person: Person, key: jwk.RSAKey
) -> None:
    """Signed by somebody else, under the kid of a key of ours."""
    login = rp.log_in(person)
    kid = next(each["kid"] for each in rp.jwks()["keys"] if each.get("alg") == "RS256")
    rp.key = jwk.RSAKey.import_key({**key.as_dict(private=True), "kid": kid})
    check_refused(rp, person, id_token_hint=rp.signed(claims_of(login.id_token)))


def test_a_person_who_does_not_want_to_leave_stays(
    op: IdentityProvider, rp: RelyingParty, person: Person
) -> None:
    rp.log_in(person)
    found = person.look(str(rp.metadata["end_session_endpoint"]))
    assert isinstance(found, Page)
    assert any("logout" in form.buttons for form in found.forms)
    check_still_signed_in(rp, person)
