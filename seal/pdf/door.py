"""pyHanko at its door: signatures of PDFs that are not of the plain kind that we read ourselves.

It runs in a process of its own (`python -m seal.pdf.door < file`), with limits on time and memory,
because a hostile file can hang or exhaust any tolerant parser. What goes wrong there, whatever it
is, ends as a non-zero exit here and as a failed check in the report.
"""

import io
import json
import sys
from typing import Any

from seal.pdf.errors import BadPdf
from trust import confined

SECONDS, MEMORY = 10, 1536 * 1024 * 1024
SIGNATURES_MAX, CONTENTS_MAX = 64, 4 * 1024 * 1024
_OUTPUT_MAX = 64 * 1024 * 1024


def ask(data: bytes) -> list[dict[str, Any]]:
    """What `_signatures` found in the file, oldest first; BadPdf when it cannot be read.

    Each: field, sub_filter, time, range (numbers), contents (hex), start (the startxref of its
    revision), after ("nothing", "long_term_data", "signatures" or "changes") and detail.
    """
    try:
        answer = confined.run("seal.pdf.door", data, seconds=SECONDS, output_max=_OUTPUT_MAX)
    except confined.Overrun as error:
        raise BadPdf("too_complex", str(error)) from error
    except confined.Stumbled as error:
        raise BadPdf("malformed", str(error)) from error
    found: dict[str, Any] = json.loads(answer)
    if "code" in found:
        raise BadPdf(str(found["code"]), str(found.get("detail", "")))
    signatures: list[dict[str, Any]] = found["signatures"]
    return signatures


# --- in the other process ----------------------------------------------------------------------


def _main() -> None:
    confined.limit(seconds=SECONDS, memory=MEMORY)
    json.dump(_answer(sys.stdin.buffer.read()), sys.stdout)


def _answer(data: bytes) -> dict[str, Any]:
    # Here, so that whoever only asks does not load the library.
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.fields import enumerate_sig_fields

    reader = PdfFileReader(io.BytesIO(data), strict=True)
    if reader.encrypted:
        return {"code": "encrypted"}
    filled = list(enumerate_sig_fields(reader, filled_status=True))
    if len(filled) > SIGNATURES_MAX:
        return {"code": "too_complex", "detail": f"more than {SIGNATURES_MAX} signatures"}
    found = [_signature(reader, name, value, ref) for name, value, ref in filled]
    names = {one["field"] for one in found}
    for one in sorted(found, key=lambda item: int(item["revision"])):
        one |= _after(reader, one, names)
    return {"signatures": sorted(found, key=lambda item: int(item["revision"]))}


def _signature(reader: Any, name: str, value: Any, ref: Any) -> dict[str, Any]:
    value = value.get_object()
    contents = value.raw_get("/Contents").get_object()
    raw = getattr(contents, "original_bytes", contents)
    if len(raw) > CONTENTS_MAX:
        raise ValueError("a signature of unheard-of length")
    container = value.container_ref or ref.reference
    revision = reader.xrefs.get_introducing_revision(container)
    return {
        "field": str(name), "sub_filter": _text(value, "/SubFilter")[1:],
        "time": _text(value, "/M"), "range": [int(n) for n in value["/ByteRange"]],
        "contents": bytes(raw).hex(), "revision": revision,
        "start": reader.xrefs.get_startxref_for_revision(revision),
        "hybrid": reader.xrefs.hybrid_xrefs_present, "locks": _locks(value),
    }  # fmt: skip


def _locks(value: Any) -> bool:
    """Whether the signature permits nothing more: DocMDP or FieldMDP with P 1 (12.8.2)."""
    for reference in _entry(value, "/Reference") or ():
        if _entry(_entry(reference.get_object(), "/TransformParams") or {}, "/P") == 1:
            return True
    return False


def _entry(value: Any, key: str) -> Any:
    return value[key] if key in value else None  # noqa: SIM401  # .get does not resolve


def _text(value: Any, key: str) -> str:
    return str(value[key]) if key in value else ""


def _after(reader: Any, one: dict[str, Any], names: set[str]) -> dict[str, str]:
    """What came after the signature's revision, by pyHanko's analysis of differences."""
    from pyhanko.sign.diff_analysis import (
        DEFAULT_DIFF_POLICY,
        ModificationLevel,
        SuspiciousModification,
    )

    if one["revision"] == reader.xrefs.total_revisions - 1:
        return {"after": "nothing"}
    found = DEFAULT_DIFF_POLICY.review_file(reader, one["revision"])
    if isinstance(found, SuspiciousModification):
        return {"after": "changes", "detail": str(found)[:200]}
    if found.modification_level <= ModificationLevel.LTA_UPDATES:
        return {"after": "long_term_data"}
    # Form filling and notes are changes, whatever the file itself permits: text gets replaced so.
    changed = set(found.changed_form_fields)
    if found.modification_level == ModificationLevel.FORM_FILLING and changed <= names:
        return {"after": "signatures"}
    return {"after": "changes", "detail": ", ".join(sorted(changed))[:200]}


if __name__ == "__main__":
    _main()
