"""Rows by the driver itself are the rows that SQLAlchemy gives, and its faults are met."""

import pytest
from sqlalchemy import bindparam, select

from certificates.models import Licence
from certificates.own_registry import OwnRegistry
from certificates.quick_read import RowByKey
from tests.certificates.test_life import end
from tests.regions import Region
from trust.clock import utc_now

_WANTED = select(Licence.digest, Licence.state, Licence.state_at, Licence.issued_at, Licence.number)
_ROW = _WANTED.where(Licence.identifier == bindparam("identifier"))


def test_a_row_is_the_same_both_ways_types_and_all(region: Region) -> None:
    licence = region.issued("food-business-licence")
    row = RowByKey(region.platform.reading, _ROW)
    with region.platform.reading() as session:
        wanted = session.execute(_ROW, {"identifier": licence.identifier}).one()
    for _ in range(2):
        found = row(identifier=licence.identifier)
        assert found == tuple(wanted)
        assert found is not None
        assert [type(each) for each in found] == [type(each) for each in wanted]
    assert row(identifier="nowhere") is None


def test_each_question_reads_what_was_committed_a_moment_ago(region: Region) -> None:
    licence = region.issued("food-business-licence")
    registry = OwnRegistry(region.platform.reading, "542500")
    before = registry.record(licence.identifier, at=utc_now())
    end(region, licence)
    after = registry.record(licence.identifier, at=utc_now())
    assert before is not None
    assert after is not None
    assert (str(before.state), str(after.state)) == ("active", "revoked")


def test_a_fault_of_the_driver_is_met_again_the_long_way(
    sqlite_region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    licence = sqlite_region.issued("food-business-licence")
    registry = OwnRegistry(sqlite_region.platform.reading, "542500")
    monkeypatch.setattr(registry._row, "_text", "SELECT nothing FROM nowhere WHERE ? = 1")
    assert registry.record(licence.identifier, at=utc_now()) is not None
