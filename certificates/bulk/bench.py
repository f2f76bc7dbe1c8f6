"""What a process that checks and works off bulk jobs has opened."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from certificates.press.workshop import Workshop
from trust.access import Caller
from trust.clock import Clock
from trust.db import Sessions
from trust.vault import Vault


@dataclass(frozen=True, slots=True)
class Bench:
    """`workshop` makes what issuing needs (`at=`), `caller` finds an account's present roles, and
    `lease` ends the wait for a worker that died on another machine."""

    sessions: Sessions
    reading: Sessions
    vault: Vault
    workshop: Callable[..., Workshop]
    caller: Callable[[Session, str], Caller]
    clock: Clock
    lease: timedelta
    fallback: Path | None = None
