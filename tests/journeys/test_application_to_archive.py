"""A licence from a business system's application to the archive, every step over HTTP by whoever
makes it in an office: administrators, systems, clerks, approvers, an office, a receiver."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from server.cli import main
from tests.certificates.office import STRICT
from tests.certificates.offices import ITEM, bind
from tests.certificates.receiver import Got, Receiver, listening
from tests.journeys.world import World, wait_until
from tests.regions import MARKET, TRANSPORT, example
from tests.server.test_office_pages import grant
from trust.access import Role

CASE = "2026-JZ-000117"
WHY = {"cause": "办理道路占用许可", "item_code": ITEM}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as opened:
        yield opened


def genuine(got: Got, secret: str) -> None:
    """Fails unless the message is signed with the receiver's secret (Standard Webhooks)."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    named = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode()
    wanted = base64.b64encode(hmac.digest(key, named + got.body, "sha256")).decode()
    assert f"v1,{wanted}" in got.headers["webhook-signature"].split()


def test_a_business_systems_application_becomes_a_licence_that_is_shared_told_and_archived(
    world: World, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1 set up, 2 entered, 3 decided, 4 issued, 5 verified, 6 shared, 7 told, 8 archived."""
    secret = _set_up(world, receiver)
    where = _entered(world)
    key = where.rpartition("/")[2]
    _decided(world, where)
    made = world.done("market.head", f"{where}/licence", key=uuid4().hex)
    assert world.read("审批系统", where)["licence"] == made["identifier"]
    pdf = world.file(made)
    assert pdf.startswith(b"%PDF-")
    for given in (pdf, made["qr"]):
        report = world.verified(given)
        assert report["outcome"] == "PASSED", report["checks"]
        assert report["licence"]["identifier"] == made["identifier"]
    _shared(world, made["identifier"])
    _told(receiver, secret, made["identifier"])
    _archived(world, made["identifier"], tmp_path, monkeypatch)
    acts = [act for act, _ in world.audited(key)]
    assert acts.count("application.entered") == 1
    assert {"application.checked", "application.reviewed", "application.approved"} <= set(acts)


def _set_up(world: World, receiver: Receiver) -> str:
    """The systems of the approving, the relying and the archiving office, and who is told of
    changes; the receiver's secret."""
    world.system("审批系统", MARKET.code, Role.CLERK)
    relying = world.system("运政系统", TRANSPORT.code, Role.OFFICE)
    world.system("档案系统", MARKET.code, Role.CLERK)
    type_code = world.read("market.clerk", f"/v1/licence-types/{STRICT}")["code"]
    bind(world.region, ITEM, type_code)
    grant(world.desk.visit("desk.guard"), type_code, to="client", grantee=relying)
    told = world.done("desk.system", "/v1/webhooks", {"name": "监管平台", "url": receiver.url})
    return str(told["secret"])


def _entered(world: World) -> str:
    """The same request twice, as after an answer that was lost: one application."""
    body = {"type": STRICT, "content": example(STRICT), "case_number": CASE}
    key = uuid4().hex
    first = world.ask("审批系统", "/v1/applications", body, key=key)
    again = world.ask("审批系统", "/v1/applications", body, key=key)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert first.status_code == 201, first.text
    assert first.json()["system"] != "trust"
    found = world.read("market.approver", f"/v1/applications?case_number={CASE}")
    assert [each["id"] for each in found["applications"]] == [first.json()["id"]]
    return str(first.headers["Location"])


def _decided(world: World, where: str) -> None:
    """By four different people; whoever took part before is refused."""
    early = world.ask("market.approver", f"{where}/approval")
    assert early.json()["code"] == "steps_missing"
    for who, step, state in (
        ("market.second", "check", "checked"), ("market.checker", "review", "reviewed"),
        ("market.approver", "approval", "approved"),
    ):  # fmt: skip
        assert world.done(who, f"{where}/{step}")["state"] == state
        if state == "reviewed":
            own = world.ask("market.checker", f"{where}/approval")
            assert (own.status_code, own.json()["code"]) == (403, "own_application")


def _shared(world: World, licence: str) -> None:
    """To an office by its duty: items, a marked copy that verifies, and a look on record."""
    asked = {"licence": licence, "purpose": WHY, "case_number": CASE}
    items = world.done("运政系统", "/v1/share/metadata", asked)["items"]
    assert items["ZZBS"] == licence
    file = world.done("运政系统", "/v1/share/files", asked | {"maker": "交通运输局"})
    copy = world.verified(base64.b64decode(file["content"]))
    assert copy["outcome"] == "PASSED", copy["checks"]
    assert copy["licence"]["copy_purpose"] == WHY["cause"]
    assert [details for act, details in world.audited(licence) if details.get("item") == ITEM]


def _told(receiver: Receiver, secret: str, licence: str) -> None:
    def arrived() -> list[Got]:
        return [got for got in list(receiver.got) if licence.encode() in got.body]

    wait_until(arrived)
    (got,) = arrived()
    genuine(got, secret)
    body = json.loads(got.body)
    assert (body["type"], body["data"]["identifier"]) == ("licence.issued", licence)
    assert example(STRICT)["CZZT"].encode() not in got.body


def _archived(world: World, licence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetched by the archive system; judged elsewhere, by the roots alone, and byte for byte."""
    answer = world.ask("档案系统", f"/v1/licences/{licence}/archive", method="GET")
    assert answer.headers["content-type"] == "application/zip"
    package, roots = tmp_path / "package.zip", tmp_path / "roots"
    package.write_bytes(answer.content)
    home = world.region.platform.settings.home
    monkeypatch.setenv("TRUST_HOME", str(home))
    monkeypatch.setenv("TRUST_KEY_PASSPHRASE", "a passphrase of the tests")
    monkeypatch.setenv("TRUST_DEVELOPMENT", "true")
    assert main(["anchors", str(roots)]) == 0
    monkeypatch.setenv("TRUST_HOME", str(tmp_path / "nobody-lives-here"))
    judging = ["archive", "--verify", str(package), "--anchors", str(roots)]
    assert main(judging) == 0
    changed = bytearray(answer.content)
    changed[len(changed) // 2] ^= 1
    package.write_bytes(changed)
    assert main(judging) == 1
    assert hashlib.sha256(answer.content).digest() != hashlib.sha256(changed).digest()
