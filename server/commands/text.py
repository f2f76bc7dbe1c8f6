"""Reports for a terminal: Chinese first, English beneath."""

from typing import Any

from certificates.verify_claim import Verification
from seal.inspection import change_lines
from server.pages import names
from trust.report import Outcome, printable

WORDS = {
    Outcome.PASSED: ("通过", "PASSED"),
    Outcome.FAILED: ("不通过", "FAILED"),
    Outcome.INDETERMINATE: ("无法确定", "INDETERMINATE"),
}
MARKS = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.INDETERMINATE: "?"}
LABELS = (
    ("type", "类型"), ("number", "编号"), ("holder", "持证主体"), ("authority_name", "颁发机构"),
    ("region_name", "颁发地区"), ("issued", "颁发日期"), ("valid_from", "有效期起"),
    ("valid_until", "有效期至"), ("identifier", "证照标识"),
    ("copy_purpose", "加注件仅用于"), ("copy_maker", "加注件制作者"),
    ("copy_until", "加注件有效期至"), ("copy_number", "加注件编号"),
)  # fmt: skip


def report(found: Verification) -> str:
    """What was changed after sealing comes first, then the licence, then every leg."""
    zh, en = WORDS[found.outcome]
    lines = [f"{MARKS[found.outcome]} {zh} {en}"]
    if found.changed_after_sealing:
        lines += change_lines(found.checks)
    lines += licence(found.licence)
    for check in found.checks:
        reason = check.reason()
        label = names.name_of(check.name)[0]
        lines.append(f"  {MARKS[check.outcome]} {label}: {reason['zh']}")
        lines.append(f"      {check.name}: {reason['en']} [{check.code}]")
    return "\n".join(lines)


def licence(summary: dict[str, Any] | None) -> list[str]:
    if summary is None:
        return []
    shown = dict(summary)
    if "valid_until" in shown and shown["valid_until"] is None:
        shown["valid_until"] = "长期 long-term"
    return [f"  {label} {printable(str(shown[key]))}" for key, label in LABELS if shown.get(key)]
