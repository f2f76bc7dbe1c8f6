"""`POST /v1/verifications`: what comes in, what the answer is, and that every look is recorded."""

import io
import json
import threading
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, text

from certificates import looks, qr_drawing, revoke
from certificates.looks import Look
from certificates.models import LicenceState
from tests.server.conftest import Served
from trust import audit_report
from trust.audit import AuditEntry
from trust.audit_queue import ActNotRecorded, AuditQueue
from trust.clock import utc_now
from trust.db import Sessions, open_sessions

PATH = "/v1/verifications"


def upload(client: TestClient, data: bytes, name: str = "licence.pdf") -> dict[str, Any]:
    answer = client.post(PATH, files={"file": (name, data)})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    report: dict[str, Any] = answer.json()
    return report


def codes(report: dict[str, Any], outcome: str) -> set[str]:
    return {check["code"] for check in report["checks"] if check["outcome"] == outcome}


# --- the three outcomes --------------------------------------------------------------------------


def test_a_licence_file_passes_and_shows_its_summary(served: Served, client: TestClient) -> None:
    report = upload(client, served.pdf)
    assert (report["outcome"], report["changed_after_sealing"]) == ("PASSED", False)
    assert report["licence"]["identifier"] == served.licence.identifier


def test_a_file_that_was_changed_fails_with_200_and_shows_no_licence(
    served: Served, client: TestClient
) -> None:
    report = upload(client, served.tampered())
    assert (report["outcome"], report["changed_after_sealing"]) == ("FAILED", True)
    assert report["licence"] is None


def test_a_licence_of_an_unknown_region_is_indeterminate(
    client: TestClient, foreign_pdf: bytes
) -> None:
    report = upload(client, foreign_pdf)
    assert report["outcome"] == "INDETERMINATE"
    assert "no_anchor" in codes(report, "INDETERMINATE")


def test_a_revoked_licence_fails_although_its_signatures_are_good(
    served: Served, client: TestClient
) -> None:
    region = served.region
    licence = region.issued()
    with region.platform.sessions.begin() as session:
        revoke.change(
            session, licence.identifier, LicenceState.REVOKED, reason="test",
            by=region.caller("market.approver"), at=utc_now(), vault=region.platform.vault,
        )  # fmt: skip
    report = upload(client, region.file(licence))
    assert codes(report, "FAILED") == {"void"}


# --- the ways in ---------------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [True, False])
def test_a_qr_codes_text_passes_as_json_and_in_a_form(
    served: Served, client: TestClient, whole: bool
) -> None:
    qr = served.licence.claim if whole else served.claim
    for answer in (
        client.post(PATH, json={"qr": qr}),
        client.post(PATH, files={"qr": (None, f" {qr}\r\n")}),
    ):
        assert answer.json()["outcome"] == "PASSED"
        assert answer.json()["changed_after_sealing"] is None


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_picture_of_the_qr_code_passes(served: Served, client: TestClient, form: str) -> None:
    out = io.BytesIO()
    qr_drawing.picture(served.licence.claim).save(out, form)
    assert upload(client, out.getvalue(), "photo")["outcome"] == "PASSED"


def test_a_picture_without_a_readable_code_is_no_licence(
    client: TestClient,
) -> None:
    report = upload(client, b"\x89PNG\r\n\x1a\n not really", "photo.png")
    assert report["outcome"] == "FAILED"
    assert codes(report, "FAILED") == {"qr_unreadable"}


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"", "text/plain", "nothing_to_verify"),
        (b"{}", "application/json", "nothing_to_verify"),
        (b'{"qr": ""}', "application/json", "nothing_to_verify"),
        (b'{"qr": ["x"]}', "application/json", "nothing_to_verify"),
        (b'{"qr": "x", "more": 1}', "application/json", "nothing_to_verify"),
        (b"[" * 8000, "application/json", "bad_form"),
        (b"\xff\xfe", "application/json", "bad_form"),
        (b"--x--\r\n", "multipart/form-data; boundary=x", "nothing_to_verify"),
        (b"nonsense", "multipart/form-data; boundary=x", "bad_form"),
        (b"nonsense", "multipart/form-data", "bad_form"),
    ],
)
def test_a_body_with_nothing_to_verify_is_a_problem(
    client: TestClient, body: bytes, kind: str, code: str
) -> None:
    answer = client.post(PATH, content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_json_body_over_8_kb_is_too_large(client: TestClient) -> None:
    answer = client.post(PATH, json={"qr": "x" * 9000})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_two_files_at_once_are_refused(served: Served, client: TestClient) -> None:
    both = [("file", ("a.pdf", served.pdf)), ("file", ("b.pdf", served.pdf))]
    answer = client.post(PATH, files=both)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_form")


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=200) | st.binary(max_size=300).map(lambda data: data.decode("latin1")))
def test_no_text_ever_passes_or_breaks_the_server(client: TestClient, text: str) -> None:
    answer = client.post(PATH, json={"qr": text})
    assert answer.status_code in (200, 422)
    assert answer.json().get("outcome") != "PASSED"


@settings(max_examples=40, deadline=None)
@given(data=st.binary(min_size=1, max_size=400), magic=st.sampled_from([b"", b"%PDF-1.7\n", b"BM"]))
def test_no_file_ever_passes_or_breaks_the_server(
    client: TestClient, data: bytes, magic: bytes
) -> None:
    assert upload(client, magic + data)["outcome"] != "PASSED"


@pytest.mark.parametrize("escape", ['"\\ud800"', '"\\u0000"', '"\\u202e"'])
def test_unprintable_text_is_judged_like_any_other(client: TestClient, escape: str) -> None:
    answer = client.post(
        PATH, content=f'{{"qr": {escape}}}', headers={"Content-Type": "application/json"}
    )
    assert answer.json()["outcome"] == "FAILED"


# --- every look is recorded ----------------------------------------------------------------------


def test_every_look_is_in_the_audit_log_without_the_holder(
    served: Served, client: TestClient
) -> None:
    before = len(served.looks())
    client.post(PATH, json={"qr": served.claim})
    upload(client, served.tampered())
    made = served.looks()[before:]
    assert [(entry.subject, json.loads(entry.details)) for entry in made] == [
        (served.licence.identifier, {"how": "qr", "outcome": "PASSED"}),
        ("unknown", {"how": "pdf", "outcome": "FAILED"}),
    ]
    assert served.licence.holder_public not in "".join(entry.details for entry in made)
    with served.region.platform.reading() as session:
        assert not audit_report.verify(session, signers=[]).faults


def look(number: int) -> Look:
    return Look(f"licence-{number}", "PASSED", "qr", utc_now())


def count(sessions: Sessions) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def test_looks_from_many_threads_are_all_written_by_the_end(sqlite_sessions: Sessions) -> None:
    queue = AuditQueue(sqlite_sessions, room=7, every=0.01)
    queue.start()

    def ask_often() -> None:
        for number in range(25):
            looks.record(queue, look(number))

    threads = [threading.Thread(target=ask_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.stop()
    assert count(sqlite_sessions) == 100


def test_a_look_that_finds_no_room_is_written_before_it_is_answered(
    sqlite_sessions: Sessions,
) -> None:
    queue = AuditQueue(sqlite_sessions, room=3)
    for number in range(4):
        looks.record(queue, look(number))
    assert count(sqlite_sessions) == 3
    queue.stop()
    assert count(sqlite_sessions) == 4


def test_looks_wait_for_a_log_that_is_out_of_order_and_are_then_refused(
    sqlite_engine: Engine,
) -> None:
    sessions = open_sessions(sqlite_engine)
    queue = AuditQueue(sessions, room=2)
    with sqlite_engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit_entry RENAME TO gone"))
    looks.record(queue, look(1))
    looks.record(queue, look(2))
    with pytest.raises(ActNotRecorded):
        looks.record(queue, look(3))
    with sqlite_engine.begin() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO audit_entry"))
    queue.stop()
    assert count(sessions) == 2


def test_an_answer_is_withheld_when_its_look_cannot_be_recorded(
    served: Served, client: TestClient
) -> None:
    usual = served.app.state.audit
    served.app.state.audit = AuditQueue(served.region.platform.sessions, room=0)
    try:
        answer = client.post(PATH, json={"qr": served.claim})
    finally:
        served.app.state.audit = usual
    assert (answer.status_code, answer.json()["code"]) == (503, ActNotRecorded.code)
