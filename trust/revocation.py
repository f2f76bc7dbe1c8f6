"""Revocation by the CRLs at hand (RFC 5280, 6.3), for offline use and for foreign chains."""

from collections.abc import Iterable
from datetime import datetime

from trust.crypto import x509
from trust.crypto.errors import InvalidSignature, UnknownAlgorithm
from trust.crypto.x509 import Certificate, RevocationList
from trust.validation import RevocationLookup, Standing, Status, TrustStore, verify_signed

_UNDERSTOOD = frozenset({x509.CRL_NUMBER, x509.AUTHORITY_KEY_ID})
#: A certificate that was fine when used and was revoked later for these reasons was never theirs
#: to use: 1 keyCompromise, 2 cACompromise (RFC 5280, 5.3.1).
COMPROMISED = frozenset({1, 2})


class CrlLookup:
    """Answers from complete CRLs signed by the certificate's own issuer.

    A time before a CRL's thisUpdate is answered by that CRL (it lists what was revoked until
    then, with dates); a time after its nextUpdate is not.
    """

    def __init__(self, crls: Iterable[RevocationList]) -> None:
        self._by_issuer: dict[bytes, list[RevocationList]] = {}
        for crl in crls:
            self._by_issuer.setdefault(crl.issuer, []).append(crl)
        self._signed: dict[tuple[bytes, bytes], bool] = {}

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        found = [
            crl
            for crl in self._by_issuer.get(issuer.subject, ())
            if crl.next_update is not None
            and at <= crl.next_update
            and not any(e.critical and e.oid not in _UNDERSTOOD for e in crl.extensions.values())
            and self._is_signed(crl, issuer)
        ]
        if not found:
            return Status(Standing.UNKNOWN)
        newest = max(found, key=lambda crl: crl.this_update)
        entry = newest.entries.get(certificate.serial)
        if entry is None:
            return Status(Standing.GOOD)
        return Status(Standing.REVOKED, entry.at, entry.reason)

    def _is_signed(self, crl: RevocationList, issuer: Certificate) -> bool:
        key = (crl.der[-64:], issuer.spki)
        if key not in self._signed:
            usage = x509.key_usage(issuer)
            try:
                verify_signed(crl, issuer.spki)
                self._signed[key] = usage is None or x509.CRL_SIGN in usage
            except (InvalidSignature, UnknownAlgorithm):
                self._signed[key] = False
        return self._signed[key]


class Remembered:
    """One verification's answers: the same issuing certificates stand in several of its chains."""

    def __init__(self, lookup: RevocationLookup) -> None:
        self._lookup = lookup
        self._known: dict[tuple[Certificate, Certificate, datetime], Status] = {}

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        key = (certificate, issuer, at)
        if key not in self._known:
            self._known[key] = self._lookup.status(certificate, issuer, at=at)
        return self._known[key]


def remembered(store: TrustStore) -> TrustStore:
    """The store for one verification; its revocations are asked once each."""
    return TrustStore(store.roots, store.intermediates, Remembered(store.revocation))
