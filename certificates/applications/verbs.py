"""Applications: entered by one person, decided by another.

    entered → checked → reviewed → approved → issuing → issued
    entered, checked, reviewed, approved → returned → entered again, corrected
    … → refused, withdrawn

The verbs after the entry are in `steps` and `joint`; they are named here too, so that
whoever handles applications needs one module.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, cast
from uuid import UUID, uuid4

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from certificates import catalogue
from certificates.applications import issuing_grants, joint, previous, transfer
from certificates.applications.joint import consent, sealers
from certificates.applications.refusals import (
    ContentChanged,
    NotOfAuthority,
    OwnApplication,
    TypeNotOfAuthority,
    WrongRole,
    recording_refusals,
)
from certificates.applications.steps import (
    approve,
    check,
    refuse,
    require_party,
    return_,
    review,
    steps,
    take,
    withdraw,
    write_step,
)
from certificates.applications.transfer import Judged
from certificates.licence_type import LicenceType
from certificates.licence_types import registry as type_registry
from certificates.models import (
    Application,
    ApplicationKind,
    ApplicationState,
    Authority,
)
from seal.ledger import OWN_SYSTEM
from trust import audit
from trust.access import Caller, Role
from trust.clock import CHINA
from trust.errors import Invalid, NotFound
from trust.vault import Vault

__all__ = [
    "ContentChanged", "Following", "OwnApplication", "TypeNotOfAuthority", "approve", "check",
    "consent", "content", "correct", "enter", "recording_refusals", "refuse", "require_party",
    "return_", "review", "sealers", "steps", "withdraw",
]  # fmt: skip

ENTERS: Final = frozenset({Role.CLERK, Role.APPROVER, Role.OPERATOR})
_APPLICATION: Final = insert(cast(Table, Application.__table__))
_SHORT: Final = (("paper_number", 128), ("item_code", 64), ("case_number", 64), ("system", 64))


@dataclass(frozen=True, slots=True)
class Following:
    """The licence that the one applied for follows: its identifier; of another region, what the
    check of it found."""

    licence: str
    judged: Judged | None = None


def enter(
    session: Session, type_key: str, data: Mapping[str, object], *, authority: str, by: Caller,
    at: datetime, vault: Vault, fallback: Path | None = None,
    kind: ApplicationKind = ApplicationKind.NEW, previous: str | None = None,
    joint: Sequence[str] = (), paper_number: str | None = None, item_code: str | None = None,
    case_number: str | None = None, system: str | None = None, judged: Judged | None = None,
) -> Application:  # fmt: skip
    """Record a checked application, inside the caller's transaction.

    `previous` is the identifier of the licence that this one follows, `judged` the check of it when
    it is another region's (`transfer.judge`); `joint` who seals besides `authority`. The caller's
    own authority enters, or one that acts for it by a grant.

    Raises WrongRole, NotFound, TypeNotPublished, TypeNotOfAuthority, NotGrantedToAct, InvalidField,
    UnprintableCharacter, JointInvalid, PreviousRequired, PreviousNotFound, LicenceNotInForce,
    HolderDiffers, TransferRefused, AlreadyTransferred, PaperNumberTaken, ItemOfOtherTypes.
    """
    licence_type = type_registry.current(session, type_key)
    acting = _acting(session, licence_type, authority, by=by, at=at)
    if by.roles.isdisjoint(ENTERS):
        raise WrongRole("申请由受理员录入 / a clerk enters applications")
    row = {
        "paper_number": paper_number, "item_code": item_code, "case_number": case_number,
        "system": system or by.client or OWN_SYSTEM,
    }  # fmt: skip
    _check_short(row)
    checked = catalogue.check(
        licence_type, data, today=at.astimezone(CHINA).date(), fallback=fallback
    )
    key = uuid4()
    made = Application(
        id=key, type_code=licence_type.code, type_version=licence_type.version,
        authority=authority, acting=acting, state=ApplicationState.ENTERED, kind=kind,
        joint=list(joint), previous=previous, revision=1,
        content_box=_sealed(checked, key, vault), entered_by=by.account, entered_at=at, **row,
    )  # fmt: skip
    judged = _check_circumstances(session, made, licence_type, checked, judged, vault)
    session.add(made)
    session.flush()
    _write_beside(session, made, judged)
    write_step(session, key, ApplicationState.ENTERED, by=by, at=at)
    details: dict[str, audit.JSON] = {"type": licence_type.code, "authority": authority}
    details |= {} if kind == ApplicationKind.NEW else {"kind": str(kind)}
    details |= {} if acting is None else {"acting": acting}
    audit.record(session, "application.entered", subject=str(key), by=by, at=at, details=details)
    return made


def correct(
    session: Session, key: UUID, data: Mapping[str, object], *, by: Caller, at: datetime,
    vault: Vault, fallback: Path | None = None, judged: Judged | None = None,
) -> Application:  # fmt: skip
    """Write a returned application anew: it begins again, under the type's version now in force.

    Raises as `enter` does; NotOfAuthority, WrongState.
    """
    found = session.get(Application, key)
    if found is None:
        raise NotFound("没有这件申请 / no such application")
    if by.roles.isdisjoint(ENTERS):
        raise WrongRole("申请由受理员更正 / a clerk corrects applications")
    require_party(session, found, by=by, at=at)
    licence_type = type_registry.current(session, found.type_code)
    checked = catalogue.check(
        licence_type, data, today=at.astimezone(CHINA).date(), fallback=fallback
    )
    judged = _check_circumstances(session, found, licence_type, checked, judged, vault)
    take(
        session, found, (ApplicationState.RETURNED,), ApplicationState.ENTERED, by=by, at=at,
        entered_by=by.account, entered_at=at, type_version=licence_type.version,
        content_box=_sealed(checked, key, vault), revision=found.revision + 1,
    )  # fmt: skip
    if judged is not None:
        transfer.keep(session, key, judged)
    audit.record(
        session, "application.corrected", subject=str(key), by=by, at=at,
        details={"revision": found.revision},
    )  # fmt: skip
    return found


def content(application: Application, vault: Vault) -> dict[str, object]:
    """The checked content; DecryptionFailed when the row was tampered with."""
    opened = vault.unseal(application.content_box, context=f"application/{application.id}")
    found: dict[str, object] = json.loads(opened)
    return found


def _sealed(checked: Mapping[str, object], key: UUID, vault: Vault) -> bytes:
    raw = json.dumps(checked, ensure_ascii=False).encode()
    return vault.seal(raw, context=f"application/{key}")


def _acting(
    session: Session, licence_type: LicenceType, authority: str, *, by: Caller, at: datetime
) -> str | None:
    """Whose people act for the authority, None when they are its own."""
    owner = session.get(Authority, authority)
    if owner is None:
        raise NotFound(f"没有这个机构 / no authority {authority[:18]}")
    if licence_type.code not in owner.types:
        raise TypeNotOfAuthority(
            f"{owner.name}不颁发{licence_type.name} / this authority does not issue the type"
        )
    if by.authority == authority:
        return None
    if by.authority is None:
        raise NotOfAuthority("账户不属于任何机构 / the account acts for no authority")
    issuing_grants.require(session, authority, licence_type.code, acting=by.authority, at=at)
    return by.authority


def _check_short(row: Mapping[str, str | None]) -> None:
    for name, most in _SHORT:
        text = row[name]
        if text is not None and not (0 < len(text) <= most and text.isprintable()):
            raise Invalid(f"{name}：1 至 {most} 个可打印字符 / 1 to {most} printable characters")


def _check_circumstances(
    session: Session, made: Application, licence_type: LicenceType,
    checked: Mapping[str, object], judged: Judged | None, vault: Vault,
) -> Judged | None:  # fmt: skip
    """What an application says besides its content; most say nothing, and cost nothing."""
    if made.joint:
        joint.check(session, licence_type, made.authority, made.joint)
    if made.item_code is not None:
        previous.require_bound_item(session, made)
    if made.paper_number is not None:
        previous.require_free_paper(session, made)
    return previous.check(session, made, licence_type, checked, judged, vault=vault)


def _write_beside(session: Session, made: Application, judged: Judged | None) -> None:
    if made.joint:
        joint.ask(session, made.id, made.joint)
    if judged is not None:
        transfer.keep(session, made.id, judged)
