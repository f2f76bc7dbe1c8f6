"""Making reserved licences: claim, page, seals, a look at what came out, the file stored.

No transaction is open: this is processor time and the keys' own work. A crash here leaves
reservations and, after the store has them, files that no licence names (`recovery`).

A block goes step by step, all its licences together, because keys, time-stamp authority and disk
are cheaper asked once. A page that cannot be set is that licence's own refusal; when a later step
fails, for whichever of them, each is made by itself and so told from the others.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from certificates import holders_shown, qr
from certificates.content import parse_date
from certificates.press.own_output import require_all_sound, require_sound
from certificates.press.workshop import Job, Made, Workshop
from seal import apply as seal_apply
from seal.apply import Suites
from seal.apply_many import Given, Page, apply_many
from seal.long_term import Noted
from trust import keys as key_stores
from trust.anchors import key_id
from trust.crypto import hashes
from trust.errors import TrustError

#: DER of r = s = 1.
_ONE_ONE = bytes.fromhex("3006020101020101")


def make(workshop: Workshop, job: Job, *, at: datetime) -> Made:
    """The licence, sealed, read back as a stranger would and stored.

    Raises UnprintableLicence, NoTimeStamp, NoEvidence, UnsoundOutput, Unavailable.
    """
    claim = write_claim(workshop, job, at)
    pdf, stamps = _sealed(workshop, job, _page(workshop, job, claim, at), at)
    require_sound(pdf, claim, workshop.knowledge, at=at)
    workshop.store.put(str(job.known), pdf)
    return Made(job, claim, hashes.sha256(pdf), tuple(stamps))


def make_many(workshop: Workshop, jobs: Sequence[Job], *, at: datetime) -> list[Made | TrustError]:
    """`make` of each job of a block, or its refusal, in their order."""
    if len(jobs) < 2 or workshop.suites is not Suites.DUAL:
        return [_made_or_refused(workshop, job, at) for job in jobs]
    found: dict[int, Made | TrustError] = {}
    pages: dict[int, tuple[str, bytes]] = {}
    for number, (job, claim) in enumerate(zip(jobs, _claims(workshop, jobs, at), strict=True)):
        try:
            if isinstance(claim, TrustError):
                raise claim
            pages[number] = claim, _page(workshop, job, claim, at)
        except TrustError as error:
            found[number] = error
    chosen = [jobs[number] for number in pages]
    try:
        made: Sequence[Made | TrustError] = _together(workshop, chosen, list(pages.values()), at)
    except TrustError:
        made = [_made_or_refused(workshop, job, at) for job in chosen]
    found |= dict(zip(pages, made, strict=True))
    return [found[number] for number in range(len(jobs))]


def _made_or_refused(workshop: Workshop, job: Job, at: datetime) -> Made | TrustError:
    try:
        return make(workshop, job, at=at)
    except TrustError as error:
        return error


def _together(
    workshop: Workshop, jobs: Sequence[Job], pages: Sequence[tuple[str, bytes]], at: datetime
) -> list[Made]:
    """Seal, look, store: whichever fails, nothing of the block stays in the store."""
    if not jobs:
        return []
    sealed = apply_many(
        [
            Page(page, tuple((each.taken.impression, each.place) for each in job.seals))
            for job, (_, page) in zip(jobs, pages, strict=True)
        ],
        keys=workshop.keys, at=at, long_term=workshop.long_term,
    )  # fmt: skip
    claims = [claim for claim, _ in pages]
    stamps = require_all_sound(
        list(zip(sealed, claims, strict=True)), workshop.knowledge, at=at
    )  # fmt: skip
    workshop.store.put_many(
        [(str(job.known), pdf) for job, pdf in zip(jobs, sealed, strict=True)]
    )  # fmt: skip
    return [
        # The seals' stamps come first, that of the closing signature last.
        Made(job, claim, hashes.sha256(pdf), _noted(serials, len(job.seals)))
        for job, claim, pdf, serials in zip(jobs, claims, sealed, stamps, strict=True)
    ]


def _noted(serials: Sequence[str], seals: int) -> tuple[str | None, ...]:
    return tuple(serial[:40] for serial in serials[:seals]) if serials else (None,) * seals


# --- the claim ---------------------------------------------------------------------------------


def write_claim(workshop: Workshop, job: Job, at: datetime) -> str:
    """The QR code's text, signed."""
    return _text(workshop, _claim(workshop, job, at), workshop.claim_signer.sign)


def _text(workshop: Workshop, claim: qr.Claim, sign: Callable[[bytes], bytes]) -> str:
    signer = workshop.claim_signer
    return qr.write(
        claim, base_url=workshop.region.base_url, algorithm=signer.algorithm,
        kid=key_id(signer.certificate.spki), sign=sign,
    )  # fmt: skip


def _claims(workshop: Workshop, jobs: Sequence[Job], at: datetime) -> list[str | TrustError]:
    """`write_claim` of each, the signatures asked for together: each claim is written to see what
    is to be signed, and again around its signature."""
    claims: list[qr.Claim | TrustError] = []
    asked: list[bytes] = []
    for job in jobs:
        try:
            claim = _claim(workshop, job, at)
            _text(workshop, claim, _Asked(asked))
            claims.append(claim)
        except TrustError as error:
            claims.append(error)
    signer = workshop.claim_signer
    signed = iter(key_stores.sign_many(workshop.keys, signer.key_id, asked, signer.algorithm))
    return [
        each if isinstance(each, TrustError) else _text(workshop, each, Given(next(signed)))
        for each in claims
    ]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Stands where something is signed, notes what it is, and gives the shortest of signatures."""

    messages: list[bytes]

    def __call__(self, message: bytes) -> bytes:
        self.messages.append(message)
        return _ONE_ONE


def _claim(workshop: Workshop, job: Job, at: datetime) -> qr.Claim:
    until = job.metadata.get("ZZYXQJZRQ")
    return qr.Claim(
        region=workshop.region.code, identifier=job.known,
        holder=holders_shown.shown(job.licence_type, job.metadata), made_at=at, issued=job.issued,
        valid_from=parse_date("ZZYXQQSRQ", job.metadata["ZZYXQQSRQ"]),
        valid_until=parse_date("ZZYXQJZRQ", until) if until else None,
        status_list=job.place.number, status_index=job.place.index,
        digest=hashes.sm3(job.raw)[: qr.DIGEST_LENGTH],
    )  # fmt: skip


# --- page and seals ----------------------------------------------------------------------------


def _page(workshop: Workshop, job: Job, claim: str, at: datetime) -> bytes:
    photo = job.metadata.get("KZ_ZP")
    return workshop.renderer.render(
        job.licence_type, job.metadata, attachment=job.raw, qr_text=claim,
        verify_at=f"{workshop.region.base_url}/verify", at=at,
        photo=base64.b64decode(str(photo)) if photo else None,
    )  # fmt: skip


def _sealed(
    workshop: Workshop, job: Job, page: bytes, at: datetime
) -> tuple[bytes, list[str | None]]:
    """The sealed file, and the serial number of each seal's time-stamp."""
    placed = [(each.taken.impression, each.place) for each in job.seals]
    long_term = workshop.long_term
    noted = Noted(long_term.stamps) if long_term is not None else None
    if long_term is not None and noted is not None:
        long_term = replace(long_term, stamps=noted)
    sealed = seal_apply.apply(
        page, placed, suites=workshop.suites, keys=workshop.keys, at=at, long_term=long_term
    )
    return sealed, noted.serials(len(placed)) if noted is not None else [None] * len(placed)
