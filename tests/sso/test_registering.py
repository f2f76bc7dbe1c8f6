"""Dynamic registration and its management, over HTTP."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sso import clients, grants
from sso.policy import Policy
from sso.provider import Provider
from tests.sso import front
from tests.sso.front import CALLBACK, Front
from tests.sso.provider import ISSUER, START, make_provider
from trust.db import Sessions
from trust.errors import NotFound
from trust.keys import SoftKeyStore

INITIAL = {"Authorization": "Bearer initial-token"}
POLICY = Policy(
    development=True, allow_private_callbacks=True, initial_access_token="initial-token"
)


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return make_provider(sqlite_sessions, soft_keys, tmp_path, policy=POLICY)


@pytest.fixture
def at_front(provider: Provider) -> Front:
    return Front(provider)


def register(at_front: Front, **more: object) -> Any:
    body = {"redirect_uris": [CALLBACK], **more}
    return at_front.http.post("/oauth2/register", json=body, headers=INITIAL)


def own(made: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['registration_access_token']}"}


def test_a_platform_registers_and_gets_what_it_needs(at_front: Front, provider: Provider) -> None:
    answer = register(at_front, client_name="平台", application_type="web")
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert (made["client_name"], made["redirect_uris"]) == ("平台", [CALLBACK])
    assert (made["token_endpoint_auth_method"], made["client_secret_expires_at"]) == (
        "client_secret_basic", 0,
    )  # fmt: skip
    assert made["id_token_signed_response_alg"] == "RS256"
    assert made["registration_client_uri"] == f"{ISSUER}/oauth2/register/{made['client_id']}"
    client = clients.find(provider.reading, made["client_id"])
    assert client is not None
    assert clients.check_secret(client, made["client_secret"], at=START)


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic initial-token"}]
)
def test_registering_takes_the_initial_access_token(
    at_front: Front, headers: dict[str, str]
) -> None:
    answer = at_front.http.post(
        "/oauth2/register", json={"redirect_uris": [CALLBACK]}, headers=headers
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_without_an_initial_access_token_there_is_no_registration(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path
) -> None:
    off = Front(make_provider(sqlite_sessions, soft_keys, tmp_path))
    with pytest.raises(NotFound):
        register(off)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a":1,"a":2}', b"\xff", b"[" * 5000])
def test_a_body_that_is_no_json_object_is_bad_metadata(at_front: Front, body: bytes) -> None:
    answer = at_front.http.post("/oauth2/register", content=body, headers=INITIAL)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_a_redirect_uri_with_a_fragment_is_refused(at_front: Front) -> None:
    """oidcc-registration-regfrag"""
    answer = register(at_front, redirect_uris=[CALLBACK + "#fragment"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")


def test_third_party_login_starts_by_https_only(at_front: Front) -> None:
    """oidcc-3rd_party-init-login, -nohttps"""
    made = register(at_front, initiate_login_uri="https://platform.example/start").json()
    assert made["initiate_login_uri"] == "https://platform.example/start"
    read = at_front.http.get(f"/oauth2/register/{made['client_id']}", headers=own(made))
    assert read.json()["initiate_login_uri"] == "https://platform.example/start"
    assert register(at_front, initiate_login_uri="http://platform.example/").status_code == 400


def test_nobody_registers_for_more_than_the_standard_scopes(at_front: Front) -> None:
    assert register(at_front, scope="openid id_number").status_code == 400
    assert "id_number" not in register(at_front).json()["scope"]


def test_an_id_or_secret_of_ones_own_choice_is_not_taken(at_front: Front) -> None:
    made = register(at_front, client_id="mine", client_secret="mine-mine").json()
    assert made["client_id"] != "mine"
    assert made["client_secret"] != "mine-mine"


@pytest.fixture
def sector() -> Iterator[str]:
    """A sector document that lists the one callback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(f'["{CALLBACK}"]'.encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/sector"
    server.shutdown()
    server.server_close()


def test_a_sector_must_list_every_redirect_uri(at_front: Front, sector: str) -> None:
    """oidcc-registration-sector-uri, -sector-bad"""
    good = register(at_front, subject_type="pairwise", sector_identifier_uri=sector)
    assert good.status_code == 201
    bad = register(at_front, sector_identifier_uri=sector, redirect_uris=[CALLBACK, CALLBACK + "2"])
    assert (bad.status_code, bad.json()["error"]) == (400, "invalid_client_metadata")
    gone = register(at_front, sector_identifier_uri="http://127.0.0.1:9/nothing")
    assert gone.json()["error"] == "invalid_client_metadata"


def test_a_platform_reads_and_replaces_its_registration(at_front: Front) -> None:
    made = register(at_front, client_uri="https://platform.example/").json()
    url = f"/oauth2/register/{made['client_id']}"
    read = at_front.http.get(url, headers=own(made)).json()
    assert read == {name: made[name] for name in made if not name.startswith("client_secret")}
    changed = at_front.http.put(url, headers=own(made), json={
        "client_id": made["client_id"], "client_secret": made["client_secret"],
        "redirect_uris": [CALLBACK + "2"],
    })  # fmt: skip
    assert changed.status_code == 200
    assert changed.json()["redirect_uris"] == [CALLBACK + "2"]
    assert "client_uri" not in changed.json()


@pytest.mark.parametrize("more", [{"client_id": "another"}, {"client_secret": "chosen-by-me"},
                                  {"redirect_uris": []},
                                  {"scope": "openid trust"}])  # fmt: skip
def test_a_replacement_is_checked_like_a_registration(
    at_front: Front, more: dict[str, Any]
) -> None:
    made = register(at_front).json()
    body = {"client_id": made["client_id"], "redirect_uris": [CALLBACK], **more}
    answer = at_front.http.put(
        f"/oauth2/register/{made['client_id']}", headers=own(made), json=body
    )
    assert answer.status_code == 400


def test_a_registration_is_managed_by_its_own_token_only(at_front: Front) -> None:
    one, other = register(at_front).json(), register(at_front).json()
    url = f"/oauth2/register/{one['client_id']}"
    for headers in ({}, INITIAL, own(other)):
        assert at_front.http.get(url, headers=headers).status_code == 401
        assert at_front.http.delete(url, headers=headers).status_code == 401
        body = {"client_id": one["client_id"], "redirect_uris": [CALLBACK]}
        assert at_front.http.put(url, headers=headers, json=body).status_code == 401


def test_ending_a_registration_ends_its_grants_and_its_token(
    at_front: Front, provider: Provider
) -> None:
    made = register(at_front).json()
    with provider.sessions.begin() as session:
        front.person(session, at=START)
        grants.begin_grant(
            session, account="zhang", client_id=made["client_id"], scopes=["openid"], at=START
        )
    url = f"/oauth2/register/{made['client_id']}"
    assert at_front.http.delete(url, headers=own(made)).status_code == 204
    assert at_front.http.get(url, headers=own(made)).status_code == 401
    client = clients.find(provider.reading, made["client_id"])
    assert client is not None
    assert not client.active
    with provider.reading() as session:
        assert grants.of_account(session, "zhang") == []
