"""What happens to an application after its entry: checked, reviewed, approved, returned, refused,
withdrawn; each step has its person, and who took part before does not decide.

One statement decides each step, so that of two at once one is refused.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import Table, and_, bindparam, exists, insert, not_, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from certificates.applications import issuing_grants, joint, previous, transfer
from certificates.applications.refusals import (
    ContentChanged,
    NotOfAuthority,
    OwnApplication,
    StepsMissing,
    WrongRole,
    WrongState,
    check_reason,
)
from certificates.licence_type import Step
from certificates.licence_types import registry as type_registry
from certificates.models import (
    Application,
    ApplicationKind,
    ApplicationState,
    ApplicationStep,
)
from trust import audit
from trust.access import Caller, Role
from trust.errors import NotFound

_S = ApplicationState
_APPLICATION = cast(Table, Application.__table__)
_STEP = cast(Table, ApplicationStep.__table__)
_ADD_STEP: Final = insert(_STEP)
_LATER = _STEP.alias("later")
#: By these steps somebody makes an application their own: whoever entered or corrected it for good,
#: who checked or reviewed it until it was returned.
_TOOK_PART: Final = exists().where(
    _STEP.c.application == bindparam("key"), _STEP.c.by == bindparam("account"),
    or_(
        _STEP.c.state == _S.ENTERED,
        and_(
            _STEP.c.state.in_((_S.CHECKED, _S.REVIEWED)),
            ~exists().where(
                _LATER.c.application == _STEP.c.application, _LATER.c.state == _S.RETURNED,
                _LATER.c.id > _STEP.c.id,
            ),
        ),
    ),
)  # fmt: skip
_MOVE: Final = (
    update(_APPLICATION)
    .where(_APPLICATION.c.id == bindparam("key"),
           _APPLICATION.c.state.in_(bindparam("before", expanding=True)),
           _APPLICATION.c.revision == bindparam("seen"))
    .returning(_APPLICATION.c.id)
)  # fmt: skip
_DECIDE: Final = _MOVE.where(_APPLICATION.c.entered_by != bindparam("account"), not_(_TOOK_PART))
_OPEN: Final = (_S.ENTERED, _S.CHECKED, _S.REVIEWED, _S.APPROVED)
_UNDECIDED: Final = (_S.ENTERED, _S.CHECKED, _S.REVIEWED)


def check(
    session: Session, key: UUID, *, by: Caller, at: datetime, note: str = "",
    revision: int | None = None,
) -> Application:  # fmt: skip
    """Check (审查) an entered application, by somebody who did not enter it."""
    found = _find(session, key, by, at, roles={Role.CLERK, Role.APPROVER}, revision=revision)
    _step(session, found, (_S.ENTERED,), _S.CHECKED, by=by, at=at, note=note)
    audit.record(session, "application.checked", subject=str(key), by=by, at=at)
    return found


def review(
    session: Session, key: UUID, *, by: Caller, at: datetime, note: str = "",
    revision: int | None = None,
) -> Application:  # fmt: skip
    """Review (审核) an application, by an approver who neither entered nor checked it.

    `note` is owed (ReasonNeeded) where the check of a transferred licence left something open: it
    is the reason why it may pass.
    """
    found = _find(session, key, by, at, roles={Role.APPROVER}, revision=revision)
    wanted = type_registry.of(session, found.type_code, found.type_version).steps
    before = (_S.CHECKED,) if Step.CHECK in wanted else (_S.ENTERED, _S.CHECKED)
    _step(session, found, before, _S.REVIEWED, by=by, at=at, note=note)
    if found.kind == ApplicationKind.TRANSFER_IN:
        transfer.settle(session, key, note, by=by, at=at)
    audit.record(session, "application.reviewed", subject=str(key), by=by, at=at)
    return found


def approve(
    session: Session, key: UUID, *, by: Caller, at: datetime, revision: int | None = None
) -> Application:
    """Approve, inside the caller's transaction: not who entered, checked or reviewed it.

    `revision` is the one that was looked at: ContentChanged when it was corrected since. Raises
    NotFound, NotOfAuthority, NotGrantedToAct, WrongRole, OwnApplication, StepsMissing, WrongState,
    TransferNotSettled, LicenceNotInForce.
    """
    found = _find(session, key, by, at, roles={Role.APPROVER}, revision=revision)
    wanted = type_registry.of(session, found.type_code, found.type_version).steps
    if Step.REVIEW in wanted:
        before: tuple[_S, ...] = (_S.REVIEWED,)
    else:
        before = (_S.CHECKED, _S.REVIEWED) if Step.CHECK in wanted else _UNDECIDED
    if found.state in _UNDECIDED and found.state not in before:
        raise StepsMissing(
            "该类型须先审查、审核再审批 / the type wants its check and review before the approval"
        )
    previous.require_still(session, found)
    _step(session, found, before, _S.APPROVED, by=by, at=at, decided_by=by.account, decided_at=at)
    audit.record(session, "application.approved", subject=str(key), by=by, at=at)
    return found


def return_(session: Session, key: UUID, *, reason: str, by: Caller, at: datetime) -> Application:
    """Return (退回补正) for correction, also by a joint authority that does not agree. What was
    agreed to so far is to be asked for anew."""
    text = check_reason(reason)
    found = _find(session, key, by, at, roles={Role.CLERK, Role.APPROVER}, joint_too=True)
    take(session, found, _OPEN, _S.RETURNED, by=by, at=at, note=text, decided_by=None,
         decided_at=None)  # fmt: skip
    if found.joint:
        joint.forget(session, key)
    audit.record(session, "application.returned", subject=str(key), by=by, at=at)
    return found


def refuse(session: Session, key: UUID, *, reason: str, by: Caller, at: datetime) -> Application:
    """Refuse (不予许可), by an approver who did not enter, check or review it."""
    text = check_reason(reason)
    found = _find(session, key, by, at, roles={Role.APPROVER})
    _step(session, found, _UNDECIDED, _S.REFUSED, by=by, at=at, note=text,
          decided_by=by.account, decided_at=at)  # fmt: skip
    if found.kind == ApplicationKind.TRANSFER_IN:
        transfer.release(session, key)
    audit.record(session, "application.refused", subject=str(key), by=by, at=at)
    return found


def withdraw(session: Session, key: UUID, *, reason: str, by: Caller, at: datetime) -> Application:
    """Withdraw (撤回) what the applicant no longer wants, before it is being issued."""
    text = check_reason(reason)
    found = _find(session, key, by, at, roles={Role.CLERK, Role.APPROVER, Role.OPERATOR})
    take(session, found, (*_OPEN, _S.RETURNED), _S.WITHDRAWN, by=by, at=at, note=text)
    if found.kind == ApplicationKind.TRANSFER_IN:
        transfer.release(session, key)
    audit.record(session, "application.withdrawn", subject=str(key), by=by, at=at)
    return found


def steps(session: Session, key: UUID) -> list[ApplicationStep]:
    """An application's way so far, the oldest step first."""
    return list(
        session.scalars(
            select(ApplicationStep)
            .where(ApplicationStep.application == key)
            .order_by(ApplicationStep.id)
        )
    )


def require_party(session: Session, application: Application, *, by: Caller, at: datetime) -> None:
    """Return when the caller acts for the application's authority, or for one that handles it by a
    grant in force; NotOfAuthority, NotGrantedToAct."""
    if by.authority is not None and by.authority == application.authority:
        return
    if by.authority is None or by.authority != application.acting:
        raise NotOfAuthority("只能办理本机构的申请 / only the application's authority may do this")
    issuing_grants.require(
        session, application.authority, application.type_code, acting=by.authority, at=at
    )


def take(
    session: Session, application: Application, before: Collection[_S], after: _S, *, by: Caller,
    at: datetime, note: str = "", **values: Any,
) -> None:  # fmt: skip
    """Bring an application into another state and write the step; WrongState when somebody else
    has been faster, or it is in no state for it."""
    _move(session, application, _MOVE, before, after, by=by, **values)
    write_step(session, application.id, after, by=by, at=at, note=note)


def write_step(
    session: Session, key: UUID, state: _S, *, by: Caller, at: datetime, note: str = ""
) -> None:
    row = {"application": key, "state": state, "by": by.account, "at": at, "reason": note}
    session.connection().execute(_ADD_STEP, row)


def _step(
    session: Session, application: Application, before: Collection[_S], after: _S, *, by: Caller,
    at: datetime, note: str = "", **values: Any,
) -> None:  # fmt: skip
    """`take` by somebody who has not taken part before."""
    text = check_reason(note) if note.strip() else ""
    _move(session, application, _DECIDE, before, after, by=by, **values)
    write_step(session, application.id, after, by=by, at=at, note=text)


def _move(
    session: Session, application: Application, statement: Any, before: Collection[_S],
    after: _S, *, by: Caller, **values: Any,
) -> None:  # fmt: skip
    written = {"state": after, **values}
    given = {"key": application.id, "before": list(before), "seen": application.revision}
    if statement is _DECIDE:
        given["account"] = by.account
    done = session.connection().execute(statement.values(**written), given).first()
    if done is None:
        raise _lost(session, application, before, by=by)
    for name, value in written.items():
        set_committed_value(application, name, value)


def _lost(
    session: Session, application: Application, before: Collection[_S], *, by: Caller
) -> OwnApplication | WrongState:
    """Why the statement found nothing to change."""
    session.refresh(application)
    if application.state in before:
        return OwnApplication(
            "不得办理本人经手的申请 / nobody decides on an application that they took part in"
        )
    return WrongState(f"申请当前状态不允许此操作 / the application is {_S(application.state)}")


def _find(
    session: Session, key: UUID, by: Caller, at: datetime, *, roles: set[Role],
    joint_too: bool = False, revision: int | None = None,
) -> Application:  # fmt: skip
    """The application, when the caller's authority and roles allow the step."""
    found = session.get(Application, key)
    if found is None:
        raise NotFound("没有这件申请 / no such application")
    if by.roles.isdisjoint(roles):
        raise WrongRole("此步骤须由另一角色办理 / this step takes another role")
    if not (joint_too and by.authority in found.joint):
        require_party(session, found, by=by, at=at)
    if revision is not None and revision != found.revision:
        raise ContentChanged(
            "申请内容已更正，请重新查看 / the content was corrected since it was looked at"
        )
    return found
