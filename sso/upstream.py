"""Logging in through another identity system (OpenID Connect Core 1.0, code flow with PKCE).

A department's existing system, or another region's provider, proves who somebody is. The account
here is bound by its one key (document type and number); the level received is kept or lowered, by
the upstream's table and cap, and never raised.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from sso import assurance, factors, people, upstream_departing, upstream_tokens
from sso.authorization_request import AuthorizationRequest
from sso.jwk import InvalidToken
from sso.models import Account
from sso.outgoing import OutgoingFailed, OutgoingRefused
from sso.particulars import CITIZEN_ID, InvalidParticulars, Particulars
from sso.people_models import Evidence
from sso.proof import Proof
from sso.provider import Provider
from sso.upstream_models import Upstream, UpstreamLink, UpstreamLogin, UpstreamSession
from trust import audit
from trust.access import SYSTEM
from trust.crypto.hashes import sha256
from trust.crypto.jose import b64url
from trust.errors import NotFound, Unauthenticated
from trust.identifiers import InvalidIdentifier
from trust.vault import Vault

#: How long somebody may take at the other system.
LIFE: Final = timedelta(minutes=15)
CALLBACK: Final = "/sign-in/upstream/callback"
#: How long the level received is believed without logging in there again.
EVIDENCE_LIFE: Final = timedelta(days=90)


class UpstreamFailed(Unauthenticated):
    """The other system did not prove anything; the message does not repeat what it said."""

    code = "upstream_failed"


@dataclass(frozen=True, slots=True)
class Received:
    """Who logged in at an upstream, and which login here that is for. The proof's method tells the
    level that is believed (`factors.fed`)."""

    interaction: str
    proof: Proof


@dataclass(frozen=True, slots=True)
class _Begun:
    """A login under way, read back."""

    upstream: Upstream
    interaction: str
    nonce: str
    verifier: str


def available(session: Session) -> list[Upstream]:
    """The upstreams that people may choose, by name."""
    found = select(Upstream).where(Upstream.active).order_by(Upstream.name).limit(50)
    return list(session.scalars(found))


def begin(
    provider: Provider, slug: str, *, browser: str, interaction: str, at: datetime,
    asked_for: AuthorizationRequest | None = None,
) -> str:  # fmt: skip
    """The upstream's URL to send the browser to; NotFound or UpstreamFailed.

    `browser` is the browser's cookie, `interaction` the login here that this is for; a fresh login
    or a youngest age that it was asked for (`asked_for`) is asked for there too.
    """
    with provider.reading() as session:
        known = session.get(Upstream, slug)
    if known is None or not known.active:
        raise NotFound("no such identity system")
    endpoint = upstream_tokens.metadata(provider, known)["authorization_endpoint"]
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    kept = json.dumps({"nonce": nonce, "verifier": verifier}).encode()
    with provider.sessions.begin() as session:
        session.add(
            UpstreamLogin(
                state=_digest(state), upstream=slug, browser=_digest(browser),
                interaction=provider.vault.seal(interaction.encode(), context=_context(state)),
                secrets=provider.vault.seal(kept, context=_context(state)), expires_at=at + LIFE,
            )
        )  # fmt: skip
    asked = {
        "client_id": known.client_id, "response_type": "code", "scope": known.scope,
        "redirect_uri": provider.issuer + CALLBACK, "state": state, "nonce": nonce,
        "code_challenge": b64url(sha256(verifier.encode())),
        "code_challenge_method": "S256",
    }  # fmt: skip
    if asked_for is not None and asked_for.max_age is not None:
        asked["max_age"] = str(asked_for.max_age)
    if asked_for is not None and "login" in asked_for.prompt:
        asked["prompt"] = "login"
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


def finish(
    provider: Provider, answer: Mapping[str, str], *, browser: str, at: datetime
) -> Received:
    """What came back to the callback, as a person known here.

    UpstreamFailed for a wrong or used state, another browser, an error, or tokens that do not hold.

    1. spend the state; 2. code for tokens; 3. judge the ID token; 4. whose key is it;
    5. bind the account and note the level, in one transaction.
    """
    begun = _spend(provider, answer.get("state", ""), browser=browser, at=at)
    known = begun.upstream
    if answer.get("iss", known.issuer) != known.issuer or "code" not in answer:
        raise UpstreamFailed("the other identity system did not log you in")
    try:
        said = upstream_tokens.metadata(provider, known)
        if "iss" not in answer and said.get("authorization_response_iss_parameter_supported"):
            # RFC 9207, 2.4: it is another's answer, which must not be handed to this one's token
            # endpoint (mix-up).
            raise UpstreamFailed("the other identity system did not say who it is")
        tokens = upstream_tokens.exchange(
            provider, known, answer["code"][:2000], verifier=begun.verifier,
            redirect_uri=provider.issuer + CALLBACK, at=at,
        )  # fmt: skip
        claims = upstream_tokens.judge(provider, known, tokens, nonce=begun.nonce, at=at)
    except (OutgoingFailed, OutgoingRefused, InvalidToken) as error:
        raise UpstreamFailed("the other identity system's answer does not hold") from error
    return _bind(provider, begun, claims, hint=tokens["id_token"], at=at)


def _spend(provider: Provider, state: str, *, browser: str, at: datetime) -> _Begun:
    """One statement decides, so a state is used once and by its own browser."""
    if len(state) != 43:
        raise UpstreamFailed("this login is not under way")
    with provider.sessions.begin() as session:
        row = session.scalar(
            update(UpstreamLogin)
            .where(
                UpstreamLogin.state == _digest(state), UpstreamLogin.browser == _digest(browser),
                UpstreamLogin.used_at.is_(None), UpstreamLogin.expires_at > at,
            )
            .values(used_at=at)
            .returning(UpstreamLogin)
        )  # fmt: skip
        known = session.get(Upstream, row.upstream) if row is not None else None
    if row is None or known is None or not known.active:
        raise UpstreamFailed("this login is not under way, or was begun in another browser")
    kept = json.loads(provider.vault.unseal(row.secrets, context=_context(state)))
    interaction = provider.vault.unseal(row.interaction, context=_context(state)).decode()
    return _Begun(known, interaction, kept["nonce"], kept["verifier"])


def _bind(
    provider: Provider, begun: _Begun, claims: Mapping[str, Any], *, hint: str, at: datetime
) -> Received:
    known, subject = begun.upstream, _digest(str(claims["sub"]))
    level = level_of(known, claims.get("acr"))
    if level < known.level_min:
        raise UpstreamFailed("a login that sure is not recognised of the other identity system")
    auth_time, sid = upstream_tokens.auth_time(claims, at=at), claims.get("sid")
    with provider.sessions.begin() as session:
        account = _account_of(session, provider.vault, known, subject, claims, level=level, at=at)
        _note_level(session, account.name, known, level, at=at)
        details: dict[str, audit.JSON] = {"upstream": known.slug, "level": level}
        session.add(
            UpstreamSession(
                upstream=known.slug, subject=subject, account=account.name, auth_time=auth_time,
                sid=_digest(sid) if isinstance(sid, str) else subject,
                hint=upstream_departing.sealed_hint(provider, known, hint),
                expires_at=at + provider.policy.session_lifetime,
            )
        )  # fmt: skip
        audit.record(
            session, "upstream.login", subject=account.name, by=SYSTEM, at=at, details=details
        )
    return Received(begun.interaction, Proof(account.name, (factors.fed(level),), auth_time))


def level_of(upstream: Upstream, acr: object) -> int:
    """What an upstream's acr is worth here: by its table, under its cap; unknown is 0."""
    said = upstream.levels.get(acr, 0) if isinstance(acr, str) else 0
    return min(said, upstream.level_cap)


def _account_of(
    session: Session, vault: Vault, known: Upstream, subject: bytes, claims: Mapping[str, Any], *,
    level: int, at: datetime,
) -> Account:  # fmt: skip
    """By the link of an earlier login, else by the key, else a new account.

    A number that nobody checked (level 0) is nobody's key. Staff log in here, whatever a
    department's system says: who may seal is not for others to decide.
    """
    link = session.get(UpstreamLink, (known.slug, subject))
    key = _key(claims) if level > 0 else None
    found = session.get(Account, link.account) if link is not None else None
    if found is None and key is not None:
        found = people.find_by_key(session, vault, *key)
    if found is None:
        found = _new_account(session, vault, known, claims, key, at=at)
    if not found.active or found.roles:
        raise UpstreamFailed("this account does not log in through other identity systems")
    if link is None:
        session.add(
            UpstreamLink(upstream=known.slug, subject=subject, account=found.name, linked_at=at)
        )
        session.flush()
    return found


def _key(claims: Mapping[str, Any]) -> tuple[str, str] | None:
    number, kind = claims.get("id_number"), claims.get("id_type", CITIZEN_ID)
    if not isinstance(number, str) or not isinstance(kind, str) or not 0 < len(number) <= 32:
        return None
    return kind, number.upper()


def _new_account(
    session: Session, vault: Vault, known: Upstream, claims: Mapping[str, Any],
    key: tuple[str, str] | None, *, at: datetime,
) -> Account:  # fmt: skip
    if not known.creates or key is None:
        raise UpstreamFailed("the other identity system did not say whose account this is")
    person = Particulars(str(claims.get("name", "")), *key)
    try:
        return people.add_person(session, vault, person, by=SYSTEM, at=at)
    except (InvalidParticulars, InvalidIdentifier) as error:
        raise UpstreamFailed("the other identity system's data break a rule") from error


def _note_level(
    session: Session, account: str, known: Upstream, level: int, *, at: datetime
) -> None:
    """Evidence of an earlier login there is withdrawn when this one is worth less, and made anew
    when it is old or was worth less."""
    rows = session.scalars(
        select(Evidence).where(
            Evidence.account == account, Evidence.source == known.slug,
            Evidence.withdrawn_at.is_(None),
        )
    ).all()  # fmt: skip
    for row in rows:
        if row.level > level:
            assurance.withdraw(
                session, account, row.id, reason="a lower level received", by=SYSTEM, at=at
            )
    half = at + EVIDENCE_LIFE / 2
    fresh = any(row.level == level and (row.expires_at is None or row.expires_at > half)
                for row in rows)  # fmt: skip
    if not fresh and level > 0:
        assurance.add_evidence(
            session, account, "imported", by=SYSTEM, at=at, source=known.slug, level=level,
            expires_at=at + EVIDENCE_LIFE,
        )  # fmt: skip


def _digest(text: str) -> bytes:
    return sha256(text.encode())


def _context(state: str) -> str:
    return f"upstream_login:{_digest(state).hex()}"
