"""What routers ask the application for. `server.app` puts these values on `app.state`; a router
never learns where they come from, so no floor has to look up to the one that opened them."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Any, Protocol, cast

from fastapi import Depends, Request, Response
from sqlalchemy.orm import Session

from trust.access import Caller, Role
from trust.audit_queue import AuditQueue
from trust.clock import Clock
from trust.crypto.hashes import sha256
from trust.db import Sessions
from trust.errors import Forbidden
from trust.keys import KeyStore


class LogCheckpoints(Protocol):
    """Signed notes of the platform's logs."""

    def text(self, log: str, *, at: datetime) -> str:
        """A checkpoint signed a moment ago at most; NotFound for a log that has none."""
        ...


class Authenticate(Protocol):
    """Who sent a request, by the access token in it (the identity provider's, handed down)."""

    def __call__(self, request: Request) -> Caller:
        """Unauthenticated without a good token."""
        ...


# Looking at the application's state takes no time: a coroutine is called where it stands, a plain
# function would go to a thread and back.


async def _sessions(request: Request) -> Sessions:
    return cast(Sessions, request.app.state.sessions)


def _session(sessions: Annotated[Sessions, Depends(_sessions)]) -> Iterator[Session]:
    """A session without a transaction: the route commits before it builds its answer, because what
    follows `yield` runs when the answer has already been sent."""
    with sessions() as session:
        yield session


def _reading(request: Request) -> Iterator[Session]:
    """A session that only reads and never waits for a writer."""
    with cast(Sessions, request.app.state.reading)() as session:
        yield session


async def _clock(request: Request) -> Clock:
    return cast(Clock, request.app.state.clock)


async def _audit(request: Request) -> AuditQueue:
    return cast(AuditQueue, request.app.state.audit)


def _caller(request: Request) -> Caller:
    return cast(Authenticate, request.app.state.authenticate)(request)


def having(*roles: Role) -> Callable[[Caller], Caller]:
    """A dependency: the caller, who has one of these roles; Forbidden otherwise."""

    def check(caller: Annotated[Caller, Depends(_caller)]) -> Caller:
        if not caller.roles.intersection(roles):
            raise Forbidden("this takes the role " + " or ".join(roles))
        return caller

    return check


async def _keys(request: Request) -> KeyStore:
    return cast(KeyStore, request.app.state.keys)


async def _checkpoints(request: Request) -> LogCheckpoints:
    return cast(LogCheckpoints, request.app.state.checkpoints)


async def _proved_logs(request: Request) -> frozenset[str]:
    return cast(frozenset[str], request.app.state.proved_logs)


DbSession = Annotated[Session, Depends(_session)]
Reading = Annotated[Session, Depends(_reading)]
Now = Annotated[Callable[[], datetime], Depends(_clock)]
Keys = Annotated[KeyStore, Depends(_keys)]
Checkpoints = Annotated[LogCheckpoints, Depends(_checkpoints)]
Audit = Annotated[AuditQueue, Depends(_audit)]
#: Whoever has a good access token.
Someone = Annotated[Caller, Depends(_caller)]
Clerk = Annotated[Caller, Depends(having(Role.CLERK))]
Approver = Annotated[Caller, Depends(having(Role.APPROVER))]
#: Whoever may see an authority's applications.
Staff = Annotated[Caller, Depends(having(Role.CLERK, Role.APPROVER))]
SystemAdmin = Annotated[Caller, Depends(having(Role.SYSTEM_ADMIN))]
SecurityAdmin = Annotated[Caller, Depends(having(Role.SECURITY_ADMIN))]
AuditAdmin = Annotated[Caller, Depends(having(Role.AUDIT_ADMIN))]
#: Who administers something, and those who watch it.
SystemReader = Annotated[Caller, Depends(having(Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN))]
SecurityReader = Annotated[Caller, Depends(having(Role.SECURITY_ADMIN, Role.AUDIT_ADMIN))]
#: The logs whose every proof is public; of the others only the checkpoint is.
ProvedLogs = Annotated[frozenset[str], Depends(_proved_logs)]


def no_store(response: Response) -> None:
    """A route whose answers hold a secret or somebody's data; refusals are never stored anyway."""
    response.headers["Cache-Control"] = "no-store"


def described(media_type: str, **schema: str) -> dict[int | str, dict[str, Any]]:
    """How a route that answers with a `publication` describes its 200."""
    return {
        200: {"content": {media_type: {"schema": {"type": "string", **schema}}}},
        304: {"description": "未改变 / Not changed"},
    }


def publication(
    request: Request, body: bytes, *, media_type: str, max_age: int, filename: str = ""
) -> Response:
    """A public document with its ETag; 304 when the caller has it already (RFC 9110, 13.1.2)."""
    tag = f'"{sha256(body).hex()[:32]}"'
    headers = {"Cache-Control": f"public, max-age={max_age}", "ETag": tag}
    known = [part.strip() for part in request.headers.get("if-none-match", "")[:1000].split(",")]
    if tag in known or f"W/{tag}" in known:
        return Response(status_code=304, headers=headers)
    if filename:
        headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return Response(body, media_type=media_type, headers=headers)
