"""Our own PDF reader and writer: round trips, agreement with other readers, and no repair."""

import io
from datetime import UTC, datetime

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal.pdf import attachments, changes, document, fields
from seal.pdf.errors import BadPdf, NotOurs
from seal.pdf.objects import Name, Object, Parser, Real, Ref, Stream, write
from seal.pdf.sealing import PADES, SM2_SEAL, Field, Place, Visible, add_signature, text_string
from seal.pdf.update import Update
from seal.picture import Appearance
from trust.crypto import der

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
NAMES = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=12).map(Name)
ATOMS = (
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | NAMES | st.binary(max_size=30)
    | st.builds(Ref, st.integers(0, 99999), st.integers(0, 99))
    | st.decimals(-9999, 9999, places=3).map(lambda number: Real(f"{number:.3f}"))
)  # fmt: skip
OBJECTS = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES.map(str), inner, max_size=4),
    max_leaves=15,
)


def plain(*bodies: bytes) -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalogue."""
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    at = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<</Size %d/Root 1 0 R>>\n" % (len(bodies) + 1)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % at)


def page() -> bytes:
    return plain(
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 400]/Contents 4 0 R>>",
        b"<</Length 2>>\nstream\nq \nendstream",
    )  # fmt: skip


VALUE = der.sequence(der.octets(b"a signature"))


def signed(pdf: bytes, name: str = "A", *, lock: bool = False, visible: bool = True) -> bytes:
    drawn = Visible(Place(1, 50, 60), Appearance(b"0 0 9 9 re f\n", 100, 80))
    kind = PADES if lock else SM2_SEAL
    field = Field(name, kind, "签署者", 64, drawn if visible else None, lock)
    return add_signature(pdf, field, lambda _covered, _span: VALUE, at=AT)


# --- objects -------------------------------------------------------------------------------------


@given(OBJECTS)
@settings(max_examples=300)
def test_an_object_comes_back(value: Object) -> None:
    written = write(value)
    parser = Parser(written, 0)
    assert parser.read() == value
    assert parser.position == len(written)


PLAIN = st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.binary(max_size=30)


@given(st.lists(PLAIN, max_size=5))
@settings(max_examples=100)
def test_qpdf_reads_what_we_wrote_as_we_meant_it(values: list[bool | int | bytes]) -> None:
    pdf = plain(
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 0/Kids[]>>", write([*values])
    )
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        theirs = list(opened.get_object(3, 0).as_list())
        read = [bytes(item) if isinstance(item, pikepdf.String) else item for item in theirs]
    assert read == values


@given(st.binary(max_size=60))
@settings(max_examples=400)
def test_garbage_is_a_bad_pdf_and_nothing_else(data: bytes) -> None:
    for body in (data, b"<<" + data, b"[" + data, b"(" + data, b"<" + data, b"/" + data):
        try:
            Parser(body, 0).read()
        except BadPdf:
            continue


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"<48 65 6c6C6f7>", b"Hellop"), (b"(a\\(b\\)\\101\\n\\\r\nc)", b"a(b)A\nc"),
        (b"((()))", b"(())"),
        (b"/A#42#20c", Name("AB c")), (b"1 0 R", Ref(1, 0)), (b"1 0 Rx", 1), (b"-.5", Real("-.5")),
        (b"%c\n[%x\r1]", [1]), (b"<</A<</B[null true]>>>>", {"A": {"B": [None, True]}}),
    ],
)  # fmt: skip
def test_every_spelling_of_the_standard_is_read(text: bytes, value: Object) -> None:
    assert Parser(text, 0).read() == value


@pytest.mark.parametrize(
    "text",
    [b"<</A 1/A 2>>", b"<</A 1/#41 2>>", b"<<1 2>>", b"<</A>>", b"<4g>", b"(", b"nul", b"+", b""],
)
def test_what_can_be_read_two_ways_or_none_is_refused(text: bytes) -> None:
    with pytest.raises(BadPdf):
        Parser(text, 0).read()


def test_a_text_string_is_ascii_or_utf_16() -> None:
    assert text_string("abc") == b"abc"
    assert text_string("印") == b"\xfe\xff\x53\x70"


# --- the file ------------------------------------------------------------------------------------


def test_an_update_is_read_by_us_and_by_qpdf() -> None:
    base = document.read(page())
    update = Update(base)
    added = update.add({"Title": b"x"})
    update.put(base.root, {**base.catalog(), "Extra": added})
    pdf = base.data + update.write()
    read = document.read(pdf)
    assert len(read.revisions) == 2
    assert read.dictionary(read.catalog()["Extra"], "") == {"Title": b"x"}
    assert "Extra" not in read.at(1).catalog()
    with pikepdf.open(io.BytesIO(pdf)) as theirs:
        assert str(theirs.Root.Extra.Title) == "x"


def test_the_same_update_is_written_the_same() -> None:
    def once() -> bytes:
        update = Update(document.read(page()))
        update.add(Stream({}, b"data"))
        return update.write()

    assert once() == once()


def test_pages_come_in_their_order() -> None:
    pdf = plain(
        b"<</Pages 2 0 R>>", b"<</Kids[3 0 R 6 0 R]>>", b"<</Kids[4 0 R 5 0 R]>>",
        b"<</Type/Page>>", b"<</Type/Page>>", b"<</Type/Page>>",
    )  # fmt: skip
    assert [ref.number for ref in document.read(pdf).pages()] == [4, 5, 6]


@pytest.mark.parametrize("mode", ["generate", "linearize"])
def test_a_file_of_another_make_is_told_from_a_broken_one(mode: str) -> None:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(page())) as pdf:
        if mode == "generate":
            pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        else:
            pdf.save(out, linearize=True)
    if mode == "generate":
        with pytest.raises(NotOurs):
            document.read(out.getvalue())
    else:
        with pytest.raises(BadPdf):
            document.read(out.getvalue())


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_changed_byte_never_crashes_the_reader(data: st.DataObject) -> None:
    good = SIGNED
    at = data.draw(st.integers(0, len(good) - 1))
    changed = good[:at] + bytes((data.draw(st.integers(0, 255)),)) + good[at + 1 :]
    try:
        whole = document.read(changed)
        fields.signatures(whole)
        whole.pages()
        for count in range(2, len(whole.revisions) + 1):
            changes.beyond_a_signature(whole, count)
        changes.beyond_long_term_data(whole, 1)
        attachments.find(whole, "licence.json", cap=99)
    except BadPdf:
        return


SIGNED = signed(signed(page()), "B", lock=True)


# --- signatures ----------------------------------------------------------------------------------


def test_two_signatures_are_found_in_their_order_with_what_they_cover() -> None:
    whole = document.read(SIGNED)
    first, second = fields.signatures(whole)
    assert (first.field, first.sub_filter, first.locks) == ("A", SM2_SEAL[1], False)
    assert (second.field, second.sub_filter, second.locks) == ("B", PADES[1], True)
    assert (first.revision, second.revision) == (2, 3)
    assert first.contents == second.contents == VALUE
    assert first.time == "D:20260601120000Z"
    assert second.end == len(SIGNED)
    assert len(second.covered(SIGNED)) == len(SIGNED) - (second.stop - second.start)
    assert first.covered(SIGNED) == fields.signatures(document.read(signed(page())))[0].covered(
        signed(page())
    )
    assert first.rectangle[2] - first.rectangle[0] == pytest.approx(100)


def test_the_signer_gets_what_the_range_says() -> None:
    seen = []

    def contents(covered: bytes, span: str) -> bytes:
        seen.append((covered, span))
        return VALUE

    pdf = add_signature(page(), Field("A", PADES, "n", 64, None), contents, at=AT)
    (signature,) = fields.signatures(document.read(pdf))
    rest = signature.end - signature.stop
    assert seen == [(signature.covered(pdf), f"[0 {signature.start} {signature.stop} {rest}]")]


def test_a_signature_and_long_term_data_are_the_only_changes_allowed() -> None:
    whole = document.read(SIGNED)
    assert [changes.beyond_a_signature(whole, count) for count in (2, 3)] == [None, None]
    assert changes.beyond_long_term_data(whole, 3) is None
    assert changes.beyond_long_term_data(whole, 2)


def test_a_second_visible_seal_on_a_page_leaves_the_page_alone() -> None:
    once, twice = signed(page()), signed(signed(page()), "B")
    before, after = document.read(once), document.read(twice)
    assert before.pages() == after.pages()
    assert before.get(before.pages()[0]) == after.get(after.pages()[0])
    assert changes.beyond_a_signature(after, 3) is None


def test_what_does_not_fit_or_is_not_there_is_refused() -> None:
    for field in (
        Field("A", PADES, "n", 5, None),
        Field("A", PADES, "n", 64, Visible(Place(2, 0, 0), Appearance(b"", 1, 1))),
    ):
        with pytest.raises(BadPdf):
            add_signature(page(), field, lambda _covered, _span: VALUE, at=AT)


def test_signatures_are_written_in_lower_case_with_zeros_behind() -> None:
    (signature,) = fields.signatures(document.read(signed(page())))
    digits = signed(page())[signature.start + 1 : signature.stop - 1]
    assert digits == VALUE.hex().encode().ljust(128, b"0")


# --- attachments ---------------------------------------------------------------------------------


def test_an_attachment_is_found_by_its_exact_name() -> None:
    pdf = plain(
        b"<</Names<</EmbeddedFiles<</Names[(a.json)2 0 R(b.json)2 0 R]>>>>>>",
        b"<</EF<</F 3 0 R>>>>", b"<</Length 2>>\nstream\n{}\nendstream",
    )  # fmt: skip
    whole = document.read(pdf)
    assert attachments.find(whole, "a.json", cap=2) == b"{}"
    assert attachments.find(whole, "A.json", cap=2) is None
    assert attachments.find(document.read(page()), "a.json", cap=2) is None
    with pytest.raises(BadPdf):
        attachments.find(whole, "a.json", cap=1)


def test_an_attachment_that_stands_twice_is_refused() -> None:
    pdf = plain(
        b"<</Names<</EmbeddedFiles<</Names[(a)2 0 R(a)2 0 R]>>>>>>",
        b"<</EF<</F 3 0 R>>>>", b"<</Length 2>>\nstream\n{}\nendstream",
    )  # fmt: skip
    with pytest.raises(BadPdf, match="twice"):
        attachments.find(document.read(pdf), "a", cap=9)
