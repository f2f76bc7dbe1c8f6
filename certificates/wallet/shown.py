"""The wallet's values in the shapes of its interface, for the routers."""

from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from certificates.evidence import state_check
from certificates.licence_types import registry as type_registry
from certificates.models import Authority
from certificates.search import Found
from certificates.wallet import licence_view
from certificates.wallet.acts import Opened
from certificates.wallet.disputes import Complaint
from certificates.wallet.holder import Party
from certificates.wallet.licence_view import Row
from certificates.wallet.schemas import CardOut, DisputeOut, ItemOut, LicenceViewOut, ShowingOut
from certificates.wallet.showing import Standing
from trust.clock import CHINA
from trust.report import Outcome


def type_name(session: Session, licence: Found) -> str:
    return type_registry.of(session, licence.type_code, licence.type_version).name


def card(session: Session, licence: Found, party: Party | None, *, own: str) -> CardOut:
    """`own` is the account's own name: what is its, is not a company's."""
    whose: Literal["own", "company", "entrusted"] = "entrusted"
    if party is not None:
        whose = "own" if party.account == own else "company"
    until = licence.valid_until
    return CardOut(
        identifier=licence.identifier, type=type_name(session, licence),
        type_code=licence.type_code, number=licence.number, holder=licence.holder_public,
        state=str(licence.state), valid_from=licence.valid_from.isoformat(),
        valid_until=until.isoformat() if until else None, whose=whose,
        disposes=party is not None and party.disposes,
    )  # fmt: skip


def opened(session: Session, found: Opened, *, own: str) -> LicenceViewOut:
    shown = card(session, found.held.licence, found.held.party, own=own)
    rows = licence_view.plain(found.licence_type, found.items)
    return LicenceViewOut(**shown.model_dump(), items=items(rows))


def items(rows: list[Row]) -> list[ItemOut]:
    return [ItemOut(name=row.name, zh=row.zh, en=row.en, text=row.text) for row in rows]


def office_name(session: Session, code: str) -> str:
    """What an office is called here; its code where nobody knows."""
    found = session.get(Authority, code)
    return found.name if found is not None else code


def request(session: Session, standing: Standing) -> ShowingOut:
    return ShowingOut(
        id=standing.id, state=standing.state.value, office=standing.office,
        office_name=office_name(session, standing.office), account=standing.asked_by,
        purpose=standing.purpose.cause, asked_at=standing.asked_at,
        good_until=standing.good_until,
    )  # fmt: skip


def complaint(found: Complaint) -> DisputeOut:
    return DisputeOut(
        id=found.id, licence=found.licence, authority=found.authority, state=found.state.value,
        words=found.words, answer=found.answer, raised_at=found.raised_at,
        decided_at=found.decided_at, resolved_at=found.resolved_at,
        resolved_by_licence=found.resolved_by_licence,
    )  # fmt: skip


def in_force(licence: Found, *, at: datetime) -> bool:
    """By state and dates, today in China: for showing, not for deciding."""
    today = at.astimezone(CHINA).date()
    over = licence.valid_until is not None and today > licence.valid_until
    stands = state_check(licence.state).outcome is Outcome.PASSED
    return stands and licence.valid_from <= today and not over
