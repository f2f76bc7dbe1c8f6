"""Files made to break a verifier: refused with the step named, soon and in little memory."""

import io
import subprocess
import sys
import time
import zlib
from datetime import timedelta
from pathlib import Path

import pikepdf
import pytest

from certificates.evidence import Knowledge
from certificates.verify import verify_file
from certificates.verify_content import ATTACHMENT_MAX
from seal.pdf import attachments, document
from seal.pdf.document import SIZE_MAX
from seal.pdf.errors import BadPdf
from seal.pdf.objects import Name, Object, Ref, Stream
from seal.pdf.update import Update
from tests.certificates import mutations
from tests.certificates.mutated_signatures import refilled, signatures
from tests.sealed import Sealed, sealed
from trust.report import Outcome

__all__ = ["sealed"]

SECONDS = 5


@pytest.fixture(scope="module")
def knowledge(sealed: Sealed) -> Knowledge:
    return sealed.offline()


def refused(data: bytes, knowledge: Knowledge, sealed: Sealed) -> tuple[str, str]:
    """(name, code) of the first failed check; the time taken is part of the test."""
    began = time.monotonic()
    found = verify_file(data, knowledge, at=sealed.at + timedelta(seconds=1))
    assert time.monotonic() - began < SECONDS
    assert found.outcome is Outcome.FAILED
    first = next(check for check in found.checks if check.outcome is Outcome.FAILED)
    assert first.reason()["zh"]
    return first.name, first.code


def table(*bodies: bytes, trailer: bytes = b"", size: int | None = None) -> bytes:
    """A plain PDF of these objects, numbered from 1; the first is the catalogue."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    at = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    for offset in offsets:
        out += b"%010d 00000 n \n" % offset
    out += b"trailer\n<</Size %d /Root 1 0 R %s>>\n" % (size or len(bodies) + 1, trailer)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % at)


EMPTY = b"trailer\n<<>>\nstartxref\n9\n%%EOF\n"
FORM = b"<</Type/Catalog/AcroForm<</Fields[2 0 R]>>>>"


def field(value: bytes) -> bytes:
    return table(FORM, b"<</FT/Sig/T(a)/V 3 0 R>>", value)


PLAIN: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "nothing": (b"", ("not_a_pdf",)),
    "text": (b"hello", ("not_a_pdf",)),
    "a ZIP": (b"PK\x03\x04" + bytes(100), ("not_a_pdf",)),
    "a header alone": (b"%PDF-1.7\n", ("malformed",)),
    "one byte too many": (b"%PDF-1.7\n" + bytes(SIZE_MAX), ("too_large",)),
    "49 MB of zeros": (b"%PDF-1.7\n" + bytes(49 * 1024 * 1024), ("malformed",)),
    "49 MB of spaces and an end": (
        b"%PDF-1.7\n" + b" " * (49 * 1024 * 1024) + b"startxref\n9\n%%EOF\n", ("no_licence",)),
    "49 MB of open brackets": (
        b"%PDF-1.7\nxref\n0 0\ntrailer\n" + b"[" * (49 * 1024 * 1024) + b"\nstartxref\n9\n%%EOF\n",
        ("too_complex",)),
    "49 MB of table heads": (
        b"%PDF-1.7\nxref\n" + b"0 0\n" * (12 * 1024 * 1024) + EMPTY,
        ("too_complex",)),
    "49 MB of comments": (
        b"%PDF-1.7\nxref\n0 0\n" + b"%\n" * (24 * 1024 * 1024) + EMPTY,
        ("malformed", "no_signature")),
    "a dictionary nested deep": (
        table(b"<</A" * 5000 + b"1" + b">>" * 5000), ("too_complex",)),
    "arrays nested deep": (table(b"[" * 5000 + b"]" * 5000), ("too_complex",)),
    "a string that never ends": (table(b"(" * 100_000), ("malformed",)),
    "a long string of brackets": (table(b"<</A (" + b"\\(" * 60_000 + b")>>"), ("malformed",)),
    "a number of a million digits": (table(b"<</A " + b"1" * 1_000_000 + b">>"), ("malformed",)),
    "a hexadecimal string of millions": (
        table(b"<</A <" + b"0" * 9_000_000 + b">>>"), ("no_signature",)),
    "a table of a billion objects": (
        b"%PDF-1.7\nxref\n0 999999\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n", ("too_complex",)),
    "Prev to itself": (
        b"%PDF-1.7\nxref\n0 0\ntrailer\n<</Prev 9>>\nstartxref\n9\n%%EOF\n", ("malformed",)),
    "Prev ahead": (
        b"%PDF-1.7\nxref\n0 0\ntrailer\n<</Prev 40>>\nstartxref\n9\n%%EOF\n", ("malformed",)),
    "Prev before the file": (
        b"%PDF-1.7\nxref\n0 0\ntrailer\n<</Prev -1>>\nstartxref\n9\n%%EOF\n", ("malformed",)),
    "a key that stands twice": (table(b"<</A 1 /A 2>>"), ("malformed",)),
    "encrypted": (table(b"<<>>", trailer=b"/Encrypt 1 0 R"), ("encrypted",)),
    "no catalogue": (table(b"[]"), ("malformed",)),
    "a catalogue that is itself": (table(b"1 0 R"), ("malformed",)),
    "a form that is itself": (table(b"<</AcroForm 2 0 R>>", b"2 0 R"), ("malformed",)),
    "a stream whose length is itself": (
        table(b"<</AcroForm 2 0 R>>", b"<</Length 2 0 R>>\nstream\nx\nendstream"), ("malformed",)),
    "streams whose lengths are each other": (
        table(b"<</AcroForm 2 0 R>>", b"<</Length 3 0 R>>\nstream\nx\nendstream",
              b"<</Length 2 0 R>>\nstream\nx\nendstream"), ("malformed",)),
    "a stream longer than the file": (
        table(b"<</AcroForm 2 0 R>>", b"<</Length 99999999>>\nstream\nx\nendstream"),
        ("malformed",)),
    "too many fields": (
        table(b"<</AcroForm<</Fields[" + b"2 0 R " * 999 + b"]>>>>", b"<<>>"), ("too_complex",)),
    "a field that is its own value": (
        table(FORM, b"<</FT/Sig/V 2 0 R>>"), ("malformed", "byte_range")),
    "a signature without contents": (field(b"<</Type/Sig>>"), ("malformed",)),
    "a signature without range": (field(b"<</Contents<00>>>"), ("byte_range",)),
    "a range of reals": (field(b"<</Contents<00>/ByteRange[0. 1. 2. 3.]>>"), ("byte_range",)),
    "a range of references": (
        field(b"<</Contents<00>/ByteRange[1 0 R 1 0 R 1 0 R 1 0 R]>>"), ("byte_range",)),
    "text that is not UTF-8": (table(b"<</Type/\xff\xfe/\xc3\xa9 1>>"), ("no_signature",)),
}  # fmt: skip


@pytest.mark.parametrize("name", list(PLAIN))
def test_a_broken_file_fails_at_its_structure(
    name: str, knowledge: Knowledge, sealed: Sealed
) -> None:
    data, codes = PLAIN[name]
    step, code = refused(data, knowledge, sealed)
    assert step == "structure"
    assert code in codes


def test_an_encrypted_licence_is_called_encrypted(knowledge: Knowledge, sealed: Sealed) -> None:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(sealed.dual)) as pdf:
        pdf.save(
            out, encryption=pikepdf.Encryption(owner="a", user=""),
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )  # fmt: skip
    assert refused(out.getvalue(), knowledge, sealed) == ("structure", "encrypted")


def test_an_unsealed_rendering_has_no_signature(knowledge: Knowledge, sealed: Sealed) -> None:
    rendered = sealed.dual[: document.read(sealed.dual).revisions[0].end]
    assert refused(rendered, knowledge, sealed) == ("structure", "no_signature")


def test_a_lying_byte_range_is_named(knowledge: Knowledge, sealed: Sealed) -> None:
    steps = {refused(data, knowledge, sealed)[0] for _, data in mutations.lies(sealed.dual)}
    assert steps <= {"structure", "signature.1", "signature.2", "changes"}


def test_a_chain_of_more_revisions_than_anyone_makes_is_too_complex(
    knowledge: Knowledge, sealed: Sealed
) -> None:
    pdf = sealed.dual
    for _ in range(40):
        update = Update(document.read(pdf))
        update.put(update.document.root, update.document.catalog())
        pdf += update.write()
        if len(document.read(pdf).revisions) == document.REVISIONS_MAX:
            break
    update = Update(document.read(pdf))
    update.put(update.document.root, update.document.catalog())
    assert refused(pdf + update.write(), knowledge, sealed) == ("structure", "too_complex")


def test_as_many_objects_as_allowed_in_as_many_revisions_are_too_many(
    knowledge: Knowledge, sealed: Sealed
) -> None:
    head = sealed.dual
    for _ in range(4, document.REVISIONS_MAX + 1):
        size = document.OBJECTS_MAX - 1
        at = len(head)
        previous = head[head.rindex(b"startxref") + 10 :].split()[0]
        root = document.read(sealed.dual).root
        entries = b"".join(b"%010d 00000 n \n" % at for _ in range(size - 1000))
        head += b"xref\n1000 %d\n" % (size - 1000) + entries
        head += b"trailer\n<</Size %d /Root %d 0 R /Prev %s>>\n" % (size + 1, root.number, previous)
        head += b"startxref\n%d\n%%%%EOF\n" % at
        if len(head) > SIZE_MAX - 1_200_000:
            break
    assert refused(head, knowledge, sealed) == ("structure", "too_complex")


@pytest.mark.parametrize("packed", [10_000_000, 200_000_000])
def test_an_attachment_that_unpacks_without_end_is_cut_off(packed: int) -> None:
    bomb = zlib.compress(bytes(packed), 9)
    pdf = table(
        b"<</Names<</EmbeddedFiles<</Names[(licence.json) 2 0 R]>>>>>>",
        b"<</EF<</F 3 0 R>>>>",
        b"<</Filter/FlateDecode /Length %d>>\nstream\n" % len(bomb) + bomb + b"\nendstream",
    )
    began = time.monotonic()
    with pytest.raises(BadPdf) as found:
        attachments.find(document.read(pdf), "licence.json", cap=ATTACHMENT_MAX)
    assert found.value.code == "too_large"
    assert time.monotonic() - began < 1


def test_an_attachment_packed_twice_or_unknown_is_refused() -> None:
    for entries in (b"/Filter[/FlateDecode/FlateDecode]", b"/Filter/LZWDecode",
                    b"/Filter/FlateDecode/DecodeParms<</Predictor 15>>"):  # fmt: skip
        pdf = table(
            b"<</Names<</EmbeddedFiles<</Names[(licence.json) 2 0 R]>>>>>>",
            b"<</EF<</F 3 0 R>>>>", b"<<%s/Length 1>>\nstream\nx\nendstream" % entries,
        )  # fmt: skip
        with pytest.raises(BadPdf):
            attachments.find(document.read(pdf), "licence.json", cap=ATTACHMENT_MAX)


def test_a_page_tree_that_is_a_line_or_a_ring_is_refused_without_recursion() -> None:
    line = [b"<</Pages 2 0 R>>"]
    line += [b"<</Kids[%d 0 R]>>" % (number + 1) for number in range(2, 9000)]
    ring = [b"<</Pages 2 0 R>>", b"<</Kids[3 0 R]>>", b"<</Kids[2 0 R]>>"]
    for bodies in (line, ring):
        with pytest.raises(BadPdf):
            document.read(table(*bodies)).pages()


def test_an_empty_array_rewritten_is_no_trap(knowledge: Knowledge, sealed: Sealed) -> None:
    base = Update(document.read(sealed.dual))
    extra = base.add([])
    base.put(base.document.root, {**base.document.catalog(), "Extra": extra})
    pdf = sealed.dual + base.write()
    again = Update(document.read(pdf))
    again.put(extra, [])
    assert refused(pdf + again.write(), knowledge, sealed) == ("changes", "changed")


@pytest.mark.parametrize(
    "value",
    [
        b"\x30\x80" + bytes(50), b"\x30\x84\xff\xff\xff\xff", b"\x30" * 1000, b"\x30\x00",
        b"\x30\x06\x30\x00\x30\x00\x30\x00", b"\x30\x03\x06\x01\x80", b"\x04\x00", b"\xff" * 99,
    ],
)  # fmt: skip
def test_garbage_in_contents_fails_at_the_signature(
    value: bytes, knowledge: Knowledge, sealed: Sealed
) -> None:
    for number, signature in enumerate(signatures(sealed.dual), 1):
        pdf = refilled(sealed.dual, signature, value)
        step, code = refused(pdf, knowledge, sealed)
        assert step in ("structure", f"signature.{number}")
        assert code in ("signature_malformed", "not_canonical")


def test_a_stream_in_the_place_of_each_object_is_no_trap(
    knowledge: Knowledge, sealed: Sealed
) -> None:
    """Every object of the sealed file in turn becomes a stream, in a later revision."""
    whole = document.read(sealed.dual)
    for number in whole.numbers():
        values: list[Object] = [Stream({"A": Ref(number, 0)}, b""), [], {}, None, Name("X"), b""]
        for value in values:
            update = Update(document.read(sealed.dual))
            update.put(Ref(number, 0), value)
            refused(sealed.dual + update.write(), knowledge, sealed)


MEASURED = """
import resource, sys
from tests.certificates.test_bad_files import PLAIN
from seal.pdf import document, fields
from seal.pdf.errors import BadPdf
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for data, _ in PLAIN.values():
    try:
        fields.signatures(document.read(data))
    except BadPdf:
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_reading_all_of_them_takes_little_more_memory_than_they_do() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert int(done.stdout) < 200 * 1024  # KiB, where no file is over 50 MiB
