"""An archive package proves a licence without this platform; one changed byte is named."""

import json
import subprocess
import zipfile
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certificates import publish, states
from certificates.archive import container as archive_container
from certificates.archive import manifest as archive_manifest
from certificates.archive import package as archive_package
from certificates.archive import readme as archive_readme
from certificates.archive import verify as archive_verify
from certificates.archive.container import BadContainer
from certificates.models import Licence
from certificates.press.store import FileStore
from server.archiving import archivist
from tests.regions import Region
from tests.tools import find_tool
from trust import anchors
from trust.access import SYSTEM
from trust.anchors import Anchors
from trust.clock import utc_now
from trust.errors import NotFound
from trust.report import Outcome


def roots(region: Region) -> Anchors:
    with region.platform.reading() as session:
        return publish.anchors(session)


def packed(region: Region, licence: Licence) -> bytes:
    made = archive_package.make(
        archivist(region.platform), licence.identifier, by=SYSTEM, at=utc_now()
    )
    assert archive_container.write(archive_container.read(made)) == made
    return made


@pytest.fixture(scope="module")
def package(sqlite_region: Region) -> bytes:
    return packed(sqlite_region, sqlite_region.issued())


def failures(data: bytes, given: Anchors | None) -> list[str]:
    report = archive_verify.verify(data, given, now=utc_now())
    return [f"{c.code} {c.detail}" for c in report.checks if c.outcome is Outcome.FAILED]


def test_a_package_verifies_with_the_regions_roots_alone(region: Region) -> None:
    made = packed(region, region.issued())
    known = Anchors(roots(region).roots)
    report = archive_verify.verify(made, known, now=utc_now())
    assert report.outcome is Outcome.PASSED, report.checks
    codes = {check.code for check in report.checks}
    assert {
        "parts_intact",
        "container_sound",
        "in_log",
        "audit_proved",
        "metadata_matches",
    } <= codes
    assert report.archived_at is not None


def test_without_roots_of_ones_own_nothing_is_taken_for_certain(package: bytes) -> None:
    report = archive_verify.verify(package, None, now=utc_now())
    assert report.outcome is Outcome.INDETERMINATE
    assert [c.name for c in report.checks if c.outcome is not Outcome.PASSED] == ["roots"]


def test_roots_of_another_region_do_not_pass(package: bytes, tmp_path: Path) -> None:
    report = archive_verify.verify(package, Anchors(()), now=utc_now())
    assert report.outcome is not Outcome.PASSED


def test_it_still_verifies_when_its_signers_certificates_have_ended(
    sqlite_region: Region, package: bytes
) -> None:
    """Time-stamped signatures are judged as of their stamps; twelve years on all signers' and the
    time-stamp authority's certificates are over."""
    known = Anchors(roots(sqlite_region).roots)
    later = utc_now() + timedelta(days=12 * 365)
    report = archive_verify.verify(package, known, now=later)
    assert report.outcome is Outcome.PASSED, [
        (c.name, c.code) for c in report.checks if c.outcome is not Outcome.PASSED
    ]


def test_a_revoked_licence_is_archived_with_its_history(sqlite_region: Region) -> None:
    licence, platform = sqlite_region.issued(), sqlite_region.platform
    with platform.sessions.begin() as session:
        states.revoke(
            session, licence.identifier, basis="行政许可法第六十九条", reason="提供虚假材料",
            by=sqlite_region.caller("market.approver"), at=utc_now(), vault=platform.vault,
        )  # fmt: skip
    made = packed(sqlite_region, licence)
    report = archive_verify.verify(made, roots(sqlite_region), now=utc_now())
    assert report.outcome is Outcome.PASSED, report.checks
    history = json.loads(archive_container.read(made)["history.json"])
    assert [each["state"] for each in history["changes"]] == ["active", "revoked"]
    assert ("archived_state", "revoked") in [(c.code, c.detail) for c in report.checks]


def test_every_part_that_is_changed_is_named(sqlite_region: Region, package: bytes) -> None:
    known = roots(sqlite_region)
    parts = archive_container.read(package)
    for name, data in parts.items():
        if name in archive_manifest.UNLISTED:
            continue
        at = package.index(name.encode() + data) + len(name) + len(data) // 2
        changed = bytearray(package)
        changed[at] ^= 1
        assert any(name in each for each in failures(bytes(changed), known)), name


@pytest.mark.parametrize("name", sorted(archive_manifest.UNLISTED))
def test_a_manifest_or_its_seals_changed_fail(
    sqlite_region: Region, package: bytes, name: str
) -> None:
    data = archive_container.read(package)[name]
    label = next((part for part in ("es256", "sm2") if part in name), "manifest")
    for at in (2, len(data) // 2, len(data) - 2):
        changed = bytearray(package)
        changed[package.index(data) + at] ^= 1
        report = archive_verify.verify(bytes(changed), roots(sqlite_region), now=utc_now())
        wrong = [c.name for c in report.checks if c.outcome is not Outcome.PASSED]
        assert report.outcome is not Outcome.PASSED, (name, at)
        assert label == "manifest" or any(label in each for each in wrong), (name, wrong)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_no_byte_can_be_changed_unseen(
    sqlite_region: Region, package: bytes, data: st.DataObject
) -> None:
    """Headers and all: the container's form is compared too."""
    inside = archive_container.read(package)
    edges = [package.index(part) for part in inside.values()] + [len(package) - 1]
    at = data.draw(st.one_of(
        st.sampled_from(edges).flatmap(lambda edge: st.integers(max(edge - 40, 0), edge)),
        st.integers(0, len(package) - 1),
    ))  # fmt: skip
    changed = bytearray(package)
    changed[at] ^= data.draw(st.integers(1, 255))
    report = archive_verify.verify(bytes(changed), roots(sqlite_region), now=utc_now())
    assert report.outcome is not Outcome.PASSED


def test_parts_added_or_taken_away_are_named(sqlite_region: Region, package: bytes) -> None:
    known, parts = roots(sqlite_region), archive_container.read(package)
    added = archive_container.write(parts | {"note.txt": b"x"})
    assert "part_unlisted note.txt" in failures(added, known)
    missing = archive_container.write({n: d for n, d in parts.items() if n != "proofs/audit.json"})
    assert "part_missing proofs/audit.json" in failures(missing, known)
    assert failures(package + b"x", known)[0].startswith("container_altered")


def test_another_licence_cannot_be_put_under_the_manifests_name(sqlite_region: Region) -> None:
    """Everything signed anew by the region's own keys, with one part of another licence."""
    one, other = (sqlite_region.issued() for _ in range(2))
    desk = archivist(sqlite_region.platform)
    swapped = replace(desk, store=Swapped(desk.store, {one.identifier: other.identifier}))
    made = archive_package.make(swapped, one.identifier, by=SYSTEM, at=utc_now())
    codes = " ".join(failures(made, roots(sqlite_region)))
    assert "metadata_differs" in codes
    assert "identifier_wrong" in codes


class Swapped(FileStore):
    """A store that gives one licence's file for another's."""

    def __init__(self, store: FileStore, names: dict[str, str]) -> None:
        self._store, self._names = store, names

    def get(self, identifier: str) -> bytes:
        return self._store.get(self._names[identifier])


def test_only_what_is_read_of_the_holder_is_in_no_proof(package: bytes) -> None:
    parts = archive_container.read(package)
    holder = json.loads(parts["licence.json"])["licence"]["CZZT"].encode()
    for name, data in parts.items():
        if name not in ("licence.json", "licence.pdf"):
            assert holder not in data, name


def test_any_zip_reader_opens_it(package: bytes) -> None:
    with zipfile.ZipFile(BytesIO(package)) as opened:
        assert opened.testzip() is None
        assert opened.read("README.md") == archive_readme.text()


def test_openssl_judges_it_by_the_commands_in_its_readme(package: bytes, tmp_path: Path) -> None:
    find_tool("openssl"), find_tool("sha256sum")
    for name, data in archive_container.read(package).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    lines = archive_readme.text().decode().splitlines()
    commands = [line.split() for line in lines if line.startswith(("    openssl", "    sha256sum"))]
    assert len(commands) >= 10
    for command in commands:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, (command, done.stderr)
    (tmp_path / "manifest.json").write_bytes(b"{}")
    wrong = [c for c in commands if "manifest.json" in c]
    assert len(wrong) == 2
    for command in wrong:
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=20).returncode


def test_the_folder_of_evidence_is_one_of_anchors(package: bytes, tmp_path: Path) -> None:
    for name, data in archive_container.read(package).items():
        if name.startswith(archive_package.ANCHORS):
            (tmp_path / name.removeprefix(archive_package.ANCHORS)).write_bytes(data)
    known = anchors.load(tmp_path)
    assert len(known.roots) == 2
    assert known.crls
    assert known.status_lists


def test_no_package_is_made_of_nothing(sqlite_region: Region) -> None:
    with pytest.raises(NotFound):
        archive_package.make(archivist(sqlite_region.platform), "1.2.3", by=SYSTEM, at=utc_now())


@settings(deadline=None, max_examples=80)
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(lambda b: b"PK\x03\x04" + b)))
def test_no_garbage_faults_the_verifier(data: bytes) -> None:
    report = archive_verify.verify(data, None, now=utc_now())
    assert report.outcome is Outcome.FAILED


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(
    st.text("abcdefgh/.-0123456789", min_size=1, max_size=20), st.binary(max_size=60), min_size=1,
    max_size=6,
))  # fmt: skip
def test_the_container_has_one_form(parts: dict[str, bytes]) -> None:
    data = archive_container.write(parts)
    assert archive_container.read(data) == parts
    archive_container.require_canonical(data, parts)
    with pytest.raises(BadContainer):
        archive_container.require_canonical(data + b"\0", parts)
