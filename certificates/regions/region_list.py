"""Our own trust list: signed anew when what it says has changed, or when it grows old.

Numbers go up and are never given twice; a list that was given out is kept as it was. A new list
signer signs only `ROLLOVER` after it was made: until then the lists, signed by the old one,
announce it to those who fetch them.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ca import signers
from ca.models import Signer
from ca.signers import ReadySigner
from certificates import registry
from certificates.regions import region_services
from trust import audit, lists, lists_xml
from trust.access import SYSTEM
from trust.anchors import key_id
from trust.crypto import hashes, jose
from trust.crypto.algorithms import Algorithm
from trust.db import Sessions
from trust.errors import NotFound, Unavailable
from trust.keys import KeyStore
from trust.list_models import PublishedList
from trust.lists_model import ListContent

LIFETIME: Final = timedelta(days=7)
#: Signed anew after this part of its life, even if nothing has changed.
RENEWED: Final = timedelta(days=1)
ROLLOVER: Final = timedelta(days=7)
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Published:
    """A list of ours as it is given out; `xml` is empty where the list signer's algorithm has no
    place in XML signatures (SM2)."""

    sequence: int
    digest: str
    issued_at: datetime
    next_update: datetime
    document: bytes
    xml: bytes


def publish(sessions: Sessions, *, keys: KeyStore, at: datetime, issuer: str = "") -> Published:
    """The list in force, made anew if need be; NotFound without a list signer in force.

    `issuer` is the identity provider's name, the base URL when empty. A crash in here leaves the
    list before it in force.
    """
    for _ in range(_TRIES):
        try:
            with sessions.begin() as session:
                return _publish(session, keys=keys, at=at, issuer=issuer)
        except IntegrityError:
            continue  # another process has just taken this number: its list will do
    raise Unavailable("no number for the trust list could be had")


def _publish(session: Session, *, keys: KeyStore, at: datetime, issuer: str) -> Published:
    newest = _newest(session)
    content = _content(session, issuer=issuer, at=at)
    if newest is not None and _good(newest, content, at):
        return _published(newest)
    sequence = max(int(at.timestamp()), newest.sequence + 1 if newest else 0)
    made = _sign(session, replace(content, sequence=sequence), keys=keys, at=at)
    session.add(
        PublishedList(
            sequence=sequence, digest=made.digest, content=_said(content), issued_at=made.issued_at,
            next_update=made.next_update, document=made.document, xml=made.xml or None,
        )
    )  # fmt: skip
    session.flush()
    audit.record(
        session, "trust_list.published", subject=content.region, by=SYSTEM, at=at,
        details={"sequence": sequence, "digest": made.digest},
    )  # fmt: skip
    return made


def current(session: Session, *, keys: KeyStore, at: datetime, issuer: str = "") -> Published:
    """The list in force as a reader has it: when it is not up to date, one that says what the next
    will say, signed for this reader only."""
    newest, content = _newest(session), _content(session, issuer=issuer, at=at)
    if newest is not None and _good(newest, content, at):
        return _published(newest)
    sequence = max(int(at.timestamp()), newest.sequence + 1 if newest else 0)
    return _sign(session, replace(content, sequence=sequence), keys=keys, at=at)


def newest(session: Session) -> Published:
    """The list that was given out last; NotFound."""
    found = _newest(session)
    if found is None:
        raise NotFound("no trust list was published yet")
    return _published(found)


def _newest(session: Session) -> PublishedList | None:
    return session.scalar(select(PublishedList).order_by(PublishedList.sequence.desc()).limit(1))


def _published(row: PublishedList) -> Published:
    return Published(
        row.sequence, row.digest, row.issued_at, row.next_update, row.document, row.xml or b""
    )


def _good(row: PublishedList, content: ListContent, at: datetime) -> bool:
    """Whether it still says what is so. A clock that was moved back makes no new list."""
    return row.content == _said(content) and at < row.issued_at + RENEWED


def _content(session: Session, *, issuer: str, at: datetime) -> ListContent:
    region = registry.region(session)
    moment = at.replace(microsecond=0)
    return ListContent(
        region=region.code, operator=region.name, sequence=0, issued_at=moment,
        next_update=moment + LIFETIME,
        services=region_services.services(session, issuer=issuer or region.base_url, at=at),
        pointers=region_services.pointers(session),
    )  # fmt: skip


def _said(content: ListContent) -> str:
    """The digest of what a list says, without its number and times."""
    said = lists.as_json(content)
    for name in ("sequenceNumber", "issueDateTime", "nextUpdate"):
        del said[name]
    return hashes.sha256(jose.canonical_json(said)).hex()


def _sign(session: Session, content: ListContent, *, keys: KeyStore, at: datetime) -> Published:
    signer = list_signer(session, keys=keys, at=at)
    document = lists.write(
        content, algorithm=signer.algorithm, kid=key_id(signer.certificate.spki).hex(),
        x5c=(signer.certificate.der,), sign=signer.sign,
    )  # fmt: skip
    xml = b""
    if signer.algorithm is Algorithm.ES256:
        base_url = registry.region(session).base_url
        xml = lists_xml.write(
            content, certificate=signer.certificate.der, sign=signer.sign, base_url=base_url, at=at
        )
    digest = hashes.sha256(jose.canonical_json(lists.as_json(content))).hex()
    return Published(
        content.sequence, digest, content.issued_at, content.next_update, document, xml
    )


def list_signer(session: Session, *, keys: KeyStore, at: datetime) -> ReadySigner:
    """The newest list signer that was announced long enough; when none of those is in force, the
    oldest that is. NotFound."""
    made = session.scalars(
        select(Signer.created_at).where(Signer.purpose == "list-signer").order_by(Signer.created_at)
    )
    for before in (at - ROLLOVER, *made):
        try:
            return signers.active(session, "list-signer", keys=keys, at=at, made_before=before)
        except NotFound:
            continue
    raise NotFound("no key for list-signer is in force")
