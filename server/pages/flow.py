"""A login in progress as its pages see it: whose, for which platform, what comes next."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from server.pages import cookies, leaving, show
from server.pages.form import Form
from server.pages.route import platform
from server.pages.visitor import Visitor, visitor_of
from sso import accounts, clients, interactions
from sso.authorization_request import AuthorizationRequest
from sso.client import Client
from sso.interactions import Finished, FormPost, Interaction, Redirect, Standing, Step
from sso.models import Account
from sso.proof import Proof
from sso.provider import Provider
from trust.access import Caller

#: Ways to sign in, and to go on, in the order in which they are offered.
WAYS = {
    "password": ("账号密码", "Password"),
    "passkey": ("通行密钥（指纹、面容、安全密钥）", "Passkey"),
    "totp": ("动态口令", "Authenticator app"),
    "certificate": ("数字证书", "Certificate"),
    "sms": ("短信验证码", "Text message"),
    "qr": ("手机扫码", "QR code"),
    "recovery": ("恢复码", "Recovery code"),
}


@dataclass(frozen=True, slots=True)
class Flow:
    """`id` is what stands in the URL. `standing` and `account` are None before anything is proved;
    `client` and `request` are None for a sign-in to our own pages."""

    visitor: Visitor
    id: str
    interaction: Interaction
    request: AuthorizationRequest | None
    client: Client | None
    step: Step
    standing: Standing | None
    account: Account | None

    @property
    def provider(self) -> Provider:
        return self.visitor.provider

    @property
    def path(self) -> str:
        return f"/sign-in/{self.id}"

    @property
    def purpose(self) -> str:
        return f"sign_in:{self.id}"


def find(visitor: Visitor, interaction_id: str) -> Flow:
    """The login of this browser; InteractionGone. Binds it to the browser at the first visit."""
    provider, at = visitor.provider, visitor.at
    with provider.sessions.begin() as session:
        row = interactions.find(session, interaction_id, browser=visitor.browser, at=at)
        step = interactions.next_step(provider, session, row, visitor.session, at=at)
        who = interactions.standing(provider, session, row, visitor.session, at=at)
        account = session.get(Account, who.account) if who else None
    request = row.asked()
    client = clients.find(provider.reading, request.client_id) if request else None
    return Flow(visitor, interaction_id, row, request, client, step, who, account)


def posted(visitor: Visitor, interaction_id: str, form: Form) -> Flow:
    """`find`, for a form of one of the login's pages; ForeignForm."""
    found = find(visitor, interaction_id)
    show.check_browser_form(visitor, form, found.purpose)
    return found


def page(flow: Flow, template: str, **values: Any) -> Response:
    """A page of the login. Its forms may also end at the platform it is for (see `leaving`)."""
    ends = [flow.request.redirect_uri] if flow.request else []
    return show.page(
        flow.visitor, template, headers=leaving.policy(form_action=ends), id=flow.id,
        csrf=show.browser_token(flow.visitor, flow.purpose), client=platform(flow.client),
        **values,
    )  # fmt: skip


def ways(names: Iterable[str], *, without: str) -> list[tuple[str, tuple[str, str]]]:
    """The other ways, for the list beneath a form."""
    offered = set(names)
    return [(way, words) for way, words in WAYS.items() if way in offered and way != without]


def note(flow: Flow, proof: Proof) -> Response:
    """Keep what was proved and go on."""
    with flow.provider.sessions.begin() as session:
        row = interactions.find(session, flow.id, browser=flow.visitor.browser, at=flow.visitor.at)
        interactions.note_proof(session, row, proof)
    return go_on(flow)


def go_on(flow: Flow) -> Response:
    return show.onward(flow.visitor, f"{flow.path}/continue")


def caller(flow: Flow) -> Caller:
    """Whoever stands there, for acts on their own account before the login is complete."""
    if flow.standing is None:
        raise interactions.InteractionGone("nothing was proved in this login yet")
    with flow.provider.reading() as session:
        return accounts.caller(session, flow.standing.account)


def finish(request: Request, flow: Flow) -> Response:
    """Complete the login: the session's cookie, and the way to where the person came from."""
    visitor, provider = flow.visitor, flow.provider
    with provider.sessions.begin() as session:
        row = interactions.find(session, flow.id, browser=visitor.browser, at=visitor.at)
        finished = interactions.complete(
            provider, session, row, visitor.session, at=visitor.at, user_agent=visitor.user_agent
        )
    return depart(request, flow, finished)


def refuse(request: Request, flow: Flow, error: str, description: str) -> Response:
    """End the login without success; the platform is told."""
    visitor, provider = flow.visitor, flow.provider
    with provider.sessions.begin() as session:
        row = interactions.find(session, flow.id, browser=visitor.browser, at=visitor.at)
        answer = interactions.refuse(provider, session, row, error, description, at=visitor.at)
    return depart(request, flow, Finished(answer))


def depart(request: Request, flow: Flow, finished: Finished) -> Response:
    """The browser's way on: to a page of ours, to the platform by redirect or by form."""
    answer = send(request, flow.visitor, finished.response, to=flow.client)
    if finished.session_token is not None:
        cookies.put_session(answer, finished.session_token, secure=flow.visitor.secure)
    return answer


def send(
    request: Request, visitor: Visitor, response: Redirect | FormPost, *, to: Client | None
) -> Response:
    name = to.name if to else ""
    if isinstance(response, FormPost):
        return _form_post(visitor, response, to=name)
    if response.url.startswith("/"):
        return show.onward(visitor, response.url)
    return leaving.leave(request, visitor, response.url, to=name)


def _form_post(visitor: Visitor, answer: FormPost, *, to: str) -> Response:
    return show.page(
        visitor, "form_post.html", headers=leaving.policy_of_form_post(), url=answer.action,
        fields=dict(answer.fields), to=to, signed_in=False,
    )  # fmt: skip


def render_form_post(request: Request, answer: FormPost) -> Response:
    """For the authorization endpoint (`state.render_form_post`): the page that posts an answer to
    the platform, by script or by a button."""
    return _form_post(visitor_of(request), answer, to="")


def as_json(options: dict[str, Any]) -> str:
    """Passkey options for a page's `data-options`."""
    return json.dumps(options, separators=(",", ":"))
