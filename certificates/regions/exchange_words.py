"""The refusals of questions between regions in words: Chinese, then English, by code."""

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "bad_exchange": ("查询或答复的格式有误。", "The question or answer is malformed."),
    "question_not_for_us": ("此问是问其他地区的。", "The question is for another region."),
    "not_an_exchange_party": (
        "没有该地区的有效信任列表，或签名者不在其中。",
        "No fresh trust list of that region, or the signer is not on it.",
    ),
    "question_not_of_now": (
        "提问时间不对，请校准时钟。", "The question is not of now: compare the clocks.",
    ),
    "question_repeated": ("此问已经提过。", "This question was asked already."),
    "peer_silent": ("该地区没有应答，请稍后再试。", "The region does not answer; try again later."),
    "answer_refused": ("该地区的答复不可采信。", "The region's answer cannot be believed."),
    "peer_answer_refused": ("该地区的数据不可采信。", "What the region gave cannot be believed."),
}  # fmt: skip
