"""A parser in a process of its own: what it says is bounded while it says it."""

import resource
import time

import pytest

from trust import confined
from trust.confined import Overrun, Stumbled

CHILD = "tests.trust.confined_bomb"
MEGABYTE = 1024 * 1024


def test_a_child_answers_and_a_stumble_is_told() -> None:
    assert confined.run(CHILD, b"echo", seconds=10, output_max=100) == b"heard"
    with pytest.raises(Stumbled, match="it stumbled"):
        confined.run(CHILD, b"stumble", seconds=10, output_max=100)


def test_an_answer_without_end_is_cut_off_and_does_not_come_to_stand_in_memory() -> None:
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(Overrun):
        confined.run(CHILD, b"flood", seconds=10, output_max=MEGABYTE)
    assert time.monotonic() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # kilobytes


@pytest.mark.parametrize("how", [b"sleep", b"complain"])
def test_a_child_that_never_ends_is_ended(how: bytes) -> None:
    with pytest.raises(Overrun):
        confined.run(CHILD, how, seconds=1, output_max=MEGABYTE)


def test_a_child_that_reads_nothing_of_a_large_file_holds_nobody_up() -> None:
    with pytest.raises(Stumbled):
        confined.run("tests.trust.no_such_module", b"x" * 8 * MEGABYTE, seconds=10, output_max=9)
