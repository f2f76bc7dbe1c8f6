"""The signatures of anyone's PDF, each with what it covers and what came after it.

Our own strict reader first; what it does not take goes through pyHanko (`seal.pdf.door`). The rule
for byte ranges is the same for both: the whole of one revision but the signature's own /Contents.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from seal.pdf import changes, document, door, fields
from seal.pdf.document import SIZE_MAX, Document
from seal.pdf.errors import BadPdf
from seal.pdf.fields import Signature
from seal.pdf.objects import Ref
from trust.crypto import der
from trust.crypto.errors import Malformed
from trust.report import Detail

TIME_STAMP_FILTER = "ETSI.RFC3161"
#: What our own reader says that no other reader could say better.
_FINAL = frozenset({"too_large", "not_a_pdf", "encrypted"})
#: A file whose end is further away is searched byte by byte, and never found good.
_TAIL = 2048
_HEX = re.compile(rb"<[0-9A-Fa-f]*>")
_END = re.compile(rb"startxref[ ]*[\r\n]+(\d{1,10})[ ]*[\r\n]+%%EOF[ ]*(?:\r\n|\r|\n)?")


@dataclass(frozen=True, slots=True)
class Found:
    """One signature. `value` is its DER without padding; it covers [0, start) and [stop, end).

    `after` is nothing, long_term_data, signatures or changes; `problem` says why the range is no
    good, or nothing; `hybrid`: the file shows different readers different things.
    """

    field: str
    sub_filter: str
    value: bytes
    time: str
    start: int
    stop: int
    end: int
    after: str
    detail: Detail
    problem: str
    hybrid: bool = False

    def covered(self, data: bytes) -> bytes:
        return data[: self.start] + data[self.stop : self.end]


def signatures(data: bytes) -> list[Found]:
    """All filled signature fields, oldest first; BadPdf."""
    if len(data) > SIZE_MAX:
        raise BadPdf("too_large", f"{len(data)} > {SIZE_MAX} bytes")
    try:
        whole = document.read(data)
        found = _lock(
            [_plain(whole, one) for one in _ordered(whole)],
            [_permits_nothing(whole, one) for one in _ordered(whole)],
        )
    except BadPdf as error:
        if error.code in _FINAL or b"startxref" not in data[-_TAIL:]:
            raise
        return _by_others(data)
    if any(one.after == "changes" for one in found):
        # Our own rules know the changes that we make; pyHanko's know those of others too. Where
        # it stumbles over what was appended, our verdict of a change stands.
        try:
            return _by_others(data)
        except BadPdf:
            return found
    return found


def _ordered(whole: Document) -> list[Signature]:
    return fields.signatures(whole)


def _permits_nothing(whole: Document, signature: Signature) -> bool:
    """Whether the signature's own references say P 1 (ISO 32000-2, 12.8.2.2 and 12.8.2.4)."""
    held = whole.dictionary(Ref(signature.number, 0), "a signature")
    references = whole.resolve(held.get("Reference"))
    for reference in references if isinstance(references, list) else ():
        parameters = whole.resolve(
            whole.dictionary(reference, "a reference").get("TransformParams")
        )
        if isinstance(parameters, dict) and parameters.get("P") == 1:
            return True
    return False


def _lock(found: list[Found], locks: list[bool]) -> list[Found]:
    """A signature after one that permits nothing is a change, but for a time-stamp."""
    detail = ("先前的签名不许再签", "a signature that an earlier one forbids")
    return [
        replace(one, after="changes", detail=detail)
        if lock
        and one.after == "signatures"
        and any(later.sub_filter != TIME_STAMP_FILTER for later in found[number + 1 :])
        else one
        for number, (one, lock) in enumerate(zip(found, locks, strict=True))
    ]


def _plain(whole: Document, signature: Signature) -> Found:
    after, detail = _after(whole, signature.revision)
    return Found(
        field=signature.field, sub_filter=signature.sub_filter, value=signature.contents,
        time=signature.time, start=signature.start, stop=signature.stop, end=signature.end,
        after=after, detail=detail, problem="",
    )  # fmt: skip


def _after(whole: Document, revision: int) -> tuple[str, Detail]:
    last = len(whole.revisions)
    if revision == last:
        return "nothing", ""
    if not changes.beyond_long_term_data(whole, revision):
        return "long_term_data", ""
    signed = [one.revision for one in fields.signatures(whole) if one.revision > revision]
    latest = max(signed, default=revision)
    for number in range(revision + 1, latest + 1):
        problem = changes.beyond_a_signature(whole, number)
        if problem or number not in signed:
            return "changes", problem or ("有一次修订没有签章", "a revision without a signature")
    problem = changes.beyond_long_term_data(whole, latest)
    return ("changes", problem) if problem else ("signatures", "")


def _by_others(data: bytes) -> list[Found]:
    """What pyHanko finds, held against the file's end, which it does not look at."""
    told = door.ask(data)
    found = _lock([_foreign(data, one) for one in told], [bool(one["locks"]) for one in told])
    if _is_loose(data, max((one.end for one in found), default=0)):
        loose = ("文件尾有不属于任何修订的内容", "bytes at the end that no table speaks of")
        return [replace(one, after="changes", detail=loose) for one in found]
    return found


def _is_loose(data: bytes, covered: int) -> bool:
    """Whether bytes follow the last signature that belong to no revision: a reader that repairs
    takes objects from there, one that does not never sees them."""
    if not covered or not data[covered:].strip(b"\x00\t\n\f\r "):
        return False
    last = data.rfind(b"startxref")
    end = _END.match(data, last)
    if end is None or data[end.end() :].strip(b"\x00\t\n\f\r "):
        return True
    table = int(end[1])
    return table < covered or data.find(b"startxref", table) != last


def _foreign(data: bytes, one: dict[str, Any]) -> Found:
    numbers: list[int] = one["range"]
    contents = bytes.fromhex(one["contents"])
    problem = _range_problem(data, numbers, contents, int(one["start"]))
    start, stop, end = (
        (numbers[1], numbers[2], numbers[2] + numbers[3]) if not problem else (0, 0, 0)
    )
    return Found(
        field=str(one["field"]), sub_filter=str(one["sub_filter"]), value=_unpadded(contents),
        time=str(one["time"]), start=start, stop=stop, end=end, after=str(one["after"]),
        detail=str(one.get("detail", "")), problem=problem, hybrid=bool(one["hybrid"]),
    )  # fmt: skip


def _range_problem(data: bytes, numbers: list[int], contents: bytes, startxref: int) -> str:
    """Why the range is not the whole of the signature's revision but its own /Contents."""
    if len(numbers) != 4 or numbers[0] != 0 or min(numbers) < 0:
        return "a ByteRange is not four numbers from 0"
    start, stop = numbers[1], numbers[2]
    end = stop + numbers[3]
    gap = data[start:stop]
    if not start < stop < end <= len(data) or not _HEX.fullmatch(gap) or len(gap) % 2:
        return "a ByteRange leaves out other than one hexadecimal string"
    if bytes.fromhex(gap[1:-1].decode()) != contents:
        return "a ByteRange leaves out other than its own /Contents"
    last = data.rfind(b"startxref", 0, end)
    close = _END.fullmatch(data, last, end) if last > stop else None
    if close is None or int(close[1]) != startxref:
        return "a signature does not end with its revision"
    return ""


def _unpadded(contents: bytes) -> bytes:
    """The DER before the zeros, when it is that; all of it otherwise."""
    try:
        raw = der.read(contents).raw
    except Malformed:
        return contents
    return raw if not contents[len(raw) :].strip(b"\x00") else contents
