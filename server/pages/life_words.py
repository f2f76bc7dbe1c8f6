"""The words of the pages for applications and licences: Chinese, then English, by code."""

from typing import Final

from certificates.content import InvalidField
from certificates.licence_type import LicenceType
from server.pages import desk_words
from trust.errors import TrustError

Words = tuple[str, str]

#: Of applications and licences: words, and the mood of their badge.
STATES: Final[dict[str, tuple[str, str, str]]] = {
    "entered": ("已录入", "entered", "unsure"),
    "returned": ("退回补正", "returned", "bad"),
    "checked": ("已审查", "checked", "unsure"),
    "reviewed": ("已审核", "reviewed", "unsure"),
    "approved": ("已批准", "approved", "unsure"),
    "issuing": ("签发中", "being issued", "unsure"),
    "issued": ("已签发", "issued", "good"),
    "refused": ("不予许可", "refused", "bad"),
    "withdrawn": ("已撤回", "withdrawn", ""),
    "active": ("有效", "active", "good"),
    "suspended": ("已暂扣", "suspended", "bad"),
    "rescinded": ("已撤销", "rescinded", "bad"),
    "revoked": ("已吊销", "revoked", "bad"),
    "cancelled": ("已注销", "cancelled", "bad"),
    "replaced": ("已换发", "replaced", ""),
    "transferred_out": ("已转出", "transferred out", ""),
}
KINDS: Final[dict[str, Words]] = {
    "new": ("新办", "new"),
    "reissue": ("换发、变更、延续", "re-issue"),
    "transfer_in": ("外地转入", "transfer in"),
    "stock": ("存量登记", "old stock"),
}
PARTS: Final[dict[str, Words]] = {
    "own": ("本机构", "Own"),
    "acting": ("受托代办", "Acting for others"),
    "joint": ("联合颁发", "Joint"),
}
CAUSES: Final[dict[str, Words]] = {
    "1": ("一般注销", "ordinary"),
    "2": ("错发", "issued in error"),
}
OUTCOMES: Final[dict[str, tuple[str, str, str]]] = {
    "PASSED": ("通过", "passed", "good"),
    "INDETERMINATE": ("未定", "open", "unsure"),
}
DONE: Final[dict[str, Words]] = {
    "entered": ("申请已录入。", "The application is entered."),
    "corrected": ("已补正，重新办理。", "Corrected; it begins again."),
    "check": ("已审查。", "Checked."),
    "review": ("已审核。", "Reviewed."),
    "approve": ("已批准。", "Approved."),
    "return": ("已退回补正。", "Returned for correction."),
    "refuse": ("已决定不予许可。", "Refused."),
    "withdraw": ("申请已撤回。", "Withdrawn."),
    "consent": ("本机构已同意。", "Your authority has agreed."),
    "issue": ("证照已签发。", "The licence is issued."),
    "suspend": ("证照已暂扣，立即生效。", "Suspended, at once."),
    "resume": ("证照已恢复有效。", "Active again."),
    "rescind": ("证照已撤销。", "Rescinded."),
    "revoke": ("证照已吊销。", "Revoked."),
    "cancel": ("证照已注销。", "Cancelled."),
    "transfer_out": ("证照已转出。", "Transferred out."),
}
#: GB/T 36903-2018: what is common to all types.
COMMON: Final[dict[str, Words]] = {
    "CZZT": ("持证主体", "Holder"),
    "CZZTDM": ("持证主体代码", "Holder's code"),
    "CZZTDMLX": ("代码类型", "Kind of code"),
    "CZZTDMLXDM": ("代码类型", "Kind of code"),
    "ZZBH": ("证照编号", "Licence number"),
    "ZZBFRQ": ("颁发日期", "Date of issue"),
    "ZZYXQQSRQ": ("有效期起", "Valid from"),
    "ZZYXQJZRQ": ("有效期止", "Valid until"),
}


def state(code: str) -> tuple[str, str, str]:
    return STATES.get(str(code), (str(code), str(code), ""))


def label(licence_type: LicenceType, name: str) -> Words:
    """What a field is called."""
    found = licence_type.extension(name)
    if found is not None:
        return found.zh, found.en
    if name == "CZZT":
        return licence_type.holder_zh, licence_type.holder_en
    return COMMON.get(name, (name, name))


def refusal(error: TrustError, licence_type: LicenceType | None = None) -> Words:
    """Why something was refused; a field is named as the form names it."""
    if isinstance(error, InvalidField) and licence_type is not None:
        zh, en = label(licence_type, error.field)
        rule_zh, slash, rule_en = error.rule.partition(" / ")
        return (f"{zh}：{rule_zh if slash else '不符合规定，请核对。'}",
                f"{en}: {rule_en if slash else error.rule}")  # fmt: skip
    zh, slash, en = str(error).partition(" / ")
    if slash and not zh.isascii():
        return zh + "。", en
    return desk_words.refusal(error)
