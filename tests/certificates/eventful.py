"""A registry with licences that are only rows: enough for everything told of them."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from sqlalchemy.orm import Session

from certificates import events, identifier
from certificates.identifier import Identifier
from certificates.models import (
    Application,
    ApplicationState,
    Authority,
    Licence,
    LicenceState,
    Region,
)
from trust.access import Caller, Role
from trust.crypto import jose
from trust.db import Sessions
from trust.vault import Vault

START = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
VAULT = Vault(bytes(range(16)), bytes(range(32)))
ADMIN = Caller("system.admin", None, frozenset({Role.SYSTEM_ADMIN}))
CLERK = Caller("market.clerk", "11100000MB0143028R", frozenset({Role.CLERK}))
AUTHORITY = "11621100MB1A00018K"
TYPE = "11100000MB0143028R001"
HOLDER, HOLDER_CODE = "王小明", "110101199003078515"


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


def found_region(sessions: Sessions, *, code: str = "621100") -> None:
    with sessions.begin() as session:
        session.add(
            Region(
                code=code, name="定西市", base_url="http://localhost:8000",
                claim_algorithm="SM2-SM3", created_at=START,
            )
        )  # fmt: skip
        session.add(
            Authority(code=AUTHORITY, name="定西市市场监督管理局", division=code, types=[TYPE])
        )


def licence(session: Session, *, at: datetime = START) -> str:
    """A licence with its event, inside the caller's transaction."""
    known = Identifier(TYPE, AUTHORITY, identifier.new_serial())
    name, key = str(known), uuid4()
    session.add(
        Application(
            id=key, type_code=TYPE, authority=AUTHORITY, state=ApplicationState.ISSUED,
            content_box=b"", entered_by="market.clerk", entered_at=at,
        )
    )  # fmt: skip
    session.flush()
    metadata = {
        "ZZMC": "营业执照", "ZZLXDM": TYPE, "ZZBH": known.serial, "ZZBS": name,
        "ZZBFJG": "定西市市场监督管理局", "ZZBFJGDM": AUTHORITY, "ZZBFRQ": "20260601",
        "CZZT": HOLDER, "CZZTDM": HOLDER_CODE, "CZZTDMLX": "公民身份号码", "CZZTDMLXDM": "111",
        "ZZYXQQSRQ": "20260601", "KZ_ZP": "a photograph",
    }  # fmt: skip
    raw = jose.canonical_json({"licence": metadata})
    session.add(
        Licence(
            identifier=name, application=key, type_code=TYPE, number=known.serial,
            authority=AUTHORITY, holder_index=VAULT.index(HOLDER_CODE, column="holder"),
            holder_public="王*明", content_box=VAULT.seal(raw, context=f"licence/{name}"),
            digest=bytes(32), file_digest=bytes(32), claim="", status_list=1,
            status_index=int.from_bytes(key.bytes[:3]), leaf_index=0, issued_on=date(2026, 6, 1),
            valid_from=date(2026, 6, 1), issued_by="market.approver", issued_at=at,
            state=LicenceState.ACTIVE, state_at=at,
        )
    )  # fmt: skip
    session.flush()
    events.note(session, name, events.ISSUED, at=at)
    return name


def licences(sessions: Sessions, number: int, *, at: datetime = START) -> list[str]:
    with sessions.begin() as session:
        return [licence(session, at=at) for _ in range(number)]


def change(sessions: Sessions, name: str, state: LicenceState, *, at: datetime = START) -> None:
    with sessions.begin() as session:
        session.get_one(Licence, name).state = state
        events.note(session, name, state, at=at)
