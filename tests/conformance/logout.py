"""What the logout plans' modules have in common."""

import secrets

from tests.conformance import responses
from tests.conformance.conftest import AFTER_LOGOUT
from tests.conformance.person import Arrival, Page, Person
from tests.conformance.relying_party import Login, RelyingParty


def log_out(
    rp: RelyingParty, person: Person, login: Login, **changes: str | None
) -> tuple[Arrival | Page, str]:
    """Send the person to the end_session_endpoint as the suite does; where they end, and the state
    that was sent. A parameter given as None is left out."""
    # The suite's state is long, to see whether it comes back whole.
    state = secrets.token_urlsafe(96)
    asked: dict[str, str | None] = {
        "id_token_hint": login.id_token, "post_logout_redirect_uri": AFTER_LOGOUT, "state": state,
        **changes,
    }  # fmt: skip
    sent = {name: value for name, value in asked.items() if value is not None}
    return person.open(str(rp.metadata["end_session_endpoint"]), sent), state


def check_returned(found: Arrival | Page, state: str | None) -> None:
    """At the post_logout_redirect_uri, with the state and nothing else (2 and 3)."""
    assert isinstance(found, Arrival), found.html[:2000]
    assert found.method == "GET"
    assert found.address == AFTER_LOGOUT
    assert found.pairs == (() if state is None else (("state", state),))


def check_signed_out(rp: RelyingParty, person: Person) -> None:
    """prompt=none finds nobody."""
    asked = rp.request(prompt="none")
    error = responses.check_error(rp.send(person, asked), asked, issuer=rp.issuer)
    assert error in (
        "login_required", "interaction_required", "consent_required",
        "account_selection_required",
    )  # fmt: skip


def check_still_signed_in(rp: RelyingParty, person: Person) -> None:
    rp.log_in(person, prompt="none")
