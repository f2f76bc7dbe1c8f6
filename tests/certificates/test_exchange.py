"""Asking another region over HTTP: the outside world is faked, the signatures are real."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from certificates import evidence, publish
from certificates.evidence import Knowledge
from certificates.regions.exchange import ANSWER_MAX, AskedStatus, check_trust_list
from certificates.verify_claim import Verification, verify_claim
from tests.certificates.test_life import codes, end, offline
from tests.regions import Region
from trust import anchors
from trust.anchors import Anchors
from trust.clock import utc_now
from trust.crypto.errors import InvalidSignature, Malformed
from trust.report import Outcome

Answer = Callable[[httpx.Request], httpx.Response]


def ask(
    region: Region, directory: Path, claim: str, answer: Answer, *, lists: bool
) -> Verification:
    """Verify with trust list and roots at hand; status by HTTP, and by file if `lists`."""
    known = anchors.load(directory)
    if not lists:
        known = Anchors(known.roots, known.intermediates, known.crls, (), known.trust_lists)
    store = evidence.store_of(known)
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        source = AskedStatus(known, store, client=client)
        return verify_claim(claim, Knowledge(store, known.signer, None, source), at=utc_now())


def served(region: Region) -> Answer:
    publisher = publish.StatusPublisher(
        region.platform.reading, region.platform.keys, lifetime=timedelta(hours=24)
    )

    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.path.rsplit("/", 1)[1])
        return httpx.Response(200, text=publisher.token(number, at=utc_now()))

    return answer


def test_the_issuing_region_is_asked_for_the_state_now(
    sqlite_region: Region, tmp_path: Path
) -> None:
    licence = sqlite_region.issued()
    offline(sqlite_region, tmp_path)
    before = ask(sqlite_region, tmp_path, licence.claim, served(sqlite_region), lists=True)
    assert before.outcome is Outcome.PASSED, before.checks
    end(sqlite_region, licence)
    after = ask(sqlite_region, tmp_path, licence.claim, served(sqlite_region), lists=True)
    assert after.outcome is Outcome.FAILED
    assert "void" in codes(after)


def refuse(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no route")


@pytest.mark.parametrize(
    "answer",
    [
        refuse,
        lambda _: httpx.Response(500),
        lambda _: httpx.Response(302, headers={"location": "http://elsewhere/"}),
        lambda _: httpx.Response(200, text="not a token"),
        lambda _: httpx.Response(200, content=b"a" * (ANSWER_MAX + 1)),
        lambda _: httpx.Response(200, text="a.b.c"),
    ],
)
def test_a_region_that_does_not_answer_leaves_the_state_unknown(
    sqlite_region: Region, tmp_path: Path, answer: Answer
) -> None:
    licence = sqlite_region.issued()
    offline(sqlite_region, tmp_path)
    found = ask(sqlite_region, tmp_path, licence.claim, answer, lists=False)
    assert found.outcome is Outcome.INDETERMINATE
    assert "state_unknown" in codes(found)


def test_an_unreachable_region_is_judged_by_the_list_at_hand(
    sqlite_region: Region, tmp_path: Path
) -> None:
    licence = sqlite_region.issued()
    offline(sqlite_region, tmp_path)
    found = ask(sqlite_region, tmp_path, licence.claim, refuse, lists=True)
    assert found.outcome is Outcome.PASSED, found.checks


def test_a_trust_list_is_signed_by_the_region_it_speaks_for(
    sqlite_region: Region, tmp_path: Path
) -> None:
    offline(sqlite_region, tmp_path)
    known = anchors.load(tmp_path)
    store = evidence.store_of(known)
    (published,) = known.trust_lists
    assert check_trust_list(published, store, now=utc_now()).region == "542500"
    renamed = published.replace(b'"schemeTerritory":"542500"', b'"schemeTerritory":"621100"')
    with pytest.raises(InvalidSignature):
        check_trust_list(renamed, store, now=utc_now())
    with pytest.raises(Malformed):
        check_trust_list(b"{}", store, now=utc_now())
