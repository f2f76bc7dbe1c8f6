"""A lower region reports its catalogue to a superior: two instances, HTTP between them."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from certificates.feeds import (
    outbox,
    reporting,
    reporting_counts,
    reporting_receive,
    reporting_send,
)
from certificates.feeds import reporting_signature as signature
from certificates.feeds.reporting_models import (
    BatchState,
    CatalogueRow,
    ReceivedBatch,
    ReportBatch,
    ReportRow,
    ReportSource,
    RowState,
)
from certificates.feeds.reporting_receive import BadBatch
from certificates.feeds.reporting_send import BadAnswer, FileSuperior, HttpSuperior, Reporter
from certificates.feeds.reporting_signature import BadReportSignature
from certificates.identifier import Identifier
from certificates.models import Authority, LicenceState
from sso.outgoing import Outgoing
from tests.certificates import eventful
from tests.certificates.eventful import ADMIN, CLERK, HOLDER, HOLDER_CODE, VAULT
from tests.server.conftest import Served
from trust.clock import utc_now
from trust.crypto import jose
from trust.db import Sessions
from trust.errors import Conflict, Forbidden, NotFound

NUMBER = iter(range(1, 10_000))


@pytest.fixture
def rid() -> str:
    return f"lower-{next(NUMBER)}"


@pytest.fixture
def lower(sessions: Sessions, served: Served, address: str, rid: str) -> Reporter:
    """A region of its own database, known to the superior that serves."""
    eventful.found_region(sessions)
    platform = served.region.platform
    with platform.sessions.begin() as session:
        secret = reporting_receive.add_source(
            session, rid, division="621100", name="定西市", vault=platform.vault, by=ADMIN,
            at=utc_now(),
        )  # fmt: skip
    post = Outgoing(allow_private=True).post
    superior = HttpSuperior(address, rid, secret.encode(), post, utc_now)
    return Reporter(sessions, sessions, VAULT, superior, utc_now, jitter=lambda: 0.0)


def reported(lower: Reporter) -> int:
    outbox.route_new(lower.sessions, lower.reading, at=utc_now())
    return reporting_send.report_due(lower)


def held(served: Served, rid: str) -> dict[str, CatalogueRow]:
    with served.region.platform.reading() as session:
        rows = session.scalars(select(CatalogueRow).where(CatalogueRow.source == rid))
        return {row.identifier: row for row in rows}


def states(lower: Reporter) -> list[str]:
    with lower.reading() as session:
        return list(session.scalars(select(ReportRow.state).order_by(ReportRow.id)))


def test_what_is_issued_and_changed_below_stands_above(
    lower: Reporter, served: Served, rid: str
) -> None:
    first, second = eventful.licences(lower.sessions, 2)
    assert reported(lower) == 1
    eventful.change(lower.sessions, first, LicenceState.REVOKED)
    assert reported(lower) == 1
    rows = held(served, rid)
    assert (rows[first].state, rows[second].state) == ("revoked", "active")
    assert states(lower) == [RowState.TAKEN] * 3
    platform = served.region.platform
    with platform.reading() as session:
        items = reporting_receive.read(session, first, platform.vault)
    assert items["CZZT"] == HOLDER
    assert items["ZZMC"] == "营业执照"
    assert not any(name.startswith("KZ_") for name in items)


def test_personal_data_is_sealed_on_both_sides_and_gone_below_once_answered(
    lower: Reporter, served: Served, rid: str
) -> None:
    eventful.licences(lower.sessions, 1)
    outbox.route_new(lower.sessions, lower.reading, at=utc_now())
    with lower.sessions.begin() as session:
        reporting.make_batch(session, VAULT, source="", at=utc_now())
    with lower.reading() as session:
        box = session.scalars(select(ReportBatch.box)).one()
        assert box is not None
        assert HOLDER.encode() not in box
        assert HOLDER_CODE.encode() not in box
    reporting_send.report_due(lower)
    with lower.reading() as session:
        assert session.scalars(select(ReportBatch.box)).one() is None
    (row,) = held(served, rid).values()
    assert row.box is not None
    assert HOLDER.encode() not in row.box


def test_killed_before_the_answer_was_noted_nothing_is_counted_twice(
    lower: Reporter, served: Served, rid: str
) -> None:
    eventful.licences(lower.sessions, 3)
    outbox.route_new(lower.sessions, lower.reading, at=utc_now())
    with lower.sessions.begin() as session:
        reporting.make_batch(session, VAULT, source="", at=utc_now())
    leased = reporting_send._lease(lower)
    assert leased is not None
    once = lower.superior.send(leased.batch, leased.body)
    # Here the sender dies: the answer is lost, the lease runs out.
    later = replace(lower, clock=lambda: utc_now() + timedelta(minutes=3))
    assert reporting_send.report_due(later) == 1
    with served.region.platform.reading() as session:
        batches = session.scalars(select(ReceivedBatch).where(ReceivedBatch.source == rid)).all()
    assert [each.rows for each in batches] == [3]
    assert batches[0].answer == once
    assert states(lower) == [RowState.TAKEN] * 3


def test_a_rejected_row_keeps_its_reason_and_goes_again_after_correction(
    lower: Reporter, served: Served, rid: str
) -> None:
    good, bad = eventful.licences(lower.sessions, 2)
    with lower.sessions.begin() as session:
        row = session.get_one(Authority, eventful.AUTHORITY)
        row.division = "310000"  # not of the region that reports
    assert reported(lower) == 1
    with lower.reading() as session:
        rows = session.scalars(select(ReportRow).order_by(ReportRow.id)).all()
    assert {row.state for row in rows} == {RowState.REJECTED}
    assert rows[0].remark == reporting_receive.REMARKS["division"]
    assert held(served, rid) == {}
    with lower.sessions.begin() as session:
        session.get_one(Authority, eventful.AUTHORITY).division = "621102"
        reporting.resend(session, rows[0].id, by=ADMIN, at=utc_now())
    with lower.sessions.begin() as session:
        assert reporting.resend_all(session, by=ADMIN, at=utc_now()) == 1
    assert reported(lower) == 1
    assert set(held(served, rid)) == {good, bad}
    assert states(lower) == [RowState.TAKEN] * 2


def test_counts_are_reconciled_and_a_difference_is_named(
    lower: Reporter, served: Served, rid: str
) -> None:
    eventful.licences(lower.sessions, 3)
    reported(lower)
    superior = lower.superior
    assert isinstance(superior, HttpSuperior)
    (row,) = reporting_counts.reconcile(lower.sessions, superior.ask, by=ADMIN, at=utc_now())
    assert (row.division, row.ours, row.theirs) == ("621100", 3, 3)
    eventful.licences(lower.sessions, 2)  # not yet reported
    (row,) = reporting_counts.reconcile(lower.sessions, superior.ask, by=ADMIN, at=utc_now())
    assert (row.ours, row.theirs) == (5, 3)
    with lower.reading() as session:
        assert row.last_batch == reporting_counts.last_batch(session)


def test_a_withdrawn_licence_leaves_the_catalogue_above(
    lower: Reporter, served: Served, rid: str
) -> None:
    (name,) = eventful.licences(lower.sessions, 1)
    reported(lower)
    with lower.sessions.begin() as session:
        reporting.withdraw(session, name, reason="测试数据", by=ADMIN, at=utc_now())
    reported(lower)
    row = held(served, rid)[name]
    assert row.deleted
    assert row.box is None
    eventful.change(lower.sessions, name, LicenceState.REVOKED)
    assert reported(lower) == 0  # nothing more is told of it
    with lower.sessions() as session, pytest.raises(Conflict):
        reporting.withdraw(session, name, reason="again", by=ADMIN, at=utc_now())


def test_a_superior_that_cannot_be_reached_is_asked_again_later(lower: Reporter) -> None:
    dead = replace(lower.superior, url="http://127.0.0.1:9")  # type: ignore[type-var]
    late = replace(lower, superior=dead)
    eventful.licences(lower.sessions, 1)
    assert reported(late) == 0
    with lower.reading() as session:
        batch = session.scalars(select(ReportBatch)).one()
    assert (batch.state, batch.tried) == (BatchState.MADE, 1)
    assert batch.last_error == "127.0.0.1 could not be reached"
    assert reporting_send.report_due(lower) == 0  # not before its wait is over
    later = replace(lower, clock=lambda: utc_now() + timedelta(seconds=10))
    assert reporting_send.report_due(later) == 1
    assert states(lower) == [RowState.TAKEN]


def test_a_wrong_secret_is_refused(lower: Reporter, served: Served, rid: str) -> None:
    wrong = replace(lower.superior, secret=b"another")  # type: ignore[type-var]
    eventful.licences(lower.sessions, 1)
    assert reported(replace(lower, superior=wrong)) == 0
    with lower.reading() as session:
        assert session.scalars(select(ReportBatch.last_error)).one() == "the superior answered 401"
    assert held(served, rid) == {}


def test_a_body_that_was_exchanged_on_the_way_is_refused(lower: Reporter, address: str) -> None:
    superior = lower.superior
    assert isinstance(superior, HttpSuperior)
    headers = signature.headers(
        rid=superior.rid, sid=signature.SID, secret=superior.secret, body=b"{}", at=utc_now()
    )
    answer = httpx.post(f"{address}/sysapi/catalogue", content=b"{ }", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "bad_report_signature"


def test_an_old_request_is_refused() -> None:
    at = utc_now()
    headers = signature.headers(rid="a", sid=signature.SID, secret=b"k", body=b"{}", at=at)
    signature.check(headers, b"{}", secret=b"k", at=at + timedelta(minutes=4))
    with pytest.raises(BadReportSignature):
        signature.check(headers, b"{}", secret=b"k", at=at + timedelta(minutes=6))


def test_the_same_batch_with_other_content_is_a_conflict(lower: Reporter) -> None:
    superior = lower.superior
    assert isinstance(superior, HttpSuperior)
    for body, expected in ((b'{"cd_batch":"b1","rows":[{}]}', 200),
                           (b'{"cd_batch":"b1","rows":[{},{}]}', 409)):  # fmt: skip
        headers = signature.headers(
            rid=superior.rid, sid=signature.SID, secret=superior.secret, body=body, at=utc_now()
        )
        answer = httpx.post(f"{superior.url}/sysapi/catalogue", content=body, headers=headers)
        assert answer.status_code == expected


def row(**changes: Any) -> dict[str, Any]:
    """A row that is taken, but for these changes."""
    name = f"{eventful.TYPE}.{eventful.AUTHORITY}.ABC123.001"
    whole = str(Identifier(eventful.TYPE, eventful.AUTHORITY, "ABC123"))
    assert name in whole
    return {
        "cd_row": 1, "cd_operation": "I", "certificate_area_code": "621102", "ZZMC": "营业执照",
        "ZZLXDM": eventful.TYPE, "ZZBH": "1", "ZZBS": whole, "ZZBFJG": "局",
        "ZZBFJGDM": eventful.AUTHORITY, "ZZBFRQ": "20260601", "CZZT": "王", "CZZTDM": "1",
        "CZZTDMLX": "x", "CZZTDMLXDM": "111", "ZZZT": "active",
    } | changes  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ZZBS": "1.2.156.3005.2.x"}, "identifier"), ({"ZZLXDM": "0" * 21}, "mismatch"),
        ({"certificate_area_code": "310000"}, "division"), ({"cd_operation": "X"}, "operation"),
        ({"CZZT": ""}, "items"), ({"ZZZT": "asleep"}, "state"), ({"cd_row": "1"}, "form"),
        ({"cd_row": True}, "form"), ({"ZZMC": "x" * 513}, "form"), ({"ZZMC": {"a": 1}}, "form"),
        ({"ZZMC": "a\0b"}, "form"),
    ],
    ids=["identifier", "type", "division", "operation", "holder", "state", "row", "bool", "long",
         "nested", "nul"],
)  # fmt: skip
def test_a_row_that_breaks_a_rule_is_rejected_by_name(
    sessions: Sessions, changes: dict[str, Any], code: str
) -> None:
    eventful.found_region(sessions)
    with sessions.begin() as session:
        reporting_receive.add_source(
            session, "x", division="621100", name="x", vault=VAULT, by=ADMIN, at=eventful.START
        )
    body = jose.canonical_json({"cd_batch": "b1", "rows": [row(**changes), row(cd_row=2)]})
    with sessions.begin() as session:
        taken = reporting_receive.receive(session, "x", body, vault=VAULT, at=eventful.START)
    data = json.loads(taken.answer)["data"]
    assert (data["received"], data["taken"]) == (2, 1)
    assert [each["error_code"] for each in data["rejects"]] == [code]
    assert data["rejects"][0]["error_remark"]


def test_a_row_that_comes_late_changes_nothing(sessions: Sessions) -> None:
    eventful.found_region(sessions)
    with sessions.begin() as session:
        reporting_receive.add_source(
            session, "x", division="621100", name="x", vault=VAULT, by=ADMIN, at=eventful.START
        )
        reporting_receive.add_source(
            session, "y", division="620000", name="y", vault=VAULT, by=ADMIN, at=eventful.START
        )
    for source, number, state in (("x", 5, "revoked"), ("x", 4, "active"), ("y", 9, "active")):
        body = jose.canonical_json(
            {"cd_batch": f"b{number}", "rows": [row(cd_row=number, ZZZT=state)]}
        )
        with sessions.begin() as session:
            taken = reporting_receive.receive(session, source, body, vault=VAULT, at=eventful.START)
    assert json.loads(taken.answer)["data"]["rejects"][0]["error_code"] == "source"
    with sessions() as session:
        found = session.scalars(select(CatalogueRow)).one()
    assert (found.state, found.row) == ("revoked", 5)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.one_of(st.binary(max_size=80), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(
        st.sampled_from(["cd_batch", "rows", "cd_row", "ZZBS", "x"]), below, max_size=4
    ),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_no_garbage_faults_the_receiver(sqlite_sessions: Sessions, body: bytes) -> None:
    with sqlite_sessions.begin() as session:
        if session.get(ReportSource, "x") is None:
            reporting_receive.add_source(
                session, "x", division="621100", name="x", vault=VAULT, by=ADMIN, at=eventful.START
            )
    try:
        with sqlite_sessions() as session, session.begin():
            taken = reporting_receive.receive(session, "x", body, vault=VAULT, at=eventful.START)
            assert json.loads(taken.answer)["data"]["rejects"]
            session.rollback()
    except BadBatch:
        pass


def test_without_a_line_batches_go_as_files_and_answers_come_as_files(
    sessions: Sessions, tmp_path: Path
) -> None:
    eventful.found_region(sessions)
    folder = tmp_path / "out"
    below = Reporter(sessions, sessions, VAULT, FileSuperior(folder), utc_now)
    eventful.licences(sessions, 2)
    assert reported(below) == 1
    (path,) = folder.glob("*.json")
    assert path.stat().st_mode & 0o777 == 0o600
    sent = json.loads(path.read_bytes())
    assert states(below) == [RowState.BATCHED] * 2
    answer = {"code": 200, "message": "ok", "data": {
        "cd_batch": sent["cd_batch"], "received": 2, "taken": 1,
        "rejects": [{"cd_row": sent["rows"][1]["cd_row"], "error_remark": "未登记"}]}}  # fmt: skip
    for _ in range(2):  # read in twice, it says the same
        with sessions.begin() as session:
            reporting_send.take_answer(session, json.dumps(answer).encode(), at=utc_now())
    assert states(below) == [RowState.TAKEN, RowState.REJECTED]


@pytest.mark.parametrize(
    "answer",
    [b"", b"[]", b'{"code":300,"data":{}}', b'{"code":200}',
     b'{"code":200,"data":{"cd_batch":1,"received":1,"rejects":[]}}',
     b'{"code":200,"data":{"cd_batch":"b","received":0,"rejects":[{}]}}', b"\xff"],
    ids=["empty", "list", "refused", "no-data", "number", "too-many", "bytes"],
)  # fmt: skip
def test_an_answer_of_another_form_is_refused(sqlite_sessions: Sessions, answer: bytes) -> None:
    with sqlite_sessions() as session, pytest.raises(BadAnswer):
        reporting_send.take_answer(session, answer, at=utc_now())


def test_an_answer_to_no_batch_of_ours_is_not_found(sqlite_sessions: Sessions) -> None:
    answer = b'{"code":200,"data":{"cd_batch":"b","received":0,"rejects":[]}}'
    with sqlite_sessions() as session, pytest.raises(NotFound):
        reporting_send.take_answer(session, answer, at=utc_now())


def test_reporting_is_for_system_administrators(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions() as session:
        for refused in (
            lambda: reporting.resend_all(session, by=CLERK, at=utc_now()),
            lambda: reporting.withdraw(session, "x", reason="x", by=CLERK, at=utc_now()),
            lambda: reporting_receive.add_source(
                session, "x", division="621100", name="x", vault=VAULT, by=CLERK, at=utc_now()
            ),
        ):
            with pytest.raises(Forbidden):
                refused()
