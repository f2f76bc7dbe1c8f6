"""Alembic's entry: the tables of every package, one URL, one transaction."""

from alembic import context

import ca.models
import certificates.models
import seal.grant_models
import seal.ledger_models
import seal.life_models
import seal.models
import sso.cleaning_rules
import sso.grants
import sso.models
import sso.people_models
import trust.audit_entry
import trust.keys_models
import trust.log_models
from trust.db import Base, open_engine

MODELS = (
    ca.models, certificates.models, seal.grant_models, seal.ledger_models, seal.life_models,
    seal.models, trust.keys_models, sso.models, sso.cleaning_rules, sso.grants,
    sso.people_models, trust.audit_entry,
)  # fmt: skip


def run() -> None:
    engine = open_engine(context.config.get_main_option("sqlalchemy.url") or "")
    with engine.connect() as connection:
        # SQLite rebuilds a table by dropping it, which its own foreign keys would refuse. The
        # pragma counts outside transactions only; what was rebuilt is checked at the end.
        sqlite = engine.dialect.name == "sqlite"
        if sqlite:
            connection.connection.execute("PRAGMA foreign_keys=OFF")
        context.configure(
            connection=connection, target_metadata=Base.metadata, render_as_batch=True,
            compare_type=True,
        )  # fmt: skip
        with context.begin_transaction():
            context.run_migrations()
            if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise RuntimeError("the migration would leave rows that point to nothing")
    engine.dispose()


run()
