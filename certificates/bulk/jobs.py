"""A bulk job's life: begun by one person, checked row by row, released by another, done.

    checking -> checked | held -> running -> done        (any before `done`: cancelled)

The same file for the same authority, type and kind is the same job, however often it is handed in.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from certificates.applications.refusals import StepsMissing, TypeNotOfAuthority
from certificates.bulk import receipts
from certificates.bulk.models import BulkFile, BulkForm, BulkJob, BulkRow, BulkState, RowState
from certificates.licence_type import LicenceType
from certificates.models import ApplicationKind, Authority
from trust import audit
from trust.access import SYSTEM, Caller, Role
from trust.errors import Conflict, Forbidden, NotFound
from trust.vault import Vault

#: Who hands rows in: people and systems of the authority, and the operator at the machine.
ENTERS: Final = frozenset({Role.CLERK, Role.OPERATOR})
SEES: Final = ENTERS | {Role.APPROVER}
#: A job that nobody released keeps people's data no longer.
IDLE: Final = timedelta(days=30)
_OPEN: Final = (RowState.WAITING, RowState.WORKING)
_UNDECIDED: Final = (BulkState.CHECKING, BulkState.UNREADABLE, BulkState.HELD, BulkState.CHECKED)


class OwnBulkJob(Forbidden):
    code = "own_bulk_job"


class BulkHasBadRows(Conflict):
    """Nothing is issued until somebody says to go on with the good rows."""

    code = "bulk_has_bad_rows"


class BulkNotReady(Conflict):
    """The job is not in a state for that act."""

    code = "bulk_not_ready"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a file is handed in as."""

    data: bytes
    form: BulkForm
    licence_type: LicenceType
    kind: ApplicationKind = ApplicationKind.NEW

    def key(self, authority: str) -> tuple[bytes, str]:
        """SHA-256 of the file, and the job's key."""
        digest = sha256(self.data).digest()
        about = "\0".join(("", authority, self.licence_type.code, str(self.kind)))
        return digest, sha256(digest + about.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of a job by state."""

    bad: int
    waiting: int
    working: int
    issued: int
    refused: int
    dropped: int

    @property
    def open(self) -> int:
        return self.waiting + self.working

    @property
    def all(self) -> int:
        return self.bad + self.open + self.issued + self.refused + self.dropped


def begin(
    session: Session, wanted: Wanted, *, by: Caller, at: datetime, vault: Vault, system: str,
    file: bytes | None = None,
) -> BulkJob:  # fmt: skip
    """The job of this file: found, or begun in CHECKING. Forbidden, NotFound, TypeNotOfAuthority,
    StepsMissing (but for old stock, which was checked when its paper was given).

    `file` is kept, sealed, until somebody has read its rows.
    """
    owner = _owner(session, wanted, by)
    if wanted.licence_type.steps and wanted.kind != ApplicationKind.STOCK:
        raise StepsMissing(
            "该类型须逐件审查、审核，不能批量办理 / the type wants each case checked and reviewed"
        )
    digest, file_key = wanted.key(owner.code)
    if (known := _by_key(session, file_key)) is not None:
        return known
    key = uuid4()
    job = BulkJob(
        id=key, file_key=file_key, digest=digest, form=wanted.form,
        type_code=wanted.licence_type.code, authority=owner.code, kind=wanted.kind,
        state=BulkState.CHECKING, system=system, entered_by=by.account, entered_at=at,
        row_key_box=vault.seal(secrets.token_bytes(16), context=f"bulk/{key}"),
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(job)
    except IntegrityError:  # somebody handed the same file in at this very moment
        if (known := _by_key(session, file_key)) is None:
            raise
        return known
    if file is not None:
        session.add(BulkFile(job=key, box=vault.seal(file, context=f"bulk/{key}/file")))
        session.flush()
    details: dict[str, audit.JSON] = {
        "type": job.type_code, "kind": str(job.kind), "sha256": digest.hex(), "system": system,
    }  # fmt: skip
    audit.record(session, "bulk.entered", subject=str(key), by=by, at=at, details=details)
    return job


def _owner(session: Session, wanted: Wanted, by: Caller) -> Authority:
    """The caller's authority, which issues the type."""
    if by.roles.isdisjoint(ENTERS) or by.authority is None:
        raise Forbidden(
            "须由颁发机构的受理员提交 / rows are handed in by a clerk of the authority that issues"
        )
    owner = session.get(Authority, by.authority)
    if owner is None:
        raise NotFound(f"no authority {by.authority}")
    if wanted.licence_type.code not in owner.types:
        raise TypeNotOfAuthority(
            f"{owner.name}不颁发{wanted.licence_type.name} / the authority does not issue that type"
        )
    return owner


def find(session: Session, key: UUID, *, by: Caller) -> BulkJob:
    """A job of the caller's own authority; another's is not to be told from an absent one."""
    job = session.get(BulkJob, key)
    if job is None or job.authority != by.authority or by.roles.isdisjoint(SEES):
        raise NotFound(f"没有这个任务 / no bulk job {key}")
    return job


def counts(session: Session, key: UUID) -> Counts:
    found = session.execute(
        select(BulkRow.state, func.count()).where(BulkRow.job == key).group_by(BulkRow.state)
    )
    by_state: Mapping[str, int] = {str(state): count for state, count in found}
    return Counts(**{state.value: by_state.get(state.value, 0) for state in RowState})


def release(session: Session, key: UUID, *, by: Caller, at: datetime) -> BulkJob:
    """Approve all rows of a job without bad ones: OwnBulkJob, BulkHasBadRows, BulkNotReady."""
    job = _for_decision(session, key, by=by)
    if job.state == BulkState.HELD:
        zh, en = f"{job.bad} 行不合格，尚未签发", f"{job.bad} rows are bad, and none is issued"
        raise BulkHasBadRows(f"{zh} / {en}")
    return _release(session, job, before=BulkState.CHECKED, by=by, at=at)


def release_good(session: Session, key: UUID, *, by: Caller, at: datetime) -> BulkJob:
    """Approve the good rows of a job and leave out the bad ones."""
    job = _for_decision(session, key, by=by)
    before = BulkState.HELD if job.state == BulkState.HELD else BulkState.CHECKED
    return _release(session, job, before=before, by=by, at=at)


def _for_decision(session: Session, key: UUID, *, by: Caller) -> BulkJob:
    job = find(session, key, by=by)
    if not by.has(Role.APPROVER):
        raise Forbidden(
            "须由本机构的审批员放行 / an approver of the authority releases its bulk jobs"
        )
    if by.account == job.entered_by:
        raise OwnBulkJob("不得放行自己提交的任务 / nobody releases rows that they handed in")
    return job


def _release(
    session: Session, job: BulkJob, *, before: BulkState, by: Caller, at: datetime
) -> BulkJob:
    if job.bad == job.rows:
        raise BulkNotReady("没有合格的行 / the job has no good row")
    won = session.execute(
        update(BulkJob)
        .where(BulkJob.id == job.id, BulkJob.state == before)
        .values(state=BulkState.RUNNING, released_by=by.account, released_at=at)
        .returning(BulkJob.id)
    ).one_or_none()
    session.refresh(job)
    if won is None:
        raise BulkNotReady(f"任务状态不允许：{job.state} / the bulk job is {job.state}")
    details: dict[str, audit.JSON] = {"good": job.rows - job.bad, "bad": job.bad}
    audit.record(session, "bulk.released", subject=str(job.id), by=by, at=at, details=details)
    return job


def cancel(session: Session, key: UUID, *, by: Caller, at: datetime) -> BulkJob:
    """End a job: rows that nobody has begun are dropped and wiped; licences issued so far stay."""
    job = find(session, key, by=by)
    won = session.execute(
        update(BulkJob)
        .where(BulkJob.id == key, BulkJob.state.in_((*_UNDECIDED, BulkState.RUNNING)))
        .values(state=BulkState.CANCELLED, file_key=None)
        .returning(BulkJob.id)
    ).one_or_none()
    if won is None:
        raise BulkNotReady(f"任务状态不允许：{job.state} / the bulk job is {job.state}")
    session.execute(delete(BulkFile).where(BulkFile.job == key))
    session.execute(
        update(BulkRow)
        .where(BulkRow.job == key, BulkRow.state == RowState.WAITING)
        .values(state=RowState.DROPPED, content_box=None)
    )
    session.refresh(job)
    audit.record(session, "bulk.cancelled", subject=str(key), by=by, at=at)
    return job


def close(session: Session, key: UUID, *, vault: Vault, at: datetime) -> bool:
    """End a job whose last row is done: every row wiped, the digest of its receipts in the audit
    log. False when rows are open, or somebody else closed it."""
    still = select(BulkRow.number).where(BulkRow.job == key, BulkRow.state.in_(_OPEN)).exists()
    won = session.execute(
        update(BulkJob)
        .where(
            BulkJob.id == key, BulkJob.finished_at.is_(None), ~still,
            BulkJob.state.in_((BulkState.RUNNING, BulkState.CANCELLED)),
        )
        .values(finished_at=at)
        .returning(BulkJob.state)
    ).one_or_none()  # fmt: skip
    if won is None:
        return False
    state = BulkState.CANCELLED if won.state == BulkState.CANCELLED else BulkState.DONE
    session.execute(
        update(BulkRow)
        .where(BulkRow.job == key, BulkRow.content_box.is_not(None))
        .values(content_box=None)
    )
    job = session.get_one(BulkJob, key, populate_existing=True)
    digest = receipts.digest(session, job, vault=vault)
    job.state, job.receipts_digest = state, digest
    session.flush()
    found = counts(session, key)
    details: dict[str, audit.JSON] = {
        "issued": found.issued, "refused": found.refused, "bad": found.bad,
        "dropped": found.dropped, "receipts_sm3": digest.hex(),
    }  # fmt: skip
    audit.record(session, "bulk.finished", subject=str(key), by=SYSTEM, at=at, details=details)
    return True


def note_trouble(session: Session, key: UUID, trouble: str) -> None:
    """Why a job stands still, for its page; no word of a row."""
    session.execute(
        update(BulkJob)
        .where(BulkJob.id == key, BulkJob.trouble != trouble[:300])
        .values(trouble=trouble[:300])
    )


def cancel_idle(session: Session, *, at: datetime) -> int:
    """Cancel what nobody released for IDLE: people's data is kept for a purpose, not in case."""
    keys = session.scalars(
        select(BulkJob.id).where(
            BulkJob.state.in_(_UNDECIDED), BulkJob.entered_at < at - IDLE
        )
    ).all()  # fmt: skip
    for key in keys:
        job = session.get_one(BulkJob, key)
        by = Caller(SYSTEM.account, job.authority, frozenset({Role.OPERATOR}))
        cancel(session, key, by=by, at=at)
    return len(keys)


def _by_key(session: Session, file_key: str) -> BulkJob | None:
    return session.scalar(select(BulkJob).where(BulkJob.file_key == file_key))
