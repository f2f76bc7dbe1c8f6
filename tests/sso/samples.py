"""People and bodies for the tests of accounts; nobody has these numbers."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from sso import people, registry_checks
from sso.models import Account
from sso.particulars import Particulars
from trust.access import SYSTEM, Caller, Role
from trust.audit import AuditEntry
from trust.db import Sessions
from trust.vault import Vault

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
VAULT = Vault(bytes(16), bytes(32))
NUMBER, OTHER_NUMBER = "11010519491231002X", "110105199001010010"
MOBILE, OTHER_MOBILE = "13800000001", "13800000002"
ZHANG = Particulars(
    name="张三丰", key_type="111", key_number=NUMBER, mobile=MOBILE, email="Zhang@Example.cn"
)
LI = Particulars(name="李四", key_type="111", key_number=OTHER_NUMBER, mobile=OTHER_MOBILE)
USCC, BODY = "91542521MA9QTE10XC", "阿里雪域高原生态农牧科技发展有限公司"
MARKET, TRANSPORT = "11542500999000056Q", "11542500999000072D"
SECURITY = Caller("security", None, frozenset({Role.SECURITY_ADMIN}))


def add(sessions: Sessions, known: Particulars = ZHANG, **options: Any) -> str:
    """A person's account; its name."""
    with sessions.begin() as session:
        return people.add_person(session, VAULT, known, by=SYSTEM, at=AT, **options).name


def add_body(sessions: Sessions, **options: Any) -> str:
    """An organisation's account; its name."""
    with sessions.begin() as session:
        return people.add_organisation(
            session, VAULT, uscc=USCC, name=BODY, by=SYSTEM, at=AT, **options
        ).name


def found(sessions: Sessions, typed: str) -> str | None:
    """Whom a login names."""
    with sessions() as session:
        account = people.find_by_login(session, VAULT, typed)
        return account.name if account is not None else None


def row(sessions: Sessions, name: str) -> Account:
    with sessions() as session:
        return session.get_one(Account, name)


def himself(name: str) -> Caller:
    return Caller(name, None, frozenset())


def acts(sessions: Sessions) -> list[str]:
    """The acts of the audit log, in order."""
    with sessions() as session:
        return list(session.scalars(select(AuditEntry.act).order_by(AuditEntry.sequence)))


def details(sessions: Sessions, act: str) -> dict[str, Any]:
    """What the newest entry of an act tells."""
    newest = select(AuditEntry.details).where(AuditEntry.act == act)
    with sessions() as session:
        text = session.scalars(newest.order_by(AuditEntry.sequence.desc())).first()
    assert text is not None, f"no {act}"
    told: dict[str, Any] = json.loads(text)
    return told


def registries(home: Path) -> registry_checks.Checks:
    """The simulator, knowing both people, their faces and the body that Zhang represents."""
    content = {
        "population": [
            {"name": "张三丰", "number": NUMBER, "face": "face of Zhang"},
            {"name": "李四", "number": OTHER_NUMBER, "face": "face of Li"},
        ],
        "entities": [
            {"uscc": USCC, "name": BODY, "representative": "张三丰", "number": NUMBER}
        ],
    }  # fmt: skip
    text = json.dumps(content, ensure_ascii=False)
    (home / registry_checks.SIMULATOR).write_text(text, encoding="utf-8")
    return registry_checks.simulated(home)
