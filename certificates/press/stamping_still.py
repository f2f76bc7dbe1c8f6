"""What is the same in every licence of a shape: the objects of the page, written once, and which of
them are written anew for each licence."""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from certificates.press.stamping_page import Taken, Unstampable
from seal.pdf import objects
from seal.pdf.attachments import decoded
from seal.pdf.document import Document
from seal.pdf.objects import Dict, Object, Ref, Stream


@dataclass(frozen=True, slots=True)
class Still:
    """The objects of a page that are the same in every licence, as the beginning of a file, and
    their offsets; which numbers the others have. `packet` is the XMP with gaps (`_packet`)."""

    body: bytes
    offsets: Mapping[int, int]
    root: Ref
    changing: Mapping[str, int]
    size: int
    packet: str
    attachment: Dict
    creator: bytes


_SAID: Final = (
    (re.compile(r'(<dc:title><rdf:Alt><rdf:li xml:lang="x-default">)[^<]*(</rdf:li>)'), "@TITLE@"),
    (re.compile(r"(<pdf:Keywords>)[^<]*(</pdf:Keywords>)"), "@KEYWORDS@"),
    (re.compile(r"(<(?:xmp:ModifyDate|xmp:CreateDate|stEvt:when)>)[^<]*(<)"), "@TIME@"),
    (re.compile(r"(<(?:stEvt:instanceID|xmpMM:InstanceID|xmpMM:DocumentID)>)[^<]*(<)"),
     "@INSTANCE@"),
)  # fmt: skip
#: The objects written anew for each licence.
CHANGING: Final = ("text", "metadata", "info", "attached", "regular", "bold")


def still(taken: Taken) -> Still:
    """Write down once what never changes."""
    base = taken.base
    catalog = base.catalog()
    metadata, attached = _ref(catalog["Metadata"]), _attached(base, catalog)
    info, contents = _ref(base.trailer["Info"]), _ref(base.dictionary(taken.page, "p")["Contents"])
    background = base.size
    changing = {
        "text": contents.number, "metadata": metadata.number, "info": info.number,
        "attached": attached.number, "regular": background + 1, "bold": background + 2,
    }  # fmt: skip
    body, offsets = bytearray(b"%PDF-1.7\n%\xbf\xf7\xa2\xfe\n"), dict[int, int]()
    changed = {**_page_objects(taken, background, changing), background: Stream(
        {"Filter": objects.Name("FlateDecode")}, zlib.compress(taken.background, 9)
    )}  # fmt: skip
    for number in [*sorted(base.numbers()), background]:
        if number in changing.values():
            continue
        value = changed.get(number)
        if value is None:
            value = base.get(Ref(number, 0))
        offsets[number] = len(body)
        body += b"%d 0 obj\n" % number + objects.write(value) + b"\nendobj\n"
    packet, file = base.get(metadata), base.get(attached)
    held = base.dictionary(base.get(info), "info")
    if not isinstance(packet, Stream) or not isinstance(file, Stream):
        raise Unstampable("metadata of an unknown form")
    creator = held.get("Creator")
    return Still(
        bytes(body), offsets, base.root, changing, background + 3,
        _packet(decoded(packet, 1 << 20).decode()), file.dictionary,
        creator if isinstance(creator, bytes) else b"",
    )  # fmt: skip


def _packet(text: str) -> str:
    """The XMP packet with @TITLE@, @KEYWORDS@, @TIME@ and @INSTANCE@ where those stand."""
    for pattern, token in _SAID:
        text, found = pattern.subn(rf"\g<1>{token}\g<2>", text)
        if not found:
            raise Unstampable("metadata of an unknown form")
    return text


def _page_objects(taken: Taken, background: int, changing: Mapping[str, int]) -> dict[int, Object]:
    """The page with its two streams, its resources with the two fonts more."""
    base = taken.base
    page = dict(base.dictionary(taken.page, "a page"))
    page["Contents"] = [Ref(background, 0), Ref(changing["text"], 0)]
    resources = dict(base.dictionary(page["Resources"], "resources"))
    resources["Font"] = {
        **base.dictionary(resources["Font"], "fonts"),
        "s0": Ref(changing["regular"], 0), "s1": Ref(changing["bold"], 0),
    }  # fmt: skip
    page["Resources"] = resources
    return {taken.page.number: page}


def _ref(value: Object) -> Ref:
    if not isinstance(value, Ref):
        raise Unstampable("a part that is no object of its own")
    return value


def _attached(base: Document, catalog: Dict) -> Ref:
    names = base.dictionary(base.dictionary(catalog["Names"], "names")["EmbeddedFiles"], "files")
    (_, file) = base.array(names["Names"], "files")
    return _ref(base.dictionary(base.dictionary(file, "a file")["EF"], "a file")["F"])
