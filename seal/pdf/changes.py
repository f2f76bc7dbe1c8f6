"""What a revision changed, judged against the two kinds of change that are allowed.

Between seals: one more signature field, and in the last one's revision the DSS that it then covers.
After the last seal: a DSS (ISO 32000-2, 12.8.4.3) and nothing else. Everything else is a change,
whatever the PDF's own permissions say.
"""

from seal.pdf.document import Document
from seal.pdf.objects import Dict, Object, Ref
from seal.pdf.update import Update

#: What was changed, in Chinese and in English.
Change = tuple[str, str]


_GAINED: tuple[set[str], ...] = ({"AcroForm"}, {"Annots"}, {"DSS"}, {"AcroForm", "DSS"})


def beyond_a_signature(document: Document, count: int) -> Change | None:
    """What revision `count` changes besides adding one signature field; None when nothing.

    Changed objects may only be: the form's field list and the page's annotation list, each
    longer by the new widget; or catalogue and page gaining what they did not have: those lists for
    a first signature, the DSS for a last one.
    """
    before, after = document.at(count - 1), document.at(count)
    revision = after.revisions[-1]
    if problem := _beyond_a_trailer(before.trailer, revision.trailer):
        return problem
    for number, (offset, generation) in revision.entries.items():
        if number >= before.size:
            continue
        ref = Ref(number, generation)
        if offset is None or generation != 0:
            return f"删去了对象 {number}", f"object {number} was deleted"
        if not _is_addition(before.get(ref), after.get(ref), after):
            return f"改动了对象 {number}", f"object {number} was changed"
    return None


def _is_addition(old: Object, new: Object, after: Document) -> bool:
    if isinstance(old, list) and isinstance(new, list):
        return bool(new) and new[:-1] == old and _is_widget(new[-1], after)
    if not isinstance(old, dict) or not isinstance(new, dict):
        return old == new
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    if changed <= {"Fields", "SigFlags"} and "Fields" in changed:
        fields = new.get("Fields")
        return (
            isinstance(fields, list)
            and bool(fields)
            and fields[:-1] == old.get("Fields")
            and _is_widget(fields[-1], after)
        )
    return changed in _GAINED and not changed & old.keys()


def _is_widget(value: Object, after: Document) -> bool:
    widget = after.resolve(value)
    return isinstance(widget, dict) and widget.get("FT") == "Sig"


def beyond_long_term_data(document: Document, count: int) -> Change | None:
    """What the revisions after the first `count` change besides the catalogue's DSS.

    Nobody signs these bytes, so they must be exactly what our own writer makes of their objects:
    loose bytes, or a table that says less than the truth, are what other readers repair into
    another page.
    """
    for number in range(count, len(document.revisions)):
        before, after = document.at(number), document.at(number + 1)
        problem = _beyond_a_trailer(before.trailer, after.trailer) or _beyond_dss(before, after)
        if problem:
            return problem
        if _rewritten(before, after) != document.data[before.end : after.end]:
            return "追加的内容不是规范形式", "what was appended is not in its canonical form"
    return None


def _beyond_dss(before: Document, after: Document) -> Change | None:
    entries = after.revisions[-1].entries
    if before.root.number not in entries:
        return "追加了无关的内容", "what was appended is no long-term-validation data"
    for number, (offset, generation) in entries.items():
        if offset is None or generation != 0:
            return f"删去了对象 {number}", f"object {number} was deleted"
        if number >= before.size:
            continue
        if number != before.root.number or not _only_dss(before.catalog(), after.catalog()):
            return f"改动了对象 {number}", f"object {number} was changed"
    return None


def _rewritten(before: Document, after: Document) -> bytes:
    """The revision as `Update` writes it from the same objects."""
    update = Update(before)
    for number in after.revisions[-1].entries:
        update.put(Ref(number, 0), after.get(Ref(number, 0)))
    update.next = max(before.size, *(number + 1 for number in after.revisions[-1].entries))
    return update.write()


def _beyond_a_trailer(old: Dict, new: Dict) -> Change | None:
    """What a trailer changes besides what every revision must (ISO 32000-1, table 15).

    The catalogue exchanged here is another document, and /Info another title on the window.
    """
    for key in sorted((old.keys() | new.keys()) - {"Size", "Prev", "ID"}):
        if old.get(key) != new.get(key):
            return f"改动了文件尾的 {key}", f"the trailer's {key} was changed"
    return None


def _only_dss(old: Dict, new: Object) -> bool:
    """The catalogue with a DSS that it gained, or that was replaced by another."""
    if not isinstance(new, dict) or not isinstance(new.get("DSS"), Ref | dict):
        return False
    return {k for k in old.keys() | new.keys() if old.get(k) != new.get(k)} == {"DSS"}
