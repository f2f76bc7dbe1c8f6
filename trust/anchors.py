"""Whom we trust: roots, issuing CAs, claim signers, CRLs and signed lists, read from a folder.

The folder is all that offline checking needs. What a file is follows from what is in it, not from
its name; only self-signed certificates become anchors.
"""

import base64
import binascii
from dataclasses import dataclass, field
from pathlib import Path

from trust.crypto import hashes, x509
from trust.crypto.errors import Malformed
from trust.crypto.x509 import Certificate, RevocationList
from trust.errors import Unavailable
from trust.revocation import CrlLookup

FILES_MAX, FILE_MAX = 5_000, 16 * 1024 * 1024
_BEGINS = {b"-----BEGIN " + label + b"-----": label for label in (b"CERTIFICATE", b"X509 CRL")}


def key_id(spki: bytes) -> bytes:
    """The 8 bytes by which a claim names its signer: the start of SHA-256 of the SPKI."""
    return hashes.sha256(spki)[:8]


@dataclass(frozen=True, slots=True)
class Anchors:
    """Frozen knowledge for offline verification. `status_lists` are JWS as published."""

    roots: tuple[Certificate, ...]
    intermediates: tuple[Certificate, ...] = ()
    crls: tuple[RevocationList, ...] = ()
    status_lists: tuple[str, ...] = ()
    trust_lists: tuple[bytes, ...] = ()
    _by_key_id: dict[bytes, Certificate] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for certificate in self.intermediates:
            self._by_key_id.setdefault(key_id(certificate.spki), certificate)

    def signer(self, kid: bytes) -> Certificate | None:
        """The end-entity certificate whose key has this id."""
        return self._by_key_id.get(kid)

    def revocation(self) -> CrlLookup:
        return CrlLookup(self.crls, certificates=self.intermediates, anchors=self.roots)


def load(directory: Path) -> Anchors:
    """Read every file of `directory`; Unavailable when it cannot be read, Malformed when a
    certificate or CRL in it is broken."""
    certificates: list[Certificate] = []
    crls: list[RevocationList] = []
    status_lists: list[str] = []
    trust_lists: list[bytes] = []
    for path in _files(directory):
        data = _contents(path)
        if path.suffix == ".jwt":
            status_lists.append(data.decode("ascii", "replace").strip())
        elif path.suffix == ".json":
            trust_lists.append(data)
        else:
            for kind, body in read_pem(data, name=path.name):
                if kind == b"CERTIFICATE":
                    certificates.append(x509.parse_certificate(body))
                else:
                    crls.append(x509.parse_crl(body))
    roots = tuple(c for c in certificates if c.self_issued and c.is_ca)
    rest = tuple(c for c in certificates if c not in roots)
    return Anchors(roots, rest, tuple(crls), tuple(status_lists), tuple(trust_lists))


def _files(directory: Path) -> list[Path]:
    try:
        files = sorted(path for path in directory.iterdir() if path.is_file())
    except OSError as error:
        raise Unavailable(f"the anchors in {directory} cannot be read") from error
    if len(files) > FILES_MAX:
        raise Malformed(f"more than {FILES_MAX} files of anchors")
    return files


def _contents(path: Path) -> bytes:
    try:
        if path.stat().st_size > FILE_MAX:
            raise Malformed(f"{path.name} is over {FILE_MAX} bytes")
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path.name} cannot be read") from error


def read_pem(data: bytes, *, name: str) -> list[tuple[bytes, bytes]]:
    """(label, DER) of each PEM block, in one pass; a bare DER structure counts as one CRL."""
    if data[:1] == b"0":
        return [(b"X509 CRL", data)]
    found: list[tuple[bytes, bytes]] = []
    label, lines = None, list[bytes]()
    for line in data.splitlines():
        line = line.strip()
        if line in _BEGINS:
            label, lines = _BEGINS[line], []
        elif label is not None and line == b"-----END " + label + b"-----":
            found.append((label, _decoded(b"".join(lines), name)))
            label = None
        elif label is not None:
            lines.append(line)
    return found


def _decoded(text: bytes, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Malformed(f"{name} holds broken PEM") from error


def pem(label: str, data: bytes) -> bytes:
    """One PEM block (RFC 7468)."""
    body = base64.encodebytes(data).replace(b"\n", b"")
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    begin, end = f"-----BEGIN {label}-----", f"-----END {label}-----"
    return b"\n".join([begin.encode(), *lines, end.encode(), b""])
