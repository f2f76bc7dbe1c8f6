"""Making a seal anew, with new keys and certificates under the same es_id: its certificate comes to
its end, or its keys were lost. Nothing else about it changes, so no new application is asked for.

What it sealed before is judged by the certificates of then: they stay as they are until they end.
"""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from seal import asn1, life, make
from seal.life import SealNotInForce
from seal.life_models import SealRequest, SealVersion
from seal.make import Made, Maker, SealOrder
from seal.models import Seal, SealKind, SealState
from trust import audit
from trust.access import Caller
from trust.crypto import hashes, x509
from trust.db import Sessions
from trust.keys import KeyStore

_REMAKABLE = (SealState.ACTIVE, SealState.EXPIRED)


def remake(
    sessions: Sessions, es_id: str, *, reason: str, maker: Maker, keys: KeyStore, by: Caller,
    at: datetime,
) -> Seal:  # fmt: skip
    """The seal's next version, in force at once: NotFound, SamePerson, Invalid, SealNotInForce
    (frozen or ended ones stay as they are; of two at once one wins).

    A crash before the last transaction leaves keys and certificates that no seal names.
    """
    kept = life.reason_of(reason)
    with sessions() as session:
        before = life.find(session, es_id, by=by)
        request = session.scalar(select(SealRequest).where(SealRequest.es_id == es_id))
        if request is not None:
            make.check_maker(request, by=by)
        if before.state not in _REMAKABLE:
            raise SealNotInForce(f"seal {es_id} is {before.state}")
    order = _order(before)
    made = make.fabricate(
        sessions, order, maker=maker, keys=keys, by=by, at=at,
        renews=(_serial(before.sm2_certificate), _serial(before.rsa_certificate)),
    )  # fmt: skip
    with sessions.begin() as session:
        return _replace(session, before, made, reason=kept, by=by, at=at)


def _order(row: Seal) -> SealOrder:
    info = asn1.parse_seal(row.seal).info
    return SealOrder(
        row.es_id, row.owner, row.owner_name, row.name, SealKind(row.kind), info.picture,
        info.width, info.height,
    )  # fmt: skip


def _serial(certificate: bytes) -> str:
    return f"{x509.parse_certificate(certificate).serial:x}"


def _replace(
    session: Session, before: Seal, made: Made, *, reason: str, by: Caller, at: datetime
) -> Seal:
    es_id = before.es_id
    won = session.scalar(
        update(Seal)
        .where(Seal.es_id == es_id, Seal.sm2_key == before.sm2_key, Seal.state.in_(_REMAKABLE))
        .values(state=SealState.ACTIVE, state_at=at, **make.columns(made, by, at))
        .returning(Seal.es_id)
    )
    if won is None:
        raise SealNotInForce(f"seal {es_id} was changed by somebody else meanwhile")
    number = 1 + (session.scalar(
        select(func.max(SealVersion.number)).where(SealVersion.es_id == es_id)
    ) or 0)  # fmt: skip
    session.add(
        SealVersion(
            es_id=es_id, number=number, seal=before.seal, sm2_key=before.sm2_key,
            sm2_certificate=before.sm2_certificate, rsa_key=before.rsa_key,
            rsa_certificate=before.rsa_certificate, valid_from=before.valid_from,
            valid_until=before.valid_until, made_by=before.made_by, made_at=before.made_at,
            replaced_at=at,
        )
    )  # fmt: skip
    request = session.scalar(select(SealRequest.id).where(SealRequest.es_id == es_id))
    life.step(session, SealState.ACTIVE, request=request, seal=es_id, by=by, at=at,
              reason=f"made anew, version {number + 1}: {reason}"[: life.REASON_MAX])  # fmt: skip
    details: dict[str, audit.JSON] = {"version": number + 1, "sm3": hashes.sm3(made.seal).hex()}
    audit.record(session, "seal.remade", subject=es_id, by=by, at=at, details=details)
    return session.get_one(Seal, es_id, populate_existing=True)
