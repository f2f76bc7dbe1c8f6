"""Certificates of other regions: revoked or not, by the CRLs at the addresses of their lists."""

from datetime import datetime
from typing import Final

from certificates.regions.peer_documents import PeerAnswerRefused, PeerDocuments, Read, Wanted
from trust import chain
from trust.crypto import hashes, names, x509
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate
from trust.list_store import ListStore, NoSuchRegion, TrustedRegion
from trust.lists_model import ServiceType
from trust.revocation import CrlLookup
from trust.validation import Standing, Status, verify_signed

KIND: Final = "crl"
CRL_MAX: Final = 8 * 1024 * 1024
#: A CRL is signed daily and at each revocation of a certificate, which are rare.
KEEP: Final = 30.0


class PeerRevocation:
    """Implements `RevocationLookup` for certificates whose issuer a region's list names."""

    def __init__(self, lists: ListStore, documents: PeerDocuments) -> None:
        self._lists, self._documents = lists, documents

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        """UNKNOWN when the issuer is of no region that is known, or its CRL is past its life."""
        wanted = self._wanted(issuer)
        read = self._documents.newest(wanted, at=at) if wanted is not None else None
        if read is None:
            return Status(Standing.UNKNOWN)
        return read.value.status(certificate, issuer, at=at)

    def _wanted(self, issuer: Certificate) -> Wanted[CrlLookup] | None:
        try:
            region = self._lists.region(chain.region_of(issuer))
        except NoSuchRegion:
            return None
        return wanted_of(region, issuer)


def wanted_of(region: TrustedRegion, issuer: Certificate) -> Wanted[CrlLookup] | None:
    """The CRL of one of a region's CAs; None when its list tells no address."""
    for kind in (ServiceType.ISSUING_CA, ServiceType.ROOT_CA):
        for service in region.services(kind):
            if service.certificate == issuer.der and service.uri:
                return Wanted(
                    region.code, KIND, hashes.sha256(issuer.der).hex()[:40], service.uri,
                    region.digest, lambda data: _read(data, issuer), CRL_MAX, KEEP,
                )  # fmt: skip
    return None


def _read(data: bytes, issuer: Certificate) -> Read[CrlLookup]:
    try:
        crl = x509.parse_crl(data)
        if not names.same(crl.issuer, issuer.subject):
            raise PeerAnswerRefused("the CRL is another CA's")
        verify_signed(crl, issuer.spki)
    except (Malformed, InvalidSignature, UnknownAlgorithm) as error:
        raise PeerAnswerRefused(f"no CRL of that CA: {error}") from error
    if crl.next_update is None:
        raise PeerAnswerRefused("a CRL without an end")
    return Read(CrlLookup((crl,)), crl.this_update, crl.next_update)
