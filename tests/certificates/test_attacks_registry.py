"""Issuers' people ask for what is not theirs, and anybody for what costs much and them nothing."""

import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from certificates import publish, search
from certificates.applications.refusals import ContentChanged
from certificates.evidence import Knowledge
from certificates.licence_types import number_format
from certificates.licence_types.number_format import BadNumberFormat
from certificates.models import Licence
from certificates.purpose import purpose
from certificates.status import publish as publish_status
from certificates.status.publish import DELTAS_AT_ONCE, NoDelta, StatusForms
from certificates.verify_claim import verify_claim
from certificates.wallet import showing
from certificates.wallet.holder import Holder, NotYours
from server import offline
from server.offline import SignedBundles
from tests import holding
from tests.certificates.office import open_office
from tests.regions import MARKET, TRANSPORT, Region, example
from trust import lists_xml_read
from trust.clock import utc_now
from trust.report import Check, Outcome, unknown


@pytest.fixture(scope="module")
def licences(sqlite_region: Region) -> list[Licence]:
    """Two licences of one holder."""
    return [sqlite_region.issued("food-business-licence") for _ in range(2)]


@pytest.mark.parametrize("how", ["holder", "number", "paper"])
def test_a_search_within_an_authority_never_meets_anothers_licence(
    sqlite_region: Region, licences: list[Licence], how: str
) -> None:
    """Else a page of one tells, by its cursor, every licence that somebody has anywhere."""
    vault = sqlite_region.platform.vault
    with sqlite_region.platform.reading() as session:

        def found(authority: str | None) -> list[str]:
            given: dict[str, Any] = {"limit": 200, "authority": authority}
            if how == "holder":
                code = str(example("food-business-licence")["CZZTDM"])
                rows = search.by_holder(session, vault, code, **given)
            elif how == "number":
                rows = search.by_number(session, licences[0].number, **given)
            else:
                rows = search.by_paper_number(session, licences[0].number, **given)
            return [row.identifier for row in rows]

        assert found(TRANSPORT.code) == []
        assert found(MARKET.code) == found(None)
        assert how == "paper" or licences[0].identifier in found(MARKET.code)


def test_whoever_asks_for_every_delta_in_turn_is_sent_to_the_whole_list(
    sqlite_region: Region, licences: list[Licence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More addresses than are kept: each request would have a list packed and signed."""
    monkeypatch.setattr(publish_status, "_KEPT_MAX", 2)
    number, at = licences[0].status_list, utc_now()
    forms = StatusForms(
        sqlite_region.platform.reading, sqlite_region.platform.keys, lifetime=timedelta(hours=24)
    )
    tens = int(at.timestamp()) // 600 * 600
    for step in range(DELTAS_AT_ONCE):
        forms.delta(number, tens - 600 * (step % 200), at=at)
    with pytest.raises(NoDelta, match="fetch the whole list"):
        forms.delta(number, tens - 600 * 200, at=at)
    assert forms.cwt(number, at=at)
    assert forms.delta(number, tens, at=at + timedelta(minutes=1))


def test_of_many_who_ask_for_a_list_at_once_one_has_it_signed(
    sqlite_region: Region, licences: list[Licence]
) -> None:
    forms = StatusForms(
        sqlite_region.platform.reading, sqlite_region.platform.keys, lifetime=timedelta(hours=24)
    )
    at, found = utc_now(), list[bytes]()

    def ask() -> None:
        found.append(forms.cwt(licences[0].status_list, at=at))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    assert len(set(found)) == 1  # an ECDSA or SM2 signature is another at each making


def test_the_bundle_is_not_made_anew_at_every_request_while_states_change(
    sqlite_region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "AT_ONCE", 2)
    monkeypatch.setattr(publish, "changes_of", lambda *_: object())
    bundles, at = SignedBundles(sqlite_region.platform), datetime.now(UTC)
    documents = [bundles.document(at=at) for _ in range(6)]
    assert len(set(documents)) == 3  # the first, and a burst of two
    assert bundles.document(at=at + offline.EVERY) != documents[-1]
    assert bundles.document(at=at + offline.KEPT * 2) != documents[-1]


def test_a_number_format_cannot_be_told_apart_in_a_million_ways() -> None:
    """Eleven places of varying length took a minute of CPU for a number of fifty characters."""
    with pytest.raises(BadNumberFormat):
        number_format.parse("{place}" * 11 + "X")
    began = time.process_time()
    number_format.matches("{place}第{sequence:7}号{KZ_A}{KZ_B}X", "拉" * 120, {})
    assert time.process_time() - began < 0.5


def test_consent_is_to_what_was_looked_at(sqlite_region: Region) -> None:
    """Returned, corrected and agreed to between two looks: the approver agreed to another thing."""
    office = open_office(sqlite_region)
    key = office.enter(joint=[TRANSPORT.code])
    seen = office.read(key).revision
    office.do("return_", key, reason="范围有误")
    office.do("correct", key, by="clerk", data=example("business-licence"),
              vault=sqlite_region.platform.vault)  # fmt: skip
    with pytest.raises(ContentChanged):
        office.do("consent", key, by="transport.approver", revision=seen)
    office.do("consent", key, by="transport.approver", revision=seen + 1)


def test_who_may_use_a_licence_no_longer_confirms_no_showing_behind_many_others(
    sqlite_region: Region,
) -> None:
    """Whose it is was asked for the first twenty requests alone."""
    holding.holder(sqlite_region)
    licence = holding.personal_licence(sqlite_region)
    platform, office = sqlite_region.platform, holding.office(sqlite_region)
    wallet = holding.wallet(sqlite_region, "wallet.holder")
    keys = []
    for _ in range(22):
        typed = wallet.show(licence.identifier).typed
        with platform.sessions.begin() as session:
            why = purpose("核对")
            keys.append(showing.begin(
                session, platform.vault, typed, purpose=why, by=office, at=wallet.at
            ))  # fmt: skip
    robbed = replace(wallet, holder=Holder(wallet.by, ()))
    with pytest.raises(NotYours):
        robbed.confirm(keys[-1])
    wallet.confirm(keys[-1])


def test_a_time_that_no_calendar_has_is_no_fault_of_the_reader() -> None:
    with pytest.raises(ValueError, match="first year"):
        lists_xml_read._moment("0001-01-01T00:00:00+14:00")


@dataclass
class Asked:
    """A source of states that notes what it is asked."""

    lists: list[int]

    def state(self, region: str, number: int, index: int, *, at: datetime) -> Check:
        self.lists.append(number)
        return unknown("state", "state_unknown", "")


def test_a_code_that_anybody_could_write_makes_nobody_ask_another_region(
    sqlite_region: Region, licences: list[Licence]
) -> None:
    """It may name any list: three that are not there would open the circuit to that region, and
    codes revoked since would be judged by yesterday's list."""
    known, asked = sqlite_region.platform.knowledge, Asked([])
    away = Knowledge(known.store, known.signer, None, asked)
    assert verify_claim(licences[0].claim, away, at=utc_now()).checks
    assert asked.lists == [licences[0].status_list]
    stranger = replace(away, signer=lambda _: None)
    report = verify_claim(licences[0].claim, stranger, at=utc_now())
    assert report.outcome is Outcome.INDETERMINATE
    assert {"claim_signer_unknown", "state_unknown"} <= {each.code for each in report.checks}
    assert asked.lists == [licences[0].status_list]
