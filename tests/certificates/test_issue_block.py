"""Issuing a block of licences: each once, a bad one apart, and what a crash leaves of all."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from ca.models import Timestamp
from certificates import catalogue, identifier, issue, search
from certificates.applications import joint
from certificates.applications import verbs as applications
from certificates.applications.refusals import ConsentMissing
from certificates.event_models import LicenceEvent
from certificates.issue import AlreadyIssued, Issued, Refused
from certificates.models import (
    Application,
    ApplicationKind,
    ApplicationState,
    Authority,
    Licence,
    LicenceState,
    Reservation,
    StateChange,
)
from certificates.press import make, recovery
from certificates.states import LicenceNotInForce
from certificates.verify import verify_file
from certificates.verify_content import read_content
from seal import freeze
from seal.ledger_models import SealUse
from seal.life import SealNotInForce
from tests.regions import MARKET, TRANSPORT, Region, example
from trust.access import SYSTEM, Caller
from trust.clock import utc_now
from trust.errors import Conflict, NotFound
from trust.report import Outcome


def block(region: Region, keys: list[UUID], **changes: object) -> list[Issued | Refused]:
    workshop = replace(region.platform.workshop(at=utc_now()), **changes)  # type: ignore[arg-type]
    return issue.issue_many(workshop, keys, by=region.caller("market.approver"), at=utc_now())


def state(region: Region, key: UUID) -> str:
    with region.platform.reading() as session:
        return session.get_one(Application, key).state


def test_a_block_issues_each_and_each_verifies(region: Region) -> None:
    keys = [region.approved() for _ in range(9)]
    found = block(region, keys)
    assert [each.application for each in found] == keys
    for each in found:
        assert isinstance(each, Issued)
        pdf = region.platform.store.get(each.identifier)
        told = verify_file(pdf, region.platform.knowledge, at=utc_now())
        assert told.outcome is Outcome.PASSED, told.checks
        assert {report.level for report in told.signatures} == {"B-LT"}
    with region.platform.reading() as session:
        names = [each.identifier for each in found if isinstance(each, Issued)]
        stamps = session.scalars(
            select(SealUse.time_stamp).where(SealUse.document.in_([f"{n}.pdf" for n in names]))
        ).all()
        known = set(session.scalars(select(Timestamp.serial)))
        noted = session.scalars(select(LicenceEvent.kind).where(LicenceEvent.licence.in_(names)))
        assert len(stamps) == len(set(stamps)) == 9
        assert {str(stamp) for stamp in stamps} <= known
        assert list(noted) == ["issued"] * 9


def test_a_bad_one_does_not_sink_the_block(region: Region) -> None:
    """Refused before anything is written, by the page, and by what happened before."""
    good, done, absent = region.approved(), region.approved(), uuid4()
    entered, overfull = region.enter(), region.approved(KZ_JYFW="经营" * 740)
    block(region, [done])
    found = block(region, [good, done, absent, entered, overfull, good])
    errors = [type(each.error) if isinstance(each, Refused) else None for each in found]
    assert len(found) == 5
    assert [errors[0], errors[1], errors[2]] == [None, AlreadyIssued, NotFound]
    assert issubclass(errors[3] or object, Conflict)
    assert isinstance(found[4], Refused)
    assert found[4].error.code == "unprintable_licence"
    assert state(region, overfull) == ApplicationState.APPROVED
    assert state(region, entered) == ApplicationState.ENTERED


def test_a_frozen_seal_refuses_the_whole_block_and_leaves_it_approved(region: Region) -> None:
    keys = [region.approved() for _ in range(3)]
    with region.platform.reading() as session:
        es_id = str(session.get_one(Authority, MARKET.code).seal)
    admin = region.caller("market.seal")
    with region.platform.sessions.begin() as session:
        freeze.freeze(session, es_id, reason="遗失", by=admin, at=utc_now())
    try:
        found = block(region, keys)
    finally:
        with region.platform.sessions.begin() as session:
            freeze.unfreeze(session, es_id, reason="找到", by=admin, at=utc_now())
    assert [type(each.error) for each in found if isinstance(each, Refused)] == [SealNotInForce] * 3
    assert {state(region, key) for key in keys} == {ApplicationState.APPROVED}
    assert all(isinstance(each, Issued) for each in block(region, keys))


def test_a_block_without_time_stamps_is_sealed_all_the_same(sqlite_region: Region) -> None:
    found = block(sqlite_region, [sqlite_region.approved() for _ in range(2)], long_term=None)
    for each in found:
        assert isinstance(each, Issued)
        pdf = sqlite_region.platform.store.get(each.identifier)
        told = verify_file(pdf, sqlite_region.platform.knowledge, at=utc_now())
        assert {report.level for report in told.signatures} == {"B-B"}


def test_the_steps_taken_together_need_no_second_try(sqlite_region: Region) -> None:
    """Whatever fails there is made one by one, which would hide that all of it fails."""
    platform, at = sqlite_region.platform, utc_now().replace(microsecond=0)
    workshop, by = platform.workshop(at=at), sqlite_region.caller("market.approver")
    keys = [sqlite_region.approved() for _ in range(3)]
    with platform.sessions.begin() as session:
        jobs = issue.reserve(session, workshop, keys, by=by, at=at)
    ready = [job for job in jobs if isinstance(job, issue.Job)]
    claims = [str(claim) for claim in make._claims(workshop, ready, at)]
    pages = [make._page(workshop, job, claim, at) for job, claim in zip(ready, claims, strict=True)]
    made = make._together(workshop, ready, list(zip(claims, pages, strict=True)), at)
    assert [each.job for each in made] == ready
    for job in ready:
        recovery.give_up(platform.sessions, platform.store, str(job.known), by=SYSTEM, at=at)


def test_of_two_blocks_over_the_same_applications_each_is_issued_once(region: Region) -> None:
    keys = [region.approved() for _ in range(4)]
    first, second = block(region, keys[:3]), block(region, keys)
    assert all(isinstance(each, Issued) for each in first)
    assert [isinstance(each, Issued) for each in second] == [False, False, False, True]
    with region.platform.reading() as session:
        count = session.scalar(select(func.count()).where(Licence.application.in_(keys)))
        assert count == 4


KILLED = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from uuid import UUID
from pydantic import SecretStr
from certificates import issue
from certificates.press.store import FileStore
from server.platform import Platform
from sso import accounts
from trust.clock import utc_now
from trust.settings import Settings

class DyingStore(FileStore):
    def put_many(self, files):
        super().put_many(files)
        os.kill(os.getpid(), signal.SIGKILL)

home, url, *keys = sys.argv[1:]
platform = Platform(Settings(home=Path(home), database_url=url, development=True,
                             key_passphrase=SecretStr("a passphrase of the tests")))
store = DyingStore(platform.settings.home / "files", platform.vault)
with platform.reading() as session:
    by = accounts.caller(session, "market.approver")
workshop = replace(platform.workshop(at=utc_now()), store=store)
issue.issue_many(workshop, [UUID(key) for key in keys], by=by, at=utc_now())
"""


def test_a_kill_after_the_block_was_stored_leaves_nothing_half_issued(region: Region) -> None:
    keys, settings = [region.approved() for _ in range(3)], region.platform.settings
    died = subprocess.run(
        [sys.executable, "-c", KILLED, str(settings.home), settings.database_url,
         *map(str, keys)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}, check=False, timeout=60,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL
    assert {state(region, key) for key in keys} == {ApplicationState.ISSUING}
    given_up = recovery.recover(
        region.platform.sessions, region.platform.store, by=SYSTEM, at=utc_now()
    )
    assert len(given_up) == 3
    assert {state(region, key) for key in keys} == {ApplicationState.APPROVED}
    for name in given_up:
        with pytest.raises(NotFound):
            region.platform.store.get(name)
    assert all(isinstance(each, Issued) for each in block(region, keys))


# --- re-issue and joint issue ------------------------------------------------------------------


def follow(region: Region, previous: Licence, **changes: object) -> UUID:
    clerk, approver = region.caller("market.clerk"), region.caller("market.approver")
    with region.platform.sessions.begin() as session:
        key = applications.enter(
            session, "food-business-licence", example("food-business-licence") | changes,
            authority=MARKET.code, by=clerk, at=utc_now(), vault=region.platform.vault,
            kind=ApplicationKind.REISSUE, previous=previous.identifier,
        ).id  # fmt: skip
    with region.platform.sessions.begin() as session:
        applications.approve(session, key, by=approver, at=utc_now())
    return key


def test_a_reissue_has_the_next_version_and_ends_the_previous_with_it(region: Region) -> None:
    first = region.issued("food-business-licence")
    (second,) = block(region, [follow(region, first)])
    assert isinstance(second, Issued)
    old, new = identifier.parse(first.identifier), identifier.parse(second.identifier)
    assert (new.serial, new.version) == (old.serial, old.version + 1)
    assert second.number == first.number
    with region.platform.reading() as session:
        row = session.get_one(Licence, second.identifier)
        raw = region.platform.vault.unseal(row.content_box, context=f"licence/{row.identifier}")
        assert session.get_one(Licence, first.identifier).state == LicenceState.REPLACED
        changes = session.scalars(
            select(StateChange).where(StateChange.licence == first.identifier)
        ).all()
    assert row.previous == read_content(raw)["licence"]["GLZZBS"] == first.identifier
    assert second.identifier in changes[-1].reason


def test_of_two_reissues_of_one_licence_one_wins(region: Region) -> None:
    first = region.issued("food-business-licence")
    keys = [follow(region, first), follow(region, first)]
    found = block(region, keys)
    assert [isinstance(each, Issued) for each in found] == [True, False]
    (late,) = block(region, keys[1:])
    assert isinstance(late, Refused)
    assert isinstance(late.error, LicenceNotInForce)
    assert state(region, keys[1]) == ApplicationState.APPROVED


def test_a_version_that_a_died_issue_burnt_is_left_out(sqlite_region: Region) -> None:
    platform = sqlite_region.platform
    first = sqlite_region.issued("food-business-licence")
    key = follow(sqlite_region, first)
    by = sqlite_region.caller("market.approver")
    with platform.sessions.begin() as session:
        workshop = platform.workshop(at=utc_now())
        (job,) = issue.reserve(session, workshop, [key], by=by, at=utc_now())
    assert isinstance(job, issue.Job)
    recovery.give_up(platform.sessions, platform.store, str(job.known), by=SYSTEM, at=utc_now())
    (second,) = block(sqlite_region, [key])
    assert isinstance(second, Issued)
    assert identifier.parse(second.identifier).version == job.known.version + 1
    with platform.reading() as session:
        assert session.get_one(Reservation, str(job.known)).state == "abandoned"


def test_a_joint_licence_bears_every_authoritys_seal(region: Region) -> None:
    clerk, approver = region.caller("market.clerk"), region.caller("market.approver")
    with region.platform.sessions.begin() as session:
        key = applications.enter(
            session, "business-licence", example("business-licence"), authority=MARKET.code,
            by=clerk, at=utc_now(), vault=region.platform.vault, joint=[TRANSPORT.code],
        ).id  # fmt: skip
    with region.platform.sessions.begin() as session:
        applications.approve(session, key, by=approver, at=utc_now())
    (refused,) = block(region, [key])
    assert isinstance(refused, Refused)
    assert isinstance(refused.error, ConsentMissing)
    other = region.caller("transport.approver")
    with region.platform.sessions.begin() as session:
        joint.consent(session, key, by=other, at=utc_now())
    alone = region.approved()
    made, plain = block(region, [key, alone])
    assert isinstance(made, Issued)
    assert isinstance(plain, Issued)
    told = verify_file(
        region.platform.store.get(made.identifier), region.platform.knowledge, at=utc_now()
    )
    assert told.outcome is Outcome.PASSED, told.checks
    assert len(told.signatures) == 3
    assert operators(region, made) == {(MARKET.code, approver.account),
                                       (TRANSPORT.code, other.account)}  # fmt: skip


def operators(region: Region, made: Issued) -> set[tuple[str | None, str]]:
    with region.platform.reading() as session:
        rows = session.scalars(
            select(SealUse).where(SealUse.document == f"{made.identifier}.pdf")
        ).all()
        return {(row.authority, row.operator) for row in rows}


def test_issuing_names_the_system_whose_token_the_caller_brought(sqlite_region: Region) -> None:
    key = sqlite_region.approved()
    by = sqlite_region.caller("market.approver")
    through = Caller(by.account, by.authority, by.roles, client="zwfw")
    workshop = sqlite_region.platform.workshop(at=utc_now())
    (made,) = issue.issue_many(workshop, [key], by=through, at=utc_now())
    assert isinstance(made, Issued)
    with sqlite_region.platform.reading() as session:
        row = session.scalars(
            select(SealUse).where(SealUse.document == f"{made.identifier}.pdf")
        ).one()
        assert row.system == "zwfw"


def test_a_licence_of_several_holders_is_found_under_each(sqlite_region: Region) -> None:
    platform, at = sqlite_region.platform, utc_now()
    kind = catalogue.find("real-estate-title")
    with platform.sessions.begin() as session:
        owner = session.get_one(Authority, MARKET.code)
        owner.types = [*{*owner.types, kind.code}]
        entered = applications.enter(
            session, kind.slug, example(kind.slug), authority=MARKET.code,
            by=sqlite_region.caller("market.clerk"), at=at, vault=platform.vault,
        )  # fmt: skip
        # Its checks and reviews are the application's own tests.
        entered.state, entered.decided_by = ApplicationState.APPROVED, "market.approver"
        key = entered.id
    (made,) = block(sqlite_region, [key])
    assert isinstance(made, Issued)
    told = verify_file(platform.store.get(made.identifier), platform.knowledge, at=utc_now())
    assert told.outcome is Outcome.PASSED, told.checks
    codes = example(kind.slug)["CZZTDM"]
    assert len(codes) == 2
    with platform.reading() as session:
        for code in codes:
            found = search.by_holder(session, platform.vault, code, type_codes=[kind.code])
            assert [each.identifier for each in found] == [made.identifier]
