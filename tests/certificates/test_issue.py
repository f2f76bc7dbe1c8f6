"""Issuing: who may, exactly once, and what a crash leaves."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ca.models import Timestamp
from certificates import issue, registry
from certificates.applications.verbs import OwnApplication, TypeNotOfAuthority, approve, enter
from certificates.issue import AlreadyIssued
from certificates.models import Application, ApplicationState, Authority, Licence, Reservation
from certificates.press import recovery
from certificates.press.store import FileStore
from certificates.status.lists import Status
from certificates.verify import verify_file
from seal import freeze
from seal.ledger_models import SealUse
from seal.life import SealNotInForce
from tests.regions import MARKET, TRANSPORT, Region, example
from trust.access import SYSTEM, Caller, Role
from trust.audit_entry import AuditEntry
from trust.clock import utc_now
from trust.errors import Conflict, Forbidden, Invalid
from trust.report import Outcome


def test_an_issued_licence_verifies_by_its_own_registry(region: Region) -> None:
    licence = region.issued()
    found = verify_file(region.file(licence), region.platform.knowledge, at=utc_now())
    assert found.outcome is Outcome.PASSED, found.checks
    assert found.changed_after_sealing is False
    assert found.licence is not None
    assert found.licence["identifier"] == licence.identifier


def test_an_application_has_one_licence(region: Region) -> None:
    key = region.approved()
    by = region.caller("market.approver")
    licence = issue.issue(region.platform.workshop(at=utc_now()), key, by=by, at=utc_now())
    with pytest.raises(AlreadyIssued, match=licence.identifier):
        issue.issue(region.platform.workshop(at=utc_now()), key, by=by, at=utc_now())


def test_of_two_issues_at_once_one_wins_and_one_conflicts(region: Region) -> None:
    key, by = region.approved(), region.caller("market.approver")
    workshop, together = region.platform.workshop(at=utc_now()), threading.Barrier(2)
    results: list[object] = []

    def run() -> None:
        together.wait()
        try:
            results.append(issue.issue(workshop, key, by=by, at=utc_now()))
        except Conflict as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(r).__name__ in ("Licence",) for r in results) == [False, True]
    with region.platform.reading() as session:
        assert len(session.scalars(select(Licence).where(Licence.application == key)).all()) == 1


def test_nobody_approves_or_issues_on_their_own_application(region: Region) -> None:
    both = Caller("both", MARKET.code, frozenset({Role.CLERK, Role.APPROVER}))
    with region.platform.sessions.begin() as session:
        key = enter(
            session, "business-licence", example("business-licence"), authority=MARKET.code,
            by=both, at=utc_now(), vault=region.platform.vault,
        ).id  # fmt: skip
    with region.platform.sessions() as session, pytest.raises(OwnApplication):
        approve(session, key, by=both, at=utc_now())
    with region.platform.sessions.begin() as session:
        approve(session, key, by=region.caller("market.approver"), at=utc_now())
    with pytest.raises(OwnApplication):
        issue.issue(region.platform.workshop(at=utc_now()), key, by=both, at=utc_now())


@pytest.mark.parametrize("name", ["market.clerk", "market.seal", "transport.approver"])
def test_only_an_approver_of_the_authority_issues(sqlite_region: Region, name: str) -> None:
    key = sqlite_region.approved()
    with pytest.raises(Forbidden):
        issue.issue(
            sqlite_region.platform.workshop(at=utc_now()),
            key,
            by=sqlite_region.caller(name),
            at=utc_now(),
        )


def test_an_authority_issues_only_its_own_types(sqlite_region: Region) -> None:
    platform = sqlite_region.platform
    with platform.sessions() as session, pytest.raises(TypeNotOfAuthority):
        enter(
            session, "business-licence", example("business-licence"), authority=TRANSPORT.code,
            by=SYSTEM, at=utc_now(), vault=platform.vault,
        )  # fmt: skip


def test_an_application_that_is_not_approved_is_not_issued(sqlite_region: Region) -> None:
    key = sqlite_region.enter()
    with pytest.raises(Conflict, match="entered"):
        issue.issue(
            sqlite_region.platform.workshop(at=utc_now()), key,
            by=sqlite_region.caller("market.approver"), at=utc_now(),
        )  # fmt: skip


def test_the_content_at_rest_shows_no_name(sqlite_region: Region) -> None:
    key = sqlite_region.approved()
    with sqlite_region.platform.reading() as session:
        box = session.get_one(Application, key).content_box
    assert str(example("business-licence")["CZZT"]).encode() not in box


def test_a_frozen_seal_seals_nothing_from_the_next_use_on(region: Region) -> None:
    es_id = _seal(region)
    admin = region.caller("market.seal")
    key = region.approved()
    with region.platform.sessions.begin() as session:
        freeze.freeze(session, es_id, reason="遗失", by=admin, at=utc_now())
    try:
        with pytest.raises(SealNotInForce):
            issue.issue(
                region.platform.workshop(at=utc_now()),
                key,
                by=region.caller("market.approver"),
                at=utc_now(),
            )
        assert _state(region, key) == ApplicationState.APPROVED
    finally:
        with region.platform.sessions.begin() as session:
            freeze.unfreeze(session, es_id, reason="找到", by=admin, at=utc_now())


def _seal(region: Region) -> str:
    with region.platform.reading() as session:
        found = session.get_one(Authority, MARKET.code).seal
    assert found is not None
    return found


def _state(region: Region, key: object) -> str:
    with region.platform.reading() as session:
        return session.get_one(Application, key).state


def test_a_page_that_cannot_be_set_leaves_the_application_approved(region: Region) -> None:
    key = region.approved(KZ_JYFW="经营" * 740)
    with pytest.raises(Invalid):
        issue.issue(
            region.platform.workshop(at=utc_now()),
            key,
            by=region.caller("market.approver"),
            at=utc_now(),
        )
    assert _state(region, key) == ApplicationState.APPROVED
    with region.platform.reading() as session:
        row = session.scalars(select(Reservation).where(Reservation.application == key)).one()
        assert row.state == registry.ABANDONED


KILLED = """
import os, signal, sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID
from pydantic import SecretStr
from certificates import issue
from certificates.document import Renderer
from certificates.press.store import FileStore
from server.platform import Platform
from sso import accounts
from trust.clock import utc_now
from trust.settings import Settings

class DyingRenderer(Renderer):
    def render(self, *arguments, **options):
        os.kill(os.getpid(), signal.SIGKILL)

class DyingStore(FileStore):
    def put(self, identifier, data):
        super().put(identifier, data)
        os.kill(os.getpid(), signal.SIGKILL)

home, url, key, where = sys.argv[1:]
platform = Platform(Settings(home=Path(home), database_url=url, development=True,
                             key_passphrase=SecretStr("a passphrase of the tests")))
if where == "render":
    platform.__dict__["renderer"] = DyingRenderer()
else:
    platform.__dict__["store"] = DyingStore(platform.settings.home / "files", platform.vault)
with platform.reading() as session:
    by = accounts.caller(session, "market.approver")
issue.issue(platform.workshop(at=utc_now()), UUID(key), by=by, at=utc_now())
"""


@pytest.mark.parametrize("where", ["render", "store"])
def test_a_kill_between_reserving_and_recording_leaves_nothing_half_issued(
    region: Region, where: str
) -> None:
    key, settings = region.approved(), region.platform.settings
    died = subprocess.run(
        [sys.executable, "-c", KILLED, str(settings.home), settings.database_url, str(key), where],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}, check=False, timeout=60,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL
    assert _state(region, key) == ApplicationState.ISSUING
    given_up = recovery.recover(
        region.platform.sessions, region.platform.store, by=SYSTEM, at=utc_now()
    )
    assert len(given_up) == 1
    assert _state(region, key) == ApplicationState.APPROVED
    with region.platform.reading() as session:
        row = session.get_one(Reservation, given_up[0])
        states = registry.states_of_list(session, row.status_list)
        acts = session.scalars(
            select(AuditEntry.act)
            .where(AuditEntry.subject == given_up[0])
            .order_by(AuditEntry.sequence)
        )
        assert list(acts) == ["licence.reserved", "licence.abandoned"]
    assert states[row.status_index] is Status.VOID
    assert not region.platform.store._path(given_up[0]).exists()
    licence = issue.issue(
        region.platform.workshop(at=utc_now()),
        key,
        by=region.caller("market.approver"),
        at=utc_now(),
    )
    assert licence.identifier != given_up[0]


def test_a_live_process_is_not_taken_for_dead(sqlite_region: Region) -> None:
    platform = sqlite_region.platform
    key = sqlite_region.approved()
    with platform.sessions.begin() as session:
        (job,) = issue.reserve(
            session, platform.workshop(at=utc_now()), [key],
            by=sqlite_region.caller("market.approver"), at=utc_now(),
        )  # fmt: skip
    assert recovery.recover(platform.sessions, platform.store, by=SYSTEM, at=utc_now()) == []
    late = utc_now() + platform.settings.reservation_lease + timedelta(seconds=1)
    given_up = recovery.recover(platform.sessions, platform.store, by=SYSTEM, at=late)
    assert isinstance(job, issue.Job)
    assert given_up == [str(job.known)]


def test_a_file_put_after_its_reservation_was_given_up_does_not_stay(region: Region) -> None:
    """A lease can run out while the page is still being sealed."""
    platform = region.platform
    names: list[str] = []

    class LateStore(FileStore):
        def put(self, identifier: str, data: bytes) -> None:
            names.append(identifier)
            recovery.give_up(platform.sessions, self, identifier, by=SYSTEM, at=utc_now())
            super().put(identifier, data)

    late = LateStore(platform.settings.home / "files", platform.vault)
    workshop = replace(platform.workshop(at=utc_now()), store=late)
    key = region.approved()
    with pytest.raises(Conflict, match="given up"):
        issue.issue(workshop, key, by=region.caller("market.approver"), at=utc_now())
    assert not late._path(names[0]).exists()
    assert _state(region, key) == ApplicationState.APPROVED


def test_the_ledger_names_the_time_stamp_of_each_seal(sqlite_region: Region) -> None:
    made = sqlite_region.issued()
    with sqlite_region.platform.reading() as session:
        row = session.scalars(
            select(SealUse).where(SealUse.document == f"{made.identifier}.pdf")
        ).one()
        stamps = [each.serial for each in session.scalars(select(Timestamp))]
    assert row.time_stamp in stamps
