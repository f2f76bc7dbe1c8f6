"""ISA, incremental saving attack: another page is appended, so written that a reader shows it and
a verifier does not see it."""

from seal.pdf.objects import Ref, Stream
from tests.attacks.attack import (
    EVIL,
    Attack,
    Attacks,
    evil_page,
    last_table,
    object_bytes,
    raw_revision,
    standard_trailer,
    updated,
)
from tests.certificates.mutated_signatures import signatures

_CHANGED = frozenset({"changed"})
_BROKEN = frozenset({"malformed"})


def attacks(pdf: bytes) -> Attacks:
    update = updated(pdf)
    evil_page(update)
    revision = update.write()
    yield _isa("a whole revision", pdf + revision, _CHANGED)
    table, trailer = revision.index(b"xref\n"), revision.index(b"trailer\n")
    body, ending = revision[:table], revision[trailer:]
    old_end = b"startxref\n%d\n%%%%EOF\n" % last_table(pdf)
    yield _isa("a body alone", pdf + body, _BROKEN)
    yield _isa("a body and the old end again", pdf + body + old_end, _BROKEN)
    yield _isa(
        "a body and a trailer without a table", pdf + body + ending, _BROKEN | {"no_licence"}
    )
    yield _isa("a body in a comment's place", pdf + b"%" + body.replace(b"\n", b"\r") + old_end,
               _BROKEN)  # fmt: skip
    yield _isa("two revisions", _twice(pdf + revision), _CHANGED)
    yield _isa(
        "a table that begins anew", pdf + revision.replace(b"/Prev ", b"/Xrev "),
        _BROKEN | {"no_signature"},
    )  # fmt: skip
    yield from _with_signatures(pdf)
    yield from _loose(pdf)


def _twice(pdf: bytes) -> bytes:
    update = updated(pdf)
    evil_page(update)
    return pdf + update.write()


def _with_signatures(pdf: bytes) -> Attacks:
    """The signature is copied into what is appended, so that there is one 'at the end'."""
    closing = signatures(pdf)[-1]
    at = pdf.rindex(b"%d 0 obj\n" % closing.number, 0, closing.start)
    body = pdf[at + len(b"%d 0 obj\n" % closing.number) : pdf.index(b"endobj", closing.stop)]
    update = updated(pdf)
    evil_page(update)
    update.put_raw(Ref(closing.number, 0), body.rstrip())
    yield _isa("the signature copied over itself", pdf + update.write(), {"byte_range"})
    update = updated(pdf)
    evil_page(update)
    copy = update.reserve()
    update.put_raw(copy, body.rstrip())
    widget = next(
        Ref(number, 0) for number in update.document.numbers()
        if _is_field(update, Ref(number, 0), closing.number)
    )  # fmt: skip
    update.put(widget, {**update.document.dictionary(widget, "field"), "V": copy})
    yield _isa("the field at a copy of its signature", pdf + update.write(), {"byte_range"})


def _is_field(update: object, ref: Ref, signature: int) -> bool:
    from seal.pdf.update import Update

    assert isinstance(update, Update)
    held = update.document.get(ref)
    return isinstance(held, dict) and held.get("V") == Ref(signature, 0)


def _loose(pdf: bytes) -> Attacks:
    """Objects that the table does not list, or lists elsewhere than they are."""
    update = updated(pdf)
    page = update.document.pages()[0]
    content = update.document.dictionary(page, "page")["Contents"]
    assert isinstance(content, Ref)
    evil = object_bytes(content, {"Length": len(EVIL)}).replace(
        b"\nendobj", b"\nstream\n" + EVIL + b"\nendstream\nendobj"
    )
    whole = pdf + evil
    for name, entry in {
        "free": b"0000000000 65535 f \n", "another generation": b"%010d 00001 n \n" % len(pdf),
        "one byte off": b"%010d 00000 n \n" % (len(pdf) + 1),
    }.items():  # fmt: skip
        table = b"xref\n%d 1\n%b" % (content.number, entry)
        rest = b"trailer\n<<%b /Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
            standard_trailer(pdf), last_table(pdf), len(whole),
        )  # fmt: skip
        yield _isa(f"an entry that is {name}", whole + table + rest, _CHANGED | _BROKEN)
    yield _isa(
        "a hybrid table", raw_revision(
            pdf, {content.number: b"<</Length 0>>\nstream\n\nendstream"},
            trailer=standard_trailer(pdf) + b" /XRefStm 10",
        ), {"no_licence", "malformed"},
    )  # fmt: skip
    update.put(content, Stream({}, EVIL))
    yield _isa("the page's own content", pdf + update.write(), _CHANGED)


def _isa(name: str, pdf: bytes, codes: frozenset[str] | set[str]) -> Attack:
    return Attack("ISA", name, pdf, frozenset(codes))
