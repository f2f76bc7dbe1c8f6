"""One provider for all clients. Collected only by `make test-clients` (TRUST_TEST_CLIENTS=1): they
need npm, Apache and a browser, and minutes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import node as npm
from tests.clients import served as serve
from tests.clients.person import Browser, Person
from tests.clients.served import Served

if os.environ.get("TRUST_TEST_CLIENTS") != "1":
    collect_ignore_glob = ["test_*.py"]

#: openid-client 6 asks for a global `crypto` and `fetch`.
NODE = 20


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve.serving(tmp_path_factory.mktemp("provider") / "home") as running:
        yield running


@pytest.fixture(scope="session")
def node() -> npm.Node:
    return npm.install(Path(__file__).parent, at_least=NODE)


@pytest.fixture
def person(served: Served) -> Person:
    """Somebody nobody else signs in as: a code of TOTP is good once."""
    return served.add_person()


@pytest.fixture
def browser(served: Served) -> Iterator[Browser]:
    with Browser(served.issuer) as opened:
        yield opened
