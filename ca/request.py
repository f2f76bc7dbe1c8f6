"""Asking an outside CA to certify a key of ours: a request (RFC 2986) for a key that stays here.

E-government CAs certify government seals and the CAs that issue them; `ca.import_certificate` takes
what comes back.
"""

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from ca import profiles
from ca.issuers import SUITES
from ca.models import Issuer, KeyRequest, Signer
from trust import audit
from trust.access import Caller
from trust.crypto import hashes, x509, x509_write
from trust.crypto.algorithms import DEFAULT, Algorithm, KeyKind
from trust.db import Sessions
from trust.errors import Conflict, Invalid
from trust.keys import KeyStore, check_key_id

#: Roots sign themselves, and an OCSP signer is certified by the CA it answers for.
NOT_OUTSIDE: Final = frozenset({"root", "ocsp-signer"})


def create(
    sessions: Sessions, key_id: str, *, purpose: str, kind: KeyKind, subject: bytes,
    keys: KeyStore, by: Caller, at: datetime, bits: int = 3072,
) -> bytes:  # fmt: skip
    """Make the key if need be and return the PKCS#10 request (DER), signed by it.

    The same words again give the same request; Conflict when the key is in use already, or asked
    about with other words. A crash after the key was made is healed by saying it again.
    """
    check_key_id(key_id)
    profile = profiles.load(purpose)
    if purpose in NOT_OUTSIDE:
        raise Invalid(f"no outside CA certifies a key for {purpose}")
    if profile.ca and kind not in SUITES:
        raise Invalid("a CA has an SM2 or an RSA key")
    algorithm = DEFAULT[kind]
    with sessions() as session:
        known = session.get(KeyRequest, key_id)
        if known is not None:
            _refuse_other(known, purpose, algorithm, subject)
            return known.request
        _refuse_in_use(session, key_id)
    made = _sign(keys, key_id, kind, algorithm, subject, bits)
    with sessions.begin() as session:
        session.add(
            KeyRequest(
                key_id=key_id, purpose=purpose, algorithm=str(algorithm), request=made,
                requested_at=at,
            )
        )  # fmt: skip
        details: dict[str, audit.JSON] = {"purpose": purpose, "sha256": hashes.sha256(made).hex()}
        audit.record(session, "key.requested", subject=key_id, by=by, at=at, details=details)
    return made


def _sign(
    keys: KeyStore, key_id: str, kind: KeyKind, algorithm: Algorithm, subject: bytes, bits: int
) -> bytes:
    there = key_id in keys.ids()
    spki = keys.public_key(key_id) if there else keys.generate(key_id, kind, bits=bits)
    tbs = x509_write.tbs_request(subject, spki)
    return x509_write.signed(tbs, algorithm.row.oid, keys.sign(key_id, tbs, algorithm))


def _refuse_other(known: KeyRequest, purpose: str, algorithm: Algorithm, subject: bytes) -> None:
    asked = x509.parse_request(known.request).subject
    if (known.purpose, known.algorithm, asked) != (purpose, str(algorithm), subject):
        raise Conflict(f"a certificate for {known.key_id} is asked for with other words already")


def _refuse_in_use(session: Session, key_id: str) -> None:
    if session.get(Issuer, key_id) is not None or session.get(Signer, key_id) is not None:
        raise Conflict(f"{key_id} has a certificate of ours already")
