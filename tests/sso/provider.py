"""A provider for tests: real database, real keys, a clock that is set by hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sso.certificate_login import JudgedCertificate
from sso.messages import FileMessages
from sso.outgoing import Outgoing
from sso.passwords import Hasher
from sso.policy import Policy
from sso.provider import Provider
from sso.registry_checks import Checks
from trust.audit_queue import AuditQueue
from trust.db import Sessions
from trust.errors import Unauthenticated
from trust.keys import SoftKeyStore
from trust.vault import Vault

ISSUER = "http://localhost:8000"
START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@dataclass
class HandClock:
    """A clock that moves when told to."""

    now: datetime = field(default=START)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **amount: float) -> datetime:
        self.now += timedelta(**amount)
        return self.now


def refuse_certificate(
    leaf: bytes, chain: tuple[bytes, ...], at: datetime
) -> JudgedCertificate:  # pragma: no cover - tests that use certificates hand in a judge
    raise Unauthenticated("no certificate is trusted here")


def make_provider(
    sessions: Sessions, keys: SoftKeyStore, home: Path, *, clock: HandClock | None = None,
    policy: Policy | None = None,
) -> Provider:  # fmt: skip
    """`sessions` serves for reading too: a test sees at once what it wrote."""
    from sso.registry_checks import simulated

    checks: Checks = simulated(home)
    return Provider(
        issuer=ISSUER, sessions=sessions, reading=sessions, keys=keys,
        vault=Vault(bytes(16), bytes(32)), clock=clock or HandClock(),
        policy=policy or Policy(development=True, allow_private_callbacks=True),
        audit=AuditQueue(sessions), checks=checks, messages=FileMessages(home / "messages.jsonl"),
        judge=refuse_certificate, outgoing=Outgoing(allow_private=True),
        hasher=Hasher(memory_kib=8, iterations=1),
    )  # fmt: skip
