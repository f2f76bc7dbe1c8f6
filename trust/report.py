"""A verification for people: checks, each with its outcome, its code and the reason in two tongues.

Outcomes are those of ETSI EN 319 102-1: an unknown or unreachable status is INDETERMINATE and
never PASSED. `trust.reasons` holds the sentences; docs/report.md lists names and codes.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from trust.reasons import REASONS

Detail = str | tuple[str, str]
DETAIL_MAX = 300


#: Control, direction, surrogate, and the two separators that break a line.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str, *, most: int = DETAIL_MAX) -> str:
    """Foreign text made safe to show: one line, no control or direction characters, bounded."""
    kept = "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _UNSAFE else c
        for c in text[: most + 1]
    )
    return kept if len(text) <= most else kept[:most] + "…"


class Outcome(StrEnum):
    PASSED = "PASSED"
    FAILED = "FAILED"
    INDETERMINATE = "INDETERMINATE"


@dataclass(frozen=True, slots=True)
class Check:
    """One leg of a verification. `detail` fills the `{}` of the reason's sentence, one text or a
    Chinese and an English one; no secrets."""

    name: str
    outcome: Outcome
    code: str
    detail: Detail = ""

    def reason(self) -> dict[str, str]:
        zh, en = REASONS[self.code]
        in_zh, in_en = (self.detail, self.detail) if isinstance(self.detail, str) else self.detail
        return {
            "zh": zh.replace("{}", printable(in_zh)), "en": en.replace("{}", printable(in_en)),
        }  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "outcome": str(self.outcome), "code": self.code,
            "reason": self.reason(),
        }  # fmt: skip


def passed(name: str, code: str, detail: Detail = "") -> Check:
    return Check(name, Outcome.PASSED, code, detail)


def failed(name: str, code: str, detail: Detail = "") -> Check:
    return Check(name, Outcome.FAILED, code, detail)


def unknown(name: str, code: str, detail: Detail = "") -> Check:
    return Check(name, Outcome.INDETERMINATE, code, detail)


def overall(checks: Iterable[Check]) -> Outcome:
    """FAILED if any leg failed, else INDETERMINATE if any is, else PASSED; no leg is FAILED."""
    outcomes = {check.outcome for check in checks}
    for worst in (Outcome.FAILED, Outcome.INDETERMINATE, Outcome.PASSED):
        if worst in outcomes:
            return worst
    return Outcome.FAILED
