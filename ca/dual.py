"""Pairs of certificates (GB/T 20518): one for signing with the user's own key, one for encryption
with a key pair made here and sent to the user under the signing key (GB/T 35276)."""

from dataclasses import dataclass
from datetime import datetime

from ca import csr
from ca.issue import Order, issue
from trust.access import Caller
from trust.crypto import sm2, sm2_envelope, x509
from trust.crypto.algorithms import KeyKind
from trust.db import Sessions
from trust.errors import Invalid
from trust.keys import KeyStore


class NotAnSm2Key(Invalid):
    code = "pairs_are_sm"


@dataclass(frozen=True, slots=True)
class Pair:
    """`enveloped_key` is the DER of an SM2EnvelopedKey with the encryption certificate's key."""

    signing: x509.Certificate
    encryption: x509.Certificate
    enveloped_key: bytes


def issue_pair(
    sessions: Sessions, request: bytes, *, subject: bytes, issuer: str, keys: KeyStore,
    by: Caller, at: datetime, profile: str = "signing", base_url: str = "",
    particulars: tuple[tuple[str, str], ...] = (),
) -> Pair:  # fmt: skip
    """Certify the key of a PKCS#10 request for signing, and a new key for encryption.

    The encryption key leaves in the envelope and is kept nowhere: losing it loses what was
    encrypted to it, and recovery would need a key management centre. A crash after the first
    certificate leaves it without its other half; the order is given again. Raises NotAnSm2Key and
    what `csr.prove` and `issue` raise.
    """
    proved = csr.prove(request)
    if proved.kind is not KeyKind.SM2:
        raise NotAnSm2Key("pairs of certificates are for SM2 keys")
    signing = issue(
        sessions, Order(profile, subject, proved.spki, None, base_url, particulars),
        issuer=issuer, keys=keys, by=by, at=at,
    )  # fmt: skip
    key = sm2.PrivateKey.generate()
    encryption = issue(
        sessions,
        Order("encryption", subject, sm2.spki(key.public_key), None, base_url, particulars),
        issuer=issuer, keys=keys, by=by, at=at,
    )  # fmt: skip
    owner = sm2.public_key_from_spki(proved.spki)
    return Pair(signing, encryption, sm2_envelope.seal(key, owner=owner))
