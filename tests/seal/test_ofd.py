"""OFD packages that lie, climb, bomb or mislead: each a failed report, none an exception."""

import io
import warnings
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal.inspect import inspect
from seal.ofd import ENTRIES_MAX
from tests.seal.test_inspect import NOW, codes, sample, structure
from trust.report import Outcome


def repacked(change: Callable[[str, bytes], bytes], name: str = "ofd/v4signed.ofd") -> bytes:
    out = io.BytesIO()
    source = zipfile.ZipFile(io.BytesIO(sample(name)))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            target.writestr(info.filename, change(info.filename, source.read(info)))
    return out.getvalue()


def package(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        warnings.simplefilter("ignore")  # the library warns of a name that stands twice
        for name, data in files:
            target.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def test_one_changed_byte_in_any_file_is_noticed() -> None:
    source = zipfile.ZipFile(io.BytesIO(sample("ofd/v4signed.ofd")))
    for victim in source.namelist():

        def change(name: str, data: bytes, victim: str = victim) -> bytes:
            return data[:-1] + bytes((data[-1] ^ 1,)) if name == victim and data else data

        outcome = inspect(repacked(change), now=NOW).outcome
        # Signatures.xml itself says nothing that is signed; what it may break is the reading.
        assert outcome is Outcome.FAILED or victim.endswith("Signatures.xml")


def test_an_added_file_is_named_as_uncovered() -> None:
    data = io.BytesIO(sample("ofd/v4signed.ofd"))
    with zipfile.ZipFile(data, "a") as target:
        target.writestr("Doc_0/Pages/Page_9/Content.xml", b"<x/>")
    found = inspect(data.getvalue(), now=NOW)
    check = next(c for c in found.signatures[0].checks if c.name == "coverage.1")
    assert check.outcome is Outcome.INDETERMINATE
    assert "Page_9" in check.detail


def test_a_missing_file_is_named() -> None:
    source = zipfile.ZipFile(io.BytesIO(sample("ofd/v4signed.ofd")))
    kept = [(n, source.read(n)) for n in source.namelist() if not n.endswith("qr.png")]
    found = inspect(package(*kept), now=NOW)
    detail = next(c.detail for c in found.signatures[0].checks if c.code == "references_differ")
    assert "Doc_0/Res/qr.png" in detail


def test_an_absent_check_method_means_md5_and_is_refused() -> None:
    def change(name: str, data: bytes) -> bytes:
        if not name.endswith("Signature.xml"):
            return data
        return data.replace(b' CheckMethod="1.2.156.10197.1.401"', b"")

    check = inspect(repacked(change), now=NOW).signatures[0].checks[0]
    assert (check.code, check.detail) == ("algorithm_refused", "MD5")


@pytest.mark.parametrize("name", ["/OFD.xml", "a/../../OFD.xml", "a\\b", "a//b", "./a", "../a"])
def test_a_path_that_climbs_or_is_absolute_is_refused(name: str) -> None:
    assert structure(package(("OFD.xml", b"<x/>"), (name, b""))) == "malformed"


def test_a_name_that_stands_twice_is_refused() -> None:
    assert structure(package(("OFD.xml", b"<a/>"), ("OFD.xml", b"<b/>"))) == "malformed"


def test_too_many_files_are_refused() -> None:
    files = ((f"f{number}", b"") for number in range(ENTRIES_MAX + 1))
    assert structure(package(*files)) == "too_complex"


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    assert structure(package(("OFD.xml", b" " * 30_000_000))) == "too_large"


def test_a_size_that_lies_is_refused() -> None:
    data = bytearray(package(("OFD.xml", b"x" * 1000)))
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")
    assert structure(bytes(data)) == "malformed"


@pytest.mark.parametrize(
    "xml",
    [
        b'<!DOCTYPE OFD [<!ENTITY a "b">]><OFD/>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><OFD/>'.encode("utf-16"),
        b'<?xml version="1.0" encoding="UTF-7"?><OFD/>',
        b'<OFD xmlns="http://elsewhere"/>',
        b"<OFD", b"", b"\xff\xfe\x00", b"<a>" * 100_000,
    ],
)  # fmt: skip
def test_xml_that_declares_or_misleads_is_refused(xml: bytes) -> None:
    assert structure(package(("OFD.xml", xml))) == "malformed"


def test_the_old_namespace_is_read() -> None:
    def change(name: str, data: bytes) -> bytes:
        return data.replace(b"ofdspec.org/2016", b"ofdspec.org") if name == "OFD.xml" else data

    # OFD.xml is covered, so its change is noticed; that it is noticed means that it was read.
    assert codes(inspect(repacked(change), now=NOW).signatures[0])["signature"] == "signature_valid"


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_an_ofd_with_a_changed_byte_is_reported(data: st.DataObject) -> None:
    good = sample("ofd/v4signed.ofd")
    at = data.draw(st.integers(0, len(good) - 1))
    changed = good[:at] + bytes((good[at] ^ data.draw(st.integers(1, 255)),)) + good[at + 1 :]
    assert inspect(changed, now=NOW).outcome is not Outcome.PASSED
