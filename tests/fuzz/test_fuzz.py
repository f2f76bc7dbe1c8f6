"""Twenty seconds of the fuzzer, its kept findings, and that it would find something."""

import resource

import pytest

from tests.fuzz import loop
from tests.fuzz.seeds import corpus
from tests.fuzz.targets import TARGETS

SECONDS = 20


@pytest.mark.parametrize("target", TARGETS)
def test_every_kept_input_is_read_without_a_finding(target: str) -> None:
    kept = corpus(target)
    assert kept
    for data in kept:
        assert loop.trial(TARGETS[target], data) == ""


@pytest.mark.parametrize("target", TARGETS)
def test_no_mutation_makes_a_parser_trip_or_linger(target: str) -> None:
    run = loop.fuzz(target, seconds=SECONDS / len(TARGETS), seed=20261122)
    assert [(found.what, found.data[:2000].hex()) for found in run.findings] == []
    assert run.tried > len(corpus(target))
    assert run.kept


def test_an_exception_a_hang_and_a_hoard_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SECONDS_MAX", 0.2)
    monkeypatch.setattr(loop, "GROWTH_MAX_KB", 50 * 1024)
    hoard: list[bytes] = []

    def trip(_data: bytes) -> None:
        raise KeyError("x")

    def hang(_data: bytes) -> None:
        while True:
            pass

    def grow(_data: bytes) -> None:
        # Growth is seen above the highest that the process has been.
        hoard.append(b"x" * (1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))

    assert loop.trial(trip, b"").startswith("KeyError")
    assert "more than" in loop.trial(hang, b"")
    monkeypatch.setattr(loop, "SECONDS_MAX", 30.0)
    assert loop.trial(grow, b"").endswith("MB")
    hoard.clear()
    assert loop.trial(lambda _data: None, b"") == ""
