"""CRLs (RFC 5280, 5), numbered: a complete one for each issuer, and where asked for its partitions
(5.2.5), of which a relying party fetches the one that a certificate names."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ca import clock_order
from ca.issue import find_issuer, shard_url
from ca.models import Certificate, CertificateState, Crl, Issuer
from trust import audit
from trust.access import Caller
from trust.crypto import x509, x509_write
from trust.crypto.algorithms import Algorithm
from trust.errors import Invalid
from trust.keys import KeyStore

SHARDS_MAX: Final = 1024

#: A held certificate is listed with reason 6 and is gone from the next CRL after its release.
_LISTED = (CertificateState.REVOKED, CertificateState.HELD)


def publish(
    session: Session, issuer: str, *, keys: KeyStore, by: Caller, at: datetime,
    lifetime: timedelta = timedelta(days=7),
) -> bytes:  # fmt: skip
    """Sign and store the issuer's next CRLs, inside the caller's transaction; the DER of the
    complete one, which comes last and so has the highest number.

    Of a CA that does not sign here (an outside one, or one whose key was destroyed) the newest CRL
    there is, or nothing: its own CRLs are fetched by `ca.outside`. Raises ClockMovedBack.
    """
    row = find_issuer(session, issuer)
    if not row.signs:
        return newest(session, issuer) or b""
    clock_order.check(session, at=at)
    at = at.replace(microsecond=0)
    made = _Run(session, row, keys, at, lifetime)
    for shard in _shards(session, issuer):
        made.sign(shard)
    number, der = made.sign(None)
    audit.record(session, "crl.published", subject=issuer, by=by, at=at, details={"number": number})
    return der


@dataclass(frozen=True, slots=True)
class _Run:
    """What the CRLs that are made together have in common."""

    session: Session
    row: Issuer
    keys: KeyStore
    at: datetime
    lifetime: timedelta

    def sign(self, shard: int | None) -> tuple[int, bytes]:
        """The next CRL of a partition, or the complete one for None; its number and DER."""
        row, issuer = self.row, self.row.name
        algorithm, parent = Algorithm(row.algorithm), x509.parse_certificate(row.certificate)
        newest = select(func.max(Crl.number)).where(Crl.issuer == issuer)
        number = 1 + (self.session.scalar(newest) or 0)
        extensions = [
            x509_write.authority_key_id(x509.subject_key_id(parent) or b""),
            x509_write.crl_number(number),
        ]
        if shard is not None:
            extensions.append(x509_write.issuing_point(shard_url(row, shard)))
        ends = self.at + self.lifetime
        tbs = x509_write.tbs_crl(
            signature_oid=algorithm.row.oid, issuer=parent.subject, this_update=self.at,
            next_update=ends, entries=_entries(self.session, issuer, shard),
            extensions=extensions,
        )  # fmt: skip
        signature = self.keys.sign(row.key_id, tbs, algorithm)
        der = x509_write.signed(tbs, algorithm.row.oid, signature)
        self.session.add(
            Crl(
                issuer=issuer, number=number, this_update=self.at, next_update=ends, der=der,
                shard=shard,
            )
        )  # fmt: skip
        return number, der


def _shards(session: Session, issuer: str) -> list[int]:
    """Every partition that a certificate names or may name from now on."""
    row = find_issuer(session, issuer)
    named = session.scalar(select(func.max(Certificate.shard)).where(Certificate.issuer == issuer))
    most = max(row.shards if row.shards > 1 else 0, named or 0)
    return list(range(1, most + 1))


def partition(
    session: Session, issuer: str, *, shards: int, base_url: str, by: Caller, at: datetime
) -> None:
    """Spread the certificates made from now on over so many CRLs, 1 for none; Invalid.

    Certificates name their partition for good, so old ones stay where they are, and the base URL
    of the first time stays. The complete CRL goes on listing everything.
    """
    if not 1 <= shards <= SHARDS_MAX:
        raise Invalid(f"an issuer has 1 to {SHARDS_MAX} partitions of its CRL")
    row = find_issuer(session, issuer)
    row.shards, row.shard_url = shards, row.shard_url or f"{base_url}/crl"
    audit.record(
        session, "crl.partitioned", subject=issuer, by=by, at=at, details={"shards": shards}
    )


def _entries(session: Session, issuer: str, shard: int | None) -> list[x509.Revoked]:
    query = (
        select(Certificate.serial, Certificate.revoked_at, Certificate.reason)
        .where(Certificate.issuer == issuer, Certificate.state.in_(_LISTED))
        .order_by(Certificate.id)
    )
    if shard is not None:
        query = query.where(Certificate.shard == shard)
    return [
        x509.Revoked(int(serial, 16), revoked_at, reason or 0)
        for serial, revoked_at, reason in session.execute(query)
        if revoked_at is not None
    ]


def newest(session: Session, issuer: str, *, shard: int | None = None) -> bytes | None:
    """The DER of the last CRL handed out: the complete one, or that of a partition."""
    return session.scalar(
        select(Crl.der)
        .where(Crl.issuer == issuer, Crl.shard.is_(None) if shard is None else Crl.shard == shard)
        .order_by(Crl.number.desc())
        .limit(1)
    )


def newest_named(session: Session, name: str) -> bytes | None:
    """The same by the name it is fetched under: an issuer's, or `<issuer>-<shard>`."""
    issuer, _, shard = name.rpartition("-")
    if issuer and shard.isdecimal() and len(shard) <= 4 and not shard.startswith("0"):
        return newest(session, issuer, shard=int(shard))
    return newest(session, name)
