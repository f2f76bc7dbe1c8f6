"""Making a purpose-marked copy (加注件): a page of its own, marked across, sealed by the platform.

The original is rendered anew from its own content, with the copy's items in licence.json, a claim
of the copy signer in the QR code and words across the page, and sealed with the region's seal for
copies, which locks it. The authority's seal is not on it: the original's state is what a
verification of the copy tells.

1. read  2. write licence.json  3. sign the claim  4. render, mark, seal  5. read it back as a
stranger would  6. store  7. record. A crash before 7 leaves at most a file that no copy names.
"""

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certificates import catalogue, holders_shown, identifier, qr
from certificates.content import parse_date
from certificates.licence_type import LicenceType
from certificates.licence_types import registry as type_registry
from certificates.models import Licence, LicenceState
from certificates.press.own_output import require_sound
from certificates.press.workshop import Workshop
from certificates.purpose import Purpose
from certificates.wallet import copy_mark
from certificates.wallet import watermark as watermarks
from certificates.wallet.copy_models import LicenceCopy
from seal import apply as seal_apply
from seal import ledger
from seal.apply import Impression, Suites
from seal.ledger import OWN_SYSTEM, Outcome, Use
from seal.ledger_models import UseResult
from seal.models import Seal, SealState
from seal.pdf.sealing import Place
from trust import audit
from trust.access import Caller
from trust.anchors import key_id
from trust.clock import CHINA
from trust.crypto import hashes
from trust.errors import Conflict, Invalid, NotFound, Unavailable

LONGEST: Final = timedelta(days=366)
#: Copies that one person makes in a day.
MOST: Final = 50
#: The widest page that a licence has, to put the seal on the side where the issuer's is not.
_PORTRAIT, _LANDSCAPE = 210.0, 297.0


class NotCopied(Conflict):
    """Only of a licence that is in force copies are made."""

    code = "licence_not_copied"


class TooManyCopies(Conflict):
    """One account has made its day's copies."""

    code = "too_many_copies"


class NoCopySeal(Unavailable):
    """The region has no seal for copies in force: run `trust init` again, or unfreeze it."""

    code = "no_copy_seal"


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was made; `number` is its own, and its name in the file store."""

    number: str
    licence: str
    until: datetime
    pdf: bytes = field(repr=False)

    @property
    def identifier(self) -> str:
        return self.number


@dataclass(frozen=True, slots=True)
class _Original:
    """What of a licence goes into a copy."""

    licence: Licence
    licence_type: LicenceType
    raw: bytes
    seal: Impression


def make(
    workshop: Workshop, licence: str, *, purpose: Purpose, maker: str, until: datetime, by: Caller,
    at: datetime,
) -> Copy:  # fmt: skip
    """A copy of a licence for one purpose, made in the name of `maker` (JZJZZZ), good until a time.

    `workshop.claim_signer` must be the copy signer. Owns its transactions. That `by` may have a
    copy, and the look (`looks.note`), are the caller's. NotFound, NotCopied, Invalid, NoCopySeal,
    UnprintableLicence, UnsoundOutput, NoTimeStamp or NoEvidence.
    """
    at, until = at.replace(microsecond=0), until.replace(microsecond=0)
    maker = _checked(maker, until, at=at)
    with workshop.sessions() as session:
        original = _read(session, workshop, licence, at=at)
    number = copy_mark.new_number()
    raw, metadata = copy_mark.write(
        original.raw, number=number, digest=original.licence.digest,
        file_digest=original.licence.file_digest, purpose=purpose, maker=maker, until=until, at=at,
    )  # fmt: skip
    claim = _claim(workshop, original, metadata, raw, number=number, until=until, at=at)
    place = _place(original.licence_type)
    page = _page(workshop, original, metadata, raw, claim, at=at)
    marked = watermarks.add(page, _lines(purpose, maker, until, number))
    pdf = seal_apply.apply(
        marked, [(original.seal, place)], suites=Suites.DUAL, keys=workshop.keys, at=at,
        long_term=workshop.long_term,
    )  # fmt: skip
    require_sound(pdf, claim, workshop.knowledge, at=at)
    workshop.store.put(number, pdf)
    row = LicenceCopy(
        number=number, licence=licence, cause=purpose.cause, item_code=purpose.item_code,
        matter=purpose.matter, system=purpose.system, maker=maker, made_by=by.account, made_at=at,
        until=until, claim=claim, digest=hashes.sm3(raw), file_digest=hashes.sha256(pdf),
    )  # fmt: skip
    with workshop.sessions.begin() as session:
        _record(session, row, original, place, by=by, at=at)
    return Copy(number, licence, until, pdf)


def _checked(maker: str, until: datetime, *, at: datetime) -> str:
    kept = maker.strip()
    if not 0 < len(kept) <= copy_mark.MAKER_MAX or not kept.isprintable():
        raise Invalid(f"a copy's maker has 1 to {copy_mark.MAKER_MAX} printable characters")
    if not at < until <= at + LONGEST:
        raise Invalid(f"a copy ends in the future, in {LONGEST.days} days at most")
    return kept


def require_in_force(session: Session, name: str, *, at: datetime) -> Licence:
    """The licence, of which a copy may be made now; NotFound or NotCopied."""
    licence = session.get(Licence, name)
    if licence is None:
        raise NotFound("no such licence")
    today = at.astimezone(CHINA).date()
    over = licence.valid_until is not None and today > licence.valid_until
    if licence.state != LicenceState.ACTIVE or over:
        state = "expired" if over else licence.state
        raise NotCopied(f"证照当前状态不能制作加注件 / licence {licence.identifier} is {state}")
    return licence


def _read(session: Session, workshop: Workshop, name: str, *, at: datetime) -> _Original:
    licence = require_in_force(session, name, at=at)
    return _Original(
        licence,
        type_registry.of(session, licence.type_code, licence.type_version),
        workshop.vault.unseal(licence.content_box, context=f"licence/{name}"),
        copy_seal(session, workshop.region.code, at=at),
    )


def copy_seal(session: Session, region: str, *, at: datetime) -> Impression:
    """The region's newest seal for copies that is in force; NoCopySeal."""
    es_id = session.scalar(
        select(Seal.es_id)
        .where(
            Seal.owner == copy_mark.sealer(region), Seal.state == SealState.ACTIVE,
            Seal.valid_until >= at,
        )
        .order_by(Seal.made_at.desc())
        .limit(1)
    )  # fmt: skip
    if es_id is None:
        raise NoCopySeal("the region has no seal for copies in force: run `trust init` again")
    return seal_apply.impression(session, es_id, at=at)


def _claim(
    workshop: Workshop, original: _Original, metadata: dict[str, Any], raw: bytes, *, number: str,
    until: datetime, at: datetime,
) -> str:  # fmt: skip
    licence, signer = original.licence, workshop.claim_signer
    end = metadata.get("ZZYXQJZRQ")
    claim = qr.Claim(
        region=workshop.region.code, identifier=identifier.parse(licence.identifier),
        holder=holders_shown.shown(original.licence_type, metadata), made_at=at,
        issued=parse_date("ZZBFRQ", metadata["ZZBFRQ"]),
        valid_from=parse_date("ZZYXQQSRQ", metadata["ZZYXQQSRQ"]),
        valid_until=parse_date("ZZYXQJZRQ", end) if end else None,
        status_list=licence.status_list, status_index=licence.status_index,
        digest=hashes.sm3(raw)[: qr.DIGEST_LENGTH],
        copy=qr.CopyMark(number, until, licence.digest[: qr.DIGEST_LENGTH]),
    )  # fmt: skip
    return qr.write(
        claim, base_url=workshop.region.base_url, algorithm=signer.algorithm,
        kid=key_id(signer.certificate.spki), sign=signer.sign,
    )  # fmt: skip


def _page(
    workshop: Workshop, original: _Original, metadata: dict[str, Any], raw: bytes, claim: str, *,
    at: datetime,
) -> bytes:  # fmt: skip
    photo = metadata.get("KZ_ZP")
    return workshop.renderer.render(
        original.licence_type, metadata, attachment=raw, qr_text=claim,
        verify_at=f"{workshop.region.base_url}/verify", at=at,
        photo=base64.b64decode(str(photo)) if photo else None,
    )  # fmt: skip


def _place(licence_type: LicenceType) -> Place:
    """On the other side of the page than the issuer's own seal would be."""
    theirs = catalogue.seal_places(licence_type, 1)[0]
    width = _LANDSCAPE if theirs.x_mm > _PORTRAIT * 0.8 else _PORTRAIT
    return Place(theirs.page, width - theirs.x_mm, theirs.y_mm)


def _lines(purpose: Purpose, maker: str, until: datetime, number: str) -> list[str]:
    return [
        f"加注件 仅用于 {purpose.cause}",
        maker,
        f"{number} 有效至 {until.astimezone(CHINA):%Y-%m-%d %H:%M}",
    ]


def _record(
    session: Session, row: LicenceCopy, original: _Original, place: Place, *, by: Caller,
    at: datetime,
) -> None:  # fmt: skip
    """The licence and the seal must still stand: what ended meanwhile leaves a file unnamed."""
    state = session.scalar(select(Licence.state).where(Licence.identifier == row.licence))
    if state != LicenceState.ACTIVE:
        raise NotCopied(f"the licence is {state}")
    es_id = original.seal.es_id
    if session.scalar(select(Seal.state).where(Seal.es_id == es_id)) != SealState.ACTIVE:
        raise NoCopySeal("the seal for copies was stopped meanwhile")
    session.add(row)
    session.flush()
    use = Use(
        es_id, original.licence.type_code, row.number, f"{row.number}.pdf", item=row.item_code,
        system=by.client or OWN_SYSTEM,
    )  # fmt: skip
    done = Outcome(UseResult.USED, digest=row.file_digest, place=place)
    ledger.add(session, use, done, by=by, at=at)
    audit.record(
        session, "licence.copied", subject=row.licence, by=by, at=at,
        details={"copy": row.number, "item": row.item_code, "until": row.until.isoformat(),
                 "file_sha256": row.file_digest.hex()},
    )  # fmt: skip


def require_room(session: Session, *, by: Caller, at: datetime) -> None:
    """TooManyCopies when an account has made MOST in a day: each costs signatures and room on the
    disk. For people; offices have ceilings of their own."""
    since = at - timedelta(days=1)
    made = select(func.count()).where(
        LicenceCopy.made_by == by.account, LicenceCopy.made_at > since
    )
    if (session.scalar(made) or 0) >= MOST:
        raise TooManyCopies(f"{MOST} copies a day at most")


def of_licence(session: Session, licence: str, *, limit: int = 50) -> list[LicenceCopy]:
    """The copies that were made of a licence, newest first."""
    mine = select(LicenceCopy).where(LicenceCopy.licence == licence)
    return list(session.scalars(mine.order_by(LicenceCopy.made_at.desc()).limit(limit)))
