"""Authorization codes."""

import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from sso import codes, grants
from sso.codes import Authorized
from sso.provider import Provider
from tests.sso import front
from tests.sso.provider import START, make_provider
from trust.db import Sessions
from trust.keys import SoftKeyStore

LIFETIME = timedelta(seconds=60)


@pytest.fixture
def provider(sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    made = make_provider(sessions, soft_keys, tmp_path)
    for name in ("one", "two"):
        front.add(made, at=START, client_id=name)
    with made.sessions.begin() as session:
        front.person(session, at=START)
    return made


def issue(session: Session) -> str:
    grant = grants.begin_grant(
        session, account="zhang", client_id="one", scopes=["openid", "email"], at=START
    )
    authorized = Authorized(
        client_id="one", grant_id=grant.id, account="zhang", redirect_uri=front.CALLBACK,
        auth_time=START, acr="urn:trust:loa:1", amr=("pwd", "otp", "mfa"), scope="openid email",
        claims={"userinfo": {"name": None}}, nonce="n", code_challenge=front.CHALLENGE,
    )  # fmt: skip
    return codes.issue(session, authorized, lifetime=LIFETIME, at=START)


def test_a_code_brings_back_what_was_authorized(provider: Provider) -> None:
    with provider.sessions.begin() as session:
        code = issue(session)
    with provider.sessions.begin() as session:
        row = codes.redeem(session, code, client_id="one", at=START)
    assert row is not None
    assert (row.scope, row.nonce) == ("openid email", "n")
    assert row.amr == ["pwd", "otp", "mfa"]
    assert row.auth_time == START
    with provider.reading() as session:
        kept = codes.find_used(session, code)
    assert kept is not None
    assert (kept.account, kept.claims) == ("zhang", {"userinfo": {"name": None}})


def test_a_code_counts_once_and_is_known_afterwards(provider: Provider) -> None:
    """oidcc-codereuse"""
    with provider.sessions.begin() as session:
        code = issue(session)
        assert codes.find_used(session, code) is None
        assert codes.redeem(session, code, client_id="one", at=START) is not None
        assert codes.redeem(session, code, client_id="one", at=START) is None
        used = codes.find_used(session, code)
    assert used is not None
    assert used.account == "zhang"


def test_a_code_is_bound_to_its_client_and_ends_after_a_minute(provider: Provider) -> None:
    """ensure-authorization-code-is-bound-to-client, ...-fails-with-expired-auth-code"""
    with provider.sessions.begin() as session:
        code = issue(session)
        assert codes.redeem(session, code, client_id="two", at=START) is None
        assert codes.redeem(session, code, client_id="one", at=START + LIFETIME) is None
        last = START + LIFETIME - timedelta(microseconds=1)
        assert codes.redeem(session, code, client_id="one", at=last) is not None


@pytest.mark.parametrize("code", ["", "x", "x" * 43, "x" * 5000, "é" * 43, "\0" * 43])
def test_garbage_for_a_code_is_no_code(provider: Provider, code: str) -> None:
    with provider.sessions.begin() as session:
        assert codes.redeem(session, code, client_id="one", at=START) is None
        assert codes.find_used(session, code) is None


def test_of_many_redemptions_at_once_one_wins(provider: Provider) -> None:
    with provider.sessions.begin() as session:
        code = issue(session)

    def redeem(_: int) -> bool:
        with provider.sessions.begin() as session:
            return codes.redeem(session, code, client_id="one", at=START) is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(redeem, range(16))) == 1


def test_codes_have_the_entropy_that_the_suite_measures(provider: Provider) -> None:
    with provider.sessions.begin() as session:
        code = issue(session)
        codes.redeem(session, code, client_id="one", at=START)
        row = codes.find_used(session, code)
    assert len(code) == codes.CODE_LENGTH
    entropy = -sum(n / 43 * math.log2(n / 43) for n in Counter(code).values()) * 43
    assert entropy > 128
    assert row is not None
    assert code.encode() not in row.digest
