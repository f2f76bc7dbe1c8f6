"""One more revision on a sealed licence, written without fault, that changes something."""

from collections.abc import Callable

from seal.pdf import document
from seal.pdf.objects import Dict, Name, Object, Ref, Stream
from seal.pdf.update import Update
from tests.certificates.mutated_signatures import Files


def revisions(pdf: bytes) -> Files:
    """One more revision that changes something, written without fault."""
    for name, change in CHANGES.items():
        update = Update(document.read(pdf))
        change(update)
        yield f"revision: {name}", pdf + update.write()
        whole = long_term(pdf)
        update = Update(document.read(whole))
        change(update)
        yield f"revision after long-term data: {name}", whole + update.write()
    genuine = long_term(pdf)[len(pdf) :]
    yield "long-term data after junk", pdf + b"%junk\n" + genuine
    yield from trailers(pdf)


def trailers(pdf: bytes) -> Files:
    """A revision with long-term data whose trailer says something more."""
    genuine = long_term(pdf)
    last = document.read(genuine).revisions[-1]
    first = document.read(pdf).revisions[0]
    at = genuine.rindex(b"trailer\n<<") + len(b"trailer\n<<")
    for name, entry in {
        "Encrypt": b"/Encrypt 1 0 R ", "XRefStm": b"/XRefStm 10 ", "Root again": b"/Root 1 0 R ",
        "an unknown key": b"/Evil true ",
    }.items():  # fmt: skip
        yield f"trailer: {name}", genuine[:at] + entry + genuine[at:]
    previous = b"/Prev %d" % int(str(last.trailer["Prev"]))
    spot = genuine.rindex(previous)
    start = genuine.rindex(b"startxref", 0, first.end) + len(b"startxref\n")
    early = b"/Prev " + genuine[start : genuine.index(b"\n", start)]
    yield "trailer: Prev past the seals", genuine[:spot] + early + genuine[spot + len(previous) :]


def long_term(pdf: bytes) -> bytes:
    """The file with one more revision that holds a DSS and nothing else: allowed."""
    update = Update(document.read(pdf))
    _add_dss(update)
    return pdf + update.write()


def _add_dss(update: Update) -> None:
    base = update.document
    stream = update.add(Stream({}, b"\x30\x00"))
    held: Dict = {"Certs": [stream], "CRLs": [update.add(Stream({}, b"\x30\x00"))]}
    update.put(base.root, {**base.catalog(), "DSS": update.add(held)})


def _change_catalog(update: Update, **entries: Object) -> None:
    update.put(update.document.root, {**update.document.catalog(), **entries})


def _page(update: Update) -> tuple[Ref, Dict]:
    ref = update.document.pages()[0]
    return ref, update.document.dictionary(ref, "page")


def _change_page(update: Update, **entries: Object) -> None:
    ref, page = _page(update)
    update.put(ref, {**page, **entries})


def _note() -> Dict:
    return {"Type": Name("Annot"), "Subtype": Name("FreeText"), "Contents": b"forged",
            "Rect": [0, 0, 300, 300], "F": 4}  # fmt: skip


def _annotate(update: Update) -> None:
    ref, page = _page(update)
    held = page["Annots"]
    current = update.document.array(held, "Annots")
    if isinstance(held, Ref):
        update.put(held, [*current, update.add(_note())])
    else:
        update.put(ref, {**page, "Annots": [*current, update.add(_note())]})


def _rewrite_content(update: Update) -> None:
    ref = _page(update)[1]["Contents"]
    assert isinstance(ref, Ref)
    update.put(ref, Stream({}, b"BT ET"))


def _exchange_content(update: Update) -> None:
    _change_page(update, Contents=update.add(Stream({}, b"")))


def _exchange_pages(update: Update) -> None:
    pages: Dict = {"Type": Name("Pages"), "Kids": [], "Count": 0}
    _change_catalog(update, Pages=update.add(pages))


def _rewrite_attachment(update: Update) -> None:
    whole = update.document
    for number in whole.numbers():
        found = whole.get(Ref(number, 0))
        if isinstance(found, Stream) and found.dictionary.get("Type") == "EmbeddedFile":
            update.put(Ref(number, 0), Stream({"Type": Name("EmbeddedFile")}, b"{}"))


def _form(update: Update) -> tuple[Ref, Dict]:
    ref = update.document.catalog()["AcroForm"]
    assert isinstance(ref, Ref)
    return ref, update.document.dictionary(ref, "form")


def _change_form(update: Update, **entries: Object) -> None:
    ref, form = _form(update)
    update.put(ref, {**form, **entries})


def _forge_field(update: Update) -> None:
    ref, form = _form(update)
    field: Dict = {"FT": Name("Sig"), "T": b"Forged", "Type": Name("Annot"),
                   "Subtype": Name("Widget"), "Rect": [0, 0, 300, 300]}  # fmt: skip
    fields_ = update.document.array(form["Fields"], "Fields")
    update.put(ref, {**form, "Fields": [*fields_, update.add(field)]})


def _move_seal(update: Update) -> None:
    fields_ = update.document.array(_form(update)[1]["Fields"], "Fields")
    ref = fields_[0]
    assert isinstance(ref, Ref)
    widget = update.document.dictionary(ref, "widget")
    update.put(ref, {**widget, "Rect": [0, 0, 1, 1]})


def _redraw_seal(update: Update) -> None:
    fields_ = update.document.array(_form(update)[1]["Fields"], "Fields")
    widget = update.document.dictionary(fields_[0], "widget")
    look = update.document.dictionary(widget["AP"], "AP")["N"]
    assert isinstance(look, Ref)
    update.put(look, Stream({"Subtype": Name("Form"), "BBox": [0, 0, 9, 9]}, b""))


def _with_dss(change: Callable[[Update], None]) -> Callable[[Update], None]:
    def both(update: Update) -> None:
        _add_dss(update)
        change(update)

    return both


def _empty_list(update: Update) -> None:
    """An empty array: a trap for a reader that looks at its last item."""
    _change_catalog(update, Extra=[])


def _retitle(update: Update) -> None:
    """Another /Info by way of the trailer, in what is otherwise long-term data."""
    _add_dss(update)
    update.document.trailer["Info"] = update.add({"Title": b"forged"})


def _rewrite_metadata(update: Update) -> None:
    ref = update.document.catalog()["Metadata"]
    assert isinstance(ref, Ref)
    update.put(ref, Stream({"Type": Name("Metadata"), "Subtype": Name("XML")}, b"<x/>"))


CHANGES: dict[str, Callable[[Update], None]] = {
    "a note on the page": _annotate,
    "the page's content": _rewrite_content,
    "the page's content by another stream": _exchange_content,
    "the page's box": lambda u: _change_page(u, MediaBox=[0, 0, 10, 10]),
    "the page tree": _exchange_pages,
    "the attachment": _rewrite_attachment,
    "the names": lambda u: _change_catalog(u, Names={}),
    "an open action": lambda u: _change_catalog(u, OpenAction={"S": Name("Launch")}),
    "a catalogue entry beside the DSS": _with_dss(lambda u: _change_catalog(u, DSS={}, Evil=True)),
    "another form": lambda u: _change_catalog(u, AcroForm=u.add({"Fields": []})),
    "a form without fields": lambda u: _change_form(u, Fields=[]),
    "the form's appearances": lambda u: _change_form(u, NeedAppearances=True),
    "one more field": _forge_field,
    "a moved seal": _move_seal,
    "a redrawn seal": _redraw_seal,
    "the metadata": _rewrite_metadata,
    "an extra list": _empty_list,
    "a note beside a DSS": _with_dss(_annotate),
    "the page's content beside a DSS": _with_dss(_rewrite_content),
    "the metadata beside a DSS": _with_dss(_rewrite_metadata),
    "the document's title beside a DSS": _retitle,
}  # fmt: skip
