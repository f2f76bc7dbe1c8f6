"""A licence's items as XMP properties, with the extension schema that PDF/A asks for
(ISO 19005-3, 6.6.2.3), put in the place of the packet that the renderer wrote."""

import re
from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import escape

from seal.pdf import document, objects
from seal.pdf.attachments import decoded
from seal.pdf.document import Document
from seal.pdf.errors import BadPdf
from seal.pdf.objects import Dict, Name, Ref, Stream
from trust.crypto import hashes
from trust.errors import Invalid

NAMESPACE = "urn:trust:licence:1.0#"
PREFIX = "licence"
_BAG_END = b"</rdf:Bag></pdfaExtension:schemas>"
_RDF_END = b"</rdf:RDF>"
_METADATA: Final[Dict] = {"Type": Name("Metadata"), "Subtype": Name("XML")}
_PACKET_MAX: Final = 1 << 20
_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,31}")


def add_items(pdf: bytes, items: Mapping[str, str]) -> bytes:
    """The document with `items` as text properties in its XMP; classic cross-reference table.

    Raises Invalid when the document is not one page with XMP as our renderer writes it.
    """
    try:
        whole = document.read(pdf)
        held = whole.catalog().get("Metadata")
        packet = whole.resolve(held)
        if len(whole.pages()) != 1:
            raise Invalid(f"a licence is one page, not {len(whole.pages())}")
        if len(whole.revisions) != 1 or not isinstance(held, Ref) or not isinstance(packet, Stream):
            raise Invalid("the page made has no XMP, or revisions")
        said = extended(decoded(packet, _PACKET_MAX), items)
        return _exchanged(whole, held, Stream({**_METADATA}, said))
    except BadPdf as error:
        raise Invalid("the page made is not a readable PDF with XMP") from error


def _exchanged(whole: Document, ref: Ref, value: Stream) -> bytes:
    """The document with one object exchanged: the others are copied as they stand."""
    data, entries = whole.data, whole.revisions[0].entries
    table = int(data[data.rindex(b"startxref") + 9 :].split()[0])
    offsets = {number: at for number, (at, _) in entries.items() if at is not None}
    if len(entries) != whole.size or any(generation for at, generation in entries.values() if at):
        raise BadPdf("malformed", "a table with gaps, or numbers used again")
    start = offsets[ref.number]
    end = min(at for at in (*offsets.values(), table) if at > start)
    body = b"".join((
        data[:start], b"%d %d obj\n" % ref, objects.write(value), b"\nendobj\n", data[end:table]
    ))  # fmt: skip
    grown = len(body) - table
    rows = [b"xref\n0 %d\n" % whole.size]
    for number in range(whole.size):
        at = offsets.get(number)
        if at is None:
            rows.append(b"0000000000 65535 f \n")
        else:
            rows.append(b"%010d 00000 n \n" % (at + grown if at > start else at))
    # The same input has the same identifier, another input another one (ISO 32000-1, 14.4).
    mark = hashes.sha256(body)[:16]
    trailer = objects.write({**whole.trailer, "ID": [mark, mark]})
    end_of_file = b"\nstartxref\n%d\n%%%%EOF\n" % len(body)
    return b"".join((body, *rows, b"trailer\n", trailer, end_of_file))


def extended(packet: bytes, items: Mapping[str, str]) -> bytes:
    """The XMP packet with our schema in the one bag there is (a second would not be valid), then
    the items; Invalid for a packet of another make."""
    if packet.count(_BAG_END) != 1 or packet.count(_RDF_END) != 1:
        raise Invalid("the page made has unexpected XMP")
    declared = "".join(_declaration(name) for name in items)
    schema = (
        '<rdf:li rdf:parseType="Resource">'
        "<pdfaSchema:schema>Licence metadata (GB/T 36903-2018)</pdfaSchema:schema>"
        f"<pdfaSchema:namespaceURI>{NAMESPACE}</pdfaSchema:namespaceURI>"
        f"<pdfaSchema:prefix>{PREFIX}</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{declared}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )
    values = "".join(
        f"<{PREFIX}:{name}>{escape(text)}</{PREFIX}:{name}>" for name, text in items.items()
    )
    described = (
        f'<rdf:Description rdf:about="" xmlns:{PREFIX}="{NAMESPACE}">{values}</rdf:Description>'
    )
    packet = packet.replace(_BAG_END, schema.encode() + _BAG_END)
    return packet.replace(_RDF_END, described.encode() + _RDF_END)


def _declaration(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Invalid(f"{name[:32]!r} is not a short name")
    return (
        '<rdf:li rdf:parseType="Resource">'
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>GB/T 36903 item {name}</pdfaProperty:description>"
        f"<pdfaProperty:name>{name}</pdfaProperty:name>"
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType></rdf:li>"
    )
