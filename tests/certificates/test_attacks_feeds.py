"""What lower regions report and archive packages say, at its worst: it stops nobody who reads."""

import json
import resource
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest

from certificates import catalogue
from certificates.archive import manifest
from certificates.bulk import read
from certificates.bulk.columns import BulkFileInvalid, columns_of
from certificates.bulk.models import BulkForm
from certificates.feeds import outbox, reporting, reporting_receive
from certificates.feeds.reporting_models import CatalogueRow, ReportRow, RowState
from certificates.identifier import Identifier
from tests.certificates import eventful
from tests.certificates.eventful import ADMIN, VAULT
from tests.regions import Region
from trust.clock import utc_now
from trust.crypto import jose
from trust.crypto.errors import Malformed
from trust.db import Sessions

TYPE, ISSUER = "11100000MB0143028R001", "11621100013900217Q"
NUMBER = iter(range(1, 10_000))


@dataclass
class Superior:
    """Where a lower region reports."""

    region: Region
    rid: str

    def receive(self, row: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps({"cd_batch": f"b{next(NUMBER)}", "rows": [row]}).encode()
        platform = self.region.platform
        with platform.sessions.begin() as session:
            taken = reporting_receive.receive(
                session, self.rid, body, vault=platform.vault, at=utc_now()
            )
        answer: dict[str, Any] = json.loads(taken.answer)["data"]
        return answer


@pytest.fixture
def superior(region: Region) -> Superior:
    """On each database: PostgreSQL refuses what SQLite lets through."""
    rid, platform = f"attacker-{next(NUMBER)}", region.platform
    with platform.sessions.begin() as session:
        reporting_receive.add_source(
            session, rid, division="621100", name="定西市", vault=platform.vault, by=ADMIN,
            at=utc_now(),
        )  # fmt: skip
    return Superior(region, rid)


def row(**changes: Any) -> dict[str, Any]:
    known = str(Identifier(TYPE, ISSUER, f"S{next(NUMBER)}"))
    return {
        "cd_row": 1, "cd_operation": "I", "certificate_area_code": "621100", "ZZBS": known,
        "ZZLXDM": TYPE, "ZZBFJGDM": ISSUER, "ZZMC": "营业执照", "ZZBH": "1", "ZZBFJG": "局",
        "ZZBFRQ": "20260601", "CZZT": "甲", "CZZTDM": "91", "CZZTDMLX": "统一社会信用代码",
        "CZZTDMLXDM": "001", "ZZZT": "active",
    } | changes  # fmt: skip


HOSTILE: dict[str, dict[str, Any]] = {
    "a list for a state": {"ZZZT": ["active"]},
    "a number for an area": {"certificate_area_code": 621100},
    "a list for an operation": {"cd_operation": ["I"]},
    "a number for a type": {"ZZLXDM": 7},
    "a long state with a deletion": {"cd_operation": "D", "ZZZT": "x" * 500},
    "somebody else among the issuers first": {"ZZBFJGDM": ["11100000MB0143028R", ISSUER]},
    "an object for an issuer": {"ZZBFJGDM": {"a": ISSUER}},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_row_is_rejected_by_itself_and_stops_nothing(
    superior: Superior, case: str
) -> None:
    answer = superior.receive(row(**HOSTILE[case]))
    assert (answer["received"], answer["taken"]) == (1, 0)


def test_a_joint_licence_is_taken_under_its_first_issuer(superior: Superior) -> None:
    made = row(ZZBFJGDM=[ISSUER, "11621100013900225K"], ZZBFJG=["局", "厅"])
    assert superior.receive(made)["taken"] == 1
    with superior.region.platform.reading() as session:
        assert session.get_one(CatalogueRow, made["ZZBS"]).authority == ISSUER


def test_a_batch_is_no_longer_than_the_superior_takes(
    sqlite_sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Licences of many holders made batches over a megabyte: refused for ever, and everything
    behind them stood still."""
    monkeypatch.setattr(reporting, "BATCH_BYTES", 1500)
    eventful.found_region(sqlite_sessions)
    eventful.licences(sqlite_sessions, 5)
    outbox.route_new(sqlite_sessions, sqlite_sessions, at=utc_now())
    with sqlite_sessions.begin() as session:
        batch = reporting.make_batch(session, VAULT, source="", at=utc_now())
        rows = session.query(ReportRow).filter(ReportRow.state == RowState.BATCHED).all()
        assert batch is not None
        assert 1 <= len(rows) < 5
        assert session.query(ReportRow).filter(ReportRow.state == RowState.WAITING).count() == (
            5 - len(rows)
        )


@pytest.mark.parametrize(
    "said",
    [{"made_at": "2026-01-01T00:00:00"}, {"made_at": "0001-01-01T00:00:00+23:59"},
     {"made_at": 7}, {"parts": 7}, {"parts": [{"name": "a", "size": 1e400}]}],
    ids=["no zone", "no such time", "a number", "no parts", "endless"],
)  # fmt: skip
def test_a_manifest_of_another_form_is_malformed_and_no_fault(said: dict[str, Any]) -> None:
    content = {
        "version": 1, "identifier": "x", "region": "542500", "state": "active",
        "made_at": "2026-01-01T00:00:00Z", "parts": [],
    }  # fmt: skip
    assert manifest.read(jose.canonical_json(content)).identifier == "x"
    with pytest.raises(Malformed):
        manifest.read(json.dumps(content | said).encode())


def test_a_parquet_file_of_kilobytes_does_not_become_gigabytes_here() -> None:
    """Its reader has a process of its own; what it says comes to stand in ours."""
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    one = pyarrow.array(["经" * 50_000]).dictionary_encode()
    column = pyarrow.DictionaryArray.from_arrays([0] * 20_000, one.dictionary)
    out = BytesIO()
    parquet.write_table(pyarrow.table({"KZ_JYFW": column}), out)
    data, kind = out.getvalue(), catalogue.find("business-licence")
    assert len(data) < 300_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BulkFileInvalid):
        list(read.rows(data, BulkForm.PARQUET, columns_of(kind)))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300 * 1024  # kilobytes; the file says three gigabytes
