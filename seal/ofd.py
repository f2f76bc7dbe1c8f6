"""The signatures of an OFD document (GB/T 33190-2016, 18; GM/T 0099-2020), read from anyone.

Strict where looseness would cost (the ZIP, entities, paths that climb), tolerant of the deviations
that occur in the field: relative and absolute paths, the old namespace, missing Type and Seal.
"""

import base64
import binascii
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree

from trust.crypto import hashes
from trust.errors import Invalid

SIZE_MAX = 50 * 1024 * 1024
ENTRIES_MAX, ENTRY_MAX, TOTAL_MAX = 5_000, 50 * 1024 * 1024, 200 * 1024 * 1024
#: Deflate reaches 1032:1; pages do not. Small entries are let off.
RATIO_MAX, RATIO_FLOOR = 200, 1024 * 1024
XML_MAX, SIGNATURES_MAX, PATH_MAX = 4 * 1024 * 1024, 64, 512
NAMESPACES = ("http://www.ofdspec.org/2016", "http://www.ofdspec.org")
#: CheckMethod -> digest. Absent means MD5 (GB/T 33190, 18.2.3), which is refused like any other.
CHECK_METHODS = {
    "SM3": hashes.Digest.SM3, "1.2.156.10197.1.401": hashes.Digest.SM3,
    "SHA256": hashes.Digest.SHA256, "SHA-256": hashes.Digest.SHA256,
    "2.16.840.1.101.3.4.2.1": hashes.Digest.SHA256,
}  # fmt: skip
_END = struct.Struct("<4s4H2LH")
_CENTRAL_MAX = 4 * 1024 * 1024
#: What `zipfile` raises for a broken entry; ValueError for a name that is not the UTF-8 it claims.
_UNPACKING = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError,
)  # fmt: skip


class BadOfd(Invalid):
    """The package cannot be read; `code` is a report code."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(detail or code)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Reference:
    """A protected file and the digest it had when it was signed."""

    path: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class OfdSignature:
    """One signature. `document` is Signature.xml to the byte; `seal` the seal file's, if named;
    `time` what SignatureDateTime says, in whatever form."""

    path: str
    kind: str
    provider: str
    time: str
    document: bytes
    value: bytes
    value_path: str
    seal: bytes | None
    seal_path: str
    check_method: str | None
    references: tuple[Reference, ...]


@dataclass(slots=True)
class Package:
    """The ZIP's files by path without a leading solidus."""

    archive: zipfile.ZipFile
    entries: dict[str, zipfile.ZipInfo]
    _digests: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def read(self, path: str, *, cap: int = ENTRY_MAX) -> bytes:
        info = self.entries.get(path)
        if info is None:
            raise BadOfd("malformed", f"{path[:80]} is missing")
        if info.file_size > cap:
            raise BadOfd("too_large", path[:80])
        try:
            with self.archive.open(info) as file:
                return file.read(info.file_size + 1)
        except _UNPACKING as error:
            raise BadOfd("malformed", f"{path[:80]} does not unpack") from error

    def digest(self, path: str, name: str) -> bytes:
        """The digest of a file, computed once however many signatures refer to it."""
        if (path, name) not in self._digests:
            self._digests[path, name] = hashes.digest(name, self.read(path))
        return self._digests[path, name]

    def find(self, reference: str, *, beside: str = "") -> str:
        """The path that a reference means: from the root, or from beside another file."""
        reference = reference.strip()
        if not reference or len(reference) > PATH_MAX or "\\" in reference:
            raise BadOfd("malformed", f"a path that is none: {reference[:80]!r}")
        if reference.startswith("/"):
            return _normal(reference)
        near = _normal(f"{beside.rpartition('/')[0]}/{reference}")
        return near if near in self.entries else _normal(reference)


@dataclass(frozen=True, slots=True)
class Ofd:
    package: Package
    signatures: tuple[OfdSignature, ...]
    lists: tuple[str, ...]

    def uncovered(self, signature: OfdSignature, *, aside: Iterable[str] = ()) -> list[str]:
        """Content that the signature says nothing of; what belongs to signing is left aside."""
        aside = {*self.lists, *aside}
        for one in self.signatures:
            aside |= {one.path, one.value_path, one.seal_path}
        covered = {reference.path for reference in signature.references}
        return sorted(set(self.package.entries) - aside - covered)


def _normal(path: str) -> str:
    found: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not found:
                raise BadOfd("malformed", f"a path that climbs out: {path[:80]!r}")
            found.pop()
        elif part not in ("", "."):
            found.append(part)
    return "/".join(found)


def read(data: bytes) -> Ofd:
    """The package and its signatures; BadOfd."""
    package = _open(data)
    root = read_xml(package.read("OFD.xml", cap=XML_MAX), "OFD")
    lists: list[str] = []
    found: list[OfdSignature] = []
    for body in named(root, "DocBody"):
        for node in named(body, "Signatures"):
            lists.append(package.find(node.text or ""))
            found += _signatures(package, lists[-1])
            if len(found) > SIGNATURES_MAX:
                raise BadOfd("too_complex", f"more than {SIGNATURES_MAX} signatures")
    return Ofd(package, tuple(found), tuple(lists))


# --- the package -------------------------------------------------------------------------------


def _open(data: bytes) -> Package:
    """The ZIP, its directory checked before anything is unpacked."""
    if len(data) > SIZE_MAX:
        raise BadOfd("too_large", f"{len(data)} > {SIZE_MAX} bytes")
    _check_end(data)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, OSError, ValueError, struct.error, NotImplementedError) as error:
        raise BadOfd("malformed", "not a sound ZIP") from error
    total = 0
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        _check_entry(info)
        total += info.file_size
        if info.filename in entries:
            raise BadOfd("malformed", f"{info.filename[:80]!r} stands twice in the package")
        entries[info.filename] = info
    if total > TOTAL_MAX:
        raise BadOfd("too_large", f"{total} bytes unpacked")
    files = {name: info for name, info in entries.items() if not name.endswith("/")}
    return Package(archive, files)


def _check_end(data: bytes) -> None:
    """The end record, read before the library allocates by it. ZIP64 has no place below 4 GB."""
    at = data.rfind(b"PK\x05\x06")
    if not data.startswith(b"PK\x03\x04") or at < 0 or len(data) < at + _END.size:
        raise BadOfd("malformed", "not a sound ZIP")
    if data[max(0, at - 20) : at].startswith(b"PK\x06\x07"):
        raise BadOfd("malformed", "a ZIP64 package")
    _, disk, start_disk, here, count, size, offset, comment = _END.unpack_from(data, at)
    if count > ENTRIES_MAX or size > _CENTRAL_MAX:
        raise BadOfd("too_complex", f"more than {ENTRIES_MAX} files")
    if disk or start_disk or here != count or at + _END.size + comment != len(data):
        raise BadOfd("malformed", "a ZIP in parts, or with bytes after its end")
    if offset + size != at:
        raise BadOfd("malformed", "the ZIP directory is not where the end record says")


def _check_entry(info: zipfile.ZipInfo) -> None:
    name = info.filename
    parts = name.removesuffix("/").split("/")
    if name != info.orig_filename or "\\" in name or len(name) > PATH_MAX:
        raise BadOfd("malformed", f"a file name that is none: {name[:80]!r}")
    if any(part in ("", ".", "..") for part in parts):
        raise BadOfd("malformed", f"a path that is absolute or climbs: {name[:80]!r}")
    if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadOfd("malformed", f"{name[:80]!r} is encrypted or packed in an unknown way")
    if info.file_size > ENTRY_MAX:
        raise BadOfd("too_large", f"{name[:80]}: {info.file_size} bytes unpacked")
    if info.file_size > RATIO_FLOOR and info.file_size > RATIO_MAX * info.compress_size:
        raise BadOfd("too_large", f"{name[:80]} is packed more than {RATIO_MAX} times")


# --- XML ---------------------------------------------------------------------------------------


def read_xml(data: bytes, name: str) -> ElementTree.Element:
    """The root element, of that name in an OFD namespace. Declarations are refused unread."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadOfd("malformed", f"{name} is not UTF-8") from error
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BadOfd("malformed", f"{name} declares a document type or entities")
    try:
        # As str: then the XML declaration cannot choose another encoding than the one checked.
        root = ElementTree.fromstring(text)  # noqa: S314
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise BadOfd("malformed", f"{name} is not XML") from error
    if root.tag not in _tags(name):
        raise BadOfd("malformed", f"{root.tag[:80]} where {name} belongs")
    return root


def _tags(name: str) -> tuple[str, ...]:
    return tuple(f"{{{namespace}}}{name}" for namespace in NAMESPACES)


def named(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (child for child in element if child.tag in _tags(name))


def _first(element: ElementTree.Element, *path: str) -> ElementTree.Element | None:
    found: ElementTree.Element | None = element
    for name in path:
        found = next(named(found, name), None) if found is not None else None
    return found


def text_of(element: ElementTree.Element, *path: str) -> str:
    found = _first(element, *path)
    return (found.text or "").strip() if found is not None else ""


# --- signatures --------------------------------------------------------------------------------


def _signatures(package: Package, listed: str) -> Iterator[OfdSignature]:
    root = read_xml(package.read(listed, cap=XML_MAX), "Signatures")
    for node in named(root, "Signature"):
        path = package.find(node.get("BaseLoc", ""), beside=listed)
        yield _signature(package, path, node.get("Type", "Seal"))


def _signature(package: Package, path: str, kind: str) -> OfdSignature:
    document = package.read(path, cap=XML_MAX)
    root = read_xml(document, "Signature")
    info = _first(root, "SignedInfo")
    if info is None:
        raise BadOfd("malformed", f"{path[:80]} has no SignedInfo")
    value_path = package.find(text_of(root, "SignedValue"), beside=path)
    seal_node = text_of(info, "Seal", "BaseLoc")
    seal_path = package.find(seal_node, beside=path) if seal_node else ""
    holder = _first(info, "References")
    if holder is None:
        raise BadOfd("malformed", f"{path[:80]} protects nothing")
    provider = _first(info, "Provider")
    name = provider.get("ProviderName") or text_of(info, "Provider", "ProviderName") if (
        provider is not None
    ) else ""  # fmt: skip
    return OfdSignature(
        path=path, kind=kind, provider=name, time=text_of(info, "SignatureDateTime")[:40],
        document=document,
        value=package.read(value_path, cap=XML_MAX), value_path=value_path,
        seal=package.read(seal_path, cap=XML_MAX) if seal_path else None, seal_path=seal_path,
        check_method=holder.get("CheckMethod"),
        references=tuple(_reference(package, node, path) for node in named(holder, "Reference")),
    )  # fmt: skip


def _reference(package: Package, node: ElementTree.Element, path: str) -> Reference:
    target = package.find(node.get("FileRef", ""), beside=path)
    digits = "".join(text_of(node, "CheckValue").split())
    try:
        return Reference(target, base64.b64decode(digits, validate=True))
    except (binascii.Error, ValueError) as error:
        raise BadOfd("malformed", f"the check value of {target[:80]} is not base64") from error
