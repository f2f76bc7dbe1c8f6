"""Applications: entered by one person, decided by another."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from certificates import catalogue
from certificates.models import Application, ApplicationState, Authority
from trust import audit
from trust.access import Caller, Role
from trust.clock import CHINA
from trust.errors import Conflict, Forbidden, NotFound
from trust.vault import Vault


class OwnApplication(Forbidden):
    code = "own_application"


class TypeNotOfAuthority(Forbidden):
    code = "type_not_of_authority"


def enter(
    session: Session, type_key: str, data: Mapping[str, object], *, authority: str, by: Caller,
    at: datetime, vault: Vault, fallback: Path | None = None,
) -> Application:  # fmt: skip
    """Record a checked application: NotFound, InvalidField or TypeNotOfAuthority."""
    licence_type = catalogue.find(type_key)
    owner = session.get(Authority, authority)
    if owner is None:
        raise NotFound(f"no authority {authority}")
    if licence_type.code not in owner.types:
        raise TypeNotOfAuthority(f"{owner.name} does not issue {licence_type.name}")
    today = at.astimezone(CHINA).date()
    content = catalogue.check(licence_type, data, today=today, fallback=fallback)
    key = uuid4()
    application = Application(
        id=key, type_code=licence_type.code, authority=authority, state=ApplicationState.ENTERED,
        content_box=vault.seal(
            json.dumps(content, ensure_ascii=False).encode(), context=f"application/{key}"
        ),
        entered_by=by.account, entered_at=at,
    )  # fmt: skip
    session.add(application)
    details = {"type": licence_type.code, "authority": authority}
    audit.record(session, "application.entered", subject=str(key), by=by, at=at, details=details)
    return application


def content(application: Application, vault: Vault) -> dict[str, object]:
    """The checked content; DecryptionFailed when the row was tampered with."""
    opened = vault.unseal(application.content_box, context=f"application/{application.id}")
    found: dict[str, object] = json.loads(opened)
    return found


def approve(session: Session, key: UUID, *, by: Caller, at: datetime) -> Application:
    """Approve, inside the caller's transaction: NotFound, Forbidden, OwnApplication, Conflict."""
    application = session.scalar(select(Application).where(Application.id == key).with_for_update())
    if application is None:
        raise NotFound(f"no application {key}")
    if not by.has(Role.APPROVER) or by.authority != application.authority:
        raise Forbidden("only an approver of the application's authority may approve it")
    if by.account == application.entered_by:
        raise OwnApplication("nobody approves an application of their own")
    won = session.execute(
        update(Application)
        .where(Application.id == key, Application.state == ApplicationState.ENTERED)
        .values(state=ApplicationState.APPROVED, decided_by=by.account, decided_at=at)
        .returning(Application.id)
    ).one_or_none()
    if won is None:
        raise Conflict(f"application {key} is {application.state}")
    session.refresh(application)
    audit.record(session, "application.approved", subject=str(key), by=by, at=at)
    return application
