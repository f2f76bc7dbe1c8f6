"""Signing in: what proves what, what is still missing, what is audited; who exists is not told."""

import dataclasses
import re
import statistics
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sso import accounts, browser_session, passkeys, recovery_codes, sign_in
from sso.change_password import change_password
from sso.messages import FileMessages
from sso.models import Account
from sso.one_time_code import TooManyCodes
from sso.passwords import Hasher, WeakPassword, hash_of
from sso.policy import Policy
from sso.provider import Provider
from sso.sign_in import FactorLocked, Missing, SignInFailed
from tests.sso.authenticator import Authenticator
from tests.sso.provider import START
from tests.sso.signing_in import (
    CITIZEN,
    MOBILE,
    PASSWORD,
    at_once,
    audited,
    citizen,
    close,
    himself,
    provider_on,
    staff,
    with_totp,
)
from trust.access import SYSTEM, Role
from trust.db import Sessions
from trust.keys import SoftKeyStore

HERE = "203.0.113.7"


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return provider_on(sqlite_sessions, soft_keys, tmp_path)


@pytest.fixture
def both(sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return provider_on(sessions, soft_keys, tmp_path)


def missing(provider: Provider, name: str, *methods: str, policy: Policy | None = None) -> Missing:
    with provider.sessions() as session:
        return sign_in.missing(session, name, methods, policy=policy or provider.policy, at=START)


def with_passkey(provider: Provider, name: str, key: Authenticator | None = None) -> Authenticator:
    key = key or Authenticator()
    with provider.sessions.begin() as session:
        account = session.get_one(Account, name)
        options = passkeys.registration_options(
            session, account, issuer=provider.issuer, bound_to="page", at=START
        )
    passkeys.register(
        provider, name, key.create(options), name="key", bound_to="page", by=himself(name),
        at=START,
    )  # fmt: skip
    return key


@pytest.mark.parametrize("login", ["zhang.san", MOBILE, CITIZEN, "zhang@example.cn"])
def test_a_password_proves_who_one_is_by_any_of_ones_names(provider: Provider, login: str) -> None:
    citizen(provider)
    proof = sign_in.by_password(provider, login, PASSWORD, network=HERE, at=START)
    assert (proof.account, proof.methods, proof.at) == ("zhang.san", ("pwd",), START)


def test_a_password_proves_who_one_is_on_both_databases(both: Provider) -> None:
    citizen(both)
    assert sign_in.by_password(both, "zhang.san", PASSWORD, network=HERE, at=START).methods


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("zhang.san", "Gehe-47-mauvE"), ("zhang.san", ""), ("zhang.san", "x" * 100_000),
        ("zhang.san", "\ud800"), ("nobody", PASSWORD), ("", ""), ("\x00", PASSWORD),
        ("x" * 100_000, PASSWORD), ("\ud800", PASSWORD), ("closed.one", PASSWORD),
        ("no.password", PASSWORD),
    ],
)  # fmt: skip
def test_whatever_is_wrong_is_one_refusal(provider: Provider, login: str, password: str) -> None:
    citizen(provider)
    close(provider, staff(provider, "closed.one", Role.CLERK))
    with provider.sessions.begin() as session:
        accounts.create(
            session, "no.password", display_name="x", authority=None, roles=(), by=SYSTEM, at=START
        )
    with pytest.raises(SignInFailed) as refusal:
        sign_in.by_password(provider, login, password, network=HERE, at=START)
    with pytest.raises(SignInFailed) as other:
        sign_in.by_password(provider, "zhang.san", "wrong", network="198.51.100.1", at=START)
    assert (type(refusal.value), str(refusal.value)) == (type(other.value), str(other.value))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=300), st.text(max_size=300))
def test_garbage_is_refused_and_crashes_nothing(
    provider: Provider, login: str, password: str
) -> None:
    with pytest.raises(SignInFailed):
        sign_in.by_password(provider, login, password, network=login, device=password, at=START)


def test_unknown_wrong_and_locked_take_the_same_time(
    provider: Provider, soft_keys: SoftKeyStore
) -> None:
    slow = dataclasses.replace(provider, hasher=Hasher(memory_kib=19_456, iterations=2))
    citizen(slow)
    staff(slow, "li.si", Role.CLERK)
    for _ in range(5):
        with pytest.raises(SignInFailed):
            sign_in.by_password(provider, "li.si", "wrong", network=HERE, at=START)

    def once(login: str, network: str) -> float:
        begun = time.perf_counter()
        with pytest.raises(SignInFailed):
            sign_in.by_password(slow, login, "wrong but long", network=network, at=START)
        return time.perf_counter() - begun

    kinds: dict[str, list[float]] = {"unknown": [], "wrong": [], "locked": []}
    for turn in range(15):  # by turns, so that a busy machine slows all of them
        network = f"198.51.{turn}.1"
        kinds["unknown"].append(once(f"nobody{turn}", network))
        kinds["wrong"].append(once("zhang.san", network))
        kinds["locked"].append(once("li.si", HERE))
    typical = {kind: statistics.median(times) for kind, times in kinds.items()}
    assert max(typical.values()) < 1.6 * min(typical.values()), typical


def test_a_sign_in_and_a_refusal_are_audited_without_what_was_typed(provider: Provider) -> None:
    citizen(provider)
    sign_in.by_password(provider, CITIZEN, PASSWORD, network=HERE, at=START)
    for login in (MOBILE, "13900000009"):
        with pytest.raises(SignInFailed):
            sign_in.by_password(provider, login, "wrong", network=HERE, at=START)
    (proved,) = audited(provider, "sign_in.proved")
    assert (proved.subject, proved.account) == ("zhang.san", "zhang.san")
    refused = audited(provider, "sign_in.failed")
    assert [entry.subject for entry in refused] == ["zhang.san", "unknown"]
    assert {entry.account for entry in refused} == {"anonymous"}
    everything = " ".join(f"{entry.subject}{entry.details}" for entry in [proved, *refused])
    assert "139" not in everything
    assert CITIZEN not in everything


def test_a_hash_of_older_parameters_is_renewed(provider: Provider) -> None:
    citizen(provider)
    newer = dataclasses.replace(provider, hasher=Hasher(memory_kib=16, iterations=1))
    sign_in.by_password(newer, "zhang.san", PASSWORD, network=HERE, at=START)
    with newer.sessions() as session:
        stored = hash_of(session, "zhang.san")
    assert stored is not None
    assert "m=16," in stored
    sign_in.by_password(newer, "zhang.san", PASSWORD, network=HERE, at=START)


def test_a_person_without_a_second_factor_is_not_asked_for_one(provider: Provider) -> None:
    citizen(provider)
    assert missing(provider, "zhang.san", "pwd") is Missing.NOTHING


def test_a_person_with_an_authenticator_is_always_asked_for_it(provider: Provider) -> None:
    with_totp(provider, citizen(provider))
    assert missing(provider, "zhang.san", "pwd") is Missing.SECOND_FACTOR
    assert missing(provider, "zhang.san", "sms") is Missing.SECOND_FACTOR
    assert missing(provider, "zhang.san", "pwd", "otp") is Missing.NOTHING


def test_staff_without_a_factor_enrol_one_before_they_go_on(provider: Provider) -> None:
    staff(provider, "li.si", Role.CLERK)
    assert missing(provider, "li.si", "pwd") is Missing.ENROL_FACTOR
    assert missing(provider, "li.si", "pwd", "sms") is Missing.ENROL_FACTOR
    with_totp(provider, "li.si")
    assert missing(provider, "li.si", "pwd") is Missing.SECOND_FACTOR
    assert missing(provider, "li.si", "pwd", "otp") is Missing.NOTHING


def test_who_keeps_seals_signs_in_with_a_key(provider: Provider) -> None:
    staff(provider, "seal.keeper", Role.SEAL_ADMIN)
    assert missing(provider, "seal.keeper", "pwd") is Missing.ENROL_FACTOR
    with_totp(provider, "seal.keeper")
    # Not the password alone: it must not be enough to enrol a key past the authenticator.
    assert missing(provider, "seal.keeper", "pwd") is Missing.SECOND_FACTOR
    assert missing(provider, "seal.keeper", "pwd", "otp") is Missing.ENROL_FACTOR
    with_passkey(provider, "seal.keeper")
    assert missing(provider, "seal.keeper", "pwd", "otp") is Missing.SECOND_FACTOR
    assert missing(provider, "seal.keeper", "pop", "user", "hwk", "mfa") is Missing.NOTHING
    with provider.sessions() as session:
        offered = sign_in.offered(session, "seal.keeper", ["pwd"], policy=provider.policy)
    assert offered == {"passkey"}


def test_a_deployment_may_let_seal_keepers_use_an_authenticator(provider: Provider) -> None:
    staff(provider, "seal.keeper", Role.SEAL_ADMIN)
    with_totp(provider, "seal.keeper")
    policy = Policy(administrators_by_key=False)
    assert missing(provider, "seal.keeper", "pwd", "otp", policy=policy) is Missing.NOTHING


def test_a_recovery_code_lets_staff_in_only_to_enrol(provider: Provider) -> None:
    with_totp(provider, staff(provider, "li.si", Role.CLERK))
    assert missing(provider, "li.si", "pwd", "recovery") is Missing.ENROL_FACTOR
    with_totp(provider, citizen(provider))
    assert missing(provider, "zhang.san", "pwd", "recovery") is Missing.NOTHING


def test_an_approving_phone_is_no_key(provider: Provider) -> None:
    with_totp(provider, citizen(provider))
    with_totp(provider, staff(provider, "li.si", Role.CLERK))
    assert missing(provider, "zhang.san", "mca", "pwd") is Missing.SECOND_FACTOR
    assert missing(provider, "zhang.san", "mca", "pwd", "mfa") is Missing.NOTHING
    assert missing(provider, "li.si", "mca", "pwd", "mfa") is Missing.SECOND_FACTOR


@pytest.mark.parametrize(
    ("methods", "strong"),
    [
        (("pwd",), False), (("pwd", "sms", "mfa"), False), (("pwd", "recovery", "mfa"), False),
        (("mca", "pwd", "mfa"), False), (("pwd", "otp", "mfa"), True), (("pop", "sc"), True),
        (("pop", "user", "hwk", "mfa"), True), ((), False),
    ],
)  # fmt: skip
def test_what_is_a_cryptographic_factor(methods: tuple[str, ...], strong: bool) -> None:
    assert sign_in.strength(methods) is strong


def test_proofs_add_up_and_two_kinds_are_told() -> None:
    assert sign_in.combine(("pwd",), ("otp",)) == ("pwd", "otp", "mfa")
    assert sign_in.combine(("pwd",), ("pwd",)) == ("pwd",)
    assert sign_in.combine(("sms",), ("otp",)) == ("sms", "otp")  # two things one has


def test_a_code_after_a_password_is_two_factors(both: Provider) -> None:
    generator = with_totp(both, citizen(both))
    first = sign_in.by_password(both, MOBILE, PASSWORD, network=HERE, at=START)
    code = generator.at(START)
    second = sign_in.by_totp(both, first.account, f"{code[:3]} {code[3:]}", at=START)
    assert sign_in.combine(first.methods, second.methods) == ("pwd", "otp", "mfa")


def test_one_code_used_by_two_requests_at_once_lets_one_in(both: Provider) -> None:
    generator = with_totp(both, citizen(both))
    code = generator.at(START)

    def use() -> object:
        return sign_in.by_totp(both, "zhang.san", code, at=START)

    outcomes = at_once(*[use] * 4)
    assert sum(isinstance(outcome, sign_in.Proof) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, SignInFailed) for outcome in outcomes) == 3


def test_one_recovery_code_used_by_two_requests_at_once_lets_one_in(both: Provider) -> None:
    name = citizen(both)
    with both.sessions.begin() as session:
        code, *_ = recovery_codes.renew(session, both.vault, name, by=himself(name), at=START)

    def use() -> object:
        return sign_in.by_recovery_code(both, name, code, at=START)

    outcomes = at_once(*[use] * 4)
    assert sum(isinstance(outcome, sign_in.Proof) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, SignInFailed) for outcome in outcomes) == 3


def test_a_recovery_code_is_read_as_people_write_it_and_is_another_accounts_never(
    provider: Provider,
) -> None:
    name = citizen(provider)
    staff(provider, "li.si", Role.CLERK)
    with provider.sessions.begin() as session:
        codes = recovery_codes.renew(session, provider.vault, name, by=himself(name), at=START)
    assert len(set(codes)) == recovery_codes.COUNT
    with pytest.raises(SignInFailed):
        sign_in.by_recovery_code(provider, "li.si", codes[0], at=START)
    typed = codes[0].upper().replace("-", " ")
    proof = sign_in.by_recovery_code(provider, name, typed, at=START)
    assert proof.methods == ("recovery",)
    with provider.sessions() as session:
        assert recovery_codes.left(session, name) == recovery_codes.COUNT - 1


def test_new_recovery_codes_replace_the_old(provider: Provider) -> None:
    name = citizen(provider)
    with provider.sessions.begin() as session:
        old = recovery_codes.renew(session, provider.vault, name, by=himself(name), at=START)
        new = recovery_codes.renew(session, provider.vault, name, by=himself(name), at=START)
    with pytest.raises(SignInFailed):
        sign_in.by_recovery_code(provider, name, old[0], at=START)
    sign_in.by_recovery_code(provider, name, new[0], at=START)


def test_twenty_wrong_recovery_codes_lock(provider: Provider) -> None:
    name = citizen(provider)
    with provider.sessions.begin() as session:
        codes = recovery_codes.renew(session, provider.vault, name, by=himself(name), at=START)
    for _ in range(20):
        with pytest.raises(SignInFailed):
            sign_in.by_recovery_code(provider, name, "aaaa-aaaa-aaaa-aaaa", at=START)
    with pytest.raises(FactorLocked):
        sign_in.by_recovery_code(provider, name, codes[0], at=START)


def test_an_sms_code_signs_in_once_and_only_where_it_was_asked_for(provider: Provider) -> None:
    citizen(provider)
    sign_in.send_sms(provider, MOBILE, at=START, binding="here")
    code = last_code(provider)
    with pytest.raises(SignInFailed):
        sign_in.by_sms(provider, MOBILE, code, at=START, binding="elsewhere")
    assert sign_in.by_sms(provider, MOBILE, code, at=START, binding="here").methods == ("sms",)
    with pytest.raises(SignInFailed):
        sign_in.by_sms(provider, MOBILE, code, at=START, binding="here")


def test_asking_for_an_sms_code_does_not_tell_who_has_an_account(provider: Provider) -> None:
    citizen(provider)
    for mobile in (MOBILE, "13900000009"):
        sign_in.send_sms(provider, mobile, at=START)
        with pytest.raises(TooManyCodes):
            sign_in.send_sms(provider, mobile, at=START)
    assert len(sent(provider)) == 1


def test_changing_a_password_ends_the_other_sessions(provider: Provider) -> None:
    name = citizen(provider)
    with provider.sessions.begin() as session:
        kept, other = (
            browser_session.begin(
                session, name, methods=("pwd",), at=START, policy=provider.policy,
                user_agent="", staff=False,
            )[1]
            for _ in range(2)
        )  # fmt: skip
    with pytest.raises(SignInFailed):
        change_password(
            provider, name, "wrong", "Gans-83-ocker", network=HERE, keep_session=kept.id,
            by=himself(name), at=START,
        )  # fmt: skip
    ended = change_password(
        provider, name, PASSWORD, "Gans-83-ocker", network=HERE, keep_session=kept.id,
        by=himself(name), at=START,
    )  # fmt: skip
    assert ended == [other.id]
    sign_in.by_password(provider, name, "Gans-83-ocker", network=HERE, at=START)


def test_a_new_password_with_the_holders_mobile_in_it_changes_nothing(provider: Provider) -> None:
    name = citizen(provider)
    with pytest.raises(WeakPassword):
        change_password(
            provider, name, PASSWORD, f"Gans-{MOBILE}", network=HERE, keep_session=None,
            by=himself(name), at=START,
        )  # fmt: skip
    sign_in.by_password(provider, name, PASSWORD, network=HERE, at=START)


def test_a_closed_account_proves_nothing(provider: Provider) -> None:
    generator = with_totp(provider, citizen(provider))
    key = with_passkey(provider, "zhang.san")
    close(provider, "zhang.san")
    with provider.sessions.begin() as session:
        options = passkeys.assertion_options(
            session, issuer=provider.issuer, bound_to="page", at=START
        )
    with pytest.raises(SignInFailed):
        sign_in.by_passkey(provider, key.use(options), bound_to="page", at=START)
    with pytest.raises(SignInFailed):
        sign_in.by_totp(provider, "zhang.san", generator.at(START), at=START)


def sent(provider: Provider) -> list[str]:
    assert isinstance(provider.messages, FileMessages)
    return [message.text for message in provider.messages.sent()]


def last_code(provider: Provider) -> str:
    found = re.search(r"[0-9]{6}", sent(provider)[-1])
    assert found is not None
    return found[0]
