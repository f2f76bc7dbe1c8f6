"""A short run of `make regions-proof`: three regions, bad weather, and an oracle that notices."""

from collections.abc import Iterator

import pytest

from ca.models import Signer
from ca.revoke import Reason, revoke
from certificates.regions.peer_status import PeerStatus
from certificates.verify_claim import Verification, verify_claim
from tests.regions_proof import prove
from tests.regions_proof_world import Place, World
from trust.access import SYSTEM
from trust.crypto import x509
from trust.report import Check, Outcome, passed


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("world"), 7, regions=3, licences=6)
    yield found
    found.close()


def test_nothing_passes_that_should_not_and_changes_are_seen_in_time(world: World) -> None:
    account = prove(world, count=300)
    assert account.wrong == []
    for kind in ("own code", "foreign code", "unlisted code", "tampered code", "question"):
        assert account.kinds[kind] > 0
    assert set(account.outcomes) == {"PASSED", "FAILED", "INDETERMINATE"}
    assert any(name.startswith("  faults") for name in account.kinds)


def test_the_oracle_notices_a_verifier_that_believes_too_much(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def believes(*_: object, **__: object) -> Check:
        return passed("state", "in_force")

    monkeypatch.setattr(PeerStatus, "state", believes)
    account = prove(world, count=150)
    assert any("PASSED" in each for each in account.wrong)


def test_a_stolen_claim_key_is_refused_elsewhere_by_crl_and_then_by_list(world: World) -> None:
    """Comes last: nothing of that region passes after it."""
    world.partitions.clear()
    world.bad_weather = 0.0
    world.seconds += 60
    here, there = world.places["621100"], world.places["542500"]
    holding = there.holdings[0]
    platform = there.platform
    assert _look(world, here, holding.claim).outcome is Outcome.PASSED
    with platform.sessions.begin() as session:
        row = session.get_one(Signer, "claim-signer-sm2")
        revoke(
            session, issuer=row.issuer, serial=x509.parse_certificate(row.certificate).serial,
            reason=Reason.KEY_COMPROMISE, by=SYSTEM, at=world.now,
        )  # fmt: skip
    world.renew()
    world.seconds += 61
    by_crl = _look(world, here, holding.claim)
    assert by_crl.outcome is Outcome.INDETERMINATE, by_crl.checks
    assert "compromised" in [check.code for check in by_crl.checks]
    world.fetch_lists(here)
    by_list = _look(world, here, holding.claim)
    assert by_list.outcome is not Outcome.PASSED


def _look(world: World, here: Place, claim: str) -> Verification:
    return verify_claim(claim, here.platform.knowledge, at=world.clock_of(here.code))
