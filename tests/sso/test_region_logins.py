"""A region connected, changed and ended, on each database."""

from datetime import timedelta
from pathlib import Path

import pytest

from sso import clients, region_logins, upstream_departing
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from sso.region_logins import COMPROMISED, STALE, LoginRegion
from sso.upstream_models import RegionLogin, Upstream, UpstreamDeparture
from tests.sso.provider import START, make_provider
from trust.crypto.hashes import sha256
from trust.db import Sessions
from trust.keys import SoftKeyStore

ALI = LoginRegion("542500", "阿里地区", "https://id.ali.example", 1)


@pytest.fixture
def provider(sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return make_provider(sessions, soft_keys, tmp_path)


def _connect(provider: Provider, region: LoginRegion = ALI) -> bool:
    with provider.sessions.begin() as session:
        return region_logins.connect(session, provider, region, own="621100", at=START)


def _end(provider: Provider, reason: str) -> bool:
    with provider.sessions.begin() as session:
        return region_logins.end(session, provider, ALI.code, reason=reason, at=START)


def test_a_connection_is_made_once_changed_and_ended_for_the_worst_reason(
    provider: Provider,
) -> None:
    assert not _end(provider, STALE)
    assert _connect(provider)
    assert not _connect(provider)
    assert _connect(provider, LoginRegion(ALI.code, ALI.name, ALI.issuer, 2))
    assert [_end(provider, each) for each in (STALE, STALE, COMPROMISED, STALE)] == [
        True, False, True, False,
    ]  # fmt: skip
    with provider.reading() as session:
        row = session.get_one(RegionLogin, ALI.code)
        known = session.get_one(Upstream, "region-542500")
        assert (row.reason, row.ended_at, row.level_min) == (COMPROMISED, START, 2)
        assert (known.active, known.client_id) == (False, "region-621100")
    client = clients.find(provider.reading, "region-542500")
    assert client is not None
    assert not client.active
    assert _connect(provider)


def test_who_comes_back_is_known_once_and_in_time(provider: Provider) -> None:
    with provider.sessions.begin() as session:
        for state, life in (("a", 1), ("b", -1)):
            session.add(
                UpstreamDeparture(
                    state=sha256(state.encode()), client_id="", expires_at=START + timedelta(life)
                )
            )
    assert upstream_departing.arrive(provider, "a", at=START).goes_to is None
    for state in ("a", "b", ""):
        with pytest.raises(OAuthError):
            upstream_departing.arrive(provider, state, at=START)
