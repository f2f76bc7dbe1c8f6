"""One process of `server.bulk_pool`: `python -m server.bulk_child`.

Its first line of standard input is JSON: the settings, the passphrase among them, and the job. A
further one asks it to stop after the block in hand. The input stays open as long as the parent
lives; its end is the child's end.
"""

import json
import os
import signal
import sys
import threading
from typing import Any, Final
from uuid import UUID

from pydantic import SecretStr

from server.bulk_bench import open_bench, work_off
from server.platform import Platform
from trust.errors import TrustError
from trust.settings import Settings

#: The exit of a child that was refused; the reason is noted on the job.
REFUSED: Final = 3


def order(settings: Settings, key: UUID) -> bytes:
    """The line that a child is sent: through a pipe, so that no other process sees the secrets."""
    plain: dict[str, Any] = settings.model_dump(exclude_defaults=True)
    said = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in plain.items()
    }
    return json.dumps({"job": str(key), "settings": said}, default=_shown).encode() + b"\n"


def _shown(value: Any) -> Any:
    """A path as text, a span of time in seconds."""
    return value.total_seconds() if hasattr(value, "total_seconds") else str(value)


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who asks us to stop
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as pipe:
        said = json.loads(pipe.readline())
    stopped = threading.Event()
    threading.Thread(target=_follow_parent, args=(stopped,), name="parent", daemon=True).start()
    platform = Platform(Settings(**said["settings"]))
    try:
        work_off(open_bench(platform), UUID(said["job"]), stopped=stopped.is_set)
    except TrustError:
        return REFUSED
    return 0


def _follow_parent(stopped: threading.Event) -> None:
    """A parent that was killed cannot end its children. Only the exit without cleaning up is sure
    to end a process whose other thread may be anywhere: it leaves what a crash leaves."""
    while os.read(sys.stdin.fileno(), 1024):
        stopped.set()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
