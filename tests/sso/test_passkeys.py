"""Passkeys: made and used by a software authenticator, right and wrong in every way it can be."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sso import passkeys, sign_in
from sso.challenges import ChallengeGone
from sso.credential_models import Challenge, Passkey
from sso.models import Account
from sso.passkeys import PasskeyRefused, PasskeyTaken, TooManyPasskeys
from sso.proof import Proof, SignInFailed
from sso.provider import Provider
from tests.sso.authenticator import Authenticator, b64, unb64
from tests.sso.provider import START
from tests.sso.signing_in import at_once, audited, citizen, himself, provider_on, staff
from trust.access import Role
from trust.db import Sessions
from trust.errors import NotFound
from trust.keys import SoftKeyStore

PAGE = "interaction-1"


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    made = provider_on(sqlite_sessions, soft_keys, tmp_path)
    citizen(made)
    return made


@pytest.fixture
def both(sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    made = provider_on(sessions, soft_keys, tmp_path)
    citizen(made)
    return made


def creation(
    provider: Provider, name: str = "zhang.san", *, page: str = PAGE, at: datetime = START
) -> dict[str, Any]:
    with provider.sessions.begin() as session:
        account = session.get_one(Account, name)
        return passkeys.registration_options(
            session, account, issuer=provider.issuer, bound_to=page, at=at
        )


def request(
    provider: Provider, name: str | None = None, *, page: str = PAGE, at: datetime = START
) -> dict[str, Any]:
    with provider.sessions.begin() as session:
        return passkeys.assertion_options(
            session, issuer=provider.issuer, bound_to=page, at=at, account_name=name
        )


def register(
    provider: Provider, response: str, name: str = "zhang.san", *, page: str = PAGE,
    at: datetime = START,
) -> Passkey:  # fmt: skip
    return passkeys.register(
        provider, name, response, name="我的手机", bound_to=page, by=himself(name), at=at
    )


def registered(provider: Provider, name: str = "zhang.san", **wishes: Any) -> Authenticator:
    key = Authenticator(**wishes)
    register(provider, key.create(creation(provider, name)), name)
    return key


def use(
    provider: Provider, response: str, *, page: str = PAGE, name: str | None = None,
    at: datetime = START,
) -> Proof:  # fmt: skip
    return sign_in.by_passkey(provider, response, bound_to=page, account_name=name, at=at)


@pytest.mark.parametrize("attestation", ["none", "packed"])
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_a_passkey_signs_in_without_a_user_name(
    provider: Provider, algorithm: str, attestation: str
) -> None:
    key = registered(provider, algorithm=algorithm, attestation=attestation)
    proof = use(provider, key.use(request(provider)))
    assert (proof.account, proof.methods) == ("zhang.san", ("pop", "user", "hwk", "mfa"))


def test_a_passkey_signs_in_on_both_databases(both: Provider) -> None:
    key = registered(both, synced=True)
    assert use(both, key.use(request(both))).methods == ("pop", "user", "swk", "mfa")


def test_a_passkey_is_asked_for_after_a_password(provider: Provider) -> None:
    key = registered(provider)
    options = request(provider, "zhang.san")
    (allowed,) = options["allowCredentials"]
    assert unb64(allowed["id"]) == key.credential_id
    assert allowed["transports"] == ["internal", "hybrid"]
    assert options["userVerification"] == "required"
    # A security key that keeps no user name sends no handle.
    assert use(provider, key.use(options, userHandle=None), name="zhang.san").account


def test_the_options_for_a_new_passkey_are_what_browsers_take(provider: Provider) -> None:
    key = registered(provider)
    options = creation(provider)
    assert options["rp"]["id"] == "localhost"
    assert [each["alg"] for each in options["pubKeyCredParams"]] == [-7, -8, -257]
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "preferred"
    assert options["attestation"] == "none"
    assert [unb64(each["id"]) for each in options["excludeCredentials"]] == [key.credential_id]
    with provider.sessions() as session:
        sub = session.get_one(Account, "zhang.san").sub
    assert unb64(options["user"]["id"]) == sub.encode()
    assert "张三丰" not in json.dumps(options, ensure_ascii=False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"verifies": False}, {"present": False}, {"origin": "https://localhost:8000"},
        {"origin": "http://localhost:8000.evil.example"}, {"rp_id": "evil.example"},
        {"cross_origin": True}, {"algorithm": "P-384"}, {"algorithm": "RS256-1024"},
        {"attestation": "fido-u2f"}, {"attestation": "nonsense"}, {"backed_up": True},
    ],
    ids=str,
)  # fmt: skip
def test_a_passkey_made_wrongly_is_refused(provider: Provider, wrong: dict[str, Any]) -> None:
    with pytest.raises(PasskeyRefused):
        registered(provider, **wrong)
    with provider.sessions() as session:
        assert passkeys.of_account(session, "zhang.san") == []


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("verifies", False), ("present", False), ("origin", "https://localhost:8000"),
        ("rp_id", "evil.example"), ("cross_origin", True), ("user_handle", b"somebody else"),
        ("credential_id", bytes(32)), ("backed_up", True),
    ],
)  # fmt: skip
def test_a_passkey_used_wrongly_is_refused(
    provider: Provider, attribute: str, value: object
) -> None:
    key = registered(provider)
    setattr(key, attribute, value)
    with pytest.raises(SignInFailed):
        use(provider, key.use(request(provider)))


def test_a_signature_by_another_key_is_refused(provider: Provider) -> None:
    key = registered(provider)
    other = Authenticator()
    other.create(creation(provider))
    key.key = other.key
    with pytest.raises(SignInFailed):
        use(provider, key.use(request(provider)))


def test_without_a_user_name_the_answer_must_say_whose_it_is(provider: Provider) -> None:
    key = registered(provider)
    with pytest.raises(SignInFailed):
        use(provider, key.use(request(provider), userHandle=None))


def test_a_challenge_is_answered_once_right_or_wrong(provider: Provider) -> None:
    key = registered(provider)
    answer = key.use(options := request(provider))
    use(provider, answer)
    with pytest.raises(SignInFailed):
        use(provider, answer)
    with pytest.raises(SignInFailed):
        use(provider, key.use(options))
    wrong = Authenticator(
        origin="http://evil.example", key=key.key, rp_id="localhost",
        credential_id=key.credential_id, user_handle=key.user_handle, counter=key.counter,
    )  # fmt: skip
    options = request(provider)
    with pytest.raises(SignInFailed):
        use(provider, wrong.use(options))
    with pytest.raises(SignInFailed):
        use(provider, key.use(options))


def test_one_answer_sent_by_two_requests_at_once_signs_in_once(both: Provider) -> None:
    key = registered(both, synced=True)
    answer = key.use(request(both))
    outcomes = at_once(*[lambda: use(both, answer)] * 3)
    assert sum(isinstance(outcome, Proof) for outcome in outcomes) == 1


def test_a_challenge_is_good_for_five_minutes_on_its_own_page_for_its_own_purpose(
    provider: Provider,
) -> None:
    key = registered(provider)
    with pytest.raises(SignInFailed):
        use(provider, key.use(request(provider)), page="another page")
    with pytest.raises(SignInFailed):
        use(provider, key.use(request(provider)), at=START + timedelta(minutes=5))
    with pytest.raises(ChallengeGone):
        register(provider, Authenticator().create(creation(provider)), page="another page")
    options = creation(provider)
    with pytest.raises(SignInFailed):  # made to register
        use(provider, key.use(options))


def test_a_challenge_made_for_one_account_is_not_answered_by_another(provider: Provider) -> None:
    staff(provider, "li.si", Role.CLERK)
    theirs = registered(provider, "li.si")
    with pytest.raises(SignInFailed):
        use(provider, theirs.use(request(provider, "zhang.san")), name="zhang.san")
    with pytest.raises(SignInFailed):  # a page without a name, a second factor of zhang.san
        use(provider, theirs.use(request(provider)), name="zhang.san")
    with pytest.raises(ChallengeGone):
        register(provider, Authenticator().create(creation(provider, "li.si")), "zhang.san")


def test_a_counter_must_rise(both: Provider) -> None:
    key = registered(both)
    use(both, key.use(request(both)))
    key.counter = 41
    use(both, key.use(request(both)))
    for copied in (40, 41):  # the copy says one more than it had
        key.counter = copied - 1
        with pytest.raises(SignInFailed):
            use(both, key.use(request(both)))
    assert "passkey_counter_went_back" in audited(both, "sign_in.failed")[0].details
    key.counter = 42
    use(both, key.use(request(both)))


def test_a_synced_passkeys_counter_means_nothing(provider: Provider) -> None:
    key = registered(provider, synced=True, counter=7)
    for counter in (7, 3, 0, 9, 0):
        key.counter = counter
        use(provider, key.use(request(provider)))


def test_an_authenticator_that_does_not_count_says_zero_for_ever(provider: Provider) -> None:
    key = registered(provider)
    for _ in range(2):
        key.counter = -1
        use(provider, key.use(request(provider)))


def test_a_passkey_does_not_change_from_kept_to_synced(provider: Provider) -> None:
    """Or a copy could get rid of the counter."""
    key = registered(provider)
    key.synced = True
    with pytest.raises(SignInFailed):
        use(provider, key.use(request(provider)))


def test_whether_a_passkey_is_backed_up_may_change(provider: Provider) -> None:
    key = registered(provider, synced=True, backed_up=False)
    key.backed_up = True
    use(provider, key.use(request(provider)))
    with provider.sessions() as session:
        (row,) = passkeys.of_account(session, "zhang.san")
    assert row.backed_up
    assert row.last_used_at == START


def test_a_credential_is_registered_once(provider: Provider) -> None:
    key = registered(provider)
    staff(provider, "li.si", Role.CLERK)
    copy = Authenticator(credential_id=key.credential_id)
    with pytest.raises(PasskeyTaken):
        register(provider, copy.create(creation(provider, "li.si")), "li.si")


def test_an_account_has_twenty_passkeys_at_most(provider: Provider) -> None:
    for _ in range(passkeys.MOST):
        registered(provider, algorithm="EdDSA")
    with pytest.raises(TooManyPasskeys):
        creation(provider)


def test_a_removed_passkey_proves_nothing(provider: Provider) -> None:
    key = registered(provider)
    staff(provider, "li.si", Role.CLERK)
    with provider.sessions.begin() as session, pytest.raises(NotFound):
        passkeys.remove(session, "li.si", key.credential_id, by=himself("li.si"), at=START)
    with provider.sessions.begin() as session:
        passkeys.remove(session, "zhang.san", key.credential_id, by=himself("zhang.san"), at=START)
    with pytest.raises(SignInFailed):
        use(provider, key.use(request(provider)))
    acts = [entry.subject for entry in audited(provider, "passkey.removed")]
    assert acts == ["zhang.san"]


def test_what_its_holder_calls_it_is_shown_and_cut(provider: Provider) -> None:
    key = Authenticator()
    row = passkeys.register(
        provider, "zhang.san", key.create(creation(provider)), name=" 手机\x00\u202e" + "x" * 99,
        bound_to=PAGE, by=himself("zhang.san"), at=START,
    )  # fmt: skip
    assert row.name.startswith("手机x")
    assert len(row.name) <= passkeys.NAME_MAX


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for name, inner in value.items() for leaf in _leaves(inner, (*path, name))]
    return [path]


_HOSTILE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=40), st.lists(st.text(max_size=3)),
    st.binary(max_size=200).map(b64), st.dictionaries(st.text(max_size=5), st.text(max_size=5)),
)  # fmt: skip


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_an_answer_changed_anywhere_is_refused_and_crashes_nothing(
    provider: Provider, data: st.DataObject
) -> None:
    key = Authenticator(algorithm="EdDSA")
    register(provider, key.create(creation(provider)))
    new = Authenticator(algorithm="EdDSA")
    made, used = new.create(creation(provider)), key.use(request(provider))
    changed_making, changed_use = _changed(data, made), _changed(data, used)
    if changed_making is not None:
        with pytest.raises((PasskeyRefused, ChallengeGone)):
            register(provider, changed_making)
    if changed_use is not None:
        with pytest.raises(SignInFailed):
            use(provider, changed_use)
    with provider.sessions.begin() as session:  # there are at most twenty
        passkeys.remove(session, "zhang.san", key.credential_id, by=himself("zhang.san"), at=START)


def _changed(data: st.DataObject, answer: str) -> str | None:
    """The answer with one of its values exchanged; None where that would change nothing."""
    fields = json.loads(answer)
    *parents, last = data.draw(st.sampled_from(_leaves(fields)))
    inner = fields
    for name in parents:
        inner = inner[name]
    value = data.draw(_HOSTILE)
    if last in ("transports", "clientExtensionResults") or inner[last] == value:
        return None
    inner[last] = value
    return json.dumps(fields)


@pytest.mark.parametrize(
    "response",
    ["", "{", "[]", "null", "[" * 100_000, '{"id":1}', "x" * 70_000, '{"id":"\ud800"}', "\x00"],
    ids=range(9),
)
def test_what_is_no_answer_is_refused(provider: Provider, response: str) -> None:
    with pytest.raises(SignInFailed):
        use(provider, response)
    with pytest.raises(PasskeyRefused):
        register(provider, response)


def test_challenges_are_kept_as_digests_and_deleted_when_spent(provider: Provider) -> None:
    key = registered(provider)
    options = request(provider)
    with provider.sessions() as session:
        (row,) = session.scalars(select(Challenge))
    assert unb64(options["challenge"]) != row.digest
    use(provider, key.use(options))
    with provider.sessions() as session:
        assert session.scalars(select(Challenge)).all() == []
