"""The words of bulk jobs: Chinese, then English, by code; the mood of a badge third."""

from typing import Final

STATES: Final[dict[str, tuple[str, str, str]]] = {
    "checking": ("正在核对", "checking", "unsure"),
    "unreadable": ("无法读取", "unreadable", "bad"),
    "held": ("有不合格行，未签发", "bad rows, held", "bad"),
    "checked": ("已核对，待放行", "checked", "unsure"),
    "running": ("正在签发", "being issued", "unsure"),
    "done": ("已完成", "done", "good"),
    "cancelled": ("已取消", "cancelled", ""),
}
KINDS: Final[dict[str, tuple[str, str]]] = {
    "new": ("新办", "new"),
    "stock": ("存量证照", "old stock"),
}
COUNTS: Final[tuple[tuple[str, str, str], ...]] = (
    ("bad", "不合格", "bad"),
    ("waiting", "待签发", "waiting"),
    ("working", "签发中", "in hand"),
    ("issued", "已签发", "issued"),
    ("refused", "未能签发", "refused"),
    ("dropped", "已撤下", "dropped"),
)
