"""The table of docs/conformance.md, the plans' modules and the tests are the same list."""

import re
from pathlib import Path

import pytest

from tests.conformance.oidc_modules import PLANS, Plan, name_of

ROOT = Path(__file__).resolve().parents[2]
_ROW = re.compile(r"^\| `(oidcc-\S+)` \| `(test_\w+)` \| (\S.*) \|$", re.MULTILINE)


def section(plan: Plan) -> str:
    text = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    return text.partition(f"`{plan.name}`")[2].partition("\n### ")[0]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_every_module_has_its_test(plan: Plan) -> None:
    assert plan.missing() == set()


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_every_module_has_its_row_in_the_table(plan: Plan) -> None:
    rows = _ROW.findall(section(plan))
    assert [module for module, _, _ in rows] == list(plan.modules)
    assert [name for _, name, _ in rows] == [name_of(module) for module in plan.modules]
    assert f"tests/conformance/{plan.file}" in section(plan)
