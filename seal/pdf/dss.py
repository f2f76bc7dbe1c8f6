"""The document security store (ISO 32000-2, 12.8.4.3; ETSI EN 319 142-1, 5.4.2): the evidence that
a PDF carries. No VRI is written: it says nothing that the evidence does not, and the standard
advises against it."""

from typing import Final

from seal.pdf.attachments import decoded
from seal.pdf.document import Document
from seal.pdf.errors import BadPdf
from seal.pdf.objects import Dict, Name, Object, Stream
from seal.pdf.update import Update
from trust.carried import Evidence

#: Of each kind; and bytes of one item, and of all together.
ITEMS_MAX: Final = 64
ITEM_MAX, ALL_MAX = 1 << 20, 8 << 20


def add(update: Update, evidence: Evidence) -> Object:
    """Put the evidence into an update; what the catalogue's /DSS is to be."""

    def streams(items: tuple[bytes, ...]) -> list[Object]:
        return [update.add(Stream({}, item)) for item in items]

    store: Dict = {"Type": Name("DSS")}
    for key, items in (
        ("Certs", evidence.certificates), ("CRLs", evidence.crls), ("OCSPs", evidence.answers)
    ):  # fmt: skip
        if items:
            store[key] = streams(items)
    return update.add(store)


def read(document: Document) -> Evidence | None:
    """What the catalogue's /DSS holds, None without one; BadPdf for another form or too much."""
    held = document.catalog().get("DSS")
    if held is None:
        return None
    store = document.dictionary(held, "DSS")
    found = Evidence(*(_items(document, store, key) for key in ("Certs", "CRLs", "OCSPs")))
    if sum(map(len, (*found.certificates, *found.crls, *found.answers))) > ALL_MAX:
        raise BadPdf("too_large", "the long-term data")
    return found


def _items(document: Document, store: Dict, key: str) -> tuple[bytes, ...]:
    if key not in store:
        return ()
    listed = document.array(store[key], f"DSS {key}")
    if len(listed) > ITEMS_MAX:
        raise BadPdf("too_complex", f"more than {ITEMS_MAX} {key} of long-term data")
    found = []
    for item in listed:
        stream = document.resolve(item)
        if not isinstance(stream, Stream):
            raise BadPdf("malformed", f"DSS {key} hold other than streams")
        found.append(decoded(stream, ITEM_MAX))
    return tuple(found)
