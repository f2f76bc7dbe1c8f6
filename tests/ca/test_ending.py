"""What ends soon is told in time, and what has a successor is not."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from ca import ending, renew
from ca.models import Certificate, Signer
from tests.ca.requests import certify
from tests.regions import Region
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.crypto import x509
from trust.db import Base


@pytest.fixture(autouse=True)
def tables(sqlite_region: Region) -> None:
    Base.metadata.create_all(sqlite_region.platform.engine)  # nothing, once they are migrated


def soon(region: Region, at: datetime) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    with region.platform.reading() as session:
        for each in ending.soon(session, at=at):
            found.setdefault(each.what, set()).add(each.name)
    return found


def test_a_signer_is_told_a_month_ahead_and_a_ca_a_year(sqlite_region: Region) -> None:
    with sqlite_region.platform.reading() as session:
        ends = {
            row.key_id: x509.parse_certificate(row.certificate).not_after
            for row in session.scalars(select(Signer))
        }
    last = max(ends["tsa-sm2"], ends["tsa-rsa"])
    assert "signer" not in soon(sqlite_region, min(ends.values()) - timedelta(days=40))
    near = soon(sqlite_region, last - timedelta(days=20))
    assert {"tsa-sm2", "tsa-rsa"} <= near["signer"]
    assert "ca" not in near
    ahead = soon(sqlite_region, utc_now() + timedelta(days=365 * 14 + 100))
    assert {"issuing-sm2", "issuing-rsa"} <= ahead["ca"]


def test_a_certificate_that_was_renewed_needs_nobody(sqlite_region: Region) -> None:
    old, other = certify(sqlite_region, "sm2"), certify(sqlite_region, "sm2")
    renew.renew(
        sqlite_region.platform.sessions, issuer="issuing-sm2", serial=old.serial,
        keys=sqlite_region.platform.keys, by=SYSTEM, at=utc_now(),
    )  # fmt: skip
    with sqlite_region.platform.reading() as session:
        within = ending.within(at=utc_now(), margin=timedelta(days=3650))
        found = set(session.scalars(select(Certificate.serial).where(*within)))
    assert f"{other.serial:x}" in found
    assert f"{old.serial:x}" not in found
