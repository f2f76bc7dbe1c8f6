"""The sentence of every reason of `trust.recognition`, Chinese and English. Codes are API."""

from typing import Final

Words = tuple[str, str]

REASONS: Final[dict[str, Words]] = {
    "recognised_fully": ("本地区完全互认。", "Recognised here without conditions."),
    "conditions_met": ("符合本地区的互认条件。", "It meets the conditions for recognition here."),
    "no_rule": ("本地区尚未规定是否互认。", "No rule here says whether it is recognised."),
    "type_not_recognised": ("本地区不互认此类证照。", "This type is not recognised here."),
    "withdrawn": (
        "颁发时本地区已停止互认该地区或该机关。",
        "Recognition of its region or issuer had ended when it was issued.",
    ),
    "withdrawn_compromised": (
        "该地区或该机关的密钥已不可信，其全部证照不予互认。",
        "Its region or issuer is compromised: nothing it issued is recognised.",
    ),
    "issue_time_unknown": (
        "已停止互认，且不知颁发时间。",
        "Recognition has ended, and the time of issue is not known.",
    ),
    "condition_level": ("须核验持证人达到等级 {}。", "The holder must be proved at level {}."),
    "condition_seal": ("须加盖印章：{}。", "It must bear a seal of a kind: {}."),
    "condition_field": ("须载明：{}。", "It must state: {}."),
}


def words(reason: str) -> Words:
    """The sentences of a reason as a decision gives it, its detail put in."""
    code, _, detail = reason.partition(":")
    zh, en = REASONS[code]
    return zh.format(detail), en.format(detail)
