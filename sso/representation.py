"""A legal representative brings their organisation: the registry says that it is theirs.

The person must be known by face or better (level 2), so that the registry's name and number are
theirs; the organisation's account is made, or passes to them from the representative before.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import update
from sqlalchemy.orm import Session

from sso import accounts, agents, assurance, particulars, people
from sso.end_access import end_access, forget_credentials
from sso.models import Account, AccountKind
from sso.particulars import CITIZEN_ID, USCC, Particulars
from sso.people_models import Agency, Capacity
from sso.provider import Provider
from sso.raise_level import CheckRefused, CheckUnavailable, count_try
from sso.registry_checks import Answer
from trust import audit
from trust.access import SYSTEM
from trust.errors import Forbidden

#: The level a person needs to speak for an organisation.
NEEDED: Final = 2
#: What the legal representative may do for it: 全部事项.
EVERYTHING: Final = "全部事项"


class LevelTooLow(Forbidden):
    """The person is not known well enough for this; `needed` is the level that is."""

    code = "level_too_low"

    def __init__(self, needed: int) -> None:
        super().__init__(f"this asks for identity level {needed}; raise yours first")
        self.needed = needed


def represent(
    provider: Provider, person_name: str, *, uscc: str, name: str, at: datetime
) -> Agency:
    """Make a person the legal representative of a body, if the registry says so.

    Owns its transactions. LevelTooLow, InvalidIdentifier, InvalidParticulars, CheckRefused,
    CheckUnavailable or TooManyChecks.
    """
    wanted = particulars.checked(Particulars(name=name, key_type=USCC, key_number=uscc), at=at)
    with provider.sessions.begin() as session:
        person = accounts.find(session, person_name)
        level = assurance.level_in_force(session, person_name, at=at)
        known = particulars.open_particulars(provider.vault, person)
    if person.kind != AccountKind.NATURAL or known.key_type != CITIZEN_ID or level < NEEDED:
        raise LevelTooLow(NEEDED)
    count_try(provider.sessions, person_name, "entity_match", at=at)
    answer = provider.checks.entities.match(
        wanted.key_number, wanted.name, known.name, known.key_number
    )
    _refuse_unless_match(provider, person_name, answer, at=at)
    wanted = replace(wanted, representative_name=known.name, representative_number=known.key_number)
    with provider.sessions.begin() as session:
        return _install(session, provider, person_name, wanted, at=at)


def _refuse_unless_match(
    provider: Provider, person_name: str, answer: Answer, *, at: datetime
) -> None:
    if answer is Answer.MATCH:
        return
    with provider.sessions.begin() as session:
        audit.record(
            session, "assurance.refused", subject=person_name,
            by=accounts.caller(session, person_name), at=at,
            details={"method": "entity_match", "answer": str(answer)},
        )  # fmt: skip
    if answer is Answer.UNAVAILABLE:
        raise CheckUnavailable("the registry cannot be asked now; try again later")
    raise CheckRefused("the registry does not confirm that you represent this organisation")


def _install(
    session: Session, provider: Provider, person_name: str, wanted: Particulars, *, at: datetime
) -> Agency:
    body = people.find_by_key(session, provider.vault, USCC, wanted.key_number)
    if body is None:
        body = people.add_organisation(
            session, provider.vault, uscc=wanted.key_number, name=wanted.name, by=SYSTEM, at=at,
            representative_name=wanted.representative_name,
            representative_number=wanted.representative_number,
        )  # fmt: skip
    elif _represents(session, person_name, body, at=at) is None:
        _take_over(session, provider, body, wanted, at=at)
    found = _represents(session, person_name, body, at=at)
    if found is None:
        found = agents.grant(
            session, organisation=body.name, agent=person_name, scope=EVERYTHING,
            capacity=Capacity.LEGAL_REPRESENTATIVE, not_before=at, not_after=None, by=SYSTEM,
            at=at,
        )  # fmt: skip
    # The body is known as well as whoever speaks for it, and no longer than that.
    best = assurance.evidence(session, person_name, at)[0]
    assurance.add_evidence(
        session, body.name, "representative_face", by=SYSTEM, at=at, source="registry",
        expires_at=best.expires_at,
    )  # fmt: skip
    return found


def _represents(
    session: Session, person_name: str, body: Account, *, at: datetime
) -> Agency | None:
    for each in agents.acting_for(session, person_name, at=at):
        if each.organisation == body.name and each.capacity == Capacity.LEGAL_REPRESENTATIVE:
            return each
    return None


def _take_over(
    session: Session, provider: Provider, body: Account, wanted: Particulars, *, at: datetime
) -> None:
    """Another represents the body now: what the one before could do with its account ends, their
    agents stay until they are revoked."""
    people.store(provider.vault, body, wanted)
    body.display_name, body.updated_at = wanted.name, at
    session.flush()
    former = session.scalars(
        update(Agency)
        .where(
            Agency.organisation == body.name,
            Agency.capacity == Capacity.LEGAL_REPRESENTATIVE,
            Agency.revoked_at.is_(None),
        )
        .values(revoked_at=at)
        .returning(Agency.id)
    ).all()
    end_access(session, body.name, reason="representative changed", at=at)
    forget_credentials(session, body.name)
    details: dict[str, audit.JSON] = {"revoked": list(former)}
    audit.record(
        session, "agency.representative_changed", subject=body.name, by=SYSTEM, at=at,
        details=details,
    )  # fmt: skip
