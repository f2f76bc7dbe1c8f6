"""Recovering an account: announced, delayed, never by less than its level, one answer to all."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from sso import assurance, browser_session, passwords, recovery, recovery_proofs
from sso.credential_models import Totp
from sso.messages import FileMessages
from sso.models import Account
from sso.particulars import open_particulars
from sso.people_models import Recovery
from sso.provider import Provider
from sso.raise_level import CheckUnavailable
from sso.recovery import RecoveryGone, RecoveryNotReady
from sso.recovery_proofs import ProofRefused
from sso.registry_checks import SIMULATOR
from tests.sso.provider import make_provider
from tests.sso.samples import (
    AT,
    LI,
    MARKET,
    MOBILE,
    NUMBER,
    SECURITY,
    VAULT,
    acts,
    add,
    details,
    found,
    himself,
    registries,
)
from trust.access import SYSTEM, Caller, Role
from trust.db import Sessions
from trust.errors import Forbidden, Invalid
from trust.keys import SoftKeyStore

PASSWORD, NEW_PASSWORD = "Yak-Wool8Shear", "Felt+Tent4Pass"
READY = AT + recovery.DELAY
CLERK = Caller("a.clerk", MARKET, frozenset({Role.CLERK}))
EMAIL = "zhang@example.cn"


@dataclass
class Scene:
    """Zhang with a password, and whoever wants the account."""

    provider: Provider
    name: str = ""
    codes: dict[str, str] = field(default_factory=dict)

    @property
    def sessions(self) -> Sessions:
        return self.provider.sessions

    def texts(self, to: str = MOBILE) -> list[str]:
        messages = self.provider.messages
        assert isinstance(messages, FileMessages)
        return [message.text for message in messages.sent() if message.to == to]

    def begin(self, *, at: datetime = AT, login: str = MOBILE) -> str:
        return recovery.begin(self.provider, login, at=at)

    def code(self, token: str, *, at: datetime = AT) -> str:
        recovery_proofs.send_code(self.provider, token, at=at)
        found = re.search(r"[0-9]{6}", self.texts()[-1])
        assert found is not None
        return found[0]

    def prove_by_code(self, token: str, *, at: datetime = AT) -> None:
        recovery_proofs.prove_by_code(self.provider, token, self.code(token, at=at), at=at)

    def complete(self, token: str, *, at: datetime = READY) -> str:
        return recovery.complete(self.provider, token, NEW_PASSWORD, at=at)

    def password_is(self, text: str) -> bool:
        with self.sessions() as session:
            stored = passwords.hash_of(session, self.name)
        try:
            self.provider.hasher.verify(stored or "", text)
        except passwords.WrongPassword:
            return False
        return True


def make_scene(sessions: Sessions, keys: SoftKeyStore, home: Path, *, level: int = 0) -> Scene:
    registries(home)
    scene = Scene(make_provider(sessions, keys, home), add(sessions, level=level))
    with sessions.begin() as session:
        passwords.set_password(
            session, session.get_one(Account, scene.name), PASSWORD, hasher=scene.provider.hasher,
            by=himself(scene.name), at=AT,
        )  # fmt: skip
    return scene


@pytest.fixture
def scene(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Scene:
    return make_scene(sqlite_sessions, soft_keys, tmp_path)


def at_level(scene: Scene, level: int) -> None:
    with scene.sessions.begin() as session:
        assurance.add_evidence(session, scene.name, "imported", level=level, by=SYSTEM, at=AT)


def test_a_code_and_a_days_wait_bring_back_an_account(
    sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path
) -> None:
    scene = make_scene(sessions, soft_keys, tmp_path)
    token = scene.begin()
    scene.prove_by_code(token)
    with pytest.raises(RecoveryNotReady) as refused:
        scene.complete(token, at=READY - timedelta(seconds=1))
    assert refused.value.ready_at == READY
    assert scene.complete(token) == scene.name
    assert scene.password_is(NEW_PASSWORD)
    assert [act for act in acts(sessions) if act.startswith("recovery")] == [
        "recovery.begun", "recovery.proved", "recovery.completed",
    ]  # fmt: skip


def test_beginning_is_announced_by_both_channels_with_a_link_that_cancels(scene: Scene) -> None:
    token = scene.begin()
    scene.prove_by_code(token)
    links = [re.search(r"/recover/cancel/(\S{43})", scene.texts(to)[0]) for to in (MOBILE, EMAIL)]
    assert links[0] is not None
    assert links[1] is not None
    assert links[0][1] == links[1][1]
    assert token not in scene.texts()[0]
    recovery.cancel(scene.provider, links[0][1], at=AT)
    with pytest.raises(RecoveryGone):
        scene.complete(token)
    with pytest.raises(RecoveryGone):
        recovery.cancel(scene.provider, links[0][1], at=AT)
    assert acts(scene.sessions)[-1] == "recovery.cancelled"


def test_whoever_is_signed_in_sees_and_stops_it(scene: Scene) -> None:
    token = scene.begin()
    scene.prove_by_code(token)
    with scene.sessions.begin() as session:
        assert len(recovery.pending(session, scene.name, at=AT)) == 1
        stopped = recovery.cancel_all(session, scene.name, by=himself(scene.name), at=AT)
    assert stopped == 1
    with pytest.raises(RecoveryGone):
        scene.complete(token)


@pytest.mark.parametrize("login", ["nobody", "13999999999", "", "\ud800", "x" * 10_000])
def test_an_account_that_is_not_there_answers_like_one_that_is(scene: Scene, login: str) -> None:
    token, real = scene.begin(login=login), scene.begin()
    assert len(token) == len(real)
    for each in (token, real):
        recovery_proofs.send_code(scene.provider, each, at=AT)
    refusals = []
    for each in (token, real):
        with pytest.raises(ProofRefused) as refused:
            recovery_proofs.prove_by_code(scene.provider, each, "nonono", at=AT)
        refusals.append(str(refused.value))
        with pytest.raises(ProofRefused) as refused:
            recovery_proofs.prove_by_face(scene.provider, each, b"guess", at=AT)
        refusals.append(str(refused.value))
    assert len(set(refusals)) == 1
    for each in (token, real):
        with scene.sessions() as session, pytest.raises(RecoveryGone):
            recovery.standing(session, each, at=AT)


def test_nothing_proved_nothing_recovered(scene: Scene) -> None:
    token = scene.begin()
    with pytest.raises(RecoveryNotReady):
        scene.complete(token)
    assert scene.password_is(PASSWORD)


def test_level_one_asks_for_name_and_number_besides_the_code(scene: Scene) -> None:
    at_level(scene, 1)
    token = scene.begin()
    scene.prove_by_code(token)
    with pytest.raises(RecoveryNotReady):
        scene.complete(token)
    later = AT + timedelta(minutes=1)
    code = scene.code(token, at=later)
    for name, number in (("李四", NUMBER), ("张三丰", LI.key_number), ("", NUMBER)):
        with pytest.raises(ProofRefused):
            recovery_proofs.prove_by_code(
                scene.provider, token, code, at=later, name=name, number=number
            )
    recovery_proofs.prove_by_code(
        scene.provider, token, code, at=later, name="张三丰", number=NUMBER.lower()
    )
    scene.complete(token)
    assert scene.password_is(NEW_PASSWORD)


def test_level_two_is_never_recovered_by_a_code(scene: Scene) -> None:
    at_level(scene, 2)
    token = scene.begin()
    recovery_proofs.prove_by_code(
        scene.provider, token, scene.code(token), at=AT, name="张三丰", number=NUMBER
    )
    with pytest.raises(RecoveryNotReady) as refused:
        scene.complete(token, at=AT + timedelta(days=6))
    assert refused.value.ready_at is None
    with scene.sessions() as session:
        standing = recovery.standing(session, token, at=AT)
    assert (standing.proved_level, standing.needed_level, standing.ready_at) == (1, 2, None)


def test_a_face_recovers_level_two_at_once(scene: Scene) -> None:
    at_level(scene, 2)
    token = scene.begin(login=NUMBER)
    with pytest.raises(ProofRefused):
        recovery_proofs.prove_by_face(scene.provider, token, b"face of Li", at=AT)
    recovery_proofs.prove_by_face(scene.provider, token, b"face of Zhang", at=AT)
    scene.complete(token, at=AT)
    assert scene.password_is(NEW_PASSWORD)


def test_a_face_does_not_reach_level_three(scene: Scene) -> None:
    at_level(scene, 3)
    token = scene.begin()
    recovery_proofs.prove_by_face(scene.provider, token, b"face of Zhang", at=AT)
    with pytest.raises(RecoveryNotReady):
        scene.complete(token)


def test_a_face_takes_the_account_back_from_whoever_had_it(scene: Scene) -> None:
    with scene.sessions.begin() as session:
        session.add(Totp(account=scene.name, secret=b"x", confirmed_at=AT))
        cookie, _ = browser_session.begin(
            session, scene.name, methods=("pwd",), at=AT, policy=scene.provider.policy,
            user_agent="", staff=False,
        )  # fmt: skip
    token = scene.begin()
    recovery_proofs.prove_by_face(scene.provider, token, b"face of Zhang", at=AT)
    scene.complete(token, at=AT)
    with scene.sessions() as session:
        policy = scene.provider.policy
        assert browser_session.find(session, cookie, at=AT, policy=policy) is None
        assert session.scalars(select(Totp)).all() == []
        known = open_particulars(VAULT, session.get_one(Account, scene.name))
        assert assurance.level(session, scene.name, at=AT) == 2
    assert (known.mobile, known.email) == ("", "")
    assert found(scene.sessions, MOBILE) is None
    assert "已找回" in scene.texts()[-1]


def test_a_code_leaves_second_factors_and_addresses(scene: Scene) -> None:
    with scene.sessions.begin() as session:
        session.add(Totp(account=scene.name, secret=b"x", confirmed_at=AT))
    token = scene.begin()
    scene.prove_by_code(token)
    scene.complete(token)
    with scene.sessions() as session:
        assert len(session.scalars(select(Totp)).all()) == 1
    assert found(scene.sessions, MOBILE) == scene.name


def test_a_clerk_alone_waits_and_with_a_code_does_not(scene: Scene) -> None:
    at_level(scene, 3)
    token = recovery.begin_at_counter(scene.provider, scene.name, by=CLERK, at=AT)
    assert "取消" in scene.texts()[-1]
    with pytest.raises(RecoveryNotReady) as refused:
        scene.complete(token, at=AT)
    assert refused.value.ready_at == READY
    scene.prove_by_code(token)
    scene.complete(token, at=AT)
    assert details(scene.sessions, "recovery.completed") == {
        "proved_by": "code+counter", "level": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    "by", [himself("somebody"), Caller("x", None, frozenset({Role.SYSTEM_ADMIN}))]
)
def test_only_a_clerk_sits_at_a_counter(scene: Scene, by: Caller) -> None:
    with pytest.raises(Forbidden):
        recovery.begin_at_counter(scene.provider, scene.name, by=by, at=AT)


def test_a_clerk_does_not_recover_their_own_account(scene: Scene) -> None:
    own = Caller(scene.name, MARKET, frozenset({Role.CLERK}))
    with pytest.raises(Forbidden):
        recovery.begin_at_counter(scene.provider, scene.name, by=own, at=AT)


def test_staff_are_recovered_by_their_security_administrator_only(scene: Scene) -> None:
    staff = add(scene.sessions, LI, roles=[Role.SEAL_ADMIN], authority=MARKET)
    token = scene.begin(login=LI.mobile)
    assert "安全管理员" in scene.texts(LI.mobile)[-1]
    with pytest.raises(ProofRefused):
        recovery_proofs.prove_by_face(scene.provider, token, b"face of Li", at=AT)
    with pytest.raises(Forbidden):
        recovery.begin_at_counter(scene.provider, staff, by=CLERK, at=AT)
    assert recovery.begin_at_counter(scene.provider, staff, by=SECURITY, at=AT)


def test_the_fourth_beginning_of_a_day_is_silent(scene: Scene) -> None:
    tokens = [scene.begin(at=AT + timedelta(hours=hour)) for hour in range(4)]
    assert len(set(tokens)) == 4
    assert len(scene.texts(EMAIL)) == recovery.A_DAY
    with scene.sessions() as session, pytest.raises(RecoveryGone):
        recovery.find(session, tokens[3], at=AT + timedelta(hours=3))
    scene.begin(at=AT + timedelta(hours=25))
    assert len(scene.texts(EMAIL)) == recovery.A_DAY + 1


def test_a_beginning_by_another_does_not_end_ones_own(scene: Scene) -> None:
    token = scene.begin()
    scene.prove_by_code(token)
    scene.begin(at=AT + timedelta(hours=1))
    assert scene.complete(token)


def test_proofs_run_out(scene: Scene) -> None:
    token = scene.begin()
    for _ in range(recovery_proofs.TRIES):
        with pytest.raises(ProofRefused):
            recovery_proofs.prove_by_face(scene.provider, token, b"guess", at=AT)
    with pytest.raises(ProofRefused):
        recovery_proofs.prove_by_face(scene.provider, token, b"face of Zhang", at=AT)
    assert acts(scene.sessions)[-1] == "recovery.tries_spent"


def test_a_face_service_that_is_down_says_so(scene: Scene, tmp_path: Path) -> None:
    token = scene.begin()
    (tmp_path / SIMULATOR).unlink()
    with pytest.raises(CheckUnavailable):
        recovery_proofs.prove_by_face(scene.provider, token, b"face of Zhang", at=AT)


def test_a_picture_of_any_size_is_not_taken(scene: Scene) -> None:
    with pytest.raises(Invalid):
        recovery_proofs.prove_by_face(scene.provider, scene.begin(), bytes(2**21 + 1), at=AT)


def test_a_recovery_is_completed_once_and_within_a_week(scene: Scene) -> None:
    token, other = scene.begin(), scene.begin()
    scene.prove_by_code(token)
    scene.complete(token)
    with pytest.raises(RecoveryGone):
        scene.complete(token)
    with pytest.raises(RecoveryGone):
        scene.complete(other, at=AT + recovery.LIFE)


def test_a_weak_password_leaves_the_recovery_as_it_was(scene: Scene) -> None:
    token = scene.begin()
    scene.prove_by_code(token)
    with pytest.raises(passwords.WeakPassword):
        recovery.complete(scene.provider, token, "password", at=READY)
    assert scene.complete(token)


def test_tokens_are_stored_as_digests(scene: Scene) -> None:
    token = scene.begin()
    with scene.sessions() as session:
        stored = session.scalars(select(Recovery)).one()
    assert token.encode() not in (stored.digest, stored.cancel_digest)
    assert len(stored.digest) == 32
