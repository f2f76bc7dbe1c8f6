"""Kinds of events, states of messages and of rows, in two languages."""

from typing import Final

Words = tuple[str, str]

KINDS: Final[dict[str, Words]] = {
    "issued": ("颁发", "issued"),
    "active": ("恢复有效", "in force again"),
    "suspended": ("暂扣", "suspended"),
    "rescinded": ("撤销", "rescinded"),
    "revoked": ("吊销", "revoked"),
    "cancelled": ("注销", "cancelled"),
    "replaced": ("换发", "replaced"),
    "transferred_out": ("转出", "transferred out"),
}
#: Words and the badge's colour.
MESSAGES: Final[dict[str, tuple[str, str, str]]] = {
    "waiting": ("待送", "waiting", "unsure"),
    "delivered": ("已送达", "delivered", "good"),
    "dead": ("已放弃", "given up", "bad"),
}
ROWS: Final[dict[str, Words]] = {
    "waiting": ("待报", "waiting"),
    "batched": ("已成批", "in a batch"),
    "taken": ("已接收", "taken"),
    "rejected": ("被退回", "rejected"),
}
BATCHES: Final[dict[str, tuple[str, str, str]]] = {
    "made": ("待送", "to be sent", "unsure"),
    "written": ("已写成文件", "written to a file", "unsure"),
    "answered": ("已有回执", "answered", "good"),
}
COUNTED: Final[dict[str, Words]] = {
    "issued": ("签发", "Issued"),
    "changed": ("状态变更", "Changed"),
    "verified": ("核验", "Verified"),
    "shared": ("共享", "Shared"),
}
