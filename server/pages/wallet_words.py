"""The words of the wallet's pages: Chinese, then English, by code."""

from typing import Final

from server.pages import identity_words
from trust.errors import TrustError

Words = tuple[str, str]

#: Of licences, requests and complaints: words, and the mood of their badge.
STATES: Final[dict[str, tuple[str, str, str]]] = {
    "active": ("有效", "in force", "good"),
    "suspended": ("暂扣", "suspended", "unsure"),
    "rescinded": ("已撤销", "rescinded", "bad"),
    "revoked": ("已吊销", "revoked", "bad"),
    "cancelled": ("已注销", "cancelled", "bad"),
    "replaced": ("已换发", "replaced", "bad"),
    "transferred_out": ("已转出", "transferred out", "bad"),
    "expired": ("已过期", "expired", "bad"),
    "waiting": ("等待持证人确认", "waiting for the holder", "unsure"),
    "granted": ("已确认", "confirmed", "good"),
    "refused": ("已拒绝", "refused", "bad"),
    "shown": ("已查看", "looked at", ""),
    "open": ("待答复", "open", "unsure"),
    "accepted": ("已受理", "accepted", "good"),
    "resolved": ("已更正", "put right", "good"),
}
WHOSE: Final[dict[str, Words]] = {
    "own": ("本人", "own"),
    "company": ("所代表单位", "of a body you act for"),
    "entrusted": ("受托", "entrusted to you"),
}
#: By which way somebody looked (certificates.looks).
WAYS: Final[dict[str, Words]] = {
    "holder": ("本人查看", "by the holder"),
    "entrusted": ("受托人查看", "by an agent"),
    "showing": ("亮证", "shown by QR"),
    "grant": ("凭授权", "by your leave"),
    "duty": ("依职能", "by official duty"),
    "copy": ("制作加注件", "for a marked copy"),
    "issuer": ("颁发机构调取", "by its issuer"),
    "qr": ("核验二维码", "code verified"),
    "pdf": ("核验文件", "file verified"),
    "picture": ("核验图片", "picture verified"),
}
DONE: Final[dict[str, Words]] = {
    "confirmed": ("已确认，对方可查看一次。", "Confirmed: they may look once."),
    "refused": ("已拒绝，对方看不到内容。", "Refused: they see nothing."),
    "authorised": ("已授权。", "Leave given."),
    "taken-back": ("已收回，立即生效。", "Taken back, at once."),
    "copied": ("加注件已制作。", "The copy is made."),
    "entrusted": ("已委托。", "Entrusted."),
    "disputed": ("异议已提交颁发机构。", "Your complaint is with the issuer."),
    "answered": ("已答复。", "Answered."),
    "resolved": ("已办结。", "Put right."),
}
REFUSALS: Final[dict[str, Words]] = {
    "level_too_low": (
        "证照夹要求认证等级 2：请先在“我的账户”完成人脸核验。",
        "The wallet wants identity level 2: raise yours on your account's page first.",
    ),
    "licence_not_found": ("没有找到这张证照。", "There is no such licence of yours."),
    "may_not_dispose": (
        "只有持证人或其法定代表人可以办理。", "Only the holder, or who represents it, may do this.",
    ),
    "bad_purpose": (
        "请写明用途，不要填写证件号或手机号。", "Say what for, without identity or mobile numbers.",
    ),
    "showing_code_refused": (
        "亮证码无效、已使用或已过期，请对方重新出示。",
        "This code is not good now; ask for the one on the screen.",
    ),
    "no_showing": ("没有这个请求。", "There is no such request."),
    "showing_over": ("该请求已结束。", "This request is over."),
    "licence_not_copied": ("证照现不是有效状态，不能制作。", "The licence is not in force."),
    "too_many_copies": (
        "今日制作的加注件已达上限，请明日再试。", "You have made today's copies; try tomorrow.",
    ),
    "no_copy_seal": ("证照服务专用章暂不可用。", "The seal for copies cannot be used now."),
    "no_such_agent": (
        "没有找到可以委托的人；对方须已实名认证。", "Nobody here can be entrusted under this name.",
    ),
    "too_many_entrusted": ("委托数量已达上限。", "There are as many entrustments as may be."),
    "no_dispute": ("没有这件异议。", "There is no such complaint."),
    "dispute_decided": ("该异议已答复。", "This complaint was answered before."),
    "too_many_disputes": ("该证照的异议已达上限。", "Enough complaints about it are under way."),
    "not_its_reissue": (
        "该证照不是换发自被异议的证照。", "That licence does not follow the one complained about.",
    ),
    "invalid_identifier": ("单位代码有误，请核对。", "The code is not right."),
    "invalid": ("填写的内容不符合规定，请核对。", "Something filled in breaks a rule."),
}  # fmt: skip


def refusal(error: TrustError) -> Words:
    """Why something was refused, for the person in front of it."""
    return REFUSALS.get(error.code) or identity_words.refusal(error)


def state(code: str) -> tuple[str, str, str]:
    return STATES.get(code, (code, code, ""))


def way(code: str) -> Words:
    return WAYS.get(code, (code, code))
