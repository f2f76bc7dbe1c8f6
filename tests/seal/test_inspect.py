"""Everyone's seals and sealed files, each judged as the facts about the samples say."""

import json
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal import inspection
from seal.inspect import inspect
from seal.inspection import Inspection, Signed
from seal.legs import parse_pdf_time
from trust.report import Outcome

DATA = Path(__file__).parents[2] / "../shared/data"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def sample(name: str) -> bytes:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return path.read_bytes()


def look(name: str) -> Inspection:
    return inspect(sample(name), now=NOW)


def codes(signed: Signed) -> dict[str, str]:
    """Check name without its number -> code."""
    return {check.name.rpartition(".")[0]: check.code for check in signed.checks}


def expected() -> list[dict[str, Any]]:
    path = DATA / "seals/EXPECTED.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else []


SOUND = {
    "signature": "signature_valid", "digest": "digest_matches", "signer": "signer_listed",
    "seal": "seal_signature_valid", "validity": "seal_valid", "chain": "no_anchor",
}  # fmt: skip


@pytest.mark.parametrize("case", expected(), ids=lambda case: str(case["sample"]))
def test_a_signed_sample_is_judged_as_expected(case: dict[str, Any]) -> None:
    folder = f"seals/extracted/{case['sample']}"
    original = sample(f"{folder}/Signature.xml")
    found = inspect(sample(f"{folder}/SignedValue.dat"), now=NOW, original=original)
    if not case["format"].startswith("SES"):
        assert [check.code for check in found.signatures[0].checks] == ["signer_not_at_hand"]
        return
    (signed,) = found.signatures
    got = {check.name: check.code for check in signed.checks}
    matches = case["dataHash_is_SM3_of_Signature.xml"]
    assert got["signature"] == (
        "signature_valid" if case["signature_valid"] else "signature_invalid"
    )
    assert got["digest"] == ("digest_matches" if matches else "digest_mismatch")
    assert got["seal"] == "seal_signature_valid"
    listed = case["signer_cert_in_certList"]
    assert got["signer"] == ("signer_listed" if listed else "seal_signer_mismatch")
    assert got["chain"] == "no_anchor"
    seal = signed.seal
    assert seal is not None
    assert [seal.width_mm, seal.height_mm] == case["seal"]["mm"]
    assert (seal.version, seal.vendor, seal.es_id, seal.kind, seal.picture_type) == tuple(
        case["seal"][key] for key in ("version", "vid", "esID", "type", "picture")
    )


@pytest.mark.parametrize(
    ("name", "generation", "validity"),
    [
        ("UserV1", "GM/T 0031-2014", "seal_over"),
        ("UserV4", "GB/T 38540-2020", "seal_over"),
        ("UserV5", "GM/T 0031-2025", "seal_in_force"),
    ],
)
def test_a_seal_of_each_generation_is_named_and_its_makers_signature_holds(
    name: str, generation: str, validity: str
) -> None:
    found = look(f"seals/{name}.esl")
    assert found.seal is not None
    assert found.kind == "seal"
    assert found.seal.generation == generation
    assert (found.seal.width_mm, found.seal.picture_type) == (40, "PNG")
    assert found.checks[0].code == "seal_signature_valid"
    assert found.checks[-1].code == validity


@pytest.mark.parametrize("name", ["v4signed", "allprotected", "V4RideRight"])
def test_a_sound_ofd_lacks_only_a_trusted_root(name: str) -> None:
    found = look(f"ofd/{name}.ofd")
    got = codes(found.signatures[0])
    assert {key: got[key] for key in SOUND} == SOUND
    assert (got["references"], got["coverage"]) == ("references_match", "covers_all")
    assert found.outcome is Outcome.INDETERMINATE


def test_an_edited_document_names_the_pages_that_changed() -> None:
    found = look("ofd/zsbk.ofd")
    assert len(found.signatures) == 2
    for signed in found.signatures:
        assert codes(signed)["references"] == "references_differ"
        assert codes(signed)["signature"] == "signature_valid"
        detail = next(c.detail for c in signed.checks if c.code == "references_differ")
        assert "Doc_0/Pages/Page_0/Content.xml" in detail
        assert "Doc_0/Pages/Page_1/Content.xml" in detail
    assert found.outcome is Outcome.FAILED


def test_a_stamp_outside_its_seals_validity_is_good_cryptography_and_failed() -> None:
    got = codes(look("ofd/SESV4SignDoc.ofd").signatures[0])
    assert got["validity"] == "seal_not_in_force"
    assert (got["signature"], got["digest"]) == ("signature_valid", "digest_matches")


def test_a_later_signature_breaks_the_one_that_covered_the_list() -> None:
    first, second = (codes(signed) for signed in look("ofd/h.ofd").signatures)
    assert first["references"] == "references_differ"
    assert second["references"] == "references_match"


def test_a_deviating_vendors_stamp_fails_but_its_seal_is_sound() -> None:
    got = codes(look("ofd/n.ofd").signatures[0])
    assert (got["signature"], got["digest"]) == ("signature_invalid", "digest_mismatch")
    assert got["seal"] == "seal_signature_valid"
    assert got["references"] == "algorithm_refused"


@pytest.mark.parametrize("name", ["ofd/hello.ofd", "ofd/helloworld.ofd", "pdf/minimal.pdf"])
def test_a_file_without_signature_says_so(name: str) -> None:
    assert [check.code for check in look(name).checks] == ["no_signature"]


@pytest.mark.parametrize("name", ["one-byterange", "tail-uncovered"])
def test_a_lying_byte_range_fails(name: str) -> None:
    found = look(f"pdf/{name}.pdf")
    assert found.outcome is Outcome.FAILED
    assert [check.code for check in found.signatures[0].checks] == ["byte_range"]


def test_a_good_byte_range_is_said_although_the_signature_was_left_empty() -> None:
    got = codes(look("pdf/base.pdf").signatures[0])
    assert (got["byte_range"], got["signature"]) == ("covers_revision", "signature_malformed")


def test_a_pades_file_with_long_term_data_verifies_but_for_its_root() -> None:
    signed, stamped = look("pdf/pades-lta-dss-indirect-arrs-test.pdf").signatures
    got = codes(signed)
    assert (got["signature"], got["changes"]) == ("signature_valid", "long_term_data")
    assert got["chain"] == "no_anchor"
    assert stamped.form == "time_stamp"
    assert codes(stamped)["time_stamp"] == "time_stamped"


def test_a_signed_file_signed_again_says_that_only_a_signature_followed() -> None:
    first, second = look("pdf/minimal-two-fields-signed-twice.pdf").signatures
    assert codes(first)["changes"] == "signed_again"
    assert codes(second)["changes"] == "unchanged"


def test_the_report_speaks_chinese_first_and_english_beside_it() -> None:
    text = look("ofd/v4signed.ofd").text()
    assert "印章名称 name: 测试全国统一发票监制章" in text
    assert text.index("签名有效") < text.index("The signature is valid")


def structure(data: bytes) -> str:
    found = inspect(data, now=NOW)
    assert found.outcome is Outcome.FAILED
    return found.checks[0].code


# --- garbage -------------------------------------------------------------------------------------


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_garbage_is_a_failed_report_and_no_exception(data: bytes) -> None:
    for prefix in (b"", b"PK\x03\x04", b"0\x82\x01\x00", b"PK\x05\x06"):
        found = inspect(prefix + data, now=NOW)
        assert found.outcome is Outcome.FAILED
        assert found.text()


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_seal_or_stamp_with_a_changed_byte_is_reported_and_never_better(
    data: st.DataObject,
) -> None:
    good = sample("seals/extracted/v4signed/sig0/SignedValue.dat")
    original = sample("seals/extracted/v4signed/sig0/Signature.xml")
    at = data.draw(st.integers(0, len(good) - 1))
    change = data.draw(st.integers(1, 255))
    changed = good[:at] + bytes((good[at] ^ change,)) + good[at + 1 :]
    found = inspect(changed, now=NOW, original=original)
    assert found.outcome is not Outcome.PASSED
    assert found.text()
    assert found.as_json()


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n", b"%PDF-1.7\n" + b"[" * 200_000,
        b"%PDF-1.7\n1 0 obj\n<</Length 1 0 R>>\nstream\n\nendstream\nendobj\n"
        b"startxref\n9\n%%EOF\n",
    ],
)  # fmt: skip
def test_a_broken_pdf_is_a_failed_check_whoever_reads_it(data: bytes) -> None:
    assert structure(data) in ("malformed", "too_complex")


def test_a_stream_bomb_in_a_cross_reference_stream_is_bounded() -> None:
    packed = zlib.compress(b"\x00" * 400_000_000)
    head = b"%PDF-1.7\n"
    body = head + (
        b"1 0 obj\n<</Type /XRef /W [1 4 2] /Size 50000000 /Root 2 0 R /Filter /FlateDecode "
        b"/Length %d>>\nstream\n" % len(packed)
    ) + packed + b"\nendstream\nendobj\nstartxref\n9\n%%EOF\n"  # fmt: skip
    assert structure(body) in ("malformed", "too_complex")


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("D:20211127204103+01'00'", "2021-11-27T20:41:03+01:00"),
        ("D:20211127204103Z", "2021-11-27T20:41:03+00:00"),
        ("D:20211127204103-08'30", "2021-11-27T20:41:03-08:30"),
        ("D:20211327204103Z", None), ("20211127204103Z", None), ("D:2021", None), ("", None),
    ],
)  # fmt: skip
def test_a_pdf_date_is_read_with_its_zone(text: str, iso: str | None) -> None:
    found = parse_pdf_time(text)
    assert (found.isoformat() if found else None) == iso


def test_foreign_text_is_shown_on_one_line() -> None:
    assert inspection.shown("a\nb\x1b[31m\u202e" + "x" * 300).count("\n") == 0
    assert "\x1b" not in inspection.shown("\x1b[2J")
    assert len(inspection.shown("x" * 999)) <= 201
