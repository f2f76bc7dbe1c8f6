"""The proof of mutual recognition: thousands of seeded verifications among regions whose network
loses, delays, spoils and replays, and no licence passes that should not.

`make regions-proof` runs ten thousand; `make test` a few hundred. What may come out is told by an
oracle that knows every state a licence was in: a region that reaches the issuer sees a change
within `SEEN`; one that does not may be behind by the life of a status list and no longer.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from certificates.models import LicenceState
from certificates.regions.exchange_asking import Wish
from certificates.regions.exchange_messages import Kind
from certificates.verify import verify_file
from certificates.verify_claim import Verification, verify_claim
from tests.regions_proof_world import UNLISTED, Holding, Place, World
from trust.errors import TrustError
from trust.report import Outcome

#: Within so many seconds every region that reaches the issuer sees a change.
SEEN: Final = 10.0
#: A status list's life, and how far clocks may differ.
LIFE: Final = 24 * 3600.0
SKEW_MAX: Final = 20.0
HOUR: Final = 3600.0
_MOVES: Final = {
    # Mostly what can be undone, so that something is left to happen.
    LicenceState.ACTIVE: (
        *[LicenceState.SUSPENDED] * 8,
        LicenceState.REVOKED,
        LicenceState.CANCELLED,
    ),
    LicenceState.SUSPENDED: (*[LicenceState.ACTIVE] * 9, LicenceState.REVOKED),
}


@dataclass
class Account:
    """What was verified and what came of it; `wrong` are sentences, of which there should be
    none."""

    outcomes: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def add(self, kind: str, outcome: Outcome) -> None:
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.outcomes[str(outcome)] = self.outcomes.get(str(outcome), 0) + 1


def prove(world: World, *, count: int) -> Account:
    """`count` verifications in a world; what came of them."""
    account = Account()
    for _ in range(count):
        _weather(world)
        _verify_one(world, account)
    account.kinds |= {f"  {name}": number for name, number in sorted(world.counts.items())}
    return account


def _weather(world: World) -> None:
    """Time goes on; now and then something happens."""
    dice = world.dice
    world.seconds += dice.choice((0.2, 1.0, 4.0, 11.0, 30.0))
    if dice.random() < 0.01:
        world.seconds += dice.uniform(600, 4 * HOUR)
        world.renew()
        for place in world.places.values():
            world.fetch_lists(place)
    if dice.random() < 0.01:
        world.bad_weather = world.seconds + dice.uniform(20, 900)
    if dice.random() < 0.008:
        one, other = dice.sample(sorted(world.places), 2)
        world.split(one, other, dice.choice((60.0, 600.0, 6 * HOUR, 30 * HOUR)))
    if dice.random() < 0.01:
        world.restart(world.places[dice.choice(sorted(world.places))])
    if dice.random() < 0.01:
        place = world.places[dice.choice(sorted(world.places))]
        place.skew = timedelta(seconds=dice.uniform(-SKEW_MAX, SKEW_MAX))
    if dice.random() < 0.05:
        _turn_one(world)


def _turn_one(world: World) -> None:
    place = world.places[world.dice.choice(sorted(world.places))]
    holding = world.dice.choice(place.holdings)
    moves = _MOVES.get(holding.history[-1][1], ())
    # Some are always left in force.
    if moves and place.holdings.index(holding) >= 3:
        world.turn(holding, place, world.dice.choice(moves))


def _verify_one(world: World, account: Account) -> None:
    dice = world.dice
    here = world.places[dice.choice(sorted(world.places))]
    there = world.places[dice.choice(sorted(world.places))]
    holding = dice.choice(there.holdings)
    tampered = dice.random() < 0.15
    way = dice.choices(("code", "file", "asked"), (0.93, 0.03, 0.04))[0]
    if way == "asked" and here is not there and UNLISTED not in (here.code, there.code):
        _ask(world, account, here, there, holding)
        return
    began = world.seconds
    report = _verify(world, here, holding, file=way == "file", tampered=tampered)
    if tampered:
        account.add(f"tampered {way}", report.outcome)
        if report.outcome is Outcome.PASSED:
            account.wrong.append(f"{there.code} in {here.code}: what was tampered with passed")
        return
    kind = "own" if here is there else "unlisted" if there.code == UNLISTED else "foreign"
    account.add(f"{kind} {way if way == 'file' else 'code'}", report.outcome)
    if kind == "unlisted":
        if report.outcome is Outcome.PASSED:
            account.wrong.append(f"{there.code} in {here.code}: what nobody listed passed")
        return
    _judge(world, account, here, there, holding, report, began=began)


def _verify(
    world: World, here: Place, holding: Holding, *, file: bool, tampered: bool
) -> Verification:
    knowledge, at = here.platform.knowledge, world.clock_of(here.code)
    if file:
        data = _spoilt(world, holding.pdf) if tampered else holding.pdf
        return verify_file(data, knowledge, at=at)
    claim = holding.claim
    if tampered:
        head, _, code = claim.partition("#")
        place = world.dice.randrange(len(code) - 1)
        other = "B" if code[place] == "A" else "A"
        claim = f"{head}#{code[:place]}{other}{code[place + 1 :]}"
    return verify_claim(claim, knowledge, at=at)


def _spoilt(world: World, data: bytes) -> bytes:
    place = world.dice.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << world.dice.randrange(8)]) + data[place + 1 :]


def _judge(
    world: World, account: Account, here: Place, there: Place, holding: Holding,
    report: Verification, *, began: float,
) -> None:  # fmt: skip
    """Hold an outcome against what the licence was in the time that the asker may be behind."""
    reached = here is there or world.reaches(here.code, there.code, since=began - SEEN)
    behind = SEEN if reached else LIFE
    slack = 2 * SKEW_MAX + 1.0 if not reached else 0.0
    # A state's time and the list's are in whole seconds of the issuer's own clock.
    since = world.now - timedelta(seconds=behind + slack + (world.seconds - began) + 1.0)
    was = holding.was_active(since, world.now)
    name = f"{there.code} in {here.code} ({'reached' if reached else 'not reached'})"
    told = [(check.name, check.code) for check in report.checks]
    if report.outcome is Outcome.PASSED and True not in was:
        account.wrong.append(f"{name}: PASSED, {holding.history[-2:]} at {world.now}")
    if report.outcome is Outcome.FAILED and False not in was:
        account.wrong.append(f"{name}: FAILED, and was always in force: {told}")
    if report.outcome is Outcome.INDETERMINATE and reached:
        account.wrong.append(f"{name}: INDETERMINATE: {told}")


def _ask(world: World, account: Account, here: Place, there: Place, holding: Holding) -> None:
    """By a signed question: what is answered was so when it was answered."""
    began, by = world.seconds, here.region.caller("market.clerk")
    wish = Wish(there.code, Kind.STATUS, holding.licence)
    try:
        found = world.asking(here).ask(wish, purpose="proof", by=by, at=world.clock_of(here.code))
    except TrustError as error:
        account.add(f"question refused: {error.code}", Outcome.INDETERMINATE)
        if world.reaches(here.code, there.code, since=began - SEEN):
            account.wrong.append(f"{there.code} asked by {here.code}: {error.code} {error}")
        return
    (check,) = found.checks
    account.add("question", check.outcome)
    since = world.now - timedelta(seconds=world.seconds - began + 1.0)
    was = holding.was_active(since, world.now)
    if check.outcome is Outcome.INDETERMINATE:
        account.wrong.append(f"{there.code} asked by {here.code}: {check.code}")
    elif (check.outcome is Outcome.PASSED) not in was:
        account.wrong.append(f"{there.code} asked by {here.code}: {check.outcome} {check.code}")


def main() -> int:
    parser = argparse.ArgumentParser(description="no false PASSED among regions in bad weather")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        world = World(Path(home), arguments.seed, regions=5, licences=12)
        account = prove(world, count=arguments.count)
        world.close()
    for name, number in sorted(account.kinds.items()):
        print(f"{name:40} {number}")
    for each in account.wrong[:40]:
        print(f"✗ {each}")
    outcomes = ", ".join(f"{name} {number}" for name, number in sorted(account.outcomes.items()))
    print(f"{arguments.count} verifications, seed {arguments.seed}: {outcomes}; "
          f"wrong: {len(account.wrong)}; {time.monotonic() - began:.0f} s")  # fmt: skip
    return 1 if account.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
