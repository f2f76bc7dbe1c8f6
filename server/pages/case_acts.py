"""What may be done with an application next, by whom: for the buttons of its page. The verbs decide
again; a button that is not there is no lock."""

from collections.abc import Sequence
from typing import Final

from certificates.applications.models import JointConsent
from certificates.licence_type import LicenceType, Step
from certificates.models import Application, ApplicationState, ApplicationStep
from server.pages.life_frame import LifeAct
from trust.access import Caller, Role

_S = ApplicationState
CORRECT: Final = LifeAct("correct", ("补正", "Correct"), ("", ""))
ACTS: Final = {
    act.name: act
    for act in (
        LifeAct("check", ("审查", "Check"),
                ("核对申请内容与材料。录入人不得审查本人录入的申请。",
                 "Content and documents are compared, by somebody who did not enter it."),
                ("note",)),
        LifeAct("review", ("审核", "Review"),
                ("转入申请的核验结论未定时，须在意见中说明仍予通过的理由。",
                 "Where the check of a transferred licence left something open, the note says why "
                 "it may pass."),
                ("note",)),
        LifeAct("approve", ("批准", "Approve"), ("", "")),
        LifeAct("consent", ("同意联合颁发", "Agree to the joint licence"), ("", "")),
        LifeAct("issue", ("签发证照", "Issue the licence"), ("", "")),
        LifeAct("return", ("退回补正", "Return for correction"),
                ("退回后由受理员补正，重新办理；联合颁发机构须重新同意。",
                 "A clerk corrects it and it begins again; joint authorities agree anew."),
                ("reason",), frozenset({"reason"}), quiet=True),
        LifeAct("refuse", ("不予许可", "Refuse"),
                ("申请到此结束；可以重新申请。", "It ends here; there may be another application."),
                ("reason",), frozenset({"reason"}), for_good=True, quiet=True),
        LifeAct("withdraw", ("撤回申请", "Withdraw"),
                ("申请人不再需要；申请到此结束。", "Nobody wants it any more; it ends here."),
                ("reason",), frozenset({"reason"}), quiet=True),
    )
}  # fmt: skip
_BEFORE_DECISION: Final = (_S.ENTERED, _S.CHECKED, _S.REVIEWED)


def is_party(row: Application, by: Caller) -> bool:
    """Whether the caller's authority handles it, for itself or for the other."""
    return by.authority is not None and by.authority in (row.authority, row.acting)


def allowed(
    row: Application, licence_type: LicenceType, steps: Sequence[ApplicationStep],
    consents: Sequence[JointConsent], *, by: Caller,
) -> list[LifeAct]:  # fmt: skip
    """The next acts of this person, the likeliest first."""
    names = []
    if is_party(row, by):
        names = _of_party(row, licence_type, _took_part(row, steps), consents, by)
    mine = [each for each in consents if each.authority == by.authority]
    if mine and by.has(Role.APPROVER) and row.state in (*_BEFORE_DECISION, _S.APPROVED):
        names += ["consent"] if mine[0].by is None and by.account != row.entered_by else []
        names += ["return"] if "return" not in names else []
    return [ACTS[name] for name in names]


def _took_part(row: Application, steps: Sequence[ApplicationStep]) -> set[str]:
    """Who entered or corrected it, and who checked or reviewed it since it was last returned."""
    found = {row.entered_by}
    for step in reversed(steps):
        if step.state == _S.RETURNED:
            break
        if step.state in (_S.CHECKED, _S.REVIEWED):
            found.add(step.by)
    return found | {step.by for step in steps if step.state == _S.ENTERED}


def _of_party(
    row: Application, licence_type: LicenceType, took_part: set[str],
    consents: Sequence[JointConsent], by: Caller,
) -> list[str]:  # fmt: skip
    names: list[str] = []
    fresh, approver = by.account not in took_part, by.has(Role.APPROVER)
    wants_check = Step.CHECK in licence_type.steps
    if fresh and approver and row.state in _ready(licence_type):
        names.append("approve")
    if (
        fresh
        and approver
        and row.state in ((_S.CHECKED,) if wants_check else (_S.ENTERED, _S.CHECKED))
    ):
        names.append("review")
    if fresh and row.state == _S.ENTERED:
        names.append("check")
    if row.state == _S.APPROVED and approver and by.account != row.entered_by:
        names += ["issue"] if all(each.by is not None for each in consents) else []
    if row.state in (*_BEFORE_DECISION, _S.APPROVED):
        names.append("return")
    if fresh and approver and row.state in _BEFORE_DECISION:
        names.append("refuse")
    if row.state in (*_BEFORE_DECISION, _S.APPROVED, _S.RETURNED):
        names.append("withdraw")
    return names


def _ready(licence_type: LicenceType) -> tuple[ApplicationState, ...]:
    """States from which the type lets an application be approved."""
    if Step.REVIEW in licence_type.steps:
        return (_S.REVIEWED,)
    if Step.CHECK in licence_type.steps:
        return (_S.CHECKED, _S.REVIEWED)
    return _BEFORE_DECISION
