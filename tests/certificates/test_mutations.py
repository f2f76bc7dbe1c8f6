"""A sealed licence changed in more than five hundred ways: none passes, none is an exception.

Judged by the exported anchors alone, so that it is not the registry that notices; and online.
"""

import io
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pikepdf
import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from certificates.evidence import Knowledge
from certificates.verify import verify_file
from certificates.verify_claim import Verification
from seal.apply import Suites
from seal.pdf import document
from seal.pdf.objects import Dict, write
from tests.certificates import (
    mutated_evidence,
    mutated_revisions,
    mutated_signatures,
    mutations,
)
from tests.certificates.mutated_signatures import Files
from tests.sealed import Sealed, sealed
from trust.report import Outcome

__all__ = ["sealed"]


@pytest.fixture(scope="module", params=["offline", "online"])
def knowledge(request: pytest.FixtureRequest, sealed: Sealed) -> Knowledge:
    return sealed.offline() if request.param == "offline" else sealed.online()


@pytest.fixture(scope="module")
def offline(sealed: Sealed) -> Knowledge:
    return sealed.offline()


def verify(pdf: bytes, knowledge: Knowledge, sealed: Sealed) -> Verification:
    return verify_file(pdf, knowledge, at=sealed.at + timedelta(seconds=1))


def require_none_passes(files: Files, knowledge: Knowledge, sealed: Sealed) -> int:
    count = 0
    for count, (name, changed) in enumerate(files, 1):  # noqa: B007
        found = verify(changed, knowledge, sealed)
        assert found.outcome is not Outcome.PASSED, name
        assert found.as_json(), name
    return count


@pytest.mark.parametrize("suites", list(Suites))
def test_the_unchanged_licence_passes(sealed: Sealed, knowledge: Knowledge, suites: Suites) -> None:
    found = verify(sealed.files[suites], knowledge, sealed)
    assert found.outcome is Outcome.PASSED, found.as_json()


@pytest.mark.parametrize("suites", list(Suites))
def test_a_byte_changed_anywhere_never_passes(
    sealed: Sealed, offline: Knowledge, suites: Suites
) -> None:
    seed = random.Random(20261122)
    files = mutations.flips(sealed.files[suites], seed, 60)
    assert require_none_passes(files, offline, sealed) == 60


@pytest.mark.parametrize("suites", list(Suites))
def test_a_bit_changed_in_a_signature_never_passes(
    sealed: Sealed, offline: Knowledge, suites: Suites
) -> None:
    seed = random.Random(38540)
    files = mutations.flips_of_signatures(sealed.files[suites], seed, 70)
    assert require_none_passes(files, offline, sealed) == 70


def test_a_character_changed_in_contents_never_passes(sealed: Sealed, offline: Knowledge) -> None:
    files = mutations.digits_of_signatures(sealed.dual, random.Random(5652), 60)
    assert require_none_passes(files, offline, sealed) > 40


def test_cuts_insertions_and_truncations_never_pass(sealed: Sealed, knowledge: Knowledge) -> None:
    seed = random.Random(32000)
    for make in (mutations.cuts, mutations.insertions, mutations.truncations):
        assert require_none_passes(make(sealed.dual, seed, 25), knowledge, sealed) >= 25


def test_nothing_may_be_appended(sealed: Sealed, knowledge: Knowledge) -> None:
    files = mutations.appended(sealed.dual, random.Random(1), 8)
    assert require_none_passes(files, knowledge, sealed) > 20


@pytest.mark.parametrize("suites", list(Suites))
def test_an_appended_revision_that_changes_something_never_passes(
    sealed: Sealed, knowledge: Knowledge, suites: Suites
) -> None:
    files = mutated_revisions.revisions(sealed.files[suites])
    assert require_none_passes(files, knowledge, sealed) > 40


def test_each_appended_change_is_called_a_change(sealed: Sealed, offline: Knowledge) -> None:
    files = dict(mutated_revisions.revisions(sealed.dual))
    for name in mutated_revisions.CHANGES.keys() - {"another form", "a form without fields"}:
        found = verify(files[f"revision: {name}"], offline, sealed)
        assert "changed" in [check.code for check in found.checks], name
        assert found.changed_after_sealing is True


def test_signatures_taken_out_of_the_form_leave_a_file_without_signature(
    sealed: Sealed, offline: Knowledge
) -> None:
    files = dict(mutated_revisions.revisions(sealed.dual))
    for name in ("another form", "a form without fields"):
        found = verify(files[f"revision: {name}"], offline, sealed)
        assert [check.code for check in found.checks] == ["no_signature"]


@pytest.mark.parametrize("suites", list(Suites))
def test_long_term_data_alone_still_passes_and_is_said(
    sealed: Sealed, knowledge: Knowledge, suites: Suites
) -> None:
    found = verify(mutated_revisions.long_term(sealed.files[suites]), knowledge, sealed)
    assert found.outcome is Outcome.PASSED, found.as_json()
    assert "long_term_data" in [check.code for check in found.checks]


def test_signatures_in_another_spelling_never_pass(sealed: Sealed, knowledge: Knowledge) -> None:
    assert require_none_passes(mutated_signatures.respelled(sealed.dual), knowledge, sealed) > 20


def test_signatures_of_another_licence_never_pass(sealed: Sealed, knowledge: Knowledge) -> None:
    files = mutated_signatures.swapped(sealed.dual, sealed.second)
    assert require_none_passes(files, knowledge, sealed) >= 6


def test_the_closing_signature_reencoded_never_passes(sealed: Sealed, knowledge: Knowledge) -> None:
    stray = sealed.anchors().roots[0].der
    for suites in (Suites.DUAL, Suites.RSA):
        files = mutated_signatures.reencoded_cms(sealed.files[suites], stray=stray)
        assert require_none_passes(files, knowledge, sealed) > 25


def test_the_seal_signature_reencoded_never_passes(sealed: Sealed, knowledge: Knowledge) -> None:
    stray = sealed.anchors().roots[0].der
    for suites in (Suites.DUAL, Suites.SM2):
        files = mutated_signatures.reencoded_stamp(sealed.files[suites], stray=stray)
        assert require_none_passes(files, knowledge, sealed) > 10


def test_a_byte_range_that_lies_never_passes(sealed: Sealed, knowledge: Knowledge) -> None:
    assert require_none_passes(mutations.lies(sealed.dual), knowledge, sealed) > 40


# --- time-stamps and long-term data --------------------------------------------------------------


def test_a_closing_time_stamp_taken_away_exchanged_or_respelled_never_passes(
    sealed: Sealed, knowledge: Knowledge
) -> None:
    stray = sealed.anchors().roots[0].der
    for suites in (Suites.DUAL, Suites.RSA):
        files = mutated_evidence.time_stamps(sealed.files[suites], sealed.second, stray=stray)
        assert require_none_passes(files, knowledge, sealed) > 25


def test_a_seals_time_stamp_taken_away_exchanged_or_respelled_never_passes(
    sealed: Sealed, knowledge: Knowledge
) -> None:
    stray = sealed.anchors().roots[0].der
    files = mutated_evidence.seal_time_stamps(sealed.files[Suites.SM2], sealed.second, stray=stray)
    assert require_none_passes(files, knowledge, sealed) > 25


@pytest.mark.parametrize("suites", list(Suites))
def test_a_bit_changed_in_a_time_stamp_never_passes(
    sealed: Sealed, offline: Knowledge, suites: Suites
) -> None:
    files = mutated_evidence.flips_of_tokens(sealed.files[suites], random.Random(3161), 100)
    assert require_none_passes(files, offline, sealed) == 100


@pytest.mark.parametrize("suites", list(Suites))
def test_a_bit_changed_in_the_long_term_data_never_passes(
    sealed: Sealed, offline: Knowledge, suites: Suites
) -> None:
    files = mutated_evidence.flips_of_evidence(sealed.files[suites], random.Random(319142), 40)
    assert require_none_passes(files, offline, sealed) == 40


# --- by other programs ------------------------------------------------------------------------


def test_a_file_saved_by_another_program_never_passes(sealed: Sealed, knowledge: Knowledge) -> None:
    assert require_none_passes(_by_others(sealed.dual), knowledge, sealed) == 6


def _by_others(pdf: bytes) -> Iterator[tuple[str, bytes]]:
    for name, options in {
        "as it is": {}, "linearized": {"linearize": True}, "qdf": {"qdf": True},
        "object streams": {"object_stream_mode": pikepdf.ObjectStreamMode.generate},
    }.items():  # fmt: skip
        out = io.BytesIO()
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            opened.save(out, **options)
        yield f"pikepdf, {name}", out.getvalue()
    yield "pyHanko, a note", _incremental(pdf, note=True)
    yield "pyHanko, a DSS and new metadata", _incremental(pdf, note=False)


def _incremental(pdf: bytes, *, note: bool) -> bytes:
    dictionary: Any = generic.DictionaryObject
    writer: Any = IncrementalPdfFileWriter(io.BytesIO(pdf))
    if note:
        page = writer.find_page_for_modification(0)[0]
        box = generic.ArrayObject(map(generic.NumberObject, (0, 0, 9, 9)))
        entries = {"/Type": pdf_name("/Annot"), "/Subtype": pdf_name("/Text"), "/Rect": box}
        annotation = dictionary({pdf_name(k): v for k, v in entries.items()})
        writer.register_annotation(page, writer.add_object(annotation))
    else:
        writer.root["/DSS"] = writer.add_object(dictionary({}))
        writer.update_root()
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


# --- what other readers would repair -----------------------------------------------------------


def _shadow(pdf: bytes, *, size: int | None, table: bytes, catalog: bool) -> bytes:
    """A revision with a page content that no table lists, and a table that says too little."""
    whole = document.read(pdf)
    root = whole.root
    body = b"14 0 obj\n<</Length 0>>\nstream\n\nendstream\nendobj\n"
    if catalog:
        table = b"%d 1\n%010d 00000 n \n" % (root.number, len(pdf) + len(body))
        changed: Dict = {**whole.catalog(), "DSS": {"Certs": []}}
        body += b"%d 0 obj\n" % root.number + write(changed) + b"\nendobj\n"
    trailer: Dict = {**whole.trailer, "Prev": int(pdf[pdf.rindex(b"startxref") + 9 :].split()[0])}
    if size is None:
        trailer.pop("Size")
    else:
        trailer["Size"] = size
    at = len(pdf) + len(body)
    return (
        pdf
        + body
        + b"xref\n"
        + table
        + b"trailer\n"
        + write(trailer)
        + (b"\nstartxref\n%d\n%%%%EOF\n" % at)
    )


@pytest.mark.parametrize("size", [None, -1, 0, 1, 60, 10_000])
@pytest.mark.parametrize("table", [b"", b"0 0\n", b"0 1\n0000000000 65535 f \n"])
@pytest.mark.parametrize("catalog", [False, True])
def test_loose_objects_under_a_table_that_says_too_little_never_pass(
    sealed: Sealed, offline: Knowledge, size: int | None, table: bytes, catalog: bool
) -> None:
    shadow = _shadow(sealed.dual, size=size, table=table, catalog=catalog)
    found = verify(shadow, offline, sealed)
    assert found.outcome is Outcome.FAILED, found.checks
