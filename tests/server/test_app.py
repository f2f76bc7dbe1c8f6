"""The application around its routes: readiness, refusals, limits, headers, logs, publications."""

import asyncio
import base64
import logging
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import delete
from starlette.types import Message, Receive, Scope, Send

from ca.models import Crl
from certificates import evidence, issue, revoke
from certificates.models import LicenceState
from certificates.status import lists as status_list
from server import middleware, problems, serve
from server.app import create_app
from server.exits import PortTaken
from tests.regions import build
from tests.server.conftest import Served
from tests.tools import find_tool
from trust import lists, log
from trust.clock import utc_now
from trust.crypto import merkle
from trust.keys import WrongPassphrase
from trust.log_models import LogLeaf
from trust.settings import Settings

#: What must never come back or be logged.
PERSONAL = "54252119900101001X"


@pytest.fixture
def faulty() -> Iterator[TestClient]:
    """The middleware and the handlers around routes that break."""
    app = FastAPI()
    around: tuple[tuple[Any, dict[str, Any]], ...] = (
        (middleware.BodyLimit, {"limit": 1000}),
        (middleware.Requests, {}),
        (middleware.SecurityHeaders, {"https": True}),
    )
    for each, options in around:
        app.add_middleware(each, **options)
    problems.add_handlers(app)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError(PERSONAL)

    @app.get("/teapot")
    def teapot() -> None:
        raise HTTPException(418)

    @app.get("/number/{number}")
    def number(number: int) -> int:
        return number

    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


# --- is it well ----------------------------------------------------------------------------------


def test_a_running_server_says_that_it_is_alive(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}


def test_a_whole_deployment_is_ready_in_every_leg(client: TestClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert [leg["name"] for leg in answer.json()["legs"]] == [
        "database", "keys", "signers", "crls", "status_lists",
    ]  # fmt: skip


def test_a_crl_near_its_end_is_a_warning_and_one_that_has_ended_makes_the_server_unready(
    tmp_path: Path,
) -> None:
    region, answers = build(tmp_path / "home"), []
    for days in (6.5, 7.5):
        later = utc_now() + timedelta(days=days)
        app = create_app(region.platform.settings, platform=region.platform)
        app.state.platform, app.state.clock = region.platform, lambda later=later: later
        answers.append(TestClient(app).get("/readyz"))  # without its lifespan nothing is renewed
    assert [answer.status_code for answer in answers] == [200, 503]
    near, over = (answer.json() for answer in answers)
    assert {each["what"] for each in near["warnings"]} >= {"crl issuing-sm2", "crl root-rsa"}
    assert {leg["name"] for leg in over["legs"] if not leg["ready"]} == {"crls"}
    region.platform.engine.dispose()


def test_a_server_without_its_crls_or_its_database_is_not_ready(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    region = build(tmp_path_factory.mktemp("unready"))
    app = create_app(region.platform.settings, platform=region.platform)
    with TestClient(app) as client:
        with region.platform.sessions.begin() as session:
            session.execute(delete(Crl))
        assert client.get("/readyz").status_code == 503
        with region.platform.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE ca_crl")
        late = [leg for leg in client.get("/readyz").json()["legs"] if not leg["ready"]]
    assert [leg["problem"] for leg in late] == ["database unreachable"]
    region.platform.engine.dispose()


def test_the_server_does_not_start_with_a_wrong_passphrase(served: Served) -> None:
    settings = served.region.platform.settings.model_copy(
        update={"key_passphrase": SecretStr("another passphrase")}
    )
    with pytest.raises(WrongPassphrase), TestClient(create_app(settings)):
        pass


def test_the_server_gives_up_what_a_crash_left_half_issued(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    region = build(tmp_path_factory.mktemp("crashed"))
    key = region.approved()
    with region.platform.sessions.begin() as session:
        (job,) = issue.reserve(
            session, region.platform.workshop(at=utc_now()), [key],
            by=region.caller("market.approver"), at=utc_now(),
        )  # fmt: skip
        assert isinstance(job, issue.Job)
    later = utc_now() + timedelta(hours=1)
    app = create_app(
        region.platform.settings, platform=region.platform, clock=lambda: later
    )  # fmt: skip
    with TestClient(app) as client:
        token = client.get(f"/status/{job.place.number}").text
    assert status_list.parse(token).status(job.place.index) is status_list.Status.VOID
    region.platform.engine.dispose()


# --- refusals ------------------------------------------------------------------------------------


def test_a_fault_of_ours_tells_nothing_but_the_requests_id(
    faulty: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = faulty.get("/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == problems.MEDIA_TYPE
    assert set(answer.json()) == {"type", "title", "title_en", "status", "code", "request_id"}
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "strict-transport-security" in answer.headers
    assert "RuntimeError" in caplog.text
    assert PERSONAL not in caplog.text + answer.text


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/nowhere", 404, "not_found"),
        ("/teapot", 418, "i'm_a_teapot"),
        (f"/number/{PERSONAL}", 422, "request_invalid"),
    ],
)
def test_every_refusal_is_a_problem_document(
    faulty: TestClient, path: str, status: int, code: str
) -> None:
    answer = faulty.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == problems.MEDIA_TYPE
    assert PERSONAL not in answer.text


def test_another_method_is_refused_in_the_same_shape(client: TestClient) -> None:
    answer = client.delete("/v1/verifications")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


def test_a_browser_gets_a_refusal_as_a_page(client: TestClient) -> None:
    answer = client.get("/nowhere", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "没有找到" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("body", [b"x" * 20_000, None])
def test_a_body_over_the_limit_is_refused_by_its_length_and_by_count(
    served: Served, body: bytes | None
) -> None:
    settings = served.region.platform.settings.model_copy(update={"body_limit": 1000})
    app = create_app(settings, platform=served.region.platform)

    def chunks() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(30):
            yield b"y" * 1000

    with TestClient(app) as client:
        answer = client.post(
            "/v1/verifications", content=body or chunks(),
            headers={"Content-Type": "multipart/form-data; boundary=x"},
        )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_one_address_runs_out_of_verifications_and_another_does_not() -> None:
    moments = [0.0]
    limit = middleware.RateLimit(
        _teapot, verifying=middleware.Rate(3, 1.0), clock=lambda: moments[0]
    )

    def ask(host: str, path: str = "/v1/verifications") -> int:
        return asyncio.run(_status(limit, host, path))

    assert [ask("203.0.113.9") for _ in range(4)] == [418, 418, 418, 429]
    assert ask("203.0.113.8") == 418
    assert ask("203.0.113.9", "/status/1") == 418
    assert [ask(f"2001:db8::{n}") for n in range(4)][-1] == 429
    moments[0] = 1.0
    assert [ask("203.0.113.9") for _ in range(2)] == [418, 429]


@pytest.mark.parametrize(
    "path",
    ["/register", "/register/complete", "/recover/code", "/sign-in/abc/password", "/device"],
)
def test_one_address_runs_out_of_tries_to_sign_in(path: str) -> None:
    moments = [0.0]
    limit = middleware.RateLimit(
        _teapot, signing_in=middleware.Rate(2, 1.0), clock=lambda: moments[0]
    )

    def ask(path: str, host: str = "203.0.113.9") -> int:
        return asyncio.run(_status(limit, host, path))

    assert [ask(path) for _ in range(3)] == [418, 418, 429]
    assert ask(path, "203.0.113.8") == 418
    for other in ("/oauth2/token", "/recovery", "/sign-inn", "/verify"):
        assert ask(other) == 418, f"{other} is not this bucket's"
    moments[0] = 1.0
    assert [ask(path) for _ in range(2)] == [418, 429]


def test_what_an_address_verifies_leaves_its_tries_to_sign_in_alone() -> None:
    one = middleware.Rate(1, 0.0)
    limit = middleware.RateLimit(_teapot, verifying=one, signing_in=middleware.Rate(1, 0.0))
    paths = ("/verify", "/verify", "/sign-in/a/totp", "/sign-in/a/totp")
    found = [asyncio.run(_status(limit, "203.0.113.9", path)) for path in paths]
    assert found == [418, 429, 418, 429]


def test_a_gateway_may_verify_more_by_a_setting_and_half_a_minute_of_it_at_once() -> None:
    assert middleware.rate(10.0) == middleware.VERIFYING == middleware.Rate(300, 10.0)
    assert middleware.rate(0.01) == middleware.Rate(1, 0.01)
    settings = Settings(verifying_per_second=250.0, development=True)
    added = [each.kwargs for each in create_app(settings).user_middleware]
    assert {"verifying": middleware.Rate(7500, 250.0)} in added


async def _teapot(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})


async def _status(app: middleware.RateLimit, host: str, path: str) -> int:
    found: list[int] = []

    async def send(message: Message) -> None:
        found.append(message.get("status", 0))

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    scope = {
        "type": "http", "method": "POST", "path": path, "client": (host, 1), "headers": [],
        "query_string": b"",
    }  # fmt: skip
    await app(scope, receive, send)
    return found[0]


# --- headers and the log -------------------------------------------------------------------------


def test_every_answer_carries_the_strict_headers(client: TestClient) -> None:
    for path in ("/verify", "/healthz", "/nowhere", "/static/site.css"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        # The page that reads codes without a network compiles WebAssembly, of ours only.
        policy = headers["content-security-policy"]
        if path == "/verify":
            policy = policy.replace("'wasm-unsafe-eval'", "")
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "strict-transport-security" not in headers  # the tests' base URL is http


@pytest.mark.parametrize(
    ("given", "kept"),
    [("gateway-0123456789abcdef", True), ("short", False), ("x" * 65, False), ("a b" * 8, False)],
)
def test_a_requests_id_is_kept_only_in_its_one_form(
    client: TestClient, given: str, kept: bool
) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": given})
    assert (answer.headers["x-request-id"] == given) is kept


def test_the_access_log_has_no_query_string(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="trust.access"):
        client.get("/healthz?name=张三")
    assert "GET /healthz 200" in caplog.text
    assert "name" not in caplog.text


# --- publications --------------------------------------------------------------------------------


def test_a_status_list_is_signed_cacheable_and_changes_with_a_licence(
    served: Served, client: TestClient
) -> None:
    region = served.region
    licence = region.issued()
    before = client.get(f"/status/{licence.status_list}")
    assert before.headers["content-type"] == "application/statuslist+jwt"
    assert before.headers["cache-control"] == "public, max-age=600"
    again = client.get(
        f"/status/{licence.status_list}", headers={"If-None-Match": before.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    with region.platform.sessions.begin() as session:
        revoke.change(
            session, licence.identifier, LicenceState.REVOKED, reason="test",
            by=region.caller("market.approver"), at=utc_now(), vault=region.platform.vault,
        )  # fmt: skip
    after = client.get(f"/status/{licence.status_list}")
    assert after.headers["etag"] != before.headers["etag"]
    _, listed = evidence.check_list(
        after.text, region.platform.knowledge.store, now=utc_now()
    )  # fmt: skip
    assert listed.status(licence.status_index) is status_list.Status.VOID


@pytest.mark.parametrize(
    "path", ["/status/999", "/crl/nobody.crl", "/ca/nobody.pem", "/log/no/checkpoint"]
)
def test_what_was_never_published_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_trust_list_is_signed_by_the_regions_list_signer(
    served: Served, client: TestClient
) -> None:
    listed = lists.parse(client.get("/trust-list").content)
    region = evidence.check_signer(
        listed.jws, served.region.platform.knowledge.store, purpose="list-signer",
        at=utc_now(), now=utc_now(),
    )  # fmt: skip
    assert region == "542500"


def test_openssl_accepts_the_crl_under_the_published_certificates(
    client: TestClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    openssl = find_tool("openssl")
    directory = tmp_path_factory.mktemp("crl")
    (directory / "ca.pem").write_bytes(client.get("/ca/issuing-rsa.pem").content)
    crl = client.get("/crl/issuing-rsa.crl")
    assert crl.headers["content-type"] == "application/pkix-crl"
    (directory / "one.crl").write_bytes(crl.content)
    said = subprocess.run(
        [openssl, "crl", "-inform", "DER", "-in", directory / "one.crl", "-CAfile",
         directory / "ca.pem", "-noout"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "verify OK" in said.stderr


def test_a_licence_is_proved_to_be_under_the_signed_checkpoint(
    served: Served, client: TestClient
) -> None:
    text = client.get("/log/licences/checkpoint").text
    size = int(text.split("\n")[1])
    index = served.licence.leaf_index
    proof = client.get(f"/log/licences/proof/inclusion?index={index}&size={size}").json()
    with served.region.platform.reading() as session:
        leaf = session.get_one(LogLeaf, ("licences", index)).leaf
    path = [base64.b64decode(part) for part in proof["proof"]]
    root = base64.b64decode(text.split("\n")[2])
    merkle.verify_inclusion(merkle.leaf_hash(leaf), index=index, size=size, proof=path, root=root)


def test_two_sizes_of_the_log_are_proved_to_be_of_one_log(
    served: Served, client: TestClient
) -> None:
    with served.region.platform.reading() as session:
        size = log.size(session, "licences")
        first, second = log.root(session, "licences", 1), log.root(session, "licences")
    proof = client.get(f"/log/licences/proof/consistency?first=1&second={size}").json()["proof"]
    merkle.verify_consistency(
        first=1, second=size, proof=[base64.b64decode(part) for part in proof],
        first_root=first, second_root=second,
    )  # fmt: skip


def test_of_the_audit_log_only_the_checkpoint_is_public(client: TestClient) -> None:
    assert client.get("/log/audit/checkpoint").text.startswith("trust.542500/audit\n")
    for path in ("inclusion?index=0&size=1", "consistency?first=1&second=1"):
        assert client.get(f"/log/audit/proof/{path}").status_code == 404


def test_a_proof_for_a_tree_that_does_not_exist_yet_is_refused(client: TestClient) -> None:
    answer = client.get("/log/licences/proof/inclusion?index=0&size=1000000")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_whatever_breaks_in_the_whole_application_keeps_the_strict_headers(
    served: Served, client: TestClient
) -> None:
    usual = served.app.state.trust_lists
    served.app.state.trust_lists = None
    try:
        answer = client.get("/trust-list")
    finally:
        served.app.state.trust_lists = usual
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "default-src 'none'" in answer.headers["content-security-policy"]


# --- serving -------------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_told_before_anything_is_opened(served: Served) -> None:
    with serve.bind("127.0.0.1", 0) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        settings = served.region.platform.settings.model_copy(update={"port": port})
        with pytest.raises(PortTaken, match=str(port)):
            serve.run(settings)


def test_the_access_log_holds_no_token_of_a_link(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    token = "Zz" + "9" * 41
    with caplog.at_level("INFO", logger="trust.access"):
        client.get(f"/recover/cancel/{token}")
    lines = [record.getMessage() for record in caplog.records if record.name == "trust.access"]
    assert any("/recover/cancel/Zz99..." in line for line in lines)
    assert not any(token in line for line in lines)
