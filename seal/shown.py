"""Rows of the seal tables in the shapes of seal.schemas; times are China's."""

from datetime import datetime

from seal import ledger, life
from seal.grant_models import SealGrant, SealUseRequest, UseState
from seal.ledger_models import SealUse
from seal.life_models import RequestState, SealRequest, SealStep
from seal.models import Seal, SealKind
from seal.schemas import (
    GrantOut,
    LedgerRowOut,
    SealOut,
    SealRequestOut,
    SealStepOut,
    UseRequestOut,
)
from trust.access import Role
from trust.clock import CHINA


def local(at: datetime) -> str:
    return at.astimezone(CHINA).isoformat(timespec="seconds")


def request_out(row: SealRequest) -> SealRequestOut:
    return SealRequestOut(
        id=row.id, seal=row.es_id, owner=row.owner, kind=SealKind(row.kind), name=row.name,
        state=RequestState(row.state), width_mm=row.width_mm, height_mm=row.height_mm,
        drawn=row.drawn, applied_by=row.applied_by, applied_at=local(row.applied_at),
        decided_by=row.decided_by,
    )  # fmt: skip


def seal_out(row: Seal, at: datetime) -> SealOut:
    return SealOut(
        seal=row.es_id, owner=row.owner, owner_name=row.owner_name, kind=SealKind(row.kind),
        name=row.name, state=life.present(row, at=at), valid_from=local(row.valid_from),
        valid_until=local(row.valid_until),
    )  # fmt: skip


def step_out(row: SealStep) -> SealStepOut:
    return SealStepOut(state=row.state, at=local(row.at), by=row.by, reason=row.reason)


def grant_out(row: SealGrant) -> GrantOut:
    return GrantOut(
        id=row.id, seal=row.seal, account=row.account, role=Role(row.role) if row.role else None,
        system=row.system, type_code=row.type_code, item=row.item, valid_from=row.valid_from,
        valid_until=row.valid_until, ceiling=row.ceiling, second_person=row.second_person,
        granted_by=row.granted_by, revoked_at=row.revoked_at,
    )  # fmt: skip


def use_out(row: SealUseRequest) -> UseRequestOut:
    return UseRequestOut(
        id=row.id, seal=row.seal, case=row.case, document=row.document, state=UseState(row.state),
        asked_by=row.asked_by, confirmed_by=row.confirmed_by,
    )  # fmt: skip


def ledger_row_out(row: SealUse) -> LedgerRowOut:
    return LedgerRowOut(**ledger.shown(row))
