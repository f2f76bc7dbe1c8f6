"""What one signs in with: password, passkeys, authenticator application, certificates."""

import json
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response

from server.pages import account_words, drawing, identity_words, show
from server.pages.account import account_page, check
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from sso import (
    certificate_login,
    factors,
    logout,
    passkeys,
    recovery_codes,
    totp,
)
from sso.change_password import change_password
from sso.credential_models import PasswordCredential, Totp
from trust.errors import Forbidden, NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

_HERE = "/account/credentials"
#: Whoever finds a browser left open must not make the account theirs.
RECENT = timedelta(minutes=30)


class SignInTooOld(Forbidden):
    """The sign-in is too long ago, or too weak, to change what one signs in with."""

    code = "sign_in_too_old"


def require_recent(me: SignedIn) -> None:
    """SignInTooOld unless the sign-in is fresh and used the second factor, if there is one."""
    name, methods = me.account.name, me.session.methods
    with me.provider.reading() as session:
        has_second = factors.second_factors(session, name) & {"totp", "passkey"}
        own = factors.is_own(session, name, methods)
    if me.at - me.session.auth_time > RECENT:
        raise SignInTooOld("sign in again to change how you sign in")
    if has_second and not factors.strength(methods) and "recovery" not in methods:
        raise SignInTooOld("sign in with your second factor to change it")
    if not own:
        raise SignInTooOld("sign in with your own password to change how you sign in")


@router.get(_HERE)
def show_credentials(me: Present, done: str = "") -> Response:
    return _credentials(me, done=account_words.DONE.get(done[:40]))


def _credentials(me: SignedIn, **values: Any) -> Response:
    name = me.account.name
    with me.provider.reading() as session:
        password = session.get(PasswordCredential, name)
        authenticator = session.get(Totp, name)
        keys = [
            {
                "id": row.credential_id.hex(), "label": row.name, "created_at": row.created_at,
                "backed_up": row.backed_up,
            }
            for row in passkeys.of_account(session, name)
        ]  # fmt: skip
        certificates = [
            {
                "id": row.fingerprint.hex(), "label": row.name,
                "fingerprint": row.fingerprint.hex(":", 2).upper(),
            }
            for row in certificate_login.of_account(session, name)
        ]  # fmt: skip
        codes_left = recovery_codes.left(session, name)
    return account_page(
        me, "account_credentials.html", here=_HERE, account_name=name, passkeys=keys,
        certificates=certificates, codes_left=codes_left,
        password_since=password.set_at if password else None,
        totp_since=authenticator.confirmed_at if authenticator else None, **values,
    )  # fmt: skip


@router.post("/account/password")
def set_own_password(me: Present, form: Posted) -> Response:
    check(me, form)
    try:
        ended = change_password(
            me.provider, me.account.name, form.secret("current", cap=1024),
            form.secret("password", cap=1024), network=me.visitor.network,
            device=me.visitor.browser, keep_session=me.session.id, by=me.caller, at=me.at,
        )  # fmt: skip
    except TrustError as error:
        return _credentials(me, trouble=identity_words.refusal(error))
    logout.tell_of_sessions(me.provider, ended, at=me.at)
    return show.onward(me.visitor, f"{_HERE}?done=password")


@router.get("/account/passkeys/new")
def show_new_passkey(me: Present) -> Response:
    require_recent(me)
    with me.provider.sessions.begin() as session:
        options = passkeys.registration_options(
            session, me.account, issuer=me.provider.issuer, bound_to=me.session.id, at=me.at
        )
    return passkey_page(
        me, options, action="/account/passkeys", csrf=show.session_token(me, "account"), back=_HERE
    )


def passkey_page(
    me: SignedIn, options: dict[str, Any], *, action: str, csrf: str, back: str
) -> Response:
    return show.page(
        me.visitor, "passkey.html", csrf=csrf, action=action, act="create", back=back, ways=(),
        heading=("添加通行密钥", "Add a passkey"), options=json.dumps(options),
        lead=(
            "用这台设备的指纹、面容或 PIN，或用安全密钥。",
            "With this device's fingerprint, face or PIN, or with a security key.",
        ),
        button=("添加通行密钥", "Add a passkey"),
    )  # fmt: skip


@router.post("/account/passkeys")
def add_passkey(me: Present, form: Posted) -> Response:
    check(me, form)
    require_recent(me)
    try:
        passkeys.register(
            me.provider, me.account.name, form.text("answer", cap=65536),
            name=form.text("label", cap=60), bound_to=me.session.id, by=me.caller, at=me.at,
        )  # fmt: skip
    except TrustError as error:
        return _credentials(me, trouble=identity_words.refusal(error))
    return show.onward(me.visitor, f"{_HERE}?done=passkey")


@router.post("/account/passkeys/remove")
def remove_passkey(me: Present, form: Posted) -> Response:
    check(me, form)
    require_recent(me)
    with me.provider.sessions.begin() as session:
        passkeys.remove(session, me.account.name, _octets(form), by=me.caller, at=me.at)
    return show.onward(me.visitor, f"{_HERE}?done=removed")


@router.post("/account/certificates/remove")
def remove_certificate(me: Present, form: Posted) -> Response:
    check(me, form)
    require_recent(me)
    with me.provider.sessions.begin() as session:
        certificate_login.remove(session, me.account.name, _octets(form), by=me.caller, at=me.at)
    return show.onward(me.visitor, f"{_HERE}?done=removed")


def _octets(form: Form) -> bytes:
    try:
        return bytes.fromhex(form.text("id", cap=2046))
    except ValueError as error:
        raise NotFound("no such credential") from error


@router.get("/account/totp/new")
def show_new_totp(me: Present) -> Response:
    require_recent(me)
    with me.provider.sessions.begin() as session:
        made = totp.enrol(
            session, me.provider.vault, me.account.name, issuer=me.visitor.region, at=me.at
        )
    return _totp_page(me, secret=made.secret, picture=drawing.qr(made.uri))


def _totp_page(me: SignedIn, **values: Any) -> Response:
    """With the secret once; after a wrong code without, since the application has it by then."""
    return show.page(
        me.visitor, "enrol_totp.html", csrf=show.session_token(me, "account"),
        action="/account/totp", back=_HERE, **({"secret": "", "picture": ""} | values),
    )  # fmt: skip


@router.post("/account/totp")
def confirm_totp(me: Present, form: Posted) -> Response:
    """The first code; then ten recovery codes, shown once."""
    check(me, form)
    require_recent(me)
    try:
        with me.provider.sessions.begin() as session:
            totp.confirm(
                session, me.provider.vault, me.account.name, form.text("otp", cap=12), by=me.caller,
                at=me.at,
            )  # fmt: skip
    except TrustError as error:
        return _totp_page(me, trouble=identity_words.refusal(error))
    return _codes_page(me, done=("动态口令已开通。", "The authenticator app is on."))


def _codes_page(me: SignedIn, **values: Any) -> Response:
    with me.provider.sessions.begin() as session:
        codes = recovery_codes.renew(
            session, me.provider.vault, me.account.name, by=me.caller, at=me.at
        )
    return show.page(me.visitor, "recovery_codes.html", codes=codes, next=_HERE, **values)


@router.post("/account/recovery-codes")
def renew_codes(me: Present, form: Posted) -> Response:
    check(me, form)
    require_recent(me)
    return _codes_page(me)


@router.post("/account/totp/remove")
def remove_totp(me: Present, form: Posted) -> Response:
    check(me, form)
    require_recent(me)
    with me.provider.sessions.begin() as session:
        totp.remove(session, me.account.name, by=me.caller, at=me.at)
    return show.onward(me.visitor, f"{_HERE}?done=removed")
