"""Licences a second of one core, in blocks of 100: rendered whole and stamped, step by step.

    python -m benchmarks.bulk                 # 300 licences a way, one table
    python -m benchmarks.bulk --growth 10000  # how the cost grows with the register

A second is one of CPU of the process, database and disk included (SQLite on disk): what other
processes do to the wall clock does not count, what they do to the caches does. B-LT is what the
platform does, with two time-stamps of our own authority and the evidence; B-B is without.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

from sqlalchemy import Table, insert

from certificates import catalogue, issue
from certificates.document import Renderer
from certificates.issue import Issued, Job, Workshop
from certificates.models import Application, ApplicationState
from certificates.press import make
from certificates.press.own_output import require_all_sound
from certificates.press.record import record
from certificates.press.stamping import StampingRenderer
from certificates.press.workshop import Made
from seal.apply_many import Page, apply_many
from tests.regions import MARKET, Region, build, example
from trust.clock import CHINA, utc_now
from trust.crypto import hashes
from trust.errors import TrustError

Row = tuple[str, float, str]
BLOCK = 100
#: A block to warm up on: statements compiled, chains known, shapes learnt.
WARM = 60
SLUG = "business-licence"


def company(serial: int) -> str:
    return f"阿里雪域高原第{serial}农牧科技发展有限公司"


class Bench:
    """A region, and applications for it."""

    def __init__(self, home: Path) -> None:
        self.region: Region = build(home)
        self.by = self.region.caller("market.approver")
        self.serial = 0

    def workshop(self, *, stamped: bool, lasting: bool) -> Workshop:
        made = self.region.platform.workshop(at=utc_now())
        renderer: Renderer = StampingRenderer(whole_first=4) if stamped else Renderer()
        long_term = self.region.platform.long_term if lasting else None
        return replace(made, renderer=renderer, long_term=long_term)

    def approved(self, count: int) -> list[UUID]:
        """Approved applications, put in at once: entering them is not what is measured."""
        vault, at = self.region.platform.vault, utc_now()
        kind, rows = catalogue.find(SLUG), []
        for _ in range(count):
            self.serial += 1
            given = example(SLUG) | {"CZZT": company(self.serial)}
            given["KZ_ZCZB"] = f"{self.serial}万元人民币"
            content = catalogue.check(kind, given, today=at.astimezone(CHINA).date())
            key = uuid4()
            raw = json.dumps(content, ensure_ascii=False).encode()
            rows.append({
                "id": key, "type_code": kind.code, "type_version": kind.version,
                "authority": MARKET.code, "state": ApplicationState.APPROVED, "kind": "new",
                "joint": [], "system": "trust", "revision": 1,
                "content_box": vault.seal(raw, context=f"application/{key}"),
                "entered_by": "market.clerk", "entered_at": at,
                "decided_by": self.by.account, "decided_at": at,
            })  # fmt: skip
        with self.region.platform.sessions.begin() as session:
            session.execute(insert(cast(Table, Application.__table__)), rows)
        return [cast(UUID, row["id"]) for row in rows]

    def issue(self, workshop: Workshop, count: int) -> float:
        """CPU milliseconds a licence, in blocks."""
        keys = self.approved(count)
        before = _cpu()
        for start in range(0, count, BLOCK):
            block = keys[start : start + BLOCK]
            found = issue.issue_many(workshop, block, by=self.by, at=utc_now())
            if not all(isinstance(each, Issued) for each in found):
                raise RuntimeError("a licence was refused")
        return (_cpu() - before) * 1000 / count

    def steps(self, workshop: Workshop, count: int) -> dict[str, float]:
        """The same, taken step by step: CPU milliseconds a licence of each."""
        spent: dict[str, float] = defaultdict(float)
        keys = self.approved(count)
        for start in range(0, count, BLOCK):
            self._block(workshop, keys[start : start + BLOCK], spent)
        return {name: seconds * 1000 / count for name, seconds in spent.items()}

    def _block(self, workshop: Workshop, keys: list[UUID], spent: dict[str, float]) -> None:
        at = utc_now().replace(microsecond=0)
        with _counted(spent, "reserve and record"), workshop.sessions.begin() as session:
            reserved = issue.reserve(session, workshop, keys, by=self.by, at=at)
        jobs = [job for job in reserved if isinstance(job, Job)]
        with _counted(spent, "claim"):
            claims = [c for c in make._claims(workshop, jobs, at) if not isinstance(c, TrustError)]
        with _counted(spent, "render"):
            pages = [
                Page(make._page(workshop, job, claim, at),
                     tuple((each.taken.impression, each.place) for each in job.seals))
                for job, claim in zip(jobs, claims, strict=True)
            ]  # fmt: skip
        with _counted(spent, "seal"):
            sealed = apply_many(pages, keys=workshop.keys, at=at, long_term=workshop.long_term)
        with _counted(spent, "read back"):
            require_all_sound(list(zip(sealed, claims, strict=True)), workshop.knowledge, at=at)
        with _counted(spent, "store"):
            workshop.store.put_many([(str(j.known), p) for j, p in zip(jobs, sealed, strict=True)])
        made = [
            Made(job, claim, hashes.sha256(pdf), (None,))
            for job, claim, pdf in zip(jobs, claims, sealed, strict=True)
        ]
        with _counted(spent, "reserve and record"), workshop.sessions.begin() as session:
            record(session, workshop, made, by=self.by, at=at)


def _cpu() -> float:
    used = os.times()
    return used.user + used.system


@contextmanager
def _counted(spent: dict[str, float], name: str) -> Iterator[None]:
    before = time.process_time()
    yield
    spent[name] += time.process_time() - before


def rows(count: int = 300) -> list[Row]:
    """(what, figure, remark): whole and stamped, B-B and B-LT, taken in turns."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as home:
        bench = Bench(Path(home))
        for lasting in (False, True):
            level = "B-LT" if lasting else "B-B"
            ways = {
                way: bench.workshop(stamped=way == "stamped", lasting=lasting)
                for way in ("whole", "stamped")
            }
            for workshop in ways.values():
                bench.issue(workshop, WARM)
            found += _level(bench, ways, level, count)
    return found


def _level(bench: Bench, ways: dict[str, Workshop], level: str, count: int) -> list[Row]:
    taken: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(max(1, count // BLOCK)):
        for way, workshop in ways.items():
            taken[way].append(bench.steps(workshop, BLOCK))
    found: list[Row] = []
    steps = {
        way: {name: statistics.median(one[name] for one in runs) for name in runs[0]}
        for way, runs in taken.items()
    }
    for way, ms in steps.items():
        total = sum(ms.values())
        said = ", ".join(f"{name} {value:.1f}" for name, value in ms.items())
        found.append(
            (f"{level}, {way}: licences/s a core", 1000 / total, f"{total:.1f} ms: {said}")
        )
    whole = steps["whole"]
    adds = sum(whole[name] for name in ("claim", "seal", "store", "reserve and record"))
    found.append((f"{level}: sealing and storing / rendering", adds / whole["render"], "aim 0.25"))
    found.append(
        (f"{level}: reading back / rendering", whole["read back"] / whole["render"], "")
    )  # fmt: skip
    found.append(
        (f"{level}: stamping / rendering whole", steps["stamped"]["render"] / whole["render"], "")
    )  # fmt: skip
    return found


def growth(last: int) -> Iterator[Row]:
    """CPU of the first licences of an empty register and of those that come after many."""
    with tempfile.TemporaryDirectory() as home:
        bench = Bench(Path(home))
        workshop = bench.workshop(stamped=True, lasting=True)
        bench.issue(workshop, WARM)
        done, first = WARM, 0.0
        for mark in (BLOCK, 1_000, 5_000, last):
            fill = mark - done - 3 * BLOCK
            if fill > 0:
                bench.issue(workshop, fill)
                done += fill
            ms = statistics.median(bench.issue(workshop, BLOCK) for _ in range(3))
            done += 3 * BLOCK
            first = first or ms
            yield f"after {done} licences: ms CPU each", ms, f"{ms / first:.2f} of the first"


def _shown(found: Callable[[], Iterable[Row]]) -> None:
    for what, value, remark in found():
        print(f"  {what:44} {value:8.2f}  {remark}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--growth", type=int, metavar="N")
    parser.add_argument("--count", type=int, default=300)
    asked = parser.parse_args()
    print(f"  load {os.getloadavg()[0]:.1f}")
    if asked.growth:
        _shown(lambda: growth(asked.growth))
    else:
        _shown(lambda: rows(asked.count))
