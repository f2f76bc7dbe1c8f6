"""Signing in by a passkey: with no name typed, or after a password."""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Response

from server.pages import flow, identity_words
from server.pages.flow import Flow
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.visitor import Looking
from sso import passkeys, sign_in_by_key
from sso.interactions import Step
from trust.errors import TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

#: An AuthenticationResponseJSON with a large signature and handle is about 2 kB.
ANSWER_MAX = 16 * 1024


def show(found: Flow, **values: Any) -> Response:
    return _passkey_page(found, None, ways=flow.ways(
        ("password", "certificate", "sms", "qr"), without="passkey"
    ), **values)  # fmt: skip


def show_second(found: Flow, offered: Iterable[str], **values: Any) -> Response:
    name = found.standing.account if found.standing else None
    return _passkey_page(found, name, ways=flow.ways(offered, without="passkey"), **values)


def _passkey_page(found: Flow, account_name: str | None, **values: Any) -> Response:
    with found.provider.sessions.begin() as session:
        options = passkeys.assertion_options(
            session, issuer=found.provider.issuer, bound_to=found.id, at=found.visitor.at,
            account_name=account_name,
        )  # fmt: skip
    second = account_name is not None
    return flow.page(
        found, "passkey.html", action=f"{found.path}/passkey", act="get", back="",
        options=flow.as_json(options),
        heading=("第二步验证", "Second step") if second else ("通行密钥登录", "Sign in by passkey"),
        lead=(
            "用您登记过的设备或安全密钥确认。", "Confirm with a device or key you registered.",
        ),
        button=("使用通行密钥", "Use a passkey"), **values,
    )  # fmt: skip


@router.post("/sign-in/{interaction_id}/passkey")
def prove_by_passkey(visitor: Looking, interaction_id: str, form: Posted) -> Response:
    found = flow.posted(visitor, interaction_id, form)
    # After a password only that account's passkeys count; the challenge was made for it.
    after_password = found.standing is not None and found.step is not Step.SIGN_IN
    name = found.standing.account if found.standing and after_password else None
    try:
        proof = sign_in_by_key.by_passkey(
            found.provider, form.text("answer", cap=ANSWER_MAX), bound_to=found.id, at=visitor.at,
            account_name=name, network=visitor.network,
        )  # fmt: skip
    except TrustError as error:
        words = identity_words.key_refusal(error)
        if name is not None:
            return show_second(found, (), trouble=words)
        return show(found, trouble=words)
    return flow.note(found, proof)
