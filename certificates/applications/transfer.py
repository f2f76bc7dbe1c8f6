"""A licence that comes from another region: its file or QR code is verified before an application
may follow it.

What fails is refused. What cannot be decided (no trust list at hand, a masked holder on a QR code)
waits for a reviewer's stated reason. That the other region says "transferred out" is no fault here:
it is what it should say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from certificates import holders, holders_shown, identifier
from certificates.applications.models import TransferCheck
from certificates.applications.refusals import HolderDiffers, check_reason
from certificates.evidence import Knowledge
from certificates.licence_type import LicenceType
from certificates.verify import verify_file
from certificates.verify_claim import Verification, verify_claim
from certificates.verify_content import ATTACHMENT, ATTACHMENT_MAX, read_content
from seal.pdf import attachments, document
from trust.access import Caller
from trust.errors import Conflict, Invalid
from trust.report import Check, Outcome

#: The other region's word for a licence that left it.
_LEFT: Final = "other_state"
#: A finding of our own: the code names a masked holder, so that it is not known to be the same one.
MASKED: Final = "holder_masked"
FINDINGS_MAX: Final = 40
_VEILED: Final = frozenset("*…")


class TransferRefused(Conflict):
    """The other region's licence does not hold; the message names the findings."""

    code = "transfer_refused"


class TransferNotSettled(Conflict):
    """The check left something open, and no reviewer has said why it may pass."""

    code = "transfer_not_settled"


class AlreadyTransferred(Conflict):
    """Another application here follows the same licence."""

    code = "already_transferred"


@dataclass(frozen=True, slots=True)
class Judged:
    """A licence of another region as it was verified. Of the holders either the codes are known,
    from the file, or the name that its QR code shows."""

    licence: str
    region: str
    how: str
    outcome: Outcome
    findings: tuple[str, ...]
    at: datetime
    holder_codes: frozenset[str] = frozenset()
    holder_shown: str = ""


def judge(
    licence: str, *, file: bytes | None, qr_text: str | None, knowledge: Knowledge, region: str,
    at: datetime,
) -> Judged:  # fmt: skip
    """Verify what was handed in of the licence `licence`; `region` is ours. No transaction: another
    region may be asked. Raises Invalid (nothing handed in) or TransferRefused.
    """
    if (file is None) == (qr_text is None):
        raise Invalid(
            "须提交原证照文件或二维码文本之一 / hand in the licence's file, or its QR code's text"
        )
    if file is not None:
        report = verify_file(file, knowledge, at=at)
    else:
        report = verify_claim(qr_text or "", knowledge, at=at)
    failures = [each.code for each in report.checks if _fails(each)]
    shown = report.licence
    if failures or shown is None:
        raise _refused(failures or ["no_licence"])
    if "copy_number" in shown:  # made for one purpose, which is another
        raise _refused(["copy_claim"])
    if shown["identifier"] != licence:
        raise _refused(["identifier_wrong"])
    if shown.get("region") in (None, region):
        raise _refused(["same_region"])
    codes = _holder_codes(file) if file is not None else frozenset()
    open_ = [each.code for each in report.checks if each.outcome is Outcome.INDETERMINATE]
    return Judged(
        licence=licence, region=str(shown["region"]), how="pdf" if file is not None else "qr",
        outcome=Outcome.INDETERMINATE if open_ else Outcome.PASSED,
        findings=tuple(open_ or _left(report))[:FINDINGS_MAX], at=at, holder_codes=codes,
        holder_shown=str(shown.get("holder", "")),
    )  # fmt: skip


def _fails(check: Check) -> bool:
    return check.outcome is Outcome.FAILED and check.code != _LEFT


def _left(report: Verification) -> list[str]:
    return [each.code for each in report.checks if each.code == _LEFT]


def _refused(findings: list[str]) -> TransferRefused:
    named = ", ".join(dict.fromkeys(findings[:8]))
    return TransferRefused(
        f"原证照核验未通过：{named} / the other region's licence does not hold: {named}"
    )


def _holder_codes(file: bytes) -> frozenset[str]:
    """From licence.json of a file whose seals were found good a moment ago."""
    raw = attachments.find(document.read(file).at(1), ATTACHMENT, cap=ATTACHMENT_MAX)
    content = read_content(raw or b"")["licence"]
    return frozenset(holder.code for holder in holders.of(content))


def require_same_type(judged: Judged, licence_type: LicenceType) -> None:
    """TransferRefused unless it is a licence of the type that is applied for."""
    if identifier.parse(judged.licence).type_code != licence_type.code:
        raise _refused(["other_type"])


def with_holder(judged: Judged, licence_type: LicenceType, content: Mapping[str, object]) -> Judged:
    """The judgement with what the holders add to it: HolderDiffers when they are others; a name
    that is only seen masked leaves it open whether it is the same person."""
    if judged.holder_codes:
        if judged.holder_codes != {holder.code for holder in holders.of(content)}:
            raise _other_holder()
        return judged
    shown = holders_shown.shown(licence_type, content)
    if judged.holder_shown != shown:
        raise _other_holder()
    if not _VEILED.intersection(shown):
        return judged
    return Judged(
        judged.licence, judged.region, judged.how, Outcome.INDETERMINATE,
        (*judged.findings, MASKED)[:FINDINGS_MAX], judged.at, judged.holder_codes,
        judged.holder_shown,
    )  # fmt: skip


def _other_holder() -> HolderDiffers:
    return HolderDiffers(
        "持证主体与原证照不一致 / the other region's licence belongs to another holder"
    )


def keep(session: Session, application: UUID, judged: Judged) -> None:
    """The finding, beside its application. AlreadyTransferred: a constraint decides, so that one
    licence comes over once."""
    values = {
        "application": application, "licence": judged.licence, "outcome": str(judged.outcome),
        "how": judged.how, "region": judged.region, "findings": list(judged.findings),
        "made_at": judged.at, "reason": None, "settled_by": None, "settled_at": None,
    }  # fmt: skip
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    done = session.execute(
        insert(TransferCheck)
        .values(**values)
        .on_conflict_do_update(
            index_elements=["licence"], set_=values,
            where=TransferCheck.application == application,
        )
        .returning(TransferCheck.application)
    ).first()  # fmt: skip
    if done is None:
        raise AlreadyTransferred(
            "原证照已申请转入 / an application here follows the same licence already"
        )


def release(session: Session, application: UUID) -> None:
    """An application that ended lets the licence go: another one may follow it."""
    session.execute(
        update(TransferCheck).where(TransferCheck.application == application).values(licence=None)
    )


def settle(session: Session, application: UUID, reason: str, *, by: Caller, at: datetime) -> None:
    """A reviewer says why an INDETERMINATE check may pass; ReasonNeeded."""
    found = session.get(TransferCheck, application)
    if found is None or found.outcome == Outcome.PASSED:
        return
    found.reason = check_reason(
        reason, what=("核验未定仍予通过的理由", "the reason why it may pass")
    )
    found.settled_by, found.settled_at = by.account, at


def require_settled(session: Session, application: UUID) -> None:
    """TransferNotSettled while what the check left open has no reviewer's reason."""
    found = session.execute(
        select(TransferCheck.outcome, TransferCheck.reason).where(
            TransferCheck.application == application
        )
    ).one_or_none()
    if found is None or (found.outcome != Outcome.PASSED and not found.reason):
        raise TransferNotSettled(
            "原证照核验结论未定，须由审核人员说明理由 / "
            "the check of the other region's licence left something open: a reviewer says why it "
            "may pass"
        )


def of(session: Session, application: UUID) -> TransferCheck | None:
    """The check that an application brought with it."""
    return session.get(TransferCheck, application)
