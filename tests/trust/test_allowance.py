"""So much work at once, then slowly."""

from datetime import UTC, datetime, timedelta

import pytest

from trust.allowance import Allowance, AllowanceSpent

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_a_burst_is_spent_and_comes_back_with_time() -> None:
    allowance = Allowance(3, 10 * SECOND)
    for _ in range(3):
        allowance.spend(at=AT)
    for passed in (0, 9):
        with pytest.raises(AllowanceSpent):
            allowance.spend(at=AT + passed * SECOND)
    allowance.spend(at=AT + 10 * SECOND)
    with pytest.raises(AllowanceSpent):
        allowance.spend(at=AT + 10 * SECOND)
    for _ in range(3):  # never more than the burst
        allowance.spend(at=AT + 1000 * SECOND)
    with pytest.raises(AllowanceSpent):
        allowance.spend(at=AT + 1000 * SECOND)


def test_a_clock_that_is_set_back_gives_nothing() -> None:
    allowance = Allowance(1, 10 * SECOND)
    allowance.spend(at=AT)
    with pytest.raises(AllowanceSpent):
        allowance.spend(at=AT - 1000 * SECOND)
    with pytest.raises(AllowanceSpent):
        allowance.spend(at=AT)
