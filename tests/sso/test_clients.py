"""Registered platforms."""

from datetime import timedelta
from pathlib import Path

import pytest

from sso import clients
from sso.provider import Provider
from tests.sso import front
from tests.sso.provider import START, make_provider
from trust.access import SYSTEM, Caller
from trust.crypto.hashes import sha256
from trust.db import Sessions, open_sessions
from trust.errors import Conflict, Forbidden, Invalid, NotFound
from trust.keys import SoftKeyStore

BOTH = pytest.mark.parametrize("provider", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def provider(request: pytest.FixtureRequest, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    """On SQLite; a test whose outcome may depend on the database says BOTH."""
    name = getattr(request, "param", "sqlite")
    sessions = open_sessions(request.getfixturevalue(f"{name}_engine"))
    return make_provider(sessions, soft_keys, tmp_path)


@BOTH
def test_a_platform_is_found_as_it_was_registered(provider: Provider) -> None:
    made = front.add(provider, at=START, client_uri="https://platform.example/")
    found = clients.find(provider.reading, made.client.client_id)
    assert found == made.client
    assert found is not None
    assert found.redirect_uris == (front.CALLBACK,)
    assert found.client_uri == "https://platform.example/"
    assert found.grant_types == {"authorization_code", "refresh_token"}


def test_the_secret_is_kept_as_a_digest_and_shown_nowhere(provider: Provider) -> None:
    made = front.add(provider, at=START)
    assert made.client_secret is not None
    assert made.client.secret_digest == sha256(made.client_secret.encode())
    assert made.client_secret not in repr(made)
    assert str(made.client.secret_digest) not in repr(made)


@BOTH
def test_a_given_id_and_secret_are_kept(provider: Provider) -> None:
    made = front.add(provider, at=START, client_id="apache", client_secret="kept-as-it-was")
    assert (made.client.client_id, made.client_secret) == ("apache", "kept-as-it-was")
    with pytest.raises(Conflict):
        front.add(provider, at=START, client_id="apache")


@pytest.mark.parametrize("client_id", ["", "with space", "x" * 101, "日本"])
def test_a_strange_id_is_refused(provider: Provider, client_id: str) -> None:
    with pytest.raises(Invalid):
        front.add(provider, at=START, client_id=client_id)
    assert clients.find(provider.reading, client_id) is None


def test_only_a_system_administrator_registers(provider: Provider) -> None:
    nobody = Caller("zhang", None, frozenset())
    with pytest.raises(Forbidden), provider.sessions.begin() as session:
        clients.add(session, front.metadata(), by=nobody, at=START)


@BOTH
def test_a_change_replaces_everything_but_id_and_secret(provider: Provider) -> None:
    made = front.add(provider, at=START, client_uri="https://platform.example/")
    with provider.sessions.begin() as session:
        clients.change(
            session, made.client.client_id, front.metadata(client_name="New name"), by=SYSTEM,
            at=START + timedelta(days=1),
        )  # fmt: skip
    found = clients.find(provider.reading, made.client.client_id)
    assert found is not None
    assert (found.name, found.client_uri) == ("New name", None)
    assert found.secret_digest == made.client.secret_digest
    assert found.created_at == START


def test_a_platform_that_was_switched_off_is_found_inactive_at_once(provider: Provider) -> None:
    made = front.add(provider, at=START)
    assert clients.find(provider.reading, made.client.client_id) is not None
    with provider.sessions.begin() as session:
        clients.disable(session, made.client.client_id, by=SYSTEM, at=START)
    found = clients.find(provider.reading, made.client.client_id)
    assert found is not None
    assert not found.active


def test_a_new_secret_leaves_the_old_one_good_for_the_overlap(provider: Provider) -> None:
    made = front.add(provider, at=START)
    old = made.client_secret or ""
    with provider.sessions.begin() as session:
        new = clients.rotate_secret(
            session, made.client.client_id, by=SYSTEM, at=START, overlap=timedelta(hours=1)
        )
    client = clients.find(provider.reading, made.client.client_id)
    assert client is not None
    soon, late = START + timedelta(minutes=59), START + timedelta(hours=1)
    assert [clients.check_secret(client, each, at=soon) for each in (old, new)] == [True, True]
    assert [clients.check_secret(client, each, at=late) for each in (old, new)] == [False, True]


def test_a_platform_without_a_secret_is_given_none(provider: Provider) -> None:
    made = front.add(provider, at=START, token_endpoint_auth_method="none")
    assert made.client_secret is None
    assert not clients.check_secret(made.client, "", at=START)
    with pytest.raises(Conflict), provider.sessions.begin() as session:
        clients.rotate_secret(session, made.client.client_id, by=SYSTEM, at=START)


@BOTH
def test_pages_of_clients_go_by_id_and_can_be_searched(provider: Provider) -> None:
    for number in range(5):
        front.add(provider, at=START, client_id=f"c{number}", client_name=f"Office {number}%")
    with provider.reading() as session:
        first = clients.page(session, limit=2)
        rest = clients.page(session, after=first[-1].client_id)
        assert [each.client_id for each in (*first, *rest)] == ["c0", "c1", "c2", "c3", "c4"]
        assert [each.client_id for each in clients.page(session, text="OFFICE 3")] == ["c3"]
        assert len(clients.page(session, text="%")) == 5
        assert clients.page(session, text="_") == []


def test_an_unknown_platform_cannot_be_changed(provider: Provider) -> None:
    with pytest.raises(NotFound), provider.sessions.begin() as session:
        clients.disable(session, "nobody", by=SYSTEM, at=START)


def test_two_databases_in_one_process_do_not_share_clients(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path
) -> None:
    one = make_provider(sqlite_sessions, soft_keys, tmp_path)
    made = front.add(one, at=START)
    assert clients.find(one.reading, made.client.client_id) is not None
    other = type(sqlite_sessions)(sqlite_sessions.kw["bind"])
    with sqlite_sessions.begin() as session:
        session.execute(clients.ClientRow.__table__.delete())  # type: ignore[attr-defined]
    assert clients.find(other, made.client.client_id) is None
