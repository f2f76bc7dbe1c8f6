"""The words of the pages about trust lists and recognition: Chinese, then English, by code."""

from typing import Final

Words = tuple[str, str]

#: Alarms about lists (`trust.list_alarms`).
ALARMS: Final[dict[str, Words]] = {
    "list_too_large": ("列表过大", "the list is too large"),
    "list_malformed": ("列表格式有误", "the list is malformed"),
    "list_signer_unknown": ("签名者未经指定", "signed by a key that nobody named"),
    "list_signature_wrong": ("签名无效", "the signature is wrong"),
    "list_signer_not_in_force": ("签名证书不在有效期", "the signer's certificate was not valid"),
    "list_of_another_region": ("列表属于其他地区", "the list of another region"),
    "list_from_future": ("签发时间在未来", "issued in the future"),
    "list_expired": ("列表已过期", "the list has expired"),
    "list_life_too_long": ("有效期过长", "its life is too long"),
    "list_rollback": ("序号倒退", "an older list than before"),
    "list_forked": ("同一序号有两份列表", "two lists of one number"),
    "list_mixed": ("与上级列表所载不符", "not the list that the hub names"),
    "list_pointer_loop": ("指针成环", "its pointers form a loop"),
    "list_too_deep": ("指针层级过深", "pointers too deep"),
    "list_outside_scope": ("指向辖区以外", "points outside its own region"),
    "list_bad_pointer": ("指针有误", "a pointer is malformed"),
    "list_too_many": ("列表过多", "too many lists"),
    "list_named_twice": ("被两份列表指向", "named by two lists"),
    "list_unreachable": ("无法取得", "cannot be fetched"),
    "peer_contradicts_itself": (
        "答复与其状态列表矛盾，证据已留存",
        "its answer contradicts its status list; both are kept",
    ),
    "list_overdue": ("即将或已经过期，未见新列表", "about to end or ended, and none newer came"),
}
FRESHNESS: Final[dict[str, tuple[str, str, str]]] = {
    "fresh": ("最新", "fresh", "good"),
    "stale": ("过期", "stale", "unsure"),
    "unknown": ("未取得", "never had", "bad"),
}
STATUSES: Final[dict[str, tuple[str, str, str]]] = {
    "granted": ("有效", "granted", "good"),
    "withdrawn": ("已撤出", "withdrawn", "unsure"),
    "compromised": ("已泄露", "compromised", "bad"),
}
KINDS: Final[dict[str, Words]] = {
    "ca-root": ("根 CA", "Root CA"),
    "ca-issuing": ("签发 CA", "Issuing CA"),
    "seal-maker": ("制章者", "Seal maker"),
    "claim-signer": ("二维码签名者", "Claim signer"),
    "copy-signer": ("加注件签名者", "Copy signer"),
    "archive-signer": ("归档签名者", "Archive signer"),
    "status-list": ("状态列表", "Status lists"),
    "list-signer": ("信任列表签名者", "List signer"),
    "log": ("公开日志", "Public log"),
    "ocsp": ("OCSP", "OCSP"),
    "tsa": ("时间戳", "Time-stamps"),
    "licence-issuer": ("颁发机构", "Issuer"),
    "identity-provider": ("身份认证", "Identity provider"),
    "share": ("共享接口", "Share interface"),
    "exchange": ("跨地区查询", "Exchange of questions"),
}
VERDICTS: Final[dict[str, tuple[str, str, str]]] = {
    "full": ("完全互认", "in full", "good"),
    "conditional": ("有条件互认", "with conditions", "unsure"),
    "refused": ("不互认", "not at all", "bad"),
}
DONE: Final[dict[str, Words]] = {
    "fetched": ("列表已取回并核验。", "The lists were fetched and judged."),
    "settled": ("告警已处理。", "The alarm is settled."),
    "rule": ("规则已保存。", "The rule is saved."),
    "withdrawn": ("已停止互认。", "Recognition is withdrawn."),
    "restored": ("已恢复互认。", "It is recognised again."),
}
REFUSALS: Final[dict[str, Words]] = {
    "bad_recognition_rule": (
        "规则不完整：有条件互认须至少一项条件，其余不得有条件。",
        "A conditional rule has at least one condition, the others have none.",
    ),
    "bad_withdrawal": ("请填写法律依据和正确的代码。", "State the legal basis and correct codes."),
    "already_withdrawn": ("此前已停止互认。", "Recognition was withdrawn already."),
    "not_understood": ("请勾选确认。", "Tick the box to confirm."),
    "bad_moment": ("时间格式有误。", "The time cannot be read."),
}
