"""The end of a key, with proof: two people, the key overwritten or destroyed in its token, a record
in the audit log, and a statement signed by the log's signer to be filed on paper.

A key is needed as long as a certificate in force names it: revoke that first. A CRL of a CA whose
key is gone can never be renewed, so a CA's key ends after everything below it has.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ca import clock_order, signers
from ca.models import DESTROYED, Certificate, CertificateState, Issuer
from trust import audit
from trust.access import Caller, Role
from trust.anchors import key_id as short_id
from trust.crypto import hashes, jose, x509
from trust.db import Sessions
from trust.errors import Conflict, Forbidden, Invalid, NotFound
from trust.keys import KeyStore
from trust.keys_models import KeyDestruction, KeyUse

TYPE: Final = "key-destruction+jws"
REASON_MAX: Final = 200
MAY: Final = frozenset({Role.CA_ADMIN, Role.SECURITY_ADMIN})
_IN_FORCE: Final = (CertificateState.ISSUED, CertificateState.HELD)


class TwoPeopleNeeded(Forbidden):
    """A key is destroyed by one administrator under the eyes of another."""

    code = "two_people_needed"


class KeyInUse(Conflict):
    """A certificate in force names the key, or something else still needs it."""

    code = "key_in_use"


@dataclass(frozen=True, slots=True)
class Destroyed:
    """`statement` is a compact JWS with the signer's certificate; `sequence` the audit entry."""

    key_id: str
    spki_sha256: str
    method: str
    statement: str
    sequence: int


def destroy(
    sessions: Sessions, key_id: str, *, keys: KeyStore, by: Caller, witness: Caller, reason: str,
    at: datetime,
) -> Destroyed:  # fmt: skip
    """Destroy a key for good.

    1. two people, a reason  2. nothing in force names it  3. the intention, committed  4. the key
    5. proof that it is gone, the statement, the record. A crash after 3 leaves a begun destruction;
    the same command finishes it. TwoPeopleNeeded, NotFound, KeyInUse, Invalid, ClockMovedBack.
    """
    _check_people(by, witness)
    if not 0 < len(reason) <= REASON_MAX or not reason.isprintable():
        raise Invalid(f"a reason is 1 to {REASON_MAX} printable characters")
    begun = _begun(sessions, key_id)
    spki = begun.spki if begun is not None else keys.public_key(key_id)
    with sessions() as session:
        clock_order.check(session, at=at)
        _refuse_in_use(session, key_id, spki, at=at)
        signers.active(session, "log-signer", keys=keys, at=at)  # or there could be no statement
    if begun is None:
        begun = _begin(sessions, key_id, spki, keys.place(key_id), by=by, witness=witness,
                       reason=reason, at=at)  # fmt: skip
    try:
        method = keys.destroy(key_id)
    except NotFound:
        method = "already gone when the destruction was taken up again"
    _prove_gone(keys, key_id)
    return _finish(sessions, begun, method, keys=keys, by=by, at=at)


def _check_people(by: Caller, witness: Caller) -> None:
    if by.account == witness.account:
        raise TwoPeopleNeeded("who destroys a key and who witnesses it are two people")
    for one in (by, witness):
        if not one.roles & MAY:
            raise TwoPeopleNeeded(f"{one.account} is neither CA nor security administrator")


def _begun(sessions: Sessions, key_id: str) -> KeyDestruction | None:
    with sessions() as session:
        row = session.get(KeyDestruction, key_id)
    if row is not None and row.destroyed_at is not None:
        raise Conflict(f"the key {key_id} was destroyed already")
    return row


def _begin(
    sessions: Sessions, key_id: str, spki: bytes, place: str, *, by: Caller, witness: Caller,
    reason: str, at: datetime,
) -> KeyDestruction:  # fmt: skip
    with sessions.begin() as session:
        row = KeyDestruction(
            key_id=key_id, spki=spki, place=place, by=by.account, witness=witness.account,
            reason=reason, begun_at=at,
        )  # fmt: skip
        session.add(row)
        session.flush()
        audit.record(
            session, "key.destruction_begun", subject=key_id, by=by, at=at,
            details={"witness": witness.account},
        )  # fmt: skip
    return row


def _refuse_in_use(session: Session, key_id: str, spki: bytes, *, at: datetime) -> None:
    """Every certificate in force is looked through: keys are destroyed by hand and seldom."""
    rows = session.execute(
        select(Certificate.issuer, Certificate.serial, Certificate.der)
        .where(
            Certificate.state.in_(_IN_FORCE), Certificate.not_after > at,
        )
        .execution_options(yield_per=1000)
    )  # fmt: skip
    for issuer, serial, der in rows:
        if der is not None and spki in der and x509.parse_certificate(der).spki == spki:
            raise KeyInUse(f"certificate {serial} of {issuer} is in force: revoke it first")
    below = (
        select(Certificate.serial)
        .join(Issuer, Issuer.name == Certificate.issuer)
        .where(
            Issuer.key_id == key_id, Certificate.state.in_(_IN_FORCE), Certificate.not_after > at
        )
        .limit(1)
    )
    left = session.scalar(below)
    if left is not None:
        raise KeyInUse(f"the CA has certificates in force, such as {left}: revoke them first")


def _prove_gone(keys: KeyStore, key_id: str) -> None:
    if key_id in keys.ids():
        raise KeyInUse(f"the key {key_id} is still there")


def _finish(
    sessions: Sessions, begun: KeyDestruction, method: str, *, keys: KeyStore, by: Caller,
    at: datetime,
) -> Destroyed:  # fmt: skip
    digest = hashes.sha256(begun.spki).hex()
    with sessions.begin() as session:
        statement = _statement(session, begun, method, digest, keys=keys, at=at)
        row = session.get_one(KeyDestruction, begun.key_id, with_for_update=True)
        if row.destroyed_at is not None:
            raise Conflict(f"the key {begun.key_id} was destroyed already")
        row.destroyed_at, row.method, row.statement = at, method, statement
        session.execute(
            update(Issuer)
            .where(Issuer.key_id == begun.key_id)
            .values(key_id=(DESTROYED + begun.key_id)[:64])
        )
        session.flush()
        sequence = audit.record(
            session, "key.destroyed", subject=begun.key_id, by=by, at=at,
            details={
                "spki_sha256": digest, "method": method, "witness": begun.witness,
                "reason": begun.reason, "begun_by": begun.by,
            },
        )  # fmt: skip
    return Destroyed(begun.key_id, digest, method, statement, sequence)


def _statement(
    session: Session, begun: KeyDestruction, method: str, digest: str, *, keys: KeyStore,
    at: datetime,
) -> str:  # fmt: skip
    signer = signers.active(session, "log-signer", keys=keys, at=at)
    uses = session.execute(
        select(KeyUse.algorithm, KeyUse.uses).where(KeyUse.key_id == begun.key_id)
    ).all()
    content = {
        "key_id": begun.key_id, "spki_sha256": digest, "spki_sm3": hashes.sm3(begun.spki).hex(),
        "place": begun.place, "method": method, "by": begun.by, "witness": begun.witness,
        "reason": begun.reason, "begun_at": f"{begun.begun_at:%Y-%m-%dT%H:%M:%SZ}",
        "destroyed_at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "uses": {name: n for name, n in uses},
    }  # fmt: skip
    return jose.sign(
        jose.canonical_json(content), algorithm=signer.algorithm, sign=signer.sign, typ=TYPE,
        kid=short_id(signer.certificate.spki).hex(), x5c=(signer.certificate.der,),
    )  # fmt: skip
