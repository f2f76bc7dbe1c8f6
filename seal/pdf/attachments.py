"""Files embedded in a PDF (ISO 32000-1, 7.11.4), found by name."""

import zlib

from seal.pdf.document import Document
from seal.pdf.errors import BadPdf
from seal.pdf.objects import Stream

ENTRIES_MAX = 200


def find(document: Document, name: str, *, cap: int) -> bytes | None:
    """The decoded content of the embedded file of that name; BadPdf when it is over `cap` bytes."""
    names = document.resolve(document.catalog().get("Names"))
    if not isinstance(names, dict) or "EmbeddedFiles" not in names:
        return None
    tree = document.dictionary(names["EmbeddedFiles"], "EmbeddedFiles")
    entries = document.array(tree.get("Names"), "the names of embedded files")
    if len(entries) > ENTRIES_MAX:
        raise BadPdf("too_complex", f"more than {ENTRIES_MAX // 2} embedded files")
    wanted = [
        value for key, value in zip(entries[::2], entries[1::2], strict=False)
        if key == name.encode()
    ]  # fmt: skip
    if not wanted:
        return None
    if len(wanted) > 1:
        raise BadPdf("malformed", f"{name} is embedded twice")
    specification = document.dictionary(wanted[0], "a file specification")
    files = document.dictionary(specification.get("EF"), "EF")
    stream = document.resolve(files.get("F"))
    if not isinstance(stream, Stream):
        raise BadPdf("malformed", "an embedded file without content")
    return decoded(stream, cap)


def decoded(stream: Stream, cap: int) -> bytes:
    """A stream's data, plain or deflated; BadPdf when it is over `cap` bytes."""
    kind = stream.dictionary.get("Filter")
    if kind is None:
        data = stream.data
    elif kind == "FlateDecode" and "DecodeParms" not in stream.dictionary:
        inflater = zlib.decompressobj()
        try:
            data = inflater.decompress(stream.data, cap + 1)
        except zlib.error as error:
            raise BadPdf("malformed", "a stream that does not unpack") from error
    else:
        raise BadPdf("malformed", "a stream in an unknown encoding")
    if len(data) > cap:
        raise BadPdf("too_large", "an embedded stream")
    return data
