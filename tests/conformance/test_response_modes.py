"""Authorization beyond the Basic plan: form_post, POST, refusals, consent."""

from tests.conformance import responses
from tests.conformance.person import Person
from tests.conformance.relying_party import RelyingParty


def test_the_same_answers_come_by_form_post(rp: RelyingParty, person: Person) -> None:
    """OAuth 2.0 Form Post Response Mode: success, and an error without any page in between."""
    login = rp.log_in(person, response_mode="form_post")
    assert login.arrival.method == "POST"
    asked = rp.request(response_mode="form_post", prompt="none", max_age="0")
    found = rp.send(person, asked)
    assert responses.check_error(found, asked, issuer=rp.issuer) == "login_required"


def test_a_person_who_refuses_is_sent_back_with_access_denied(
    rp: RelyingParty, person: Person
) -> None:
    person.consents = False
    asked = rp.request()
    found = rp.send(person, asked)
    assert responses.check_error(found, asked, issuer=rp.issuer) == "access_denied"


def test_somebody_signed_in_is_recognised_when_the_request_comes_by_post(
    rp: RelyingParty, person: Person
) -> None:
    """The form comes from another site, so without our cookies (SameSite=Lax)."""
    first = rp.log_in(person)
    asked = rp.request(prompt="none")
    second = rp.finish(person.post(rp.metadata["authorization_endpoint"], asked), asked)
    assert second.claims["sub"] == first.claims["sub"]


def test_a_scope_that_was_not_agreed_to_needs_the_person(rp: RelyingParty, person: Person) -> None:
    rp.log_in(person)
    asked = rp.request(prompt="none", scope="openid email")
    found = rp.send(person, asked)
    assert responses.check_error(found, asked, issuer=rp.issuer) == "consent_required"
