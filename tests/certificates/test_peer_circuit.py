"""The circuit breaker: a peer that fails is left alone, and tried again by one."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from certificates.regions.peer_circuit import AT_ONCE, FAILURES, OPEN, Circuits, CircuitState
from tests.network import Seconds


def fail() -> bytes:
    raise OSError("no route")


def opened() -> tuple[Circuits, Seconds]:
    tick = Seconds()
    circuits = Circuits(tick=tick)
    for _ in range(FAILURES):
        with pytest.raises(OSError, match="no route"):
            circuits.ask("a", fail)
    return circuits, tick


def test_failures_in_a_row_open_it_and_one_success_closes_it() -> None:
    circuits, tick = opened()
    assert circuits.state("a") is CircuitState.OPEN
    assert circuits.ask("a", lambda: b"x") is None
    assert circuits.ask("b", lambda: b"x") == b"x"  # another peer's is its own
    tick.now += OPEN
    assert circuits.state("a") is CircuitState.HALF_OPEN
    assert circuits.ask("a", lambda: b"x") == b"x"
    circuits.praise("a")
    assert circuits.state("a") is CircuitState.CLOSED


def test_a_try_that_fails_opens_it_again() -> None:
    circuits, tick = opened()
    tick.now += OPEN
    with pytest.raises(OSError, match="no route"):
        circuits.ask("a", fail)
    assert circuits.state("a") is CircuitState.OPEN


def test_only_one_tries_while_it_is_half_open() -> None:
    circuits, tick = opened()
    tick.now += OPEN
    inside, done = Event(), Event()

    def slow() -> bytes:
        inside.set()
        done.wait(5)
        return b"x"

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(circuits.ask, "a", slow)
        inside.wait(5)
        assert circuits.ask("a", lambda: b"y") is None
        done.set()
        assert first.result() == b"x"


def test_only_so_many_ask_one_peer_at_once() -> None:
    circuits, together, done = Circuits(), Barrier(AT_ONCE + 1), Event()

    def slow() -> bytes:
        together.wait(5)
        done.wait(5)
        return b"x"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = [pool.submit(circuits.ask, "a", slow) for _ in range(AT_ONCE)]
        together.wait(5)
        assert circuits.ask("a", lambda: b"y") is None
        done.set()
        assert [each.result() for each in waiting] == [b"x"] * AT_ONCE


def test_an_answer_that_cannot_be_believed_counts_as_a_failure() -> None:
    circuits = Circuits()
    for _ in range(FAILURES):
        assert circuits.ask("a", lambda: b"lie") == b"lie"
        circuits.blame("a")
    # A good transport between them does not make a liar good.
    assert circuits.state("a") is not CircuitState.CLOSED
