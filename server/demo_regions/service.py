"""`trust serve` as a child of a demonstration: it ends when its parent does, however that ended."""

import os
import signal
import sys
from threading import Thread

from server import loopback_names, serve
from trust.settings import Settings


def main() -> None:
    """Serve until told to stop, or until standard input ends."""
    os.umask(0o077)
    loopback_names.answer()
    Thread(target=_end_with_parent, name="parent", daemon=True).start()
    serve.run(Settings().model_copy(update={"allow_private_callbacks": True}))


def _end_with_parent() -> None:
    """The parent holds the other end of the pipe and never writes."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
