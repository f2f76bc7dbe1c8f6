"""From the first tables to these, with rows in them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ca.models import Certificate, CertificateState, Issuer, Timestamp
from server.provision import MIGRATIONS, migrate
from trust.db import open_engine


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'old.db'}"
    server = request.getfixturevalue("postgresql")
    found: str = server.url(server.create(empty=True))
    return found


def configured(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


ISSUER = (
    "INSERT INTO ca_issuer (name, algorithm, key_id, certificate, created_at) "
    "VALUES ('issuing-sm2', 'SM2-SM3', 'issuing-sm2', :der, '2026-01-01 00:00:00')"
)


def test_rows_of_the_first_tables_survive_and_the_new_columns_work(url: str) -> None:
    command.upgrade(configured(url), "0001")
    engine = open_engine(url)
    row = (
        "INSERT INTO ca_certificate (issuer, serial, profile, subject, state, not_before, "
        "not_after) VALUES ('issuing-sm2', 'ab', 'seal', 'CN=x', 'issued', "
        "'2026-01-01 00:00:00', '2030-01-01 00:00:00')"
    )
    with engine.begin() as connection:
        connection.execute(text(row))
        connection.execute(text(ISSUER), {"der": b"0"})
    migrate(url)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with Session(engine) as session, session.begin():
        old = session.query(Certificate).one()
        assert (old.serial, old.state, old.renews) == ("ab", "issued", None)
        old.state = CertificateState.HELD
        assert session.get_one(Issuer, "issuing-sm2").shards == 1
        session.add(stamp_at(at))
    with Session(engine) as session:
        session.add(stamp_at(at))
        with pytest.raises(IntegrityError):
            session.flush()
    engine.dispose()


def stamp_at(at: datetime) -> Timestamp:
    return Timestamp(
        serial="1", at=at, signer="tsa-sm2", policy="1.2.3", digest="SM3", imprint=bytes(32)
    )


def test_accounts_with_roles_survive_and_each_gets_a_subject(url: str) -> None:
    command.upgrade(configured(url), "0002")
    engine = open_engine(url)
    with engine.begin() as connection:
        for name in ("clerk", "approver"):
            connection.execute(
                text("INSERT INTO account (name, display_name, active, created_at) "
                     "VALUES (:name, 'x', true, '2026-01-01 00:00:00')"), {"name": name},
            )  # fmt: skip
            connection.execute(
                text("INSERT INTO account_role (account, role) VALUES (:name, :name)"),
                {"name": name},
            )
    migrate(url)
    with engine.begin() as connection:
        subjects = connection.scalars(text("SELECT sub FROM account")).all()
        roles = connection.scalars(text("SELECT role FROM account_role ORDER BY role")).all()
        assert roles == ["approver", "clerk"]
        assert len({*subjects}) == 2
        assert all(len(each) == 22 for each in subjects)
        with pytest.raises(IntegrityError):
            connection.execute(text("INSERT INTO account_role VALUES ('nobody', 'clerk')"))
    engine.dispose()
    command.downgrade(configured(url), "0002")


def test_the_second_revision_can_be_taken_back(url: str) -> None:
    migrate(url)
    command.downgrade(configured(url), "0001")
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("SELECT serial FROM ca_certificate"))
    engine.dispose()
    migrate(url)
