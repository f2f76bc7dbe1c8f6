"""A region with two administrators, and `trust keys …` run in it."""

import argparse
from pathlib import Path

from server.commands import keys as command
from tests.regions import Region, build
from trust.access import SYSTEM, Role
from trust.clock import utc_now
from trust.db import Base

PEOPLE = {"k.ca": Role.CA_ADMIN, "k.security": Role.SECURITY_ADMIN, "k.clerk": Role.CLERK}


def region_with_people(home: Path, url: str = "") -> Region:
    from sso import accounts

    made = build(home, url)
    Base.metadata.create_all(made.platform.engine)  # nothing, once every table has its migration
    with made.platform.sessions.begin() as session:
        for name, role in PEOPLE.items():
            accounts.create(
                session, name, display_name=name, authority=None, roles={role}, by=SYSTEM,
                at=utc_now(),
            )  # fmt: skip
    return made


def run(region: Region, *words: str) -> int:
    """What `trust keys WORDS` does, and its exit code; refusals are raised."""
    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers())
    arguments = parser.parse_args(["keys", *words])
    return int(arguments.run(arguments, region.platform))
