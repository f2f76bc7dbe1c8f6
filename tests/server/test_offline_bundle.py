"""The offline bundle on the command line: carried by hand, believed only as far as it is signed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from certificates import bundle_knowledge, evidence, offline_bundle, publish
from certificates.bundle_knowledge import BundleRefused
from certificates.models import Licence
from certificates.offline_bundle import Entry
from certificates.verify import verify_file
from certificates.verify_claim import verify_claim
from server import cli, offline
from server.provision import RegionPlan
from tests.regions import Region, build
from trust import anchors
from trust.clock import utc_now
from trust.report import Outcome


@dataclass
class Carried:
    region: Region
    other: Region
    made: Licence
    foreign: Licence
    bundle: Path
    folder: Path


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carried]:
    region = build(tmp_path_factory.mktemp("ali"))
    other = build(tmp_path_factory.mktemp("dingxi"), plan=RegionPlan("621100", "定西市"))
    made, foreign = region.issued("food-business-licence"), other.issued("food-business-licence")
    at, folder = utc_now(), tmp_path_factory.mktemp("carried")
    with other.platform.reading() as session:
        entry = offline.own_entry(session, other.platform, at=at)
    bundle = folder / "bundle.json"
    bundle.write_bytes(offline.write(region.platform, at=at, foreign=partial(only, entry)))
    publish.export_anchors(
        region.platform.reading, folder / "anchors", keys=region.platform.keys, at=at,
        lifetime=region.platform.settings.status_lifetime,
    )  # fmt: skip
    yield Carried(region, other, made, foreign, bundle, folder / "anchors")
    for each in (region, other):
        each.platform.engine.dispose()


def test_files_and_codes_of_every_region_in_it_are_verified(carried: Carried) -> None:
    at = utc_now()
    known = bundle_knowledge.read(carried.bundle.read_bytes(), at=at)
    away = evidence.offline(known, evidence.store_of(known))
    for region, licence in ((carried.region, carried.made), (carried.other, carried.foreign)):
        assert verify_claim(licence.claim, away, at=at).outcome is Outcome.PASSED
        assert verify_file(region.file(licence), away, at=at).outcome is Outcome.PASSED


def test_the_command_writes_and_reads_it(
    carried: Carried, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    settings = carried.region.platform.settings
    monkeypatch.setenv("TRUST_HOME", str(settings.home))
    monkeypatch.setenv("TRUST_KEY_PASSPHRASE", "a passphrase of the tests")
    monkeypatch.setenv("TRUST_DEVELOPMENT", "true")
    out = tmp_path / "own.json"
    assert cli.main(["offline-bundle", "--out", str(out), "--regions", "542500"]) == 0
    capsys.readouterr()
    monkeypatch.setenv("TRUST_HOME", str(tmp_path / "nothing"))
    words = ["verify", "--qr", carried.made.claim, "--offline", "--bundle", str(out)]
    assert cli.main(words) == 0
    words[2] = carried.foreign.claim
    assert cli.main(words) == 2
    assert cli.main([*words, "--anchors", str(carried.folder)]) == 2
    assert cli.main(["offline-bundle", "--out", str(out), "--regions", "54"]) == 64
    assert cli.main(["verify", "--qr", "x", "--offline"]) == 64
    assert cli.main([*words[:-1], str(tmp_path / "absent.json")]) == 66


def test_a_changed_bundle_is_refused(carried: Carried) -> None:
    at, data = utc_now(), carried.bundle.read_bytes()
    document = json.loads(data)
    for change in ("阿里地区", "621100"):
        with pytest.raises(BundleRefused):
            bundle_knowledge.read(data.replace(change.encode(), b"abc", 1), at=at)
    document["bundle"]["regions"][0]["region"] = "999999"
    for broken in (b"", b"{}", b"[]", json.dumps(document).encode(), data[:-10], b"\xff"):
        with pytest.raises(BundleRefused):
            bundle_knowledge.read(broken, at=at)


def test_a_bundle_that_strangers_signed_does_not_pass_beside_anchors(carried: Carried) -> None:
    at = utc_now()
    known = anchors.load(carried.folder)
    bundle_knowledge.read(carried.bundle.read_bytes(), at=at, known=known)
    strange = offline.write(carried.other.platform, at=at)
    with pytest.raises(BundleRefused):
        bundle_knowledge.read(strange, at=at, known=known)


def only(entry: Entry, *, at: datetime) -> list[Entry]:
    return [entry]


def test_no_region_is_spoken_for_by_another(carried: Carried) -> None:
    """A's own signer re-signs a bundle in which B's entry stands under A's signers, or A's list
    under B's name: refused, and B's certificates are never taken from A's list."""
    at = utc_now()
    found = offline_bundle.parse(carried.bundle.read_bytes())
    own, other = found.entries
    for wrong in (
        Entry("621100", "x", own.trust_list, own.list_signers),
        Entry("621100", "x", other.trust_list, own.list_signers),
    ):
        data = offline.write(carried.region.platform, at=at, foreign=partial(only, wrong))
        with pytest.raises(BundleRefused):
            bundle_knowledge.read(data, at=at)
