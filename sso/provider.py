"""The identity provider as one value: what the server opens once and hands to every endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sso.policy import Policy
from trust.audit_queue import AuditQueue
from trust.clock import Clock
from trust.db import Sessions
from trust.keys import KeyStore
from trust.vault import Vault

if TYPE_CHECKING:  # each of these modules takes a Provider: no circle at run time
    from sso.certificate_login import Judge
    from sso.messages import Messages
    from sso.outgoing import Outgoing
    from sso.passwords import Hasher
    from sso.registry_checks import Checks


@dataclass(frozen=True, slots=True)
class Provider:
    """`issuer` is an URL without a slash at its end; every other value is opened already."""

    issuer: str
    sessions: Sessions = field(repr=False)
    reading: Sessions = field(repr=False)
    keys: KeyStore = field(repr=False)
    vault: Vault = field(repr=False)
    clock: Clock = field(repr=False)
    policy: Policy = field(repr=False)
    audit: AuditQueue = field(repr=False)
    checks: Checks = field(repr=False)
    messages: Messages = field(repr=False)
    judge: Judge = field(repr=False)
    outgoing: Outgoing = field(repr=False)
    hasher: Hasher = field(repr=False)
