"""Webhooks: everyone who asked hears of every change, in order, and of nobody's person."""

import base64
import hmac
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from certificates import events
from certificates.event_models import LicenceEvent
from certificates.feeds import outbox, webhooks, webhooks_delivery, webhooks_replay
from certificates.feeds.webhooks import BadSubscription, Wanted
from certificates.feeds.webhooks_delivery import LEASE, TRIES, Sender
from certificates.feeds.webhooks_models import WebhookDelivery, WebhookSubscription
from certificates.feeds.webhooks_signature import SignatureKind, hmac_sm3, read_secret, verify
from certificates.models import LicenceState
from server.feeds import Feeds
from sso.outgoing import Outgoing, OutgoingRefused
from tests.certificates import eventful
from tests.certificates.eventful import ADMIN, CLERK, HOLDER, HOLDER_CODE, VAULT, Clock
from tests.certificates.receiver import Got, Receiver, listening
from tests.regions import Region
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.crypto.errors import InvalidSignature
from trust.db import Sessions
from trust.errors import Forbidden


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sender(sessions: Sessions, clock: Clock) -> Sender:
    eventful.found_region(sessions)
    post = Outgoing(allow_private=True).post
    return Sender(sessions, sessions, VAULT, post, clock, jitter=lambda: 0.0)


def subscribe(sender: Sender, url: str, **more: Any) -> webhooks.Subscribed:
    with sender.sessions.begin() as session:
        return webhooks.subscribe(
            session, Wanted("信用平台", url, **more), vault=VAULT, by=ADMIN, at=sender.clock(),
            allow_private=True,
        )  # fmt: skip


def route(sender: Sender) -> int:
    return outbox.route_new(sender.sessions, sender.reading, at=sender.clock())


def sequences(receiver: Receiver) -> list[int]:
    return [json.loads(each.body)["data"]["sequence"] for each in receiver.got]


def test_every_change_arrives_signed_and_in_order(sender: Sender) -> None:
    with listening() as receiver:
        made = subscribe(sender, receiver.url)
        first, second = eventful.licences(sender.sessions, 2)
        eventful.change(sender.sessions, first, LicenceState.SUSPENDED)
        assert route(sender) == 3
        assert webhooks_delivery.deliver_due(sender) == 3
    assert sequences(receiver) == sorted(sequences(receiver))
    told = [json.loads(each.body) for each in receiver.got]
    assert [(each["type"], each["data"]["identifier"]) for each in told] == [
        ("licence.issued", first), ("licence.issued", second), ("licence.suspended", first),
    ]  # fmt: skip
    assert told[0]["data"]["state"] == "active"
    for each in receiver.got:
        verify(
            each.headers, each.body, kind=SignatureKind.SHA256, secret=read_secret(made.secret),
            at=sender.clock(),
        )  # fmt: skip


def test_a_payload_names_no_person(sender: Sender) -> None:
    with listening() as receiver:
        subscribe(sender, receiver.url)
        eventful.licences(sender.sessions, 1)
        route(sender)
        webhooks_delivery.deliver_due(sender)
    text = receiver.got[0].body.decode() + repr(receiver.got[0].headers)
    assert HOLDER not in text
    assert HOLDER_CODE not in text
    assert "王" not in text
    assert set(json.loads(receiver.got[0].body)["data"]) == {
        "sequence", "identifier", "state", "type", "authority", "region",
    }  # fmt: skip


def test_the_signature_is_that_of_standard_webhooks(sender: Sender) -> None:
    """By the words of the specification, with no code of ours."""
    with listening() as receiver:
        made = subscribe(sender, receiver.url)
        eventful.licences(sender.sessions, 1)
        route(sender)
        webhooks_delivery.deliver_due(sender)
    headers, body = receiver.got[0].headers, receiver.got[0].body
    key = base64.b64decode(made.secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["content-type"] == "application/json"


def test_hmac_sm3_agrees_with_hashlib() -> None:
    """hmac of the standard library, where OpenSSL has SM3."""
    for key in (b"", b"k", bytes(64), bytes(range(100))):
        assert hmac_sm3(key, b"message") == hmac.digest(key, b"message", "sm3")


def test_a_receiver_may_ask_for_sm3(sender: Sender) -> None:
    with listening() as receiver:
        made = subscribe(sender, receiver.url, signature=SignatureKind.SM3)
        eventful.licences(sender.sessions, 1)
        route(sender)
        webhooks_delivery.deliver_due(sender)
    got, secret = receiver.got[0], read_secret(made.secret)
    assert got.headers["webhook-signature"].startswith("v1sm3,")
    verify(got.headers, got.body, kind=SignatureKind.SM3, secret=secret, at=sender.clock())
    with pytest.raises(InvalidSignature):
        verify(got.headers, got.body + b" ", kind=SignatureKind.SM3, secret=secret,
               at=sender.clock())  # fmt: skip


def test_while_a_secret_is_changed_both_verify(sender: Sender, clock: Clock) -> None:
    with listening() as receiver:
        old = subscribe(sender, receiver.url)
        with sender.sessions.begin() as session:
            new = webhooks.rotate(session, old.id, vault=VAULT, by=ADMIN, at=clock())
        for _ in range(2):
            eventful.licences(sender.sessions, 1)
            route(sender)
            webhooks_delivery.deliver_due(sender)
            clock.forward(hours=25)
    during, after = receiver.got
    at = eventful.START
    for each in (old, new):
        verify(during.headers, during.body, kind=SignatureKind.SHA256,
               secret=read_secret(each.secret), at=at)  # fmt: skip
    with pytest.raises(InvalidSignature):
        verify(after.headers, after.body, kind=SignatureKind.SHA256,
               secret=read_secret(old.secret), at=at + timedelta(hours=25))  # fmt: skip


def test_only_kinds_and_types_that_were_asked_for_are_sent(sender: Sender) -> None:
    with listening() as receiver, listening() as other:
        subscribe(sender, receiver.url, kinds=("revoked",))
        subscribe(sender, other.url, types=("11100000MB0143028R999",))
        (name,) = eventful.licences(sender.sessions, 1)
        eventful.change(sender.sessions, name, LicenceState.REVOKED)
        route(sender)
        webhooks_delivery.deliver_due(sender)
    assert [json.loads(each.body)["type"] for each in receiver.got] == ["licence.revoked"]
    assert other.got == []


def test_a_failing_message_is_tried_again_and_nothing_overtakes_it(
    sender: Sender, clock: Clock
) -> None:
    with listening() as receiver:
        subscribe(sender, receiver.url)
        eventful.licences(sender.sessions, 2)
        route(sender)
        receiver.answer = lambda got: 500 if len(receiver.got) <= 3 else 200
        waits = []
        while len(receiver.got) < 5:
            if webhooks_delivery.deliver_due(sender) == 0:
                with sender.reading() as session:
                    due = session.scalars(select(WebhookSubscription.next_at)).one()
                assert due is not None
                waits.append((due - clock()).total_seconds())
                clock.at = due
    assert sequences(receiver) == [1, 1, 1, 1, 2]
    assert len(set(receiver.ids())) == 2
    assert waits == [2.5, 5.0, 10.0]  # half of each wait, as the jitter is 0


def test_after_so_many_tries_a_message_is_a_dead_letter_and_the_next_has_its_turn(
    sender: Sender, clock: Clock
) -> None:
    with listening() as receiver:
        made = subscribe(sender, receiver.url)
        eventful.licences(sender.sessions, 2)
        route(sender)
        receiver.answer = lambda got: 500 if b'"sequence":1,' in got.body else 204
        for _ in range(TRIES + 1):
            webhooks_delivery.deliver_due(sender)
            clock.forward(hours=1)
        assert sequences(receiver) == [1] * TRIES + [2]
        with sender.sessions.begin() as session:
            dead = session.scalars(
                select(WebhookDelivery).where(WebhookDelivery.state == outbox.DEAD)
            ).one()
            assert dead.last_error == "the receiver answered 500"
            webhooks.retry(session, dead.id, by=ADMIN, at=clock())
        receiver.answer = lambda got: 200
        assert webhooks_delivery.deliver_due(sender) == 1
    assert receiver.ids()[-1] == receiver.ids()[0]
    assert made.id
    with sender.reading() as session:
        assert set(session.scalars(select(WebhookDelivery.state))) == {outbox.DELIVERED}


def test_a_slow_receiver_is_left_and_asked_again(
    sender: Sender, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks_delivery, "SECONDS", 0.2)
    with listening() as receiver:
        subscribe(sender, receiver.url)
        eventful.licences(sender.sessions, 1)
        route(sender)
        receiver.answer = lambda got: -0.5 if len(receiver.got) == 1 else 200
        assert webhooks_delivery.deliver_due(sender) == 0
        clock.forward(minutes=1)
        assert webhooks_delivery.deliver_due(sender) == 1
    assert len(receiver.got) == 2
    assert len(set(receiver.ids())) == 1


def test_killed_between_send_and_mark_the_receiver_sees_the_same_id_twice(
    sender: Sender, clock: Clock
) -> None:
    with listening() as receiver:
        subscribe(sender, receiver.url)
        eventful.licences(sender.sessions, 1)
        route(sender)
        turn = webhooks_delivery.lease(sender)
        assert turn is not None
        message = webhooks_delivery._first(sender, turn)
        assert message is not None
        assert webhooks_delivery.send(sender, turn, message) is None
        # Here the process dies: nothing is marked, and the lease is not given back.
        assert webhooks_delivery.deliver_due(sender) == 0
        clock.forward(seconds=LEASE.total_seconds() + 1)
        assert webhooks_delivery.deliver_due(sender) == 1
    assert len(receiver.got) == 2
    assert len(set(receiver.ids())) == 1


_CHILD = """
import sys
from certificates.feeds import webhooks_delivery
from certificates.feeds.webhooks_delivery import Sender
from sso.outgoing import Outgoing
from tests.certificates.eventful import VAULT, Clock
from trust.db import open_engine, open_sessions
sessions = open_sessions(open_engine(sys.argv[1]))
post = Outgoing(allow_private=True).post
webhooks_delivery.deliver_due(Sender(sessions, sessions, VAULT, post, Clock()))
"""


def test_kill_minus_nine_while_the_receiver_answers_loses_nothing(
    sender: Sender, clock: Clock, engine: Engine
) -> None:
    """The child is killed when its second message has arrived and before it can note that."""
    with listening() as receiver:
        subscribe(sender, receiver.url)
        eventful.licences(sender.sessions, 3)
        route(sender)
        url = engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
        child = subprocess.Popen([sys.executable, "-c", _CHILD, url])

        def answer(got: Got) -> float:
            if len(receiver.got) == 2:
                child.kill()
                child.wait(timeout=10)
            return 200

        receiver.answer = answer
        assert child.wait(timeout=30) == -signal.SIGKILL
        clock.forward(seconds=LEASE.total_seconds() + 1)
        assert webhooks_delivery.deliver_due(sender) == 2
    assert sequences(receiver) == [1, 2, 2, 3]
    assert len(set(receiver.ids())) == 3


def test_two_processes_never_send_to_one_receiver_at_once(sender: Sender) -> None:
    with listening() as receiver:
        subscribe(sender, receiver.url)
        eventful.licences(sender.sessions, 30)
        route(sender)
        busy, most, held = 0, 0, threading.Lock()

        def answer(got: object) -> float:
            nonlocal busy, most
            with held:
                busy += 1
                most = max(most, busy)
            threading.Event().wait(0.002)
            with held:
                busy -= 1
            return 200

        receiver.answer = answer
        workers = [
            threading.Thread(target=webhooks_delivery.deliver_due, args=(sender,)) for _ in range(4)
        ]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
    assert most == 1
    assert sequences(receiver) == list(range(1, 31))


def test_a_lost_lease_is_noticed_before_anything_is_written(sender: Sender, clock: Clock) -> None:
    with listening() as receiver:
        subscribe(sender, receiver.url)
        eventful.licences(sender.sessions, 1)
        route(sender)
        slow = webhooks_delivery.lease(sender)
        assert slow is not None
        clock.forward(seconds=LEASE.total_seconds() + 1)
        other = webhooks_delivery.lease(sender)
        assert other is not None
        assert webhooks_delivery.serve(sender, slow) == 0
    with sender.reading() as session:
        assert session.scalars(select(WebhookDelivery.state)).one() == outbox.WAITING


def test_an_event_that_commits_late_is_not_lost(
    postgresql_engine: object, sender_of: Callable[[Sessions], Sender]
) -> None:
    """On PostgreSQL sequences are given before the commit: 1 comes after 2 has been routed."""
    from trust.db import open_sessions

    sessions = open_sessions(postgresql_engine)  # type: ignore[arg-type]
    sender = sender_of(sessions)
    with listening() as receiver:
        subscribe(sender, receiver.url)
        with sessions() as late:
            late.begin()
            eventful.licence(late)  # holds sequence 1
            eventful.licences(sessions, 1)  # 2, committed
            assert route(sender) == 1
            assert webhooks_delivery.deliver_due(sender) == 1
            late.commit()
        assert route(sender) == 1
        assert webhooks_delivery.deliver_due(sender) == 1
    assert sequences(receiver) == [2, 1]
    with sessions() as session:
        assert session.scalar(select(LicenceEvent).where(LicenceEvent.routed_at.is_(None))) is None


@pytest.fixture
def sender_of(clock: Clock) -> Callable[[Sessions], Sender]:
    def make(sessions: Sessions) -> Sender:
        eventful.found_region(sessions)
        return Sender(sessions, sessions, VAULT, Outgoing(allow_private=True).post, clock)

    return make


def test_routing_side_by_side_queues_each_event_once(sender: Sender) -> None:
    with listening() as receiver:
        subscribe(sender, receiver.url)
        eventful.licences(sender.sessions, 40)
        counted: list[int] = []
        workers = [threading.Thread(target=lambda: counted.append(route(sender))) for _ in range(4)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
    assert sum(counted) == 40
    with sender.reading() as session:
        assert len(session.scalars(select(WebhookDelivery.event)).all()) == 40


def test_a_replay_sends_old_messages_under_their_ids_and_missed_ones_too(
    sender: Sender, clock: Clock
) -> None:
    with listening() as receiver:
        eventful.licences(sender.sessions, 1)
        route(sender)  # before anybody asked
        made = subscribe(sender, receiver.url)
        eventful.licences(sender.sessions, 1)
        route(sender)
        webhooks_delivery.deliver_due(sender)
        with sender.sessions.begin() as session:
            again = webhooks_replay.replay(session, made.id, first=1, by=ADMIN, at=clock())
        assert again == 2
        webhooks_delivery.deliver_due(sender)
    assert sequences(receiver) == [2, 1, 2]
    assert receiver.ids()[0] == receiver.ids()[2]


def test_addresses_inside_our_own_network_are_not_called(sender: Sender, clock: Clock) -> None:
    guarded = replace(sender, post=Outgoing(allow_private=False).post)
    made = subscribe(sender, "https://127.0.0.1:1/hook")
    eventful.licences(sender.sessions, 1)
    route(sender)
    assert webhooks_delivery.deliver_due(guarded) == 0
    with sender.reading() as session:
        row = session.scalars(select(WebhookDelivery)).one()
        assert row.last_error == "the address is not on the public internet"
        assert made.id
    with pytest.raises(OutgoingRefused):
        guarded.post("https://[::1]/", b"", headers={}, cap=10, timeout=1)


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/", "http://a.example/", "https://user:word@a.example/",
     "https://a.example/#x", "https:///x", "https://a b.example/", "https://a.example:0/",
     "https://a.example/" + "x" * 2000, "https://证照.example/"],
    ids=["ftp", "plain", "user", "fragment", "no-host", "blank", "port", "long", "not-ascii"],
)  # fmt: skip
def test_an_address_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(BadSubscription):
        webhooks.check(Wanted("x", url), allow_private=False)


def test_only_a_system_administrator_sets_up_receivers(sender: Sender) -> None:
    with sender.sessions() as session, pytest.raises(Forbidden):
        webhooks.subscribe(
            session, Wanted("x", "https://a.example/"), vault=VAULT, by=CLERK, at=sender.clock(),
            allow_private=False,
        )  # fmt: skip


def test_a_paused_receiver_gets_nothing_and_a_resumed_one_what_waited(
    sender: Sender, clock: Clock
) -> None:
    with listening() as receiver:
        made = subscribe(sender, receiver.url)
        eventful.licences(sender.sessions, 1)
        route(sender)
        with sender.sessions.begin() as session:
            webhooks.pause(session, made.id, by=ADMIN, at=clock())
        assert webhooks_delivery.deliver_due(sender) == 0
        with sender.sessions.begin() as session:
            webhooks.resume(session, made.id, by=ADMIN, at=clock())
        assert webhooks_delivery.deliver_due(sender) == 1


def test_a_removed_receiver_leaves_nothing(sender: Sender, clock: Clock) -> None:
    made = subscribe(sender, "https://a.example/")
    eventful.licences(sender.sessions, 1)
    route(sender)
    with sender.sessions.begin() as session:
        webhooks.remove(session, made.id, by=ADMIN, at=clock())
    with sender.reading() as session:
        assert session.scalars(select(WebhookDelivery)).all() == []


def test_delivered_messages_go_after_ninety_days_and_dead_letters_stay(
    sender: Sender, clock: Clock
) -> None:
    with listening() as receiver:
        subscribe(sender, receiver.url)
        eventful.licences(sender.sessions, 2)
        route(sender)
        receiver.answer = lambda got: 500 if b'"sequence":1,' in got.body else 200
        for _ in range(TRIES + 1):
            webhooks_delivery.deliver_due(sender)
            clock.forward(hours=1)
    clock.forward(days=91)
    assert webhooks_delivery.forget_old(sender.sessions, at=clock()) == 1
    with sender.reading() as session:
        assert list(session.scalars(select(WebhookDelivery.state))) == [outbox.DEAD]


def test_an_event_rolled_back_is_never_told(sender: Sender) -> None:
    with sender.sessions() as session:
        session.begin()
        eventful.licence(session)
        session.rollback()
    assert route(sender) == 0


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=60), st.text(max_size=20), st.binary(max_size=40))
def test_no_garbage_in_headers_verifies_or_crashes(signature: str, stamp: str, body: bytes) -> None:
    given_headers = {"webhook-id": "x", "webhook-timestamp": stamp, "webhook-signature": signature}
    with pytest.raises(InvalidSignature):
        verify(given_headers, body, kind=SignatureKind.SHA256, secret=b"k" * 32, at=eventful.START)


def test_kinds_are_all_that_is_ever_noted() -> None:
    assert set(webhooks.KINDS) == {events.ISSUED, *map(str, LicenceState)}


def test_the_whole_way_from_an_issue_to_a_receiver(region: Region) -> None:
    """A licence issued for real; the rounds that serving makes do the rest."""
    platform = region.platform
    with listening() as receiver:
        with platform.sessions.begin() as session:
            made = webhooks.subscribe(
                session, webhooks.Wanted("档案", receiver.url), vault=platform.vault, by=SYSTEM,
                at=utc_now(), allow_private=True,
            )  # fmt: skip
        licence = region.issued()
        opened = Feeds(platform, utc_now, allow_private=True)
        opened.round()
        opened.stop_senders()
        with platform.sessions.begin() as session:
            webhooks.remove(session, made.id, by=SYSTEM, at=utc_now())
    assert any(licence.identifier.encode() in each.body for each in receiver.got)
