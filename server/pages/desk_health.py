"""The machine's health on the desk: what `/readyz` says, in words, and the platform's own keys."""

from datetime import datetime
from typing import Any, Final, cast

from fastapi import APIRouter, Request, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ca import ending, issuers
from ca.models import Signer
from server import health
from server.pages import desk_words
from server.pages.desk_frame import GUARDS, HEALTH, HEALTH_READERS, desk_page, require
from server.pages.route import Page
from server.pages.visitor import Present
from server.platform import Platform
from trust.clock import CHINA
from trust.crypto import x509
from trust.keys_models import KeyUse

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

#: Signers that were followed by newer ones stay listed for what they signed; the page has these.
_SIGNERS_MAX: Final = 100


@router.get(HEALTH)
def show_health(me: Present, request: Request) -> Response:
    """Legs and warnings of `server.health`; the keys of CAs and signers, the soonest end first.

    Keys of seals are told by the warnings when they end: there may be thousands.
    """
    require(me, HEALTH_READERS)
    platform = cast(Platform, request.app.state.platform)
    legs = [
        (*desk_words.LEGS.get(leg.name, (leg.name, leg.name)), leg.problem)
        for leg in health.legs(platform, me.at)
    ]
    warnings = [_warned(each) for each in health.warnings(platform, me.at)]
    with platform.reading() as session:
        keys = _keys(session, me.at)
    crls = [(name, until, until is None or until <= me.at + health.CRL_MARGIN)
            for name, until in health.crl_ends(platform)]  # fmt: skip
    return desk_page(
        me, "desk_health.html", here=HEALTH, legs=legs, warnings=warnings, keys=keys, crls=crls,
        ready=not any(problem for _, _, problem in legs),
    )  # fmt: skip


def _warned(each: health.Warned) -> tuple[str, str, str, str, str, str]:
    """What (two languages, its name), why (two languages), and the time."""
    what, _, name = each.what.partition(" ")
    zh, en = desk_words.THINGS.get(what, (what, what))
    why_zh, why_en = desk_words.WARNINGS.get(each.code, (each.code, each.code))
    return zh, en, name, why_zh, why_en, _when(each.detail)


def _when(detail: str) -> str:
    """A time as people in China read it; anything else as it is."""
    try:
        at = datetime.fromisoformat(detail)
    except ValueError:
        return detail
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"


def _keys(session: Session, at: datetime) -> list[dict[str, Any]]:
    """The keys that the platform itself signs with: CAs, and of signers the newest."""
    found = [
        (row.key_id, "root" if row.parent is None else "issuing", row.certificate,
         ending.CA_MARGIN)
        for row in issuers.ours(session)
    ]  # fmt: skip
    signers = select(Signer).order_by(Signer.created_at.desc()).limit(_SIGNERS_MAX)
    found += [
        (row.key_id, row.purpose, row.certificate, ending.SIGNER_MARGIN)
        for row in session.scalars(signers)
    ]
    counted = session.execute(
        select(KeyUse.key_id, func.sum(KeyUse.uses), func.max(KeyUse.last_at))
        .where(KeyUse.key_id.in_([key_id for key_id, *_ in found]))
        .group_by(KeyUse.key_id)
    )
    uses = {key_id: (int(number), last) for key_id, number, last in counted}
    rows = []
    for key_id, purpose, certificate, margin in found:
        ends = x509.parse_certificate(certificate).not_after
        number, last = uses.get(key_id, (0, None))
        rows.append({
            "id": key_id, "purpose": purpose, "ends": ends, "uses": number, "last": last,
            "state": "bad" if ends <= at else "unsure" if ends <= at + margin else "good",
        })  # fmt: skip
    return sorted(rows, key=lambda row: (row["ends"], row["id"]))
