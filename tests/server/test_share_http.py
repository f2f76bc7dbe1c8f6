"""The share interface through its two doors, with a platform's own tokens."""

import base64
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from gmssl import sm2 as gmssl_sm2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from certificates.models import Licence
from certificates.share import rights as share_rights
from certificates.share.cipher import signed_bytes
from certificates.share.gbt36906 import OPERATIONS
from certificates.wallet.holder_models import Entrustment
from sso import clients, grants, tokens
from sso.client_models import ClientRow
from sso.models import Account
from sso.tokens import UNBOUND, Authorized
from tests.certificates.offices import (
    BUSINESS,
    FOOD,
    ITEM,
    OTHER_ITEM,
    Office,
    bind,
    holder_code,
    open_office,
)
from tests.seal import living
from tests.server.conftest import Served
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.crypto import sm2, sm2_formats

WHY = {"cause": "办理道路运输经营许可", "item_code": ITEM}
USE = json.dumps(
    {"certificateSystemName": "运政系统", "certificateCopyCause": "办理许可",
     "certificateCallCategory": "0", "certificateEventCode": ITEM, "certificateMatterName": ""},
    ensure_ascii=False,
)  # fmt: skip


@dataclass
class Door:
    """A platform at the doors of the served region."""

    http: TestClient
    office: Office
    secret: str

    @property
    def token(self) -> str:
        form = {"grant_type": "client_credentials", "scope": "trust",
                "client_id": self.office.client, "client_secret": self.secret}  # fmt: skip
        answer = self.http.post("/oauth2/token", data=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def post(self, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.http.post(f"/v1/share/{path}", json=body, headers=headers)

    def envelope(self, operation: str, data: dict[str, Any], **head: str) -> dict[str, Any]:
        given = {"accessId": self.office.client, "accessToken": self.token} | head
        answer = self.http.post(f"/zzgx/v1/{operation}", json={"head": given, "data": data})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        assert set(found) == {"head", "data"}
        return found

    def status(self, operation: str, data: dict[str, Any], **head: str) -> int:
        return int(self.envelope(operation, data, **head)["head"]["status"])


@pytest.fixture
def door(served: Served, client: TestClient) -> Iterator[Door]:
    with open_office(served.region) as office:
        with served.region.platform.sessions.begin() as session:
            secret = clients.rotate_secret(session, office.client, by=SYSTEM, at=utc_now())
        yield Door(client, office, secret)


@pytest.fixture(scope="module", autouse=True)
def _items(served: Served) -> None:
    bind(served.region, ITEM, FOOD)
    bind(served.region, OTHER_ITEM, BUSINESS)


@pytest.fixture(scope="module")
def licence(served: Served) -> Licence:
    return served.region.issued("food-business-licence")


def key_of(door: Door, *, signed: bool = False) -> sm2.PrivateKey:
    key = sm2.PrivateKey.generate()
    with door.office.region.platform.sessions.begin() as session:
        share_rights.register_key(
            session, door.office.client, key.public_key, signed=signed, by=SYSTEM, at=utc_now()
        )
    return key


def opened(key: sm2.PrivateKey, ciphertext: str) -> Any:
    """What gmssl makes of a ciphertext: it wants C1 without the 04 of an uncompressed point."""
    box: Any = gmssl_sm2.CryptSM2(  # type: ignore[no-untyped-call]
        private_key=key.scalar().hex(), public_key="", mode=1
    )
    assert ciphertext.startswith("04")
    return json.loads(box.decrypt(bytes.fromhex(ciphertext[2:])))


def test_search_read_file_and_link_over_rest(door: Door, licence: Licence) -> None:
    door.office.right()
    found = door.post("searches", number=licence.number, purpose=WHY, case_number="2026-0001")
    assert [row["identifier"] for row in found.json()["items"]] == [licence.identifier]
    read = door.post("metadata", licence=licence.identifier, purpose=WHY).json()
    assert read["items"]["ZZBH"] == licence.number
    assert read["encrypted"] is None
    file = door.post("files", licence=licence.identifier, purpose=WHY, maker="运政大厅").json()
    assert base64.b64decode(file["content"]).startswith(b"%PDF")
    assert file["copy_number"]
    link = door.post("links", licence=licence.identifier, purpose=WHY, maker="运政大厅").json()
    path = "/v1/share/files/" + link["url"].rpartition("/")[2]
    assert door.http.head(path).status_code == 200
    first, second = door.http.get(path), door.http.get(path)
    assert first.content.startswith(b"%PDF")
    assert first.headers["cache-control"] == "no-store"
    assert (second.status_code, second.json()["code"]) == (404, "share_link_gone")
    assert door.http.head(path).status_code == 404


def test_the_copy_that_is_given_verifies_as_a_copy(door: Door, licence: Licence) -> None:
    door.office.right()
    file = door.post("files", licence=licence.identifier, purpose=WHY, maker="运政大厅").json()
    pdf = base64.b64decode(file["content"])
    report = door.http.post("/v1/verifications", files={"file": ("copy.pdf", pdf)}).json()
    assert report["outcome"] == "PASSED", report["checks"]
    assert report["licence"]["identifier"] == licence.identifier


REFUSED: dict[str, tuple[dict[str, Any] | None, dict[str, Any], int, str]] = {
    "no right": (None, {"purpose": WHY}, 403, "share_no_right"),
    "no purpose": ({}, {}, 422, "share_purpose_missing"),
    "item of another type": (
        {}, {"purpose": WHY | {"item_code": OTHER_ITEM}}, 403, "share_item_not_bound",
    ),
    "ceiling": ({"ceiling": 1}, {"purpose": WHY}, 429, "share_ceiling_reached"),
    "network": ({"networks": ("10.9.0.0/16",)}, {"purpose": WHY}, 403, "share_address_refused"),
    "somebody's number as purpose": (
        {}, {"purpose": {"cause": "查询 110101199003070038"}}, 422, "bad_purpose",
    ),
    "no key": ({}, {"purpose": WHY, "encrypt": "sm2"}, 409, "share_no_public_key"),
    "bad credential": (
        {}, {"purpose": WHY, "way": "entrusted", "credential": "x"}, 403, "share_not_entrusted",
    ),
    "unknown name": ({}, {"purpose": WHY, "extra": 1}, 422, "request_invalid"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_each_refusal_has_its_status_and_code(door: Door, licence: Licence, case: str) -> None:
    terms, body, status, code = REFUSED[case]
    if terms is not None:
        door.office.right(**terms)
    if code == "share_ceiling_reached":
        door.post("metadata", licence=licence.identifier, **body)
    answer = door.post("metadata", licence=licence.identifier, **body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_without_the_role_office_or_a_token_the_doors_are_shut(
    door: Door, client: TestClient, licence: Licence
) -> None:
    assert client.post("/v1/share/metadata", json={"licence": "x"}).status_code == 401
    assert door.status("zzysj", {"zzbs": "x"}, accessToken="x") == 1
    assert door.status("zzysj", {"zzbs": "x"}, accessId="another") == 1
    assert door.status("queryCertInfo", {"certIdentifier": "x"}, accessToken="") == 11


def test_disabling_the_platform_shuts_both_doors_at_once(door: Door, licence: Licence) -> None:
    door.office.right()
    token = door.token
    with door.office.region.platform.sessions.begin() as session:
        clients.disable(session, door.office.client, by=SYSTEM, at=utc_now())
    body = {"licence": licence.identifier, "purpose": WHY}
    headers = {"Authorization": f"Bearer {token}"}
    assert door.http.post("/v1/share/metadata", json=body, headers=headers).status_code == 401
    head = {"accessId": door.office.client, "accessToken": token}
    data = {"zzbs": licence.identifier, "useCause": USE}
    answer = door.http.post("/zzgx/v1/zzysj", json={"head": head, "data": data})
    assert answer.json()["head"]["status"] == 1


@pytest.mark.parametrize("family", ["estate", "province"])
def test_both_families_of_names_reach_the_same_verbs(
    door: Door, licence: Licence, family: str
) -> None:
    door.office.right()
    estate = family == "estate"
    name = "zzbs" if estate else "certIdentifier"
    number = "zzbh" if estate else "certNo"
    kind = "zzlxdm" if estate else "certTypeCode"
    one = {name: licence.identifier, "useCause": USE, "bizNum": "2026-0001"}
    operations = (
        ("zzjs", "zzysj", "zzxxxz", "zzdzxz", "zzxxyz", "zzwjyz") if estate else
        ("queryCert", "queryCertInfo", "downloadFile", "downloadUrl", "verifyCertInfo",
         "verifyFile")
    )  # fmt: skip
    search, info, file, url, data, whole = operations
    rows = door.envelope(search, {number: licence.number, "useCause": USE})["data"]["certs"]
    assert [row[name] for row in rows] == [licence.identifier]
    assert door.envelope(info, one)["data"]["certInfo"]["ZZBH"] == licence.number
    given = door.envelope(file, one)["data"]
    assert given["contentType"] == "base64"
    link = door.envelope(url, one)["data"]
    assert link["contentType"] == "http"
    fetched = door.http.get("/v1/share/files/" + link["content"].rpartition("/")[2])
    assert fetched.content.startswith(b"%PDF")
    code = holder_code(door.office.region, licence)
    asked = {kind: FOOD, "data": {number: licence.number,
                                  "czztdm" if estate else "holderCode": code}}  # fmt: skip
    assert door.envelope(data, asked)["data"] == {"result": 0}
    content = base64.b64encode(door.office.region.file(licence)).decode()
    checked = {kind: FOOD, "contentType": "base64", "content": content}
    assert door.envelope(whole, checked)["data"]["result"] == 0


ENVELOPES: dict[str, tuple[dict[str, Any] | None, str, dict[str, Any], int]] = {
    "no right": (None, "zzysj", {"useCause": USE}, 1),
    "no right, province": (None, "queryCertInfo", {"useCause": USE}, 100),
    "no purpose": ({}, "zzysj", {}, 5),
    "no purpose, province": ({}, "queryCertInfo", {}, 12),
    "no licence named": ({}, "zzysj", {"zzbs": "", "useCause": USE}, 5),
    "unknown licence": ({}, "zzysj", {"zzbs": "1.2.156.x", "useCause": USE}, 3),
    "unknown licence, province": (
        {}, "queryCertInfo", {"certIdentifier": "1.2.156.x", "useCause": USE}, 10,
    ),
    "purpose that is no JSON": ({}, "zzysj", {"useCause": "why"}, 4),
    "unknown name": ({}, "zzysj", {"useCause": USE, "zzbsx": "1"}, 4),
    "network": ({"networks": ("10.9.0.0/16",)}, "zzysj", {"useCause": USE}, 17),
    "ceiling": ({"ceiling": 1}, "zzysj", {"useCause": USE}, 16),
    "no such operation": ({}, "zzxx", {"useCause": USE}, 4),
}  # fmt: skip


@pytest.mark.parametrize("case", ENVELOPES)
def test_each_refusal_has_its_status_in_the_envelope(
    door: Door, licence: Licence, case: str
) -> None:
    terms, operation, changes, status = ENVELOPES[case]
    if terms is not None:
        door.office.right(**terms)
    name = "certIdentifier" if operation == "queryCertInfo" else "zzbs"
    data = {name: licence.identifier} | changes
    if status == 16:
        assert door.status(operation, data) == 0
    assert door.status(operation, data) == status


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"[]", b"{}", b'{"head":1,"data":{}}', b'{"head":{},"data":{},"head":{}}',
     b'{"head":{"accessId":1},"data":{}}', b'{"head":{"x":""},"data":{}}', b"\xff" * 100,
     b"[" * 5000],
    ids=range(10),
)  # fmt: skip
def test_garbage_is_answered_in_the_envelope(client: TestClient, body: bytes) -> None:
    for operation in OPERATIONS:
        answer = client.post(f"/zzgx/v1/{operation}", content=body)
        assert answer.status_code == 200
        assert answer.json()["head"]["status"] in (4, 102)


def test_the_token_operation_gives_a_token_that_works(door: Door, licence: Licence) -> None:
    door.office.right()
    head = {"accessId": door.office.client, "accessToken": ""}
    body = {"head": head, "data": {"accessSecret": door.secret}}
    answer = door.http.post("/zzgx/v1/token", json=body).json()
    assert answer["head"]["status"] == 0
    token = answer["data"]["accessToken"]
    data = {"zzbs": licence.identifier, "useCause": USE}
    assert door.status("zzysj", data, accessToken=token) == 0
    body["data"] = {"accessSecret": "wrong"}
    assert door.http.post("/zzgx/v1/token", json=body).json()["head"]["status"] == 1


def test_items_are_encrypted_to_the_callers_key_and_open_with_another_implementation(
    door: Door, licence: Licence
) -> None:
    door.office.right()
    key = key_of(door)
    answer = door.post("metadata", licence=licence.identifier, purpose=WHY, encrypt="sm2").json()
    assert answer["items"] is None
    assert opened(key, answer["encrypted"])["ZZBH"] == licence.number
    data = {"zzbs": licence.identifier, "useCause": USE, "encrypt": "sm2"}
    sealed = door.envelope("zzysj", data)["data"]
    assert "certInfo" not in sealed
    assert opened(key, sealed["encrypted"])["CZZTDM"] == holder_code(door.office.region, licence)


def test_a_platform_that_signs_is_heard_only_with_its_signature(
    door: Door, licence: Licence
) -> None:
    door.office.right()
    key, token = key_of(door, signed=True), door.token
    data = {"zzbs": licence.identifier, "useCause": USE}

    def sign(content: dict[str, Any], by: sm2.PrivateKey = key) -> str:
        der = by.sign(signed_bytes(door.office.client, token, content))
        return sm2_formats.der_to_raw(der).hex()

    def status(content: dict[str, Any], **head: str) -> int:
        return door.status("zzysj", content, accessToken=token, **head)

    assert status(data, sign=sign(data)) == 0
    assert status(data) == 13
    assert status(data | {"bizNum": "1"}, sign=sign(data)) == 13
    assert status(data, sign=sign(data, sm2.PrivateKey.generate())) == 13
    assert status(data, sign="00" * 64) == 13
    assert status(data, sign="zz") == 13


@pytest.mark.parametrize(
    ("forwarded", "from_proxy", "status"),
    [("10.9.1.1", True, 200), ("10.8.1.1", True, 403), ("10.9.1.1", False, 403)],
    ids=["its network", "another", "said by somebody who is no proxy"],
)
def test_a_right_looks_at_the_address_that_a_trusted_proxy_names(
    door: Door, served: Served, licence: Licence, forwarded: str, *, from_proxy: bool, status: int
) -> None:
    door.office.right(networks=("10.9.0.0/16",))
    behind = ProxyHeadersMiddleware(cast(Any, served.app), trusted_hosts="127.0.0.1")
    host = "127.0.0.1" if from_proxy else "192.0.2.7"
    http = TestClient(cast(Any, behind), client=(host, 40000))
    headers = {"Authorization": f"Bearer {door.token}", "X-Forwarded-For": forwarded}
    body = {"licence": licence.identifier, "purpose": WHY}
    answer = http.post("/v1/share/metadata", json=body, headers=headers)
    assert answer.status_code == status, answer.text


def test_no_personal_data_and_no_link_in_the_log(
    door: Door, licence: Licence, caplog: pytest.LogCaptureFixture
) -> None:
    door.office.right()
    code = holder_code(door.office.region, licence)
    caplog.set_level(logging.DEBUG)
    door.post("searches", holder_code=code, purpose=WHY)
    door.post("metadata", licence=licence.identifier, purpose=WHY)
    link = door.post("links", licence=licence.identifier, purpose=WHY, maker="运政大厅").json()
    token = link["url"].rpartition("/")[2]
    door.http.get(f"/v1/share/files/{token}")
    logged = [
        r.getMessage() for r in caplog.records if not r.name.startswith(("httpx", "httpcore"))
    ]
    assert any("/v1/share/files/" in line for line in logged)
    assert all(token not in line and code not in line for line in logged)


def agents_token(door: Door, name: str) -> str:
    """What the calling platform holds of an agent who is signed in there."""
    provider = door.http.app.state.provider  # type: ignore[attr-defined]
    with provider.sessions.begin() as session:
        client = clients.client_of(session.get_one(ClientRow, door.office.client))
        granted = grants.begin_grant(
            session, account=name, client_id=client.client_id, scopes=["openid"], at=utc_now()
        )
        key, sub = granted.id, session.get_one(Account, name).sub
    authorized = Authorized(
        grant_id=key, account=name, subject=sub, scope="openid", auth_time=utc_now(),
        acr="urn:trust:loa:2", amr=("pwd", "mfa"),
    )  # fmt: skip
    return tokens.access_token(
        provider, client, audience=[provider.issuer], scope="openid", bound=UNBOUND, at=utc_now(),
        authorized=authorized,
    )  # fmt: skip


def test_by_entrustment_an_agent_signed_in_at_the_platform_opens_it(
    door: Door, served: Served, licence: Licence
) -> None:
    door.office.right()
    vault = served.region.platform.vault
    for name in ("agent.zhang", "agent.li"):
        living.person(served.region, name, authority=None)
    with served.region.platform.sessions.begin() as session:
        code = holder_code(served.region, licence)
        session.add(
            Entrustment(
                id=uuid4(), principal_index=vault.index(code, column="holder"),
                principal_public="餐馆", agent="agent.zhang", licence=licence.identifier,
                type_code=None, matter="代办", until=utc_now() + timedelta(days=1),
                granted_by="holder", granted_at=utc_now(), revoked_by=None, revoked_at=None,
            )
        )  # fmt: skip

    def status(credential: str) -> int:
        answer = door.post(
            "metadata", licence=licence.identifier, purpose={"cause": "代办"}, way="entrusted",
            credential=credential,
        )  # fmt: skip
        return int(answer.status_code)

    good = agents_token(door, "agent.zhang")
    assert status(good) == 200
    assert status(agents_token(door, "agent.li")) == 403
    assert status(door.token) == 403  # the platform's own token is no agent
    with open_office(served.region) as other:
        elsewhere = Door(door.http, other, door.secret)
        assert status(agents_token(elsewhere, "agent.zhang")) == 403


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.dictionaries(
        st.sampled_from(["zzbs", "zzbh", "czztdm", "zzlxdm", "useCause", "bizNum", "pageSize",
                         "after", "data", "content", "contentType", "way", "encrypt", "jzjyxqz"]),
        st.one_of(st.text(max_size=40), st.integers(), st.none(), st.booleans(),
                  st.sampled_from([USE, FOOD, "99991231", "00010101", "base64", "sm2"]),
                  st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2)),
        max_size=6,
    ),
    operation=st.sampled_from(sorted(set(OPERATIONS) - {"token"})),
)  # fmt: skip
def test_no_data_makes_the_door_fail(held: Door, data: dict[str, Any], operation: str) -> None:
    head = {"accessId": held.office.client, "accessToken": held.secret}
    answer = held.http.post(f"/zzgx/v1/{operation}", json={"head": head, "data": data})
    assert answer.status_code == 200
    assert set(answer.json()) == {"head", "data"}


@pytest.fixture(scope="module")
def held(served: Served, client: TestClient) -> Iterator[Door]:
    """A platform with a right whose `secret` is a token already: for many calls."""
    with open_office(served.region) as office:
        with served.region.platform.sessions.begin() as session:
            secret = clients.rotate_secret(session, office.client, by=SYSTEM, at=utc_now())
        office.right(original=True)
        yield Door(client, office, Door(client, office, secret).token)
