"""Who looks at an identity page: the browser, its session if one lives, and the account behind it.

Made once for each request, from cookies; pages take it as a value.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request

from server.pages import cookies
from sso import accounts, browser_session
from sso.browser_session import BrowserSession
from sso.models import Account
from sso.provider import Provider
from trust.access import Caller
from trust.errors import Unauthenticated


class SignInFirst(Unauthenticated):
    """The page is for somebody who is signed in; `next_path` is where they wanted to go."""

    code = "sign_in_first"

    def __init__(self, next_path: str) -> None:
        self.next_path = next_path
        super().__init__("sign in first")


@dataclass(frozen=True, slots=True)
class Visitor:
    """`browser` is the name in the browser's cookie, a new one where it had none (`newcomer`).

    `token`, `session` and `account` are None together: nobody is signed in.
    """

    provider: Provider
    browser: str
    newcomer: bool
    token: str | None
    session: BrowserSession | None
    account: Account | None
    network: str
    user_agent: str
    path: str
    region: str
    request_id: str
    at: datetime

    @property
    def secure(self) -> bool:
        return self.provider.issuer.startswith("https:")

    def signed_in(self) -> "SignedIn":
        """The visitor as somebody who is signed in, or SignInFirst."""
        if self.account is None or self.session is None or self.token is None:
            raise SignInFirst(self.path)
        with self.provider.reading() as session:
            caller = accounts.caller(session, self.account.name)
        return SignedIn(self, self.account, self.session, self.token, caller)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A visitor with a living session; `caller` is what acts are recorded under."""

    visitor: Visitor
    account: Account
    session: BrowserSession
    token: str
    caller: Caller

    @property
    def provider(self) -> Provider:
        return self.visitor.provider

    @property
    def at(self) -> datetime:
        return self.visitor.at


def visitor_of(request: Request) -> Visitor:
    """Whoever sends this request; reads, and stamps the session once a minute."""
    provider = cast(Provider, request.app.state.provider)
    secure, at = provider.issuer.startswith("https:"), provider.clock()
    browser = cookies.browser_of(request, secure=secure)
    token = cookies.session_of(request, secure=secure)
    session, account = _look_up(provider, token, at)
    return Visitor(
        provider=provider, browser=browser or cookies.new_browser(), newcomer=browser is None,
        token=token if session else None, session=session, account=account,
        network=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", "")[:200],
        path=request.url.path[:500], region=cast(str, request.app.state.region_name),
        request_id=str(request.scope.get("request_id", "")), at=at,
    )  # fmt: skip


def _look_up(
    provider: Provider, token: str | None, at: datetime
) -> tuple[BrowserSession | None, Account | None]:
    if token is None:
        return None, None
    with provider.reading() as session:
        row = browser_session.find(session, token, at=at, policy=provider.policy)
        account = session.get(Account, row.account) if row else None
    if row is None or account is None:
        return None, None
    if at - row.last_seen_at >= browser_session.STAMP_EVERY:
        with provider.sessions.begin() as session:
            browser_session.touch(session, row, at=at)
    return row, account


def _signed_in(visitor: Annotated[Visitor, Depends(visitor_of)]) -> SignedIn:
    return visitor.signed_in()


Looking = Annotated[Visitor, Depends(visitor_of)]
Present = Annotated[SignedIn, Depends(_signed_in)]
