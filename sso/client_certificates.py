"""Mutual TLS client authentication (RFC 8705, 2): what the registered client may show."""

from datetime import datetime

from cryptography.x509 import Name

from sso import jose
from sso.client import Client
from sso.oauth_errors import invalid_client
from sso.provider import Provider
from trust.crypto import names, x509
from trust.errors import TrustError


def check(provider: Provider, client: Client, certificate: bytes, *, at: datetime) -> None:
    """Refuse a certificate (DER) that is not the client's; OAuthError invalid_client.

    tls_client_auth: the proxy has validated the chain, the registered subject must match.
    self_signed_tls_client_auth: the certificate's key must be in the client's JWK set.
    """
    try:
        found = x509.parse_certificate(certificate)
        if client.auth_method == "tls_client_auth":
            matches = names.same(found.subject, subject_dn(client.tls_subject_dn or ""))
        else:
            keys = jose.client_keys(provider, client).keys
            matches = any(found.spki == key.spki for key in keys)
    except (TrustError, ValueError) as error:
        raise invalid_client("the certificate of the client cannot be judged") from error
    if not found.not_before <= at <= found.not_after:
        raise invalid_client("the certificate of the client is not valid now")
    if not matches:
        raise invalid_client("this certificate is not the one of the client")


def subject_dn(text: str) -> bytes:
    """The DER of a name as RFC 4514 writes it; ValueError for anything else."""
    return Name.from_rfc4514_string(text).public_bytes()
