"""Files that commands read: certificates and requests in PEM or DER, within a bound."""

import base64
import binascii
import re
from pathlib import Path

from server.exits import CannotOpen, CannotWrite
from trust.crypto import x509
from trust.crypto.errors import Malformed
from trust.errors import Invalid

REQUEST_MAX = x509.CERTIFICATE_MAX
#: A chain of eight certificates at their longest.
CHAIN_MAX = 8 * x509.CERTIFICATE_MAX


def read(path: Path, *, most: int) -> bytes:
    """At most `most` bytes and one; CannotOpen."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise CannotOpen(f"{path} cannot be opened: {error.strerror}") from error


def write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror}") from error


def read_request(path: Path) -> bytes:
    """DER of a certificate request in PEM or DER; Invalid or Malformed for none."""
    data = read(path, most=REQUEST_MAX)
    if not data.startswith(b"-----BEGIN"):
        return data
    found = _blocks(data, rb"(?:NEW )?CERTIFICATE REQUEST")
    if not found:
        raise Invalid("the file holds no certificate request")
    return found[0]


def read_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """The certificates of a file, one in DER or any number in PEM; Invalid or Malformed."""
    data = read(path, most=CHAIN_MAX)
    if len(data) > CHAIN_MAX:
        raise Malformed(f"{path.name} is longer than any chain of certificates")
    if data.startswith(b"0"):
        return (x509.parse_certificate(data),)
    found = _blocks(data, rb"(?:X509 |TRUSTED )?CERTIFICATE")
    if not found:
        raise Invalid(f"{path.name} holds no certificate")
    return tuple(x509.parse_certificate(der) for der in found)


def read_crl(path: Path) -> bytes:
    """DER of a CRL in PEM or DER; Invalid or Malformed."""
    data = read(path, most=x509.CRL_MAX)
    if data.startswith(b"0"):
        return data
    found = _blocks(data, rb"X509 CRL")
    if not found:
        raise Invalid(f"{path.name} holds no CRL")
    return found[0]


def _blocks(data: bytes, label: bytes) -> list[bytes]:
    """The contents of the PEM blocks of that label (RFC 7468), text around them left out."""
    pattern = rb"-----BEGIN " + label + rb"-----(.*?)-----END"
    try:
        return [
            base64.b64decode(b"".join(body.split()), validate=True)
            for body in re.findall(pattern, data, re.DOTALL)
        ]
    except binascii.Error as error:
        raise Malformed("the PEM is not Base64") from error
