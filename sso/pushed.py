"""Pushed authorization requests (RFC 9126): kept until the login is complete, used once."""

import secrets
from datetime import datetime
from typing import Final

from sqlalchemy import ForeignKey, LargeBinary, Text, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from sso.authorization_request import AuthorizationRequest, from_json
from sso.oauth_errors import OAuthError
from sso.policy import Policy
from trust.crypto.hashes import sha256
from trust.db import Base, UTCDateTime

URN: Final = "urn:ietf:params:oauth:request_uri:"


class PushedRequest(Base):
    """A request that was checked when it came; the URI's random part is kept as a digest."""

    __tablename__ = "pushed_request"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("client.client_id"))
    request: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


def keep(session: Session, request: AuthorizationRequest, *, policy: Policy, at: datetime) -> str:
    """The request_uri under which a checked request now waits, in the caller's transaction."""
    reference = secrets.token_urlsafe(32)
    session.add(
        PushedRequest(
            digest=sha256(reference.encode()), client_id=request.client_id,
            request=request.to_json(), expires_at=at + policy.request_uri_lifetime,
        )
    )  # fmt: skip
    return URN + reference


def find(
    session: Session, request_uri: str, *, client_id: str, at: datetime
) -> AuthorizationRequest:
    """The request that waits under a request_uri; OAuthError invalid_request_uri (a page).

    Looking at it does not use it up: a browser that reloads, or a link preview, would otherwise
    end the login (FAPI 2.0, 5.3.2.2, note 3). `spend` does, when the login is complete.
    """
    digest = sha256(request_uri.removeprefix(URN).encode("utf-8", "replace"))
    row = session.scalar(
        select(PushedRequest).where(
            PushedRequest.digest == digest,
            PushedRequest.client_id == client_id,
            PushedRequest.expires_at > at,
            PushedRequest.used_at.is_(None),
        )
    )
    if row is None:
        raise OAuthError(
            "invalid_request_uri", "this request_uri is unknown, used or has expired", page=True
        )
    return from_json(row.request).from_pushed(digest)


def spend(session: Session, request: AuthorizationRequest, *, at: datetime) -> bool:
    """Use up the pushed request behind a login; False when another login was faster."""
    if request.request_uri_id is None:
        return True
    found = session.scalar(
        update(PushedRequest)
        .where(
            PushedRequest.digest == bytes.fromhex(request.request_uri_id),
            PushedRequest.used_at.is_(None),
        )
        .values(used_at=at)
        .returning(PushedRequest.client_id)
    )
    return found is not None
