"""A licence's items as XMP properties, with the extension schema that PDF/A asks for
(ISO 19005-3, 6.6.2.3), and a save that is the same every time."""

import re
from collections.abc import Mapping
from io import BytesIO
from xml.sax.saxutils import escape

import pikepdf

from trust.errors import Invalid

NAMESPACE = "urn:trust:licence:1.0#"
PREFIX = "licence"
_BAG_END = b"</rdf:Bag></pdfaExtension:schemas>"
_RDF_END = b"</rdf:RDF>"
_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,31}")


def add_items(pdf: bytes, items: Mapping[str, str]) -> bytes:
    """The document with `items` as text properties in its XMP; classic cross-reference table.

    Raises Invalid when the document is not one page with XMP as our renderer writes it.
    """
    try:
        with pikepdf.open(BytesIO(pdf)) as document:
            if len(document.pages) != 1:
                raise Invalid(f"a licence is one page, not {len(document.pages)}")
            document.Root.Metadata.write(_extended(document.Root.Metadata.read_bytes(), items))
            out = BytesIO()
            document.save(
                out,
                min_version="1.7",
                deterministic_id=True,
                linearize=False,
                qdf=False,
                object_stream_mode=pikepdf.ObjectStreamMode.disable,
                fix_metadata_version=False,
            )
    except (pikepdf.PdfError, AttributeError) as error:
        raise Invalid("the page made is not a readable PDF with XMP") from error
    return out.getvalue()


def _extended(packet: bytes, items: Mapping[str, str]) -> bytes:
    """Put our schema into the one bag there is (a second would not be valid), then the items."""
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
