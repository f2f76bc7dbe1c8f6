"""The table of logins in progress."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from sso.authorization_request import AuthorizationRequest, from_json
from sso.credential_models import Words
from trust.db import Base, UTCDateTime


class Interaction(Base):
    """One login in progress, however many a browser has; its id stands in the URL, here only its
    digest. `request` is the authorization request, None for a sign-in to our own pages, which then
    goes on to `next_path`. `browser` is the digest of the cookie it is bound to.

    `methods` were proved for `account` in this interaction; a session may add to them.
    `declined`: the person went on without the level that was offered. `chosen`: they said for whom
    they act, `acting_for` or themselves.
    """

    __tablename__ = "interaction"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    client_id: Mapped[str | None] = mapped_column(ForeignKey("client.client_id"))
    request: Mapped[str | None] = mapped_column(Text)
    next_path: Mapped[str | None] = mapped_column(String(500))
    device_code: Mapped[str | None] = mapped_column(String(64))
    browser: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    account: Mapped[str | None] = mapped_column(ForeignKey("account.name"))
    methods: Mapped[tuple[str, ...]] = mapped_column(Words, default=())
    proved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    acting_for: Mapped[str | None] = mapped_column(ForeignKey("account.name"))
    chosen: Mapped[bool] = mapped_column(default=False)
    consented: Mapped[bool] = mapped_column(default=False)
    declined: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    def asked(self) -> AuthorizationRequest | None:
        """The authorization request as a value; read once for each loaded row."""
        if self.request is None:
            return None
        known: AuthorizationRequest | None = self.__dict__.get("_asked")
        if known is None:
            known = self.__dict__["_asked"] = from_json(self.request)
        return known


def unstored(request: AuthorizationRequest, *, at: datetime) -> Interaction:
    """An interaction that may never need a row: the browser's session could be enough."""
    made = Interaction(
        digest=b"", client_id=request.client_id, request="", methods=(), chosen=False,
        consented=False, declined=False, created_at=at, expires_at=at,
    )  # fmt: skip
    made.__dict__["_asked"] = request
    return made
