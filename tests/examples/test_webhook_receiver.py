"""The example receiver takes what the platform sends, and nothing else."""

from datetime import timedelta

import pytest

from certificates.feeds import webhooks_signature
from certificates.feeds.webhooks_signature import SignatureKind
from examples import webhook_receiver
from trust.clock import utc_now

SECRET, BODY = bytes(range(32)), b'{"type":"licence.revoked"}'


def test_the_example_takes_what_the_platform_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_receiver, "SECRET", SECRET)
    sent = webhooks_signature.headers(
        "msg_1", BODY, kind=SignatureKind.SHA256, keys=[SECRET, bytes(32)], at=utc_now()
    )
    assert webhook_receiver.is_genuine(sent, BODY)
    assert not webhook_receiver.is_genuine(sent, BODY + b" ")
    assert not webhook_receiver.is_genuine(sent | {"webhook-id": "msg_2"}, BODY)


def test_the_example_refuses_an_old_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_receiver, "SECRET", SECRET)
    sent = webhooks_signature.headers(
        "msg_1", BODY, kind=SignatureKind.SHA256, keys=[SECRET],
        at=utc_now() - timedelta(minutes=6),
    )  # fmt: skip
    assert not webhook_receiver.is_genuine(sent, BODY)
