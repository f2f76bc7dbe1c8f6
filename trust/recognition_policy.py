"""The recognition policy in the database: read as a value, changed by administrators."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trust import audit
from trust.access import Caller
from trust.errors import Invalid
from trust.recognition import ANY, NO_CONDITIONS, Conditions, Policy, Rule, Verdict, Withdrawal
from trust.recognition_models import (
    RecognitionMapping,
    RecognitionRule,
    RecognitionWithdrawal,
)

#: A region's first rule also speaks of what it issued before it was made.
BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)
TYPE_MAX, LOCAL_MAX, ITEMS_MAX = 40, 80, 40
TYPE, FIELD = "type", "field"


class BadRule(Invalid):
    code = "bad_recognition_rule"


def load(session: Session) -> Policy:
    """All of it; some hundreds of rows."""
    rules = tuple(
        Rule(row.region, row.type_code, Verdict(row.verdict), row.since, _conditions(row))
        for row in session.scalars(select(RecognitionRule).order_by(RecognitionRule.id))
    )
    withdrawals = tuple(
        Withdrawal(row.region, row.issuer, row.effective_at, row.compromised, row.lifted_at)
        for row in session.scalars(select(RecognitionWithdrawal).order_by(RecognitionWithdrawal.id))
    )
    mapped: dict[str, dict[tuple[str, str], str]] = {TYPE: {}, FIELD: {}}
    for row in session.scalars(select(RecognitionMapping)):
        mapped[row.kind][row.region, row.local] = row.national
    return Policy(rules, withdrawals, mapped[TYPE], mapped[FIELD])


def _conditions(row: RecognitionRule) -> Conditions:
    said = row.conditions
    return Conditions(
        said.get("level"), frozenset(said.get("seal_kinds", ())), frozenset(said.get("fields", ()))
    )


def set_rule(
    session: Session, region: str, type_code: str, verdict: Verdict, *, by: Caller, at: datetime,
    conditions: Conditions = NO_CONDITIONS, since: datetime | None = None,
) -> None:  # fmt: skip
    """From `since` on (now, or always for the first of its region and type) this holds for a region
    and a national type code, `*` for any. BadRule."""
    _check_region(region)
    if not (0 < len(type_code) <= TYPE_MAX and type_code.isprintable()):
        raise BadRule(f"a type code has 1 to {TYPE_MAX} characters")
    _check_conditions(verdict, conditions)
    first = session.scalar(
        select(RecognitionRule.id).where(
            RecognitionRule.region == region, RecognitionRule.type_code == type_code
        )
    )
    begins = since or (BEGINNING if first is None else at)
    session.add(
        RecognitionRule(
            region=region, type_code=type_code, verdict=str(verdict),
            conditions=conditions.as_json(), since=begins, recorded_at=at, account=by.account,
        )
    )  # fmt: skip
    session.flush()
    audit.record(
        session, "recognition.rule_set", subject=region, by=by, at=at,
        details={"type": type_code, "verdict": str(verdict), "since": begins.isoformat(),
                 **conditions.as_json()},
    )  # fmt: skip


def _check_region(region: str) -> None:
    if region != ANY and not (len(region) == 6 and region.isascii() and region.isdigit()):
        raise BadRule("a region is six digits, or * for any")


def _check_conditions(verdict: Verdict, conditions: Conditions) -> None:
    if (verdict is Verdict.CONDITIONAL) != (conditions != NO_CONDITIONS):
        raise BadRule("conditions belong to a conditional rule, which has at least one")
    if conditions.level is not None and conditions.level not in (1, 2, 3):
        raise BadRule("a level is 1, 2 or 3")
    for each in (*conditions.seal_kinds, *conditions.fields):
        if not (0 < len(each) <= LOCAL_MAX and each.isprintable()) or "," in each:
            raise BadRule(f"a seal kind or field has 1 to {LOCAL_MAX} characters and no comma")
    if len(conditions.seal_kinds) > ITEMS_MAX or len(conditions.fields) > ITEMS_MAX:
        raise BadRule(f"at most {ITEMS_MAX} seal kinds and fields")


def map_code(
    session: Session, region: str, kind: str, local: str, national: str, *, by: Caller,
    at: datetime,
) -> None:  # fmt: skip
    """A region's own name of a type or a field means the national one; empty: it means itself
    again. BadRule."""
    _check_region(region)
    if kind not in (TYPE, FIELD) or region == ANY:
        raise BadRule("a mapping is of a type or a field, and of one region")
    for each in (local, national or "-"):
        if not (0 < len(each) <= LOCAL_MAX and each.isprintable()):
            raise BadRule(f"a code has 1 to {LOCAL_MAX} characters")
    session.execute(
        delete(RecognitionMapping).where(
            RecognitionMapping.region == region, RecognitionMapping.kind == kind,
            RecognitionMapping.local == local,
        )
    )  # fmt: skip
    if national:
        session.add(RecognitionMapping(region=region, kind=kind, local=local, national=national))
    session.flush()
    audit.record(
        session, "recognition.mapped", subject=region, by=by, at=at,
        details={"kind": kind, "local": local, "national": national},
    )  # fmt: skip
