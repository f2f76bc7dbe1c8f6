"""How a certificate of another CA differs from what our own profile would have made of it."""

from collections.abc import Iterator

from ca import lint
from ca.profiles import Profile
from trust.crypto import x509
from trust.crypto.errors import Malformed


def differences(certificate: x509.Certificate, profile: Profile) -> Iterator[str]:
    """A sentence each; nothing here refuses a certificate."""
    yield from lint.faults(certificate)
    try:
        yield from _usage(certificate, profile)
        yield from _addresses(certificate)
    except Malformed as error:
        yield f"an extension cannot be read: {error}"
    if certificate.not_after - certificate.not_before > profile.lifetime:
        yield f"it lasts longer than the profile {profile.name} allows"
    for extension in certificate.extensions.values():
        if extension.critical and extension.oid not in lint.KNOWN_CRITICAL:
            yield f"extension {extension.oid} is critical and unusual"


def _usage(certificate: x509.Certificate, profile: Profile) -> Iterator[str]:
    usage = x509.key_usage(certificate)
    if usage is not None and usage != profile.key_usage:
        yield f"its key usage is another than that of the profile {profile.name}"
    purposes = set(x509.extended_key_usage(certificate) or ())
    if purposes != set(profile.extended_key_usage):
        yield f"its extended key usage is another than that of the profile {profile.name}"
    key_usage = certificate.extensions.get(x509.KEY_USAGE)
    if key_usage is not None and not key_usage.critical:
        yield "its key usage is not critical"


def _addresses(certificate: x509.Certificate) -> Iterator[str]:
    if not lint.http_uris(certificate, x509.CRL_POINTS) and not lint.ocsp_uris(certificate):
        yield "it names no http address of a CRL or OCSP responder"
