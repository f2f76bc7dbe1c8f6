"""Certificates on the desk: found, looked at, suspended, released, revoked.

Every change is followed by the issuer's next CRL in the same transaction, as over HTTP
(`ca.router_admin`).
"""

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ca import crl, ending, hold, issuers, revoke
from ca.models import Certificate, CertificateState, Issuer, Signer
from ca.revoke import Reason
from seal.life_models import SealVersion
from seal.models import Seal
from server.pages import desk_words, show
from server.pages.desk_frame import (
    CA_READERS,
    CERTIFICATES,
    GUARDS,
    PAGE,
    SEALS,
    Act,
    ask,
    check,
    check_act,
    collecting_refusal,
    desk_page,
    require,
)
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from trust.access import Role
from trust.crypto import hashes, signatures, x509
from trust.errors import Invalid, NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

_ADMINISTRATORS: Final = frozenset({Role.CA_ADMIN})
_IN_FORCE: Final = frozenset({CertificateState.ISSUED, CertificateState.HELD})
_ENDING_DAYS: Final = ("30", "90", "365")
_BELOW_MAX: Final = 18
_REASON_NAMES: Final = {int(each): each.name.lower() for each in Reason} | {
    hold.CERTIFICATE_HOLD: "certificate_hold"
}
_ACTS: Final = {
    act.name: act
    for act in (
        Act("hold", ("暂停证书", "Suspend the certificate"),
            ("立即视为吊销（原因 certificateHold），并签发吊销列表；可以恢复。",
             "It counts as revoked at once, the CRL follows; it can be released again."),
            reason=""),
        Act("release", ("恢复证书", "End the suspension"),
            ("重新有效，并签发吊销列表。", "In force again; the CRL follows."), reason=""),
        Act("revoke", ("吊销证书", "Revoke the certificate"),
            ("永久吊销，并立即签发吊销列表，不可恢复。原因为密钥泄露时，以前的签名也会受到怀疑。",
             "For good; the CRL follows at once. With keyCompromise earlier signatures are "
             "doubted too."),
            for_good=True,
            choices={each.name.lower(): desk_words.REASONS[each.name.lower()] for each in Reason}),
    )
}  # fmt: skip
_ALLOWED: Final = {
    "hold": frozenset({CertificateState.ISSUED}),
    "release": frozenset({CertificateState.HELD}),
    "revoke": _IN_FORCE,
}


@router.get(CERTIFICATES)
def list_certificates(
    me: Present, issuer: Annotated[str, Query(max_length=64)] = "",
    state: Annotated[str, Query(max_length=20)] = "", q: Annotated[str, Query(max_length=100)] = "",
    days: Annotated[str, Query(max_length=4)] = "",
    below: Annotated[str, Query(max_length=_BELOW_MAX)] = "",
) -> Response:  # fmt: skip
    """Newest first, of all issuers or one; by part of the subject or the whole serial number."""
    require(me, CA_READERS)
    query = select(Certificate).order_by(Certificate.id.desc()).limit(PAGE + 1)
    if issuer:
        query = query.where(Certificate.issuer == issuer)
    if state in set(CertificateState):
        query = query.where(Certificate.state == state)
    if days in _ENDING_DAYS:
        query = query.where(*ending.within(at=me.at, margin=timedelta(days=int(days))))
    text = q.strip()
    if text:
        serial = text.lower().replace(":", "").lstrip("0")
        query = query.where(
            or_(Certificate.subject.contains(text, autoescape=True), Certificate.serial == serial)
        )
    if below.isascii() and below.isdigit():
        query = query.where(Certificate.id < int(below))
    with me.provider.reading() as session:
        rows = session.scalars(query).all()
        names = list(session.scalars(select(Issuer.name).order_by(Issuer.name)))
        shown = [_row(row, me.at) for row in rows[:PAGE]]
    asked = {"issuer": issuer, "state": state, "q": q, "days": days}
    more = urlencode(asked | {"below": rows[PAGE - 1].id}) if len(rows) > PAGE else ""
    return desk_page(
        me, "desk_certificates.html", here=CERTIFICATES, certificates=shown, issuers=names,
        asked=asked, states=list(CertificateState), next=f"{CERTIFICATES}?{more}" if more else "",
        ending_days=_ENDING_DAYS,
    )  # fmt: skip


def _row(row: Certificate, at: datetime) -> dict[str, Any]:
    over = row.state == CertificateState.ISSUED and row.not_after < at
    return {
        "serial": row.serial, "issuer": row.issuer, "profile": row.profile,
        "subject": row.subject, "state": "over" if over else str(row.state),
        "not_before": row.not_before, "not_after": row.not_after, "revoked_at": row.revoked_at,
        "reason": "" if row.reason is None else _REASON_NAMES.get(row.reason, "unspecified"),
        "renews": row.renews,
    }  # fmt: skip


def _find(session: Session, issuer: str, serial: str) -> Certificate:
    issuers.find(session, issuer)
    row = session.scalar(
        select(Certificate).where(Certificate.issuer == issuer, Certificate.serial == serial)
    )
    if row is None:
        raise NotFound("there is no such certificate")
    return row


@router.get(CERTIFICATES + "/{issuer}/{serial}")
def show_certificate(
    me: Present, issuer: str, serial: str, done: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    require(me, CA_READERS)
    with me.provider.reading() as session:
        row = _find(session, issuer, serial)
        shown = _row(row, me.at)
        renewed_by = list(session.scalars(
            select(Certificate.serial).where(
                Certificate.issuer == issuer, Certificate.renews == serial
            )
        ))  # fmt: skip
        used = _used_as(session, row)
        acts = _allowed(session, row, me)
    return desk_page(
        me, "desk_certificate.html", here=CERTIFICATES, done=done, certificate=shown, used=used,
        facts=_facts(row.der) if row.der else [], renewed_by=renewed_by, acts=acts,
        pem=_pem(row.der) if row.der else "", seals=SEALS,
        may_read_seals=not me.caller.roles.isdisjoint({Role.SEAL_ADMIN, Role.AUDIT_ADMIN}),
    )  # fmt: skip


def _allowed(session: Session, row: Certificate, me: SignedIn) -> list[Act]:
    """What may begin now. An outside CA alone suspends what it has certified."""
    if not me.caller.has(Role.CA_ADMIN):
        return []
    outside = issuers.find(session, row.issuer).outside
    return [
        act for name, act in _ACTS.items()
        if CertificateState(row.state) in _ALLOWED[name] and (name == "revoke" or not outside)
    ]  # fmt: skip


def _used_as(session: Session, row: Certificate) -> tuple[str, str]:
    """What here stands or falls with the certificate: a kind (ca, signer, seal) and its name."""
    if row.der is None:
        return "", ""
    authority = session.scalar(select(Issuer.name).where(Issuer.certificate == row.der))
    if authority is not None:
        return "ca", authority
    signer = session.scalar(select(Signer.purpose).where(Signer.certificate == row.der))
    if signer is not None:
        return "signer", signer
    return _seal_of(session, row.der)


def _seal_of(session: Session, data: bytes) -> tuple[str, str]:
    """The seal that bears its number as its name (`seal.make.subject`), if it has or had it."""
    es_id = x509.name_value(x509.parse_certificate(data).subject, x509.COMMON_NAME) or ""
    seal = session.get(Seal, es_id)
    if seal is None:
        return "", ""
    versions = session.scalars(select(SealVersion).where(SealVersion.es_id == es_id))
    forms: list[Seal | SealVersion] = [seal, *versions]
    own = any(data in (each.sm2_certificate, each.rsa_certificate) for each in forms)
    return ("seal", es_id) if own else ("", "")


def _facts(data: bytes) -> list[tuple[str, str, str]]:
    """Chinese, English, value."""
    parsed = x509.parse_certificate(data)
    return [
        ("主体", "Subject", x509.name_text(parsed.subject)),
        ("签发者", "Issuer", x509.name_text(parsed.issuer)),
        ("公钥算法", "Key", str(signatures.kind_of(parsed.spki))),
        ("SHA-256 指纹", "SHA-256", hashes.sha256(data).hex(":", 2).upper()),
        ("SM3 指纹", "SM3", hashes.sm3(data).hex(":", 2).upper()),
    ]


def _pem(data: bytes) -> str:
    text = base64.b64encode(data).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----"])


@router.get(CERTIFICATES + "/{issuer}/{serial}/act/{name}")
def ask_for_act(me: Present, issuer: str, serial: str, name: str) -> Response:
    require(me, _ADMINISTRATORS)
    return _ask(me, issuer, serial, _act(name))


def _act(name: str) -> Act:
    if name not in _ACTS:
        raise NotFound("there is no such act")
    return _ACTS[name]


def _ask(
    me: SignedIn, issuer: str, serial: str, act: Act, *, error: TrustError | None = None,
    reason: str = "",
) -> Response:  # fmt: skip
    with me.provider.reading() as session:
        row = _find(session, issuer, serial)
        kind, name = _used_as(session, row)
        about = [
            ("主体", "Subject", row.subject), ("序列号", "Serial", serial),
            ("签发者", "Issuer", issuer),
        ]  # fmt: skip
    if kind:
        zh, en = desk_words.USES[kind]
        about.append((zh, en, name))
    where = f"{CERTIFICATES}/{issuer}/{serial}"
    return ask(
        me, act, here=CERTIFICATES, action=f"{where}/act/{act.name}", back=where, about=about,
        error=error, reason=reason,
    )  # fmt: skip


@router.post(CERTIFICATES + "/{issuer}/{serial}/act/{name}")
def do_act(
    me: Present, request: Request, issuer: str, serial: str, name: str, form: Posted
) -> Response:
    check(me, form, _ADMINISTRATORS)
    act, keys = _act(name), request.app.state.keys
    with me.provider.reading() as session:
        number = int(_find(session, issuer, serial).serial, 16)
    with collecting_refusal() as refused:
        check_act(me, act, form)
        with me.provider.sessions.begin() as session:
            _VERBS[name](session, issuer, number, form, me)
            # Of an outside CA nothing is published: its own CRLs are fetched.
            crl.publish(session, issuer, keys=keys, by=me.caller, at=me.at)
    if refused:
        return _ask(me, issuer, serial, act, error=refused[0], reason=form.text("reason", cap=40))
    return show.onward(me.visitor, f"{CERTIFICATES}/{issuer}/{serial}?done={name}")


def _hold(session: Session, issuer: str, serial: int, form: Form, me: SignedIn) -> None:
    hold.hold(session, issuer=issuer, serial=serial, by=me.caller, at=me.at)


def _release(session: Session, issuer: str, serial: int, form: Form, me: SignedIn) -> None:
    hold.release(session, issuer=issuer, serial=serial, by=me.caller, at=me.at)


def _revoke(session: Session, issuer: str, serial: int, form: Form, me: SignedIn) -> None:
    given = form.text("reason", cap=40)
    if given not in _ACTS["revoke"].choices:
        raise Invalid("choose a reason")
    reason = Reason[given.upper()]
    revoke.revoke(
        session, issuer=issuer, serial=serial, reason=reason, by=me.caller, at=me.at
    )  # fmt: skip


_VERBS: Final[dict[str, Callable[[Session, str, int, Form, SignedIn], None]]] = {
    "hold": _hold, "release": _release, "revoke": _revoke,
}  # fmt: skip
