"""The frame of the wallet's pages: whose it is, its places, refusals shown where they happened."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final, cast
from urllib.parse import quote

from fastapi import Depends, Request, Response

from certificates.purpose import Purpose, purpose
from certificates.search import Found
from certificates.wallet import shown as wallet_shown
from certificates.wallet.acts import Wallet
from certificates.wallet.holder import Party
from server import problems
from server.pages import show, wallet_words
from server.pages.desk_frame import refuse_unwritable
from server.pages.form import Form
from server.pages.visitor import Present, SignedIn
from trust.access import Caller
from trust.clock import CHINA
from trust.errors import Invalid, TrustError

PURPOSE: Final = "wallet"
WALLET, ASKED, ENTRUSTED = "/wallet", "/wallet/showings", "/wallet/entrustments"
_PLACES: Final = (
    (WALLET, "证照", "Licences"),
    (ASKED, "亮证请求", "Requests"),
    (ENTRUSTED, "委托", "Entrusted"),
)
#: What every router of the wallet begins with.
GUARDS: Final = (Depends(refuse_unwritable),)


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody at their wallet's pages."""

    me: SignedIn
    wallet: Wallet


def _owner(request: Request, me: Present) -> Owner:
    opened = cast(Callable[[Caller, datetime], Wallet], request.app.state.wallet)
    return Owner(me, opened(me.caller, me.at))


Mine = Annotated[Owner, Depends(_owner)]


def wallet_page(
    mine: Owner, template: str, *, here: str, done: str = "", error: TrustError | None = None,
    **values: Any,
) -> Response:  # fmt: skip
    """A page of the wallet; with `error` it says why, under the status of that refusal."""
    return show.page(
        mine.me.visitor, template, status=problems.status_of(type(error)) if error else 200,
        places=_PLACES, here=here, csrf=show.session_token(mine.me, PURPOSE),
        done=wallet_words.DONE.get(done[:40]), words=wallet_words,
        trouble=wallet_words.refusal(error) if error else None,
        asking=len(mine.wallet.asked()), **values,
    )  # fmt: skip


def check(mine: Owner, form: Form) -> None:
    """ForeignForm unless the form came from a page of this session."""
    show.check_session_form(mine.me, form, PURPOSE)


@contextmanager
def collecting_refusal() -> Iterator[list[TrustError]]:
    """Collects the refusal of an act, to be shown on its page; a fault of ours is raised."""
    refused: list[TrustError] = []
    try:
        yield refused
    except TrustError as error:
        if problems.status_of(type(error)) >= 500 and error.code not in wallet_words.REFUSALS:
            raise
        refused.append(error)


def path_of(licence: str, rest: str = "") -> str:
    return f"{WALLET}/licences/{quote(licence, safe='.')}{rest}"


def card(mine: Owner, licence: Found, party: Party | None, principal: str = "") -> dict[str, Any]:
    """A licence as a card: nothing that was not masked already."""
    whose = (
        "entrusted"
        if party is None
        else "own"
        if party.account == mine.me.account.name
        else "company"
    )
    with mine.wallet.reading() as session:
        name = wallet_shown.type_name(session, licence)
    good = wallet_shown.in_force(licence, at=mine.me.at)
    state = "expired" if licence.state == "active" and not good else str(licence.state)
    return {
        "identifier": licence.identifier, "path": path_of(licence.identifier), "type": name,
        "number": licence.number, "holder": licence.holder_public, "state": state, "whose": whose,
        "principal": principal, "valid_until": licence.valid_until, "good": good,
        "disposes": party is not None and party.disposes,
        "body": party.name if party is not None and party.is_body else "",
    }  # fmt: skip


def purpose_of(form: Form) -> Purpose:
    """What a form's fields `cause` and `item_code` say; BadPurpose."""
    return purpose(form.text("cause", cap=200), item_code=form.text("item_code", cap=64))


def end_of(form: Form, name: str = "until") -> datetime:
    """The last second of the day that was chosen, in China."""
    try:
        day = date.fromisoformat(form.text(name, cap=10))
        return datetime.combine(day, time(), CHINA) + timedelta(days=1, seconds=-1)
    except (ValueError, OverflowError) as error:
        raise Invalid("the end is a day written YYYY-MM-DD") from error


def day_after(at: datetime, days: int) -> str:
    """A day to suggest, as a form field has it."""
    return f"{at.astimezone(CHINA).date() + timedelta(days=days)}"
