"""Published vectors as test parameters: data with a source, one test for each, named after it."""

import json
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

_VECTORS = Path(__file__).parent / "vectors"


def read_cases(name: str, **match: str) -> list[dict[str, Any]]:
    """Read `tests/vectors/<name>.json`, a list of cases, each with `name` and `source`.

    `match` picks the cases whose fields are those. A file without any such case is a mistake here.
    """
    read: list[dict[str, Any]] = json.loads((_VECTORS / f"{name}.json").read_text("utf-8"))
    for case in read:
        if not case.get("name") or not case.get("source"):
            raise ValueError(f"{name}.json: every case needs its name and its source: {case}")
    chosen = [case for case in read if all(case.get(key) == match[key] for key in match)]
    if not chosen:
        raise ValueError(f"{name}.json has no case like {match}")
    return chosen


def cases(name: str, **match: str) -> list[ParameterSet]:
    """Return `read_cases` as pytest parameters, each named after its case."""
    return [pytest.param(case, id=case["name"]) for case in read_cases(name, **match)]
