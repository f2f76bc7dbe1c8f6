"""How sure we are of who somebody is: evidence per method; the level is the maximum in force.

docs/identity-levels.md has the table for people. Evidence is never prolonged: a new check makes a
new row. Every raise and every withdrawal is in the audit log.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from sso.people_models import Evidence
from sso.policy import LEVELS
from trust import audit
from trust.access import Caller
from trust.crypto.hashes import sha256
from trust.errors import Invalid, NotFound

SOURCE_MAX: Final = 64


class UnknownMethod(Invalid):
    code = "unknown_assurance_method"


@dataclass(frozen=True, slots=True)
class Method:
    """A way to find out who somebody is: the level it gives and the longest it does.

    `level` None: the evidence says its own (what another system had found out).
    """

    level: int | None
    life: timedelta | None
    zh: str
    en: str


_YEAR: Final = timedelta(days=365)
METHODS: Final[dict[str, Method]] = {
    "self_declared": Method(0, None, "自行申报", "declared by the person"),
    "population_match": Method(1, 3 * _YEAR, "人口库两要素比对", "name and number match"),
    "entity_match": Method(1, _YEAR, "法人库比对", "entity, name and representative match"),
    "face": Method(2, _YEAR, "人脸比对", "face compared with the document's"),
    "bank_card": Method(2, _YEAR, "银行卡四要素", "bank card, four items"),
    "wallet_eid": Method(2, _YEAR, "钱包电子身份", "wallet e-ID"),
    "representative_face": Method(2, _YEAR, "法定代表人人脸比对", "representative's face"),
    "certificate": Method(3, _YEAR, "数字证书", "digital certificate"),
    "counter": Method(3, 3 * _YEAR, "窗口核验", "checked at a counter"),
    "imported": Method(None, _YEAR, "转入", "found out by another system"),
}


def add_evidence(
    session: Session, account_name: str, method: str, *, by: Caller, at: datetime, source: str = "",
    reference: str = "", level: int | None = None, expires_at: datetime | None = None,
) -> Evidence:  # fmt: skip
    """Evidence obtained `at`, inside the caller's transaction.

    `level` is for "imported" only. `expires_at` may shorten the method's life (a certificate that
    ends), never lengthen it. `source` names who checked, `reference` the check at the source (kept
    as a digest). UnknownMethod or Invalid.
    """
    known = METHODS.get(method)
    if known is None:
        raise UnknownMethod("no such way to prove who somebody is")
    given = _level_given(known, level)
    if len(source) > SOURCE_MAX or (source and not source.isprintable()):
        raise Invalid(f"the source of evidence is at most {SOURCE_MAX} printable characters")
    ends = [end for end in (known.life and at + known.life, expires_at) if end is not None]
    row = Evidence(
        account=account_name, method=method, level=given, source=source, obtained_at=at,
        reference=sha256(reference.encode()) if reference else None,
        expires_at=min(ends) if ends else None,
    )  # fmt: skip
    before = level_in_force(session, account_name, at=at)
    session.add(row)
    session.flush()
    details: dict[str, audit.JSON] = {
        "method": method, "level": given, "source": source, "before": before,
        "after": max(before, given),
    }  # fmt: skip
    audit.record(session, "assurance.raised", subject=account_name, by=by, at=at, details=details)
    return row


def _level_given(method: Method, level: int | None) -> int:
    if method.level is not None:
        if level not in (None, method.level):
            raise Invalid("the method itself says which level it gives")
        return method.level
    if level not in LEVELS:
        raise Invalid("imported evidence says its level, 0 to 3")
    return level


_IN_FORCE: Final = (
    Evidence.account == bindparam("wanted"),
    Evidence.withdrawn_at.is_(None),
    Evidence.obtained_at <= bindparam("now"),
    or_(Evidence.expires_at.is_(None), Evidence.expires_at > bindparam("now")),
)
# Built once: every login asks, and building a statement costs as much as running it.
_LEVEL: Final = select(func.max(Evidence.level)).where(*_IN_FORCE)


def level_in_force(session: Session, account_name: str, *, at: datetime) -> int:
    """0 to 3: the highest level that evidence gives at a time; 0 without any."""
    values = {"wanted": account_name, "now": at}
    found: int | None = session.connection().scalar(_LEVEL, values)
    return found or 0


#: The name by which other modules ask.
level = level_in_force


def evidence(session: Session, account_name: str, at: datetime) -> list[Evidence]:
    """The evidence in force at a time, the highest level and then the newest first."""
    order = (Evidence.level.desc(), Evidence.obtained_at.desc(), Evidence.id.desc())
    return list(
        session.scalars(
            select(Evidence).where(*_IN_FORCE).order_by(*order),
            {"wanted": account_name, "now": at},
        )
    )


def withdraw(
    session: Session, account_name: str, evidence_id: int, *, reason: str, by: Caller, at: datetime
) -> None:
    """Evidence that proved wrong counts no more; NotFound if it is not there or did not already."""
    found = session.scalar(
        update(Evidence)
        .where(
            Evidence.id == evidence_id,
            Evidence.account == account_name,
            Evidence.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=at)
        .returning(Evidence.method)
    )
    if found is None:
        raise NotFound("no such evidence in force")
    details: dict[str, audit.JSON] = {"method": found, "reason": reason[:200]}
    audit.record(
        session, "assurance.withdrawn", subject=account_name, by=by, at=at, details=details
    )
