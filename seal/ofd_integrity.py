"""The integrity file of an OFD package (GM/T 0099-2020): a signed list of the files in it.

The list holds names and no digests: it tells that files were smuggled in or taken out, and nothing
of what is in them. For that a document's own signatures are needed.
"""

from dataclasses import dataclass

from seal.ofd import XML_MAX, BadOfd, Package, named, read_xml, text_of

INTEGRITY = "OFDEntries.xml"
_FILES_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Integrity:
    """`document` is OFDEntries.xml to the byte, `value` the signature over it."""

    document: bytes
    value: bytes
    value_path: str
    files: tuple[str, ...]

    def missing(self, package: Package) -> list[str]:
        return sorted(set(self.files) - set(package.entries))

    def unlisted(self, package: Package) -> list[str]:
        return sorted(set(package.entries) - set(self.files) - {INTEGRITY, self.value_path})


def read(package: Package) -> Integrity | None:
    """The package's integrity file; None when it has none, BadOfd when it is broken."""
    if INTEGRITY not in package.entries:
        return None
    document = package.read(INTEGRITY, cap=XML_MAX)
    root = read_xml(document, "DocEntries")
    value_path = package.find(text_of(root, "SignedValueLoc"))
    listed = [
        package.find(node.get("FileLoc", ""))
        for holder in named(root, "FileList")
        for node in named(holder, "File")
    ]
    if not listed or len(listed) > _FILES_MAX:
        raise BadOfd("malformed", f"{INTEGRITY} lists {len(listed)} files")
    return Integrity(document, package.read(value_path, cap=XML_MAX), value_path, tuple(listed))
