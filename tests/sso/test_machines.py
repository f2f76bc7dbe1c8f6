"""Machine accounts: what a platform acts as when it calls for itself."""

import pytest
from sqlalchemy import delete, select

from seal import ledger
from seal.ledger import Outcome, Use
from seal.ledger_models import SealUse, UseResult
from sso import accounts, authenticate, clients, closing, machines, passwords, people
from sso.accounts import MayNotGrant
from sso.authenticate import TokenRefused
from sso.machines import MachineTaken, NotAMachine, NotFitForMachine
from sso.models import Account, AccountRole
from sso.oauth_errors import OAuthError
from tests.sso.parties import Parties, Prover, make_parties
from tests.sso.provider import ISSUER
from tests.sso.test_authenticate import bearer, request
from tests.sso.token_fixtures import clock, parties, provider
from trust import audit
from trust.access import SYSTEM, Caller, Role
from trust.audit import AuditEntry
from trust.errors import Forbidden, Invalid

__all__ = ["clock", "parties", "provider"]

AUTHORITY = "11620000013896061L"
OFFICE = frozenset({Role.OFFICE})


def machine(parties: Parties, **changes: object) -> str:
    """A machine account, not tied to anything."""
    given = {"display_name": "用证系统", "authority": AUTHORITY, "roles": OFFICE, "by": SYSTEM}
    with parties.provider.sessions.begin() as session:
        return machines.add(session, at=parties.at, **(given | changes)).name  # type: ignore[arg-type]


def tie(parties: Parties, account: str, client: str = "platform") -> None:
    with parties.provider.sessions.begin() as session:
        machines.tie(session, client, account, by=SYSTEM, at=parties.at)


def token(parties: Parties, **more: str) -> str:
    found: str = parties.ask(grant_type="client_credentials", scope="trust", **more)["access_token"]
    return found


@pytest.fixture
def tied(parties: Parties) -> str:
    name = machine(parties)
    tie(parties, name)
    return name


def test_a_platforms_own_token_acts_as_its_machine_account(parties: Parties, tied: str) -> None:
    assert authenticate.caller(bearer(parties, token(parties))) == Caller(
        account=tied, authority=AUTHORITY, roles=OFFICE, client="platform"
    )


def test_a_persons_token_names_the_platform_it_came_through(parties: Parties) -> None:
    theirs = parties.tokens(scope="openid trust")["access_token"]
    assert authenticate.caller(bearer(parties, theirs)).client == "platform"


def test_without_a_machine_account_the_scope_trust_is_not_for_platforms(parties: Parties) -> None:
    with pytest.raises(OAuthError) as refused:
        token(parties)
    assert refused.value.error == "invalid_scope"


def test_roles_are_read_anew_at_each_request(parties: Parties, tied: str) -> None:
    held = token(parties)
    with parties.provider.sessions.begin() as session:
        session.execute(delete(AccountRole).where(AccountRole.account == tied))
    assert authenticate.caller(bearer(parties, held)).roles == frozenset()


@pytest.mark.parametrize("what", ["client", "account", "tie"])
def test_switching_any_of_the_three_off_ends_the_access_at_once(
    parties: Parties, tied: str, what: str
) -> None:
    held = token(parties)
    with parties.provider.sessions.begin() as session:
        if what == "client":
            clients.disable(session, "platform", by=SYSTEM, at=parties.at)
        elif what == "account":
            row = session.get_one(Account, tied)
            closing.suspend(session, row, reason="test", by=SYSTEM, at=parties.at)
        else:
            machines.untie(session, "platform", by=SYSTEM, at=parties.at)
    with pytest.raises(TokenRefused):
        authenticate.caller(bearer(parties, held))


def test_a_client_disabled_in_another_process_is_not_believed_from_memory(
    parties: Parties, tied: str
) -> None:
    held = token(parties)
    clients.find(parties.provider.reading, "platform")  # remembered for a second
    with parties.provider.sessions.begin() as session:
        clients._row(session, "platform").active = False  # as another process would
    with pytest.raises(TokenRefused):
        authenticate.caller(bearer(parties, held))


def test_people_are_never_tied_to_a_platform(parties: Parties) -> None:
    with pytest.raises(NotAMachine):
        tie(parties, "zhang")


def test_an_account_serves_one_platform_and_a_platform_has_one(parties: Parties, tied: str) -> None:
    make_parties(parties.provider, name="other")
    with pytest.raises(MachineTaken):
        tie(parties, tied, "other")
    with pytest.raises(MachineTaken):
        tie(parties, machine(parties))


def test_a_platform_that_gets_no_token_of_its_own_is_not_tied(parties: Parties) -> None:
    make_parties(parties.provider, name="web", metadata={"grant_types": ["authorization_code"]})
    with pytest.raises(NotFitForMachine):
        tie(parties, machine(parties), "web")


@pytest.mark.parametrize("role", ["system_admin", "security_admin", "seal_admin", "operator"])
def test_a_machine_administers_nothing(parties: Parties, role: str) -> None:
    with pytest.raises(Invalid):
        machine(parties, roles=frozenset({Role(role)}))
    name = machine(parties)
    with parties.provider.sessions.begin() as session, pytest.raises(Invalid):
        people.set_roles(
            session, session.get_one(Account, name), [Role(role)], authority=AUTHORITY, by=SYSTEM,
            at=parties.at,
        )  # fmt: skip


def test_a_security_administrator_makes_machines_of_their_own_authority_only(
    parties: Parties,
) -> None:
    admin = Caller("admin", "11610000016000151R", frozenset({Role.SECURITY_ADMIN}))
    with pytest.raises(MayNotGrant):
        machine(parties, by=admin)
    with pytest.raises(MayNotGrant):
        machine(parties, by=Caller("sys", None, frozenset({Role.SYSTEM_ADMIN})))
    with parties.provider.sessions.begin() as session, pytest.raises(Forbidden):
        machines.tie(session, "platform", "any", by=admin, at=parties.at)


def test_nobody_logs_in_with_a_machine_account(parties: Parties, tied: str) -> None:
    with parties.provider.sessions.begin() as session:
        assert people.find_by_login(session, parties.provider.vault, tied) is None
        with pytest.raises(Invalid):
            passwords.set_password(
                session, accounts.find(session, tied), "Correct-horse-9", by=SYSTEM, at=parties.at,
                hasher=parties.provider.hasher,
            )  # fmt: skip


def test_a_machines_bound_token_needs_its_proof(parties: Parties, tied: str) -> None:
    prover = Prover()
    proof = prover.proof(f"{ISSUER}/oauth2/token", at=parties.at)
    answer = parties.ask(proof=proof, grant_type="client_credentials", scope="trust")
    held = answer["access_token"]
    with pytest.raises(TokenRefused):
        authenticate.caller(bearer(parties, held))
    url = f"{ISSUER}/v1/applications"
    good = prover.proof(url, at=parties.at, method="GET", token=held)
    asked = request(parties.provider, authorization=f"DPoP {held}", dpop=good)
    assert authenticate.caller(asked).account == tied


def test_a_machine_is_no_recent_login(parties: Parties, tied: str) -> None:
    with pytest.raises(TokenRefused):
        authenticate.recently(bearer(parties, token(parties)))
    with pytest.raises(TokenRefused):
        authenticate.by_own_word(bearer(parties, token(parties)))


def test_audit_and_ledger_name_the_platform(parties: Parties, tied: str) -> None:
    by = authenticate.caller(bearer(parties, token(parties)))
    use = Use("DZYZ0001", "type", "case", "file.pdf")
    with parties.provider.sessions.begin() as session:
        ledger.add(session, use, Outcome(UseResult.REFUSED, "test"), by=by, at=parties.at)
        audit.record(session, "test.done", subject="x", by=by, at=parties.at)
    with parties.provider.reading() as session:
        assert session.scalar(select(SealUse.system)) == "platform"
        entry = select(AuditEntry.details).where(AuditEntry.act == "test.done")
        assert session.scalar(entry) == '{"client":"platform"}'
