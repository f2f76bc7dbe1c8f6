"""A factor enrolled on the way in, by staff who have none yet."""

from typing import Any

from fastapi import APIRouter, Response

from server.pages import drawing, flow, identity_words, sign_in_certificate
from server.pages import show as showing
from server.pages.flow import Flow
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.sign_in_passkey import ANSWER_MAX
from server.pages.visitor import Looking, Visitor
from sso import passkeys, recovery_codes, totp
from sso.interactions import Step
from sso.models import Account
from sso.proof import Proof
from trust.access import Role
from trust.errors import Forbidden, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

_KEY_HOLDERS = frozenset({Role.SEAL_ADMIN, Role.CA_ADMIN})


class NotDue(Forbidden):
    """No factor is to be enrolled at this step: an account that has one uses it."""

    code = "enrolment_not_due"


def show(found: Flow, way: str, **values: Any) -> Response:
    if way == "certificate":  # one that names the person needs no enrolment
        return sign_in_certificate.show(found)
    return flow.page(found, "enrol.html", totp=_may_totp(found), **values)


def _may_totp(found: Flow) -> bool:
    """Whoever keeps seals or authorities needs a key of their own."""
    held = {row.role for row in found.account.roles} if found.account else set()
    return not (found.provider.policy.administrators_by_key and held & _KEY_HOLDERS)


def _due(found: Flow) -> Account:
    if found.step is not Step.ENROL_FACTOR or found.account is None:
        raise NotDue("this account has a factor already, or nobody signed in yet")
    return found.account


@router.get("/sign-in/{interaction_id}/enrol/passkey")
def show_passkey(visitor: Looking, interaction_id: str) -> Response:
    return _passkey_page(flow.find(visitor, interaction_id))


def _passkey_page(found: Flow, **values: Any) -> Response:
    account = _due(found)
    with found.provider.sessions.begin() as session:
        options = passkeys.registration_options(
            session, account, issuer=found.provider.issuer, bound_to=found.id,
            at=found.visitor.at,
        )  # fmt: skip
    return flow.page(
        found, "passkey.html", action=f"{found.path}/enrol/passkey", act="create",
        back=found.path, ways=(), options=flow.as_json(options),
        heading=("添加通行密钥", "Add a passkey"), button=("添加通行密钥", "Add a passkey"),
        lead=(
            "用这台设备的指纹、面容或 PIN，或用安全密钥。",
            "With this device's fingerprint, face or PIN, or with a security key.",
        ),
        **values,
    )  # fmt: skip


@router.post("/sign-in/{interaction_id}/enrol/passkey")
def enrol_passkey(visitor: Looking, interaction_id: str, form: Posted) -> Response:
    """A passkey that was made a moment ago, with its holder verified, is also proved."""
    found = flow.posted(visitor, interaction_id, form)
    account = _due(found)
    try:
        made = passkeys.register(
            found.provider, account.name, form.text("answer", cap=ANSWER_MAX),
            name=form.text("label", cap=60), bound_to=found.id, by=flow.caller(found),
            at=visitor.at,
        )  # fmt: skip
    except TrustError as error:
        return _passkey_page(found, trouble=identity_words.key_refusal(error))
    kept = "swk" if made.backup_eligible else "hwk"
    return flow.note(found, Proof(account.name, ("pop", "user", kept, "mfa"), visitor.at))


@router.get("/sign-in/{interaction_id}/enrol/totp")
def show_totp(visitor: Looking, interaction_id: str) -> Response:
    found = flow.find(visitor, interaction_id)
    account = _may(found)
    with found.provider.sessions.begin() as session:
        made = totp.enrol(
            session, found.provider.vault, account.name, issuer=visitor.region, at=visitor.at
        )
    return _totp_page(found, secret=made.secret, picture=drawing.qr(made.uri))


def _may(found: Flow) -> Account:
    account = _due(found)
    if not _may_totp(found):
        raise NotDue("this office asks for a passkey or a certificate")
    return account


def _totp_page(found: Flow, **values: Any) -> Response:
    return flow.page(
        found, "enrol_totp.html", action=f"{found.path}/enrol/totp", back=found.path,
        **({"secret": "", "picture": ""} | values),
    )  # fmt: skip


@router.post("/sign-in/{interaction_id}/enrol/totp")
def enrol_totp(visitor: Looking, interaction_id: str, form: Posted) -> Response:
    """The first code puts it in force and is a proof; then the recovery codes, shown once."""
    found = flow.posted(visitor, interaction_id, form)
    account, by = _may(found), flow.caller(found)
    try:
        with found.provider.sessions.begin() as session:
            totp.confirm(
                session, found.provider.vault, account.name, form.text("otp", cap=12), by=by,
                at=visitor.at,
            )  # fmt: skip
    except TrustError as error:
        return _totp_page(found, trouble=identity_words.code_refusal(error))
    flow.note(found, Proof(account.name, ("otp",), visitor.at))
    with found.provider.sessions.begin() as session:
        codes = recovery_codes.renew(
            session, found.provider.vault, account.name, by=by, at=visitor.at
        )
    return _codes_page(visitor, codes, f"{found.path}/continue")


def _codes_page(visitor: Visitor, codes: tuple[str, ...], onward: str) -> Response:
    done = ("动态口令已开通。", "The authenticator app is on.")
    return showing.page(visitor, "recovery_codes.html", codes=codes, next=onward, done=done)
