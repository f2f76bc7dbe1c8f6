"""`make pdfa`: are our files PDF/A-3b? veraPDF, the reference validator, is the judge.

A rendering and a licence sealed with RSA alone must pass. With an SM2 seal one clause must fail and
no other: 6.4.3 asks for PKCS#7, which GB/T 38540 is not (docs/decisions).
"""

import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from certificates import issue
from certificates.document import Renderer
from certificates.press.stamping import StampingRenderer
from certificates.purpose import purpose
from certificates.wallet import copies
from seal.apply import Suites
from seal.pdf import document
from server.holders import copy_workshop
from tests.regions import Region, build
from trust.clock import utc_now

VALIDATOR = Path(__file__).resolve().parents[2] / "tools/verapdf.sh"
SLUGS = ("business-licence", "food-business-licence")
#: Stamps from its first page on.
STAMPING = StampingRenderer(whole_first=0)
SM2_ALLOWED = frozenset({"6.4.3"})


def main() -> int:
    """0 when every file is as expected; what is not is named."""
    with tempfile.TemporaryDirectory(prefix="trust-pdfa-") as folder:
        allowed = _files(Path(folder))
        found = _validate(list(allowed))
    wrong = 0
    for path, clauses in found.items():
        failed = {clause.rpartition("-")[0] for clause in clauses}
        if not failed <= allowed[path] or bool(failed) != bool(allowed[path]):
            wrong += 1
            print(f"pdfa: {path.name} fails {' '.join(clauses) or 'nothing, though it should'}")
    if len(found) != len(allowed):
        wrong += 1
        print(f"pdfa: {len(found)} of {len(allowed)} files were looked at")
    if not wrong:
        print(f"pdfa: {len(found)} files as expected")
    return 1 if wrong else 0


def _files(folder: Path) -> dict[Path, frozenset[str]]:
    """Each kind of file that we make -> the clauses that it may fail, and then must."""
    region = build(folder / "region")
    made: dict[Path, frozenset[str]] = {}
    for slug in SLUGS:
        for suites in Suites:
            pdf = _sealed(region, slug, suites)
            path = folder / f"{slug}-{suites}.pdf"
            path.write_bytes(pdf)
            made[path] = frozenset() if suites is Suites.RSA else SM2_ALLOWED
        for way, file in (("rendered", pdf), ("stamped", _sealed(region, slug, suites, STAMPING))):
            page = folder / f"{slug}-{way}.pdf"
            page.write_bytes(file[: document.read(file).revisions[0].end])
            made[page] = frozenset()
    copy = folder / "copy.pdf"
    copy.write_bytes(_copy(region))
    made[copy] = SM2_ALLOWED
    if STAMPING.stamped != len(SLUGS):
        raise RuntimeError("a page that should be stamped was rendered whole")
    return made


def _sealed(region: Region, slug: str, suites: Suites, renderer: Renderer | None = None) -> bytes:
    workshop = replace(region.platform.workshop(at=utc_now()), suites=suites)
    workshop = replace(workshop, renderer=renderer or Renderer())
    by = region.caller("market.approver")
    return region.file(issue.issue(workshop, region.approved(slug), by=by, at=utc_now()))


def _copy(region: Region) -> bytes:
    at = utc_now()
    return copies.make(
        copy_workshop(region.platform, at=at), region.issued().identifier,
        purpose=purpose("试验"), maker="试验", until=at + timedelta(days=1),
        by=region.caller("market.clerk"), at=at,
    ).pdf  # fmt: skip


def _validate(paths: list[Path]) -> dict[Path, list[str]]:
    done = subprocess.run([VALIDATOR, *paths], stdout=subprocess.PIPE, text=True, check=True)
    lines = (line.split("\t") for line in done.stdout.splitlines() if "\t" in line)
    return {Path(name): clauses.split() for name, clauses in lines}


if __name__ == "__main__":
    sys.exit(main())
