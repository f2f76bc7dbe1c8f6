"""Joint issue: each authority that seals besides the first one agrees before anything is sealed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from certificates.applications.models import JointConsent
from certificates.applications.refusals import (
    AlreadyConsented,
    ConsentMissing,
    ContentChanged,
    JointInvalid,
    NotOfAuthority,
    OwnApplication,
    WrongRole,
    WrongState,
)
from certificates.licence_type import LicenceType
from certificates.models import Application, ApplicationState, Authority
from sso import accounts
from trust import audit
from trust.access import Caller, Role
from trust.errors import NotFound

#: While an application is in one of these, a joint authority may agree to what stands in it.
OPEN = frozenset(
    {
        ApplicationState.ENTERED,
        ApplicationState.CHECKED,
        ApplicationState.REVIEWED,
        ApplicationState.APPROVED,
    }
)


def check(
    session: Session, licence_type: LicenceType, authority: str, joint: Sequence[str]
) -> None:
    """JointInvalid unless all who are to seal exist, once each, and the page has room for them."""
    if len(set(joint)) != len(joint) or authority in joint:
        raise JointInvalid("联合颁发机构重复 / a joint authority is named twice")
    if len(joint) + 1 not in licence_type.seals.places:
        raise JointInvalid(
            f"该证照类型不能由 {len(joint) + 1} 个机构联合颁发 / "
            f"there is no place for {len(joint) + 1} seals on this type"
        )
    for code in joint:
        if session.get(Authority, code) is None:
            raise JointInvalid("联合颁发机构不存在 / a joint authority is not registered here")


def ask(session: Session, key: UUID, joint: Sequence[str]) -> None:
    """The rows in which each joint authority's consent will stand; the application's is there."""
    rows = [
        {"application": key, "authority": code, "position": place}
        for place, code in enumerate(joint)
    ]
    session.execute(insert(JointConsent), rows)


def consent(
    session: Session, key: UUID, *, by: Caller, at: datetime, revision: int | None = None
) -> Application:
    """A joint authority's approver agrees to the application as it stands; `revision` is the one
    that was looked at.

    NotFound, NotOfAuthority, WrongRole, OwnApplication, WrongState, ContentChanged,
    AlreadyConsented.
    """
    application = session.scalar(select(Application).where(Application.id == key).with_for_update())
    if application is None:
        raise NotFound("没有这件申请 / no such application")
    if by.authority not in application.joint:
        raise NotOfAuthority("本机构不是联合颁发机构 / this authority is not to seal with others")
    if not by.has(Role.APPROVER):
        raise WrongRole("联合意见由审批员出具 / an approver agrees for the authority")
    if by.account == application.entered_by:
        raise OwnApplication("不得同意本人录入的申请 / nobody agrees to what they entered")
    if application.state not in OPEN:
        raise WrongState(
            f"申请当前不能出具联合意见 / the application is {ApplicationState(application.state)}"
        )
    if revision is not None and revision != application.revision:
        raise ContentChanged(
            "申请内容已更正，请重新查看 / the content was corrected since it was looked at"
        )
    won = session.scalar(
        update(JointConsent)
        .where(
            JointConsent.application == key, JointConsent.authority == by.authority,
            JointConsent.by.is_(None),
        )
        .values(by=by.account, at=at)
        .returning(JointConsent.position)
    )  # fmt: skip
    if won is None:
        raise AlreadyConsented("本机构已同意 / this authority has agreed before")
    audit.record(
        session, "application.consented", subject=str(key), by=by, at=at,
        details={"authority": by.authority},
    )  # fmt: skip
    return application


def forget(session: Session, key: UUID) -> None:
    """Consents are to what stood there: after a return they are asked for anew."""
    session.execute(
        update(JointConsent).where(JointConsent.application == key).values(by=None, at=None)
    )


def of(session: Session, key: UUID) -> list[JointConsent]:
    """The joint authorities of an application, in the order in which they seal."""
    return list(
        session.scalars(
            select(JointConsent)
            .where(JointConsent.application == key)
            .order_by(JointConsent.position)
        )
    )


def sealers(
    session: Session, application: Application, *, by: Caller | None = None
) -> list[tuple[Authority, Caller]]:
    """Who seals, in order: the issuing authority first, on the word of whoever issues (`by`) or
    approved; then each joint one, on the word of who agreed for it.

    ConsentMissing; Forbidden when one of them has lost the account since.
    """
    owner = session.get_one(Authority, application.authority)
    lead = by or accounts.caller(session, application.decided_by or "")
    found = [(owner, lead)]
    if not application.joint:
        return found
    for row in of(session, application.id):
        authority = session.get_one(Authority, row.authority)
        if row.by is None:
            raise ConsentMissing(f"{authority.name}尚未同意 / {authority.name} has not agreed yet")
        found.append((authority, accounts.caller(session, row.by)))
    return found
