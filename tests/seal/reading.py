"""The reader of foreign PDFs without its process of its own, for tests of very many files.

Starting the process costs half a second a file. What it answers is the same function's answer; that
it is confined is tested with the process itself (tests/seal).
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from seal.pdf import door
from seal.pdf.errors import BadPdf


def ask_here(data: bytes) -> list[dict[str, Any]]:
    """What `seal.pdf.door.ask` answers; whatever trips the library is BadPdf, as it is there."""
    try:
        found = json.loads(json.dumps(door._answer(data)))
    except Exception as error:  # the other process ends with whatever was raised
        raise BadPdf("malformed", f"{type(error).__name__}: {error}"[:160]) from error
    if "code" in found:
        raise BadPdf(str(found["code"]), str(found.get("detail", "")))
    signatures: list[dict[str, Any]] = found["signatures"]
    return signatures


@pytest.fixture(scope="module")
def quick_door() -> Iterator[None]:
    patched = pytest.MonkeyPatch()
    patched.setattr(door, "ask", ask_here)
    yield
    patched.undo()
