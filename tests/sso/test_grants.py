"""What a person let a platform have, until it is taken back."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from sso import accounts, clients, grants
from sso.client import Client
from sso.grants import Grant
from sso.provider import Provider
from tests.sso import front
from tests.sso.provider import START, make_provider
from trust.audit import AuditEntry
from trust.db import Sessions
from trust.errors import NotFound
from trust.keys import SoftKeyStore


@pytest.fixture
def provider(sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    made = make_provider(sessions, soft_keys, tmp_path)
    front.add(made, at=START, client_id="one")
    front.add(made, at=START, client_id="ours", first_party=True)
    with made.sessions.begin() as session:
        front.person(session, at=START)
        front.person(session, "li.si", at=START)
    return made


def client(provider: Provider, client_id: str = "one") -> Client:
    found = clients.find(provider.reading, client_id)
    assert found is not None
    return found


def begin(provider: Provider, account: str = "zhang", *scopes: str, minutes: int = 0) -> str:
    with provider.sessions.begin() as session:
        return grants.begin_grant(
            session, account=account, client_id="one", scopes=scopes or ("openid",),
            at=START + timedelta(minutes=minutes),
        ).id  # fmt: skip


def test_a_grant_is_offline_by_its_scope(provider: Provider) -> None:
    begin(provider, "zhang", "openid", "offline_access")
    begin(provider, "zhang", "openid", minutes=1)
    with provider.reading() as session:
        assert [each.offline for each in grants.of_account(session, "zhang")] == [False, True]


def test_a_grant_is_revoked_once(provider: Provider) -> None:
    grant_id = begin(provider)
    with provider.sessions.begin() as session:
        found = grants.revoke_grant(session, grant_id, at=START, reason="code replayed")
        assert found is not None
        assert (found.revoked_at, found.revoked_reason) == (START, "code replayed")
        assert grants.revoke_grant(session, grant_id, at=START, reason="again") is None
        assert grants.revoke_grant(session, "unknown", at=START, reason="again") is None
        assert grants.of_account(session, "zhang") == []


def test_withdrawing_ends_every_grant_of_the_platform_and_forgets_the_consent(
    provider: Provider,
) -> None:
    mine, others = {begin(provider), begin(provider)}, begin(provider, "li.si")
    with provider.sessions.begin() as session:
        grants.remember(session, "zhang", "one", scopes=["openid"], claims={}, at=START)
    with provider.sessions.begin() as session:
        by = accounts.caller(session, "zhang")
        assert set(grants.withdraw(session, "zhang", "one", by=by, at=START)) == mine
    with provider.sessions.begin() as session:
        one = client(provider)
        assert grants.consent_needed(session, one, "zhang", scopes=["openid"], claims={})
        assert session.get_one(Grant, others).revoked_at is None
        acts = session.scalars(select(AuditEntry.act).order_by(AuditEntry.sequence)).all()
        assert acts[-1] == "access.withdrawn"
        with pytest.raises(NotFound):
            grants.withdraw(session, "zhang", "one", by=by, at=START)


def test_consent_is_remembered_for_what_was_agreed_to_and_nothing_more(provider: Provider) -> None:
    one = client(provider)
    name = {"userinfo": {"name": None}}

    def needed(account: str, *scopes: str, **claims: object) -> bool:
        with provider.reading() as session:
            return grants.consent_needed(session, one, account, scopes=scopes, claims=claims)

    assert needed("zhang", "openid")
    with provider.sessions.begin() as session:
        grants.remember(session, "zhang", "one", scopes=["openid", "email"], claims={}, at=START)
    assert not needed("zhang", "openid")
    assert not needed("zhang", "email", "openid")
    assert needed("zhang", "openid", "profile")
    assert needed("zhang", "openid", **name)
    assert needed("li.si", "openid")
    with provider.sessions.begin() as session:
        grants.remember(session, "zhang", "one", scopes=["profile"], claims=name, at=START)
    assert not needed("zhang", "openid", "email", "profile", **name)


def test_nobody_is_asked_for_a_platform_of_the_same_government(provider: Provider) -> None:
    with provider.reading() as session:
        ours = client(provider, "ours")
        assert not grants.consent_needed(session, ours, "zhang", scopes=["openid"], claims={})
