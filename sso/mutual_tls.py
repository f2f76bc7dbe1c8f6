"""The client's certificate, where the proxy that ends TLS hands it over (RFC 8705, RFC 9440).

The proxy must overwrite the header on every request, or anybody could send one: docs/tokens.md.
"""

import base64
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from trust.crypto.errors import Malformed
from trust.crypto.hashes import sha256
from trust.crypto.jose import b64url

HEADER_MAX: Final = 16 * 1024
_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_END: Final = "-----END CERTIFICATE-----"


def certificate(headers: Mapping[str, str], *, name: str) -> bytes | None:
    """The DER of the certificate in the header `name`; None without one, or where no name is set.

    Malformed for what is none. Two forms: `:base64:` of RFC 9440 (Client-Cert), and URL-encoded PEM
    (nginx $ssl_client_escaped_cert, Envoy, HAProxy).
    """
    text = headers.get(name, "").strip() if name else ""
    if not text:
        return None
    if len(text) > HEADER_MAX:
        raise Malformed(f"a client certificate's header is at most {HEADER_MAX} characters")
    if text.startswith(":") and text.endswith(":") and len(text) > 2:
        return _decoded(text[1:-1])
    pem = unquote(text).strip()
    if not (pem.startswith(_BEGIN) and pem.endswith(_END)):
        raise Malformed("the client certificate's header holds no certificate")
    return _decoded("".join(pem[len(_BEGIN) : -len(_END)].split()))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Malformed("the client certificate is not base64") from error


def thumbprint(der: bytes) -> str:
    """`x5t#S256` (RFC 8705, 3.1)."""
    return b64url(sha256(der))
