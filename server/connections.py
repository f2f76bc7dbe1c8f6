"""Connections that cost something and bring nothing: idle, dribbling, or with a head without end.

The service takes so many connections at once (server.serve), whoever holds them, and the HTTP
parser itself waits and listens for ever. A proxy in front keeps such connections to itself; this is
for the day there is none, or it has the same weakness.
"""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Guarded(HttpToolsProtocol):
    """uvicorn's protocol, which closes a connection that

    - has sent no whole head `patience` seconds after it was made or after its last answer,
    - has sent the same request's body for longer than `body_patience` seconds,
    - has sent more than `head_max` bytes of one head.
    """

    patience: ClassVar[float] = 15.0
    #: 20 MB over a line of 1.4 Mbit/s.
    body_patience: ClassVar[float] = 120.0
    head_max: ClassVar[int] = 64 * 1024

    _heard = 0
    _in_head = True
    _begun: float | None = None  # when the body that is awaited began
    _idle_since = 0.0
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._heard += len(data)
        super().data_received(data)
        if self._in_head and self._heard > self.head_max and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._heard = True, 0

    def on_headers_complete(self) -> None:
        self._in_head, self._begun = False, self.loop.time()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._begun = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def _look(self) -> None:
        """Every few seconds: is this connection still worth its place?"""
        if self.transport.is_closing():
            return
        now = self.loop.time()
        answering = self.cycle is not None and not self.cycle.response_complete
        idle = not answering and now - self._idle_since >= self.patience
        late = self._begun is not None and now - self._begun >= self.body_patience
        if idle or late:
            self.transport.close()
            return
        self._watch = self.loop.call_later(self.patience / 3, self._look)
