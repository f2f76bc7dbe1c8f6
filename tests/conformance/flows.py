"""Journeys that several plans make."""

from tests.conformance import responses
from tests.conformance.conftest import REDIRECT_URI, IdentityProvider
from tests.conformance.person import Arrival, Person
from tests.conformance.relying_party import Login, RelyingParty, unsigned


def twice(
    op: IdentityProvider, rp: RelyingParty, person: Person, *, after: float = 2, **changes: str
) -> tuple[Login, Login]:
    """Two logins, `after` seconds apart; `changes` are for the second, and so is `person.asked`."""
    first = rp.log_in(person)
    person.forget()
    op.wait(seconds=after)
    return first, rp.log_in(person, **changes)


def check_redirect_uri_of_object(rp: RelyingParty, person: Person) -> None:
    """An unsigned object with a good redirect_uri, and a bad one beside it: refused where the
    object says, or on a page; never at the other one."""
    asked = rp.request()
    beside = {**asked, "redirect_uri": f"{REDIRECT_URI}/not-registered"}
    found = rp.send(person, {**beside, "request": unsigned(asked)})
    if isinstance(found, Arrival):
        assert responses.check_error(found, asked, issuer=rp.issuer) == "request_not_supported"
        assert found.address == REDIRECT_URI
    else:
        responses.check_page(found)


def check_refresh_tokens(
    op: IdentityProvider, rp: RelyingParty, other: RelyingParty, person: Person
) -> None:
    """A refresh token works, gives an ID token that says the same, and is its client's alone."""
    scope = "openid offline_access"
    login = rp.log_in(person, scope=scope, prompt="consent")
    op.wait(seconds=1)
    tokens = responses.check_tokens(rp.refresh(login.tokens["refresh_token"], scope=scope))
    assert tokens["access_token"] != login.access_token
    if "id_token" in tokens:
        claims = rp.verify_id_token(tokens, {})
        check_same_login(login.claims, claims)
    assert rp.userinfo(tokens["access_token"]).status_code == 200

    others = other.log_in(person, scope=scope, prompt="consent")
    stolen = rp.refresh(others.tokens["refresh_token"])
    responses.check_token_error(stolen, "invalid_grant")


def check_same_login(first: dict[str, object], second: dict[str, object]) -> None:
    """What a refreshed ID token must repeat (Core, 12.2)."""
    for name in ("iss", "sub", "aud", "auth_time", "azp", "acr"):
        assert second.get(name) == first.get(name), name
    assert "nonce" not in second or second["nonce"] == first["nonce"]
