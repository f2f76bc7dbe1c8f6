"""Foreign programs some tests need."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def missing_tool(reason: str) -> NoReturn:
    """Skip the test, or fail it where the run promises every tool (TRUST_TEST_REQUIRE_TOOLS=1)."""
    if os.environ.get("TRUST_TEST_REQUIRE_TOOLS") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def find_tool(name: str, *elsewhere: Path) -> Path:
    """The path of a program, on PATH or in one of these directories; or `missing_tool`."""
    found = shutil.which(name)
    if found is not None:
        return Path(found)
    for directory in elsewhere:
        if (directory / name).exists():
            return directory / name
    missing_tool(f"{name} is not installed")
