"""Mutual recognition: codes verified online and offline, trust lists and status lists at full size.

    python -m benchmarks.regions

Online: `trust serve` on one core, the load on the other (benchmarks.verifying). Offline: CPU time
of this process, one core, by a folder of anchors alone: certificates, CRLs and a signed status
list; every code is another licence's. Lists: benchmarks.full_lists.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks import full_lists, verifying
from certificates import evidence, publish, qr
from certificates.evidence import Knowledge
from certificates.verify_claim import verify_claim
from certificates.verify_many import verify_claims
from tests.regions import Region, build
from trust import anchors
from trust.clock import utc_now
from trust.crypto import sm2_batch
from trust.report import Outcome

Row = tuple[str, float, str]
CODES = 4096
ROUNDS = 5


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        region = build(home / "region")
        codes = [region.issued().claim for _ in range(4)]
        yield from _offline(region, home / "anchors")
        region.platform.engine.dispose()
        yield from _online(region, codes, home / "serve.log")
        yield from full_lists.rows(home)


def _online(region: Region, codes: list[str], log: Path) -> Iterator[Row]:
    with verifying.serving(region, log) as server:
        for connections in (1, 4):
            both = verifying.rounds(
                server, codes, connections=connections, seconds=2.0, count=ROUNDS
            )
            found = [verified for verified, _ in both]
            middle = verifying.median(found)
            costs = verifying.spread([each.each for each in found])
            what = f"online, {connections} connection{'s' * (connections > 1)}"
            yield f"{what}: CPU ms", middle.each, f"{costs}; aim 0.8"
            bare = statistics.median(verified.each / bare.each for verified, bare in both)
            yield f"{what}: / refused unread", bare, "times its CPU, the same POST, taken in turns"
            rates = verifying.spread([each.rate for each in found])
            yield f"{what}: codes/s", middle.rate, f"wall clock; {rates}"
            ratios = [each.percentile(0.99) / each.percentile(0.5) for each in found]
            yield (
                f"{what}: p99 / p50", statistics.median(ratios),
                f"p50 {middle.percentile(0.5):.2f} ms, wall clock; aim 5",
            )  # fmt: skip


def _offline(region: Region, directory: Path) -> Iterator[Row]:
    now = utc_now()
    texts = _codes(region, CODES, at=now)
    knowledge = _away(region, directory, at=now)
    at = now + timedelta(minutes=2)  # the last of them is signed by then
    one = _rate(
        lambda: _check(verify_claim(text, knowledge, at=at).outcome for text in texts[:512])
    )
    many = _rate(lambda: _check(each.outcome for each in verify_claims(texts, knowledge, at=at)))
    engine = "SM2 eight at a time" if sm2_batch.available() else "SM2 one by one: no AVX-512 IFMA"
    yield "offline, one by one: codes/s a core", 512 * one, f"{1000 / (512 * one):.3f} ms each"
    yield "offline, in batch: codes/s a core", CODES * many, f"{engine}; aim 20,000"
    yield "… batch / one by one", CODES * many / (512 * one), "times as many"


def _check(outcomes: Iterator[Outcome]) -> None:
    if set(outcomes) != {Outcome.PASSED}:
        raise RuntimeError("a good code did not pass")


def _rate(work: Callable[[], None]) -> float:
    """Times a second of CPU time: the median of a few."""
    work()
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return 1 / statistics.median(taken)


def _codes(region: Region, count: int, *, at: datetime) -> list[str]:
    """Claims of as many licences, signed as issuing signs them, each at a second of its own."""
    workshop = region.platform.workshop(at=at)
    model = qr.parse(region.issued().claim).claim
    signer = workshop.claim_signer
    return [
        qr.write(
            replace(
                model, identifier=replace(model.identifier, serial=f"{number:012d}"),
                holder=f"{model.holder[:6]}{number}",
                made_at=model.made_at + timedelta(seconds=number % 60),
                status_index=number * 7919 % 100_000,
            ),
            base_url="http://localhost:8000", algorithm=signer.algorithm,
            kid=anchors.key_id(signer.certificate.spki), sign=signer.sign,
        )
        for number in range(count)
    ]  # fmt: skip


def _away(region: Region, directory: Path, *, at: datetime) -> Knowledge:
    """What a folder of anchors lets one know."""
    platform = region.platform
    publish.export_anchors(
        platform.sessions, directory, keys=platform.keys, at=at, lifetime=timedelta(hours=24)
    )
    known = anchors.load(directory)
    return evidence.offline(known, evidence.store_of(known))


if __name__ == "__main__":
    for what, value, remark in rows():
        print(f"  {what:42} {value:10.2f}  {remark}", flush=True)
