"""Fixtures of the token tests: import them by name (`from tests.sso.token_fixtures import ...`)."""

from pathlib import Path

import pytest

from sso.provider import Provider
from tests.sso.parties import Parties, make_parties
from tests.sso.provider import HandClock, make_provider
from trust.db import Sessions
from trust.keys import SoftKeyStore


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def provider(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path, clock: HandClock
) -> Provider:
    return make_provider(sqlite_sessions, soft_keys, tmp_path, clock=clock)


@pytest.fixture
def parties(provider: Provider) -> Parties:
    return make_parties(provider)


@pytest.fixture
def both(sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path, clock: HandClock) -> Parties:
    """The same on each database in turn."""
    return make_parties(make_provider(sessions, soft_keys, tmp_path, clock=clock))
