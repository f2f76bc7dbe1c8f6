"""The words of the pages for seals and certificates: Chinese, then English, by code."""

from typing import Final

from certificates.share import words as share_words
from server.pages import identity_words, trust_words, wallet_words
from trust.errors import TrustError

Words = tuple[str, str]

KINDS: Final[dict[str, Words]] = {
    "statutory": ("法定名称章", "statutory name"),
    "department": ("部门章", "department"),
    "branch": ("分支机构章", "branch"),
    "licence": ("电子证照专用章", "licences"),
    "special": ("业务专用章", "special purpose"),
    "personal": ("个人名章", "personal"),
}
RANKS: Final[dict[str, Words]] = {
    "special": ("专用章", "special seal"),
    "department": ("政府部门", "department of a government"),
    "internal-body": ("内设机构", "internal body"),
    "township": ("乡镇、街道", "township"),
    "enterprise": ("企事业单位", "enterprise or institution"),
    "local-government": ("地方人民政府（须上传）", "local government (uploaded)"),
    "commissioners-office": ("行政公署", "commissioner's office"),
    "coordination-body": ("议事协调机构", "coordination body"),
    "national-bureau": ("国家局（须上传）", "national bureau (uploaded)"),
    "vice-ministry": ("副部级机构（须上传）", "vice ministry (uploaded)"),
    "ministry": ("部委（须上传）", "ministry (uploaded)"),
    "province": ("省级人民政府（须上传）", "province (uploaded)"),
    "foreign-affairs": ("外事机构（须上传）", "foreign affairs (uploaded)"),
    "state-council": ("国务院（须上传）", "State Council (uploaded)"),
}
#: Of seals, applications, certificates and uses: words, and the mood of their badge.
STATES: Final[dict[str, tuple[str, str, str]]] = {
    "applied": ("待审批", "applied", "unsure"),
    "approved": ("已批准", "approved", "unsure"),
    "refused": ("不予批准", "refused", "bad"),
    "made": ("已制作", "made", "unsure"),
    "filed": ("已备案", "filed", "unsure"),
    "active": ("使用中", "active", "good"),
    "frozen": ("已冻结", "frozen", "bad"),
    "expired": ("已过期", "expired", "bad"),
    "cancelled": ("已注销", "cancelled", "bad"),
    "invalid": ("无效", "invalid", "bad"),
    "asked": ("待确认", "asked", "unsure"),
    "confirmed": ("已确认", "confirmed", "good"),
    "spent": ("已使用", "spent", ""),
}
CERTIFICATE_STATES: Final[dict[str, tuple[str, str, str]]] = {
    "reserved": ("已占号", "reserved", ""),
    "issued": ("有效", "in force", "good"),
    "held": ("已暂停", "on hold", "unsure"),
    "revoked": ("已吊销", "revoked", "bad"),
    "abandoned": ("已放弃", "abandoned", ""),
    "over": ("已到期", "expired", ""),
}
RESULTS: Final[dict[str, tuple[str, str, str]]] = {
    "used": ("已用印", "used", "good"),
    "refused": ("已拒绝", "refused", "bad"),
    "abandoned": ("已放弃", "abandoned", "unsure"),
}
REASONS: Final[dict[str, Words]] = {
    "unspecified": ("未说明", "unspecified"),
    "key_compromise": ("密钥泄露", "keyCompromise"),
    "ca_compromise": ("CA 密钥泄露", "cACompromise"),
    "affiliation_changed": ("名称或隶属变更", "affiliationChanged"),
    "superseded": ("已被替换", "superseded"),
    "cessation_of_operation": ("停止使用", "cessationOfOperation"),
    "certificate_hold": ("暂停", "certificateHold"),
}
#: What here stands or falls with a certificate.
USES: Final[dict[str, Words]] = {
    "ca": (
        "此为 CA 的证书，其下全部证书随之失效",
        "The certificate of a CA: all below it fall too",
    ),
    "signer": ("平台签名密钥的证书", "The certificate of the platform's signer"),
    "seal": ("印章的证书", "The certificate of a seal"),
}
#: Steps of making that the platform itself explains.
STEP_REASONS: Final[dict[str, str]] = {
    "entered in the region's register": "已录入本地区印章登记",
    "handed over to its owner": "已交付所有者",
}
#: What was done a moment ago, by the word that stands in the address.
DONE: Final[dict[str, Words]] = {
    "applied": ("申请已提交。", "The application is entered."),
    "approve": ("已批准。", "Approved."),
    "refuse": ("已决定不予批准。", "Refused."),
    "make": ("印章已制作、备案并启用。", "The seal is made, filed and in force."),
    "freeze": ("印章已冻结，立即生效。", "Frozen, at once."),
    "unfreeze": ("印章已解冻。", "The seal seals again."),
    "cancel": ("印章已注销，证书已吊销。", "Cancelled; its certificates are revoked."),
    "invalidate": ("印章已标记无效。", "Marked invalid."),
    "remake": ("印章已重新制作。", "Made anew."),
    "granted": ("已授权。", "Granted."),
    "taken-back": ("授权已收回。", "The grant was taken back."),
    "asked": ("已申请，等待另一人确认。", "Asked; another person confirms it."),
    "confirmed": ("已确认，24 小时内有效。", "Confirmed, for 24 hours."),
    "hold": ("证书已暂停，吊销列表已签发。", "On hold; the CRL says so."),
    "release": ("证书已恢复，吊销列表已签发。", "In force again; the CRL says so."),
    "revoke": ("证书已吊销，吊销列表已签发。", "Revoked; the CRL says so."),
    "crl": ("吊销列表已签发。", "The CRL is published."),
    "bulk-entered": ("文件已提交，正在逐行核对。", "Handed in; its rows are being checked."),
    "bulk-release": ("已放行，开始签发。", "Released; issuing has begun."),
    "bulk-release-good": ("已放行合格的行，开始签发。", "The good rows are released."),
    "bulk-cancel": ("任务已取消。", "The job is cancelled."),
}
REFUSALS: Final[dict[str, Words]] = {
    "sign_in_too_old": (
        "此事不可恢复：登录须在 30 分钟以内。请先退出，再用本人的第二因素重新登录。",
        "This is for good: it wants a sign-in of the last 30 minutes. Sign out, then in again "
        "with your second factor.",
    ),
    "not_understood": ("请先勾选确认。", "Tick the box first."),
    "seal_same_person": (
        "申请人、审批人、制作人和用印人必须是不同的人。",
        "Applicant, approver, maker and user are different people.",
    ),
    "seal_not_in_force": ("印章的当前状态不允许此操作。", "The seal's state does not allow this."),
    "seal_exists": ("本机构已有此印章，或已有人申请。", "There is one, or one applied for."),
    "seal_application_decided": ("该申请已审批。", "This application was decided before."),
    "seal_not_approved": ("该申请未批准，或已制作。", "Not approved, or made already."),
    "seal_needs_emblem": (
        "此级别的印章带国徽，须上传图样。", "Such a seal bears the emblem: upload its picture.",
    ),
    "undrawable_seal": ("印文过长，或有字库缺字。", "The words do not fit, or a glyph is missing."),
    "seal_not_granted": ("没有这样的授权。", "There is no such grant."),
    "seal_ceiling_reached": ("今日用印次数已满。", "Today's uses are used up."),
    "certificate_not_in_force": ("证书不是有效状态。", "The certificate is not in force."),
    "certificate_not_on_hold": ("证书没有暂停。", "The certificate is not on hold."),
    "issuer_cannot_sign": (
        "该 CA 不在本平台签发，或已不可用。", "This CA does not sign here, or no longer.",
    ),
    "clock_moved_back": (
        "系统时钟已回拨，暂停签发。", "The clock was moved back: nothing is signed.",
    ),
    "conflict": ("状态已改变，请重新打开页面。", "It was changed meanwhile; open the page again."),
}  # fmt: skip
#: Legs of `/readyz` and codes of its warnings.
LEGS: Final[dict[str, Words]] = {
    "database": ("数据库", "Database"),
    "keys": ("密钥库", "Key store"),
    "signers": ("平台签名密钥", "The platform's signers"),
    "crls": ("吊销列表", "CRLs"),
    "status_lists": ("证照状态列表", "Licence status lists"),
}
WARNINGS: Final[dict[str, Words]] = {
    "near_end": ("临近到期", "near its end"),
    "ended": ("已到期", "ended"),
    "not_told": ("外部 CA 的答复已过期或缺失", "no answer of the outside CA that is still good"),
    "clock_moved_back": ("时钟回拨", "the clock was moved back"),
    "database_unreachable": ("数据库不可用", "the database cannot be asked"),
    **trust_words.ALARMS,
}
THINGS: Final[dict[str, Words]] = {
    "crl": ("吊销列表", "CRL"),
    "ca": ("CA 证书", "CA certificate"),
    "signer": ("平台签名密钥", "Signer"),
    "certificate": ("证书", "Certificate"),
    "outside_ca": ("外部 CA", "Outside CA"),
    "clock": ("时钟", "Clock"),
    "database": ("数据库", "Database"),
    "trust_list": ("信任列表", "Trust list"),
}


#: Refusals that sharing words, besides its own.
OF_SHARING: Final = frozenset(
    {"nothing_to_verify", "licence_not_copied", "no_copy_seal", "bad_purpose", "no_such_slip"}
)


def refusal(error: TrustError) -> Words:
    """Why something was refused, for the person in front of it. What has no words of its own is
    told with its message: the rules of names and pictures are many."""
    if error.code in REFUSALS:
        return REFUSALS[error.code]
    if error.code in wallet_words.REFUSALS and error.code != "invalid":
        return wallet_words.REFUSALS[error.code]
    if error.code.startswith("share_") or error.code in OF_SHARING:
        return share_words.WORDS.get(error.code, (str(error), error.code))
    if error.code in ("invalid", "unusable_picture", "not_found", "forbidden"):
        zh = {"not_found": "没有找到。", "forbidden": "无权办理。"}
        return zh.get(error.code, "填写的内容不符合规定，请核对。"), str(error)
    return identity_words.refusal(error)


def state(code: str) -> tuple[str, str, str]:
    return STATES.get(code, (code, code, ""))
