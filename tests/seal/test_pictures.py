"""What a change did to the page, shown in two pictures; hostile files only cost their limits."""

import io
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from seal import pictures
from seal.inspect import inspect
from seal.pdf import drawing
from seal.pdf.errors import BadPdf
from seal.pictures import CannotDraw
from server import cli
from tests.certificates.mutated_revisions import CHANGES, long_term
from tests.sealed import Sealed, sealed

__all__ = ["sealed"]


def changed(sealed: Sealed, name: str) -> bytes:
    from seal.pdf import document
    from seal.pdf.update import Update

    update = Update(document.read(sealed.dual))
    CHANGES[name](update)
    return sealed.dual + update.write()


def opened(png: bytes | None) -> Image.Image:
    assert png is not None
    return Image.open(io.BytesIO(png)).convert("RGB")


def test_the_page_before_and_after_is_drawn_where_it_changed(sealed: Sealed) -> None:
    found = pictures.draw(changed(sealed, "the page's content"))
    assert found is not None
    (pair,) = found.pairs
    before, after = opened(pair.before), opened(pair.after)
    assert before.size == after.size
    assert ImageChops.difference(before, after).getbbox() is not None
    # The page as sealed has words and a seal on it, the replaced content has none.
    colours = [len(image.getcolors(1 << 24) or ()) for image in (before, after)]
    assert colours[0] > colours[1]
    assert pair.page == 1


def test_a_change_that_cannot_be_seen_is_said_to_leave_the_look(sealed: Sealed) -> None:
    found = pictures.draw(changed(sealed, "an extra list"))
    assert found is not None
    assert found.pairs == ()
    assert "未变" in found.lines()[0]


def test_an_unchanged_file_has_nothing_to_show(sealed: Sealed) -> None:
    assert pictures.draw(sealed.dual) is None
    assert pictures.draw(long_term(sealed.dual)) is None


def test_a_page_taken_away_has_no_picture_after(sealed: Sealed, tmp_path: Path) -> None:
    found = pictures.draw(changed(sealed, "the page tree"))
    assert found is not None
    assert found.pages[1] == 0
    assert found.pairs[0].after is None
    written = pictures.save(found, tmp_path / "new")
    assert [path.name for path in written] == ["page-1-before.png"]


def test_the_report_of_an_inspection_begins_with_what_was_changed(sealed: Sealed) -> None:
    found = inspect(changed(sealed, "a note on the page"), now=sealed.at, anchors=sealed.anchors())
    assert found.changed_after_sealing is True
    assert "签章后文件被改动" in found.text().splitlines()[1]
    good = inspect(sealed.dual, now=sealed.at, anchors=sealed.anchors())
    assert good.changed_after_sealing is False
    assert "签章后文件被改动" not in good.text()


def test_the_commands_write_the_pictures_and_say_so(
    sealed: Sealed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "changed.pdf"
    path.write_bytes(changed(sealed, "the page's content"))
    for words in (["verify", "--offline"], ["seal", "inspect"]):
        folder = tmp_path / words[-1]
        options = ["--anchors", str(sealed.folder), "--pictures", str(folder)]
        assert cli.main([*words, str(path), *options]) == 1
        said = capsys.readouterr().out
        assert "签章后文件被改动" in said.splitlines()[1]
        assert "外观改变的页" in said
        assert {file.name for file in folder.iterdir()} == {
            "page-1-before.png", "page-1-after.png",
        }  # fmt: skip


def bomb() -> bytes:
    """A page whose picture unpacks to gigabytes, and whose content draws it a million times."""
    packed = zlib.compress(b"\x00" * 30_000_000)
    packed = zlib.compress(packed)
    body = b"q 3000 0 0 3000 0 0 cm /I Do Q\n" * 400_000
    content = zlib.compress(body)
    parts = [
        b"<</Type /Catalog /Pages 2 0 R>>", b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 14000 14000] /Contents 4 0 R /Resources "
        b"<</XObject <</I 5 0 R>>>>>>",
        b"<</Filter /FlateDecode /Length %d>>\nstream\n%b\nendstream" % (len(content), content),
        b"<</Subtype /Image /Width 20000 /Height 20000 /BitsPerComponent 8 /ColorSpace /DeviceRGB "
        b"/Filter [/FlateDecode /FlateDecode] /Length %d>>\nstream\n%b\nendstream"
        % (len(packed), packed),
    ]  # fmt: skip
    data, offsets = b"%PDF-1.7\n", []
    for number, part in enumerate(parts, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return data + b"xref\n0 6\n0000000000 65535 f \n%btrailer\n<</Size 6 /Root 1 0 R>>\nstartxref" \
        b"\n%d\n%%%%EOF\n" % (table, len(data))  # fmt: skip


def test_a_page_that_takes_too_much_work_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "SECONDS", 2)  # how long the parent waits; the child's own is 20
    started = time.monotonic()
    with pytest.raises(BadPdf) as refused:
        drawing.ask(bomb(), 10)
    assert refused.value.code in ("too_complex", "malformed")
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\n", b"%PDF-1.7\n" + b"[" * 9999])
def test_what_is_no_pdf_cannot_be_drawn(data: bytes) -> None:
    with pytest.raises(CannotDraw):
        pictures.draw(data)


def test_a_file_that_pdfium_cannot_open_has_no_pages() -> None:
    found: dict[str, Any] = drawing.ask(b"%PDF-1.7\nnothing", 4)
    assert found == {"pages": [0, 0], "differing": []}
