"""Two regions that witness each other's public log."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from ca import signers
from certificates import public_log, registry
from certificates.regions import region_list
from server import provision, witnessing
from server.app import create_app
from server.provision import RegionPlan
from tests.regions import Region, build
from trust import list_accept, list_sources, log, witness
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.crypto import checkpoint, cosignature
from trust.list_models import HeldList
from trust.witness_models import SplitView, WitnessedLog


@dataclass
class Pair:
    """`ali` asks, `dingxi` cosigns; each holds the other's list."""

    ali: Region
    dingxi: Region
    door: TestClient

    def post(self, url: str, body: bytes) -> tuple[int, bytes]:
        assert url.endswith(witnessing.PATH)
        answer = self.door.post(witnessing.PATH, content=body)
        return answer.status_code, answer.content

    def ask(self) -> list[str]:
        at = utc_now()
        provision.sign_checkpoints(self.ali.platform, at=at)
        self.ali.platform.lists.forget()
        return witnessing.ask_witnesses(
            self.ali.platform, self.ali.platform.lists, post=self.post, at=at
        )

    def newest(self) -> str:
        with self.ali.platform.reading() as session:
            found = log.latest_checkpoint(session, public_log.LOG)
        assert found is not None
        return found.text


def introduce(one: Region, other: Region, *, code: str) -> None:
    """`one` takes the trust list of `other`."""
    at = utc_now()
    published = region_list.publish(other.platform.sessions, keys=other.platform.keys, at=at)
    with other.platform.reading() as session:
        signer = region_list.list_signer(session, keys=other.platform.keys, at=at)
    with one.platform.sessions.begin() as session:
        list_sources.add(
            session, code, name=code, uri=f"https://{code}.example/trust-list",
            signers=(signer.certificate.der,), by=SYSTEM, at=at,
        )  # fmt: skip
    with one.platform.reading() as session:
        own = registry.region(session).code
    taken = list_accept.take(one.platform.sessions, code, published.document, own=own, at=at)
    assert taken.code == "accepted", taken.detail
    with one.platform.reading() as session:
        assert session.scalar(select(HeldList.region).where(HeldList.region == code)) == code


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    ali = build(tmp_path_factory.mktemp("ali"))
    dingxi = build(tmp_path_factory.mktemp("dingxi"), plan=RegionPlan("621100", "定西市"))
    introduce(ali, dingxi, code="621100")
    introduce(dingxi, ali, code="542500")
    ali.issued("food-business-licence")
    app = create_app(dingxi.platform.settings, platform=dingxi.platform)
    with TestClient(app) as door:
        yield Pair(ali, dingxi, door)
    for each in (ali, dingxi):
        each.platform.engine.dispose()


def test_each_new_checkpoint_is_cosigned_and_served_with_the_line(pair: Pair) -> None:
    assert pair.ask() == ["621100"]
    assert pair.ask() == []  # once each
    pair.ali.issued("food-business-licence")
    assert pair.ask() == ["621100"]
    text = witnessing.with_cosignatures(pair.ali.platform, pair.newest())
    (key,) = witnessing.log_keys(pair.ali.platform.lists, "trust.621100/licences")
    seen, _ = cosignature.verify_cosignature(
        text, name=witnessing.witness_name("621100"), spki=key.spki, algorithm=key.algorithm
    )
    assert seen.size == checkpoint.parse(pair.newest())[0].size


def test_a_witness_that_forgot_what_it_saw_is_asked_again(pair: Pair) -> None:
    """A fresh witness knows nothing: the proof begins where it says."""
    pair.ali.issued("food-business-licence")
    with pair.dingxi.platform.sessions.begin() as session:
        for row in session.scalars(select(WitnessedLog)):
            session.delete(row)
    assert pair.ask() == ["621100"]


def test_a_log_with_two_faces_is_refused_and_named(pair: Pair) -> None:
    pair.ask()
    seen = checkpoint.parse(pair.newest())[0]
    body = checkpoint.body(origin=seen.origin, size=seen.size, root=bytes(32))
    with pair.ali.platform.reading() as session:
        signer = signers.active(session, "log-signer", keys=pair.ali.platform.keys, at=utc_now())
    other = checkpoint.attach(
        body, signer.sign(body), name=seen.origin, spki=signer.certificate.spki,
        algorithm=signer.algorithm,
    )  # fmt: skip
    status, answer = pair.post(
        witnessing.PATH, witness.write_request(other, old_size=seen.size, proof=[])
    )
    assert status == 409
    assert b"split_view" in answer
    with pair.dingxi.platform.reading() as session:
        assert session.scalars(select(SplitView.origin)).all() == [seen.origin]


def test_a_log_that_no_list_names_is_not_cosigned(pair: Pair) -> None:
    note = pair.newest().replace("trust.542500", "trust.999999")
    status, answer = pair.post(witnessing.PATH, witness.write_request(note, old_size=0, proof=[]))
    assert (status, b"unknown_log" in answer) == (404, True)


def told(answer: tuple[int, bytes] | None, _url: str, _body: bytes) -> tuple[int, bytes] | None:
    return answer


def test_a_witness_that_does_not_answer_costs_nothing(pair: Pair) -> None:
    pair.ali.issued("food-business-licence")
    at = utc_now()
    provision.sign_checkpoints(pair.ali.platform, at=at)
    lists = pair.ali.platform.lists
    for answer in (None, (500, b""), (200, b"nonsense"), (409, b"x"), (200, b"\xff" * 100)):
        post = partial(told, answer)
        assert witnessing.ask_witnesses(pair.ali.platform, lists, post=post, at=at) == []
    assert witnessing.post_text("http://127.0.0.1:1/witness/add-checkpoint", b"") is None
    assert witnessing.post_text("ftp://127.0.0.1/", b"") is None


def test_a_request_that_is_too_long_is_refused(pair: Pair) -> None:
    answer = pair.door.post(witnessing.PATH, content=b"x" * 40_000)
    assert answer.status_code == 422
