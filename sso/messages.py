"""Messages to people, by SMS and e-mail. What carries them is an adapter; a file stands in for it.

One-time codes are in sso.one_time_code.
"""

import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from trust.errors import Unavailable

Kind = Literal["sms", "email"]


class MessageNotSent(Unavailable):
    code = "message_not_sent"


class Messages(Protocol):
    """A way to reach people."""

    def send(self, kind: Kind, to: str, text: str) -> None:
        """Hand a message over for delivery; MessageNotSent. Never call it in a transaction: it may
        take long, and what is rolled back afterwards has been told."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    kind: Kind
    to: str = field(repr=False)
    text: str = field(repr=False)


class FileMessages:
    """The simulator: one JSON line a message, in a file that only its owner reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()

    def send(self, kind: Kind, to: str, text: str) -> None:
        line = json.dumps({"kind": kind, "to": to, "text": text}, ensure_ascii=False) + "\n"
        try:
            with self._writing:
                opened = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                try:
                    os.write(opened, line.encode())
                finally:
                    os.close(opened)
        except OSError as error:
            raise MessageNotSent("the message file cannot be written") from error

    def sent(self) -> list[Message]:
        """All messages so far, the oldest first."""
        try:
            lines = self._path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [Message(**json.loads(line)) for line in lines]


class Nobody:
    """Where no gateway is configured: nothing can be sent, and whoever waits is told so."""

    def send(self, kind: Kind, to: str, text: str) -> None:
        raise MessageNotSent("no gateway for text messages and e-mail is configured")
