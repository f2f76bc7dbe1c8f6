"""Signing in with what signs: a passkey, a certificate; or with a telephone that did."""

from datetime import datetime

from sso import certificate_login, challenges, passkeys, qr_login
from sso.certificate_login import SignedChallenge
from sso.proof import Proof, failed, proved
from sso.provider import Provider
from sso.throttle import Admission
from trust.errors import Invalid, Unauthenticated


def by_passkey(
    provider: Provider, response: str, *, bound_to: str, at: datetime,
    account_name: str | None = None, network: str = "",
) -> Proof:  # fmt: skip
    """A passkey's answer to `passkeys.assertion_options` of the same `bound_to`.

    With `account_name` it counts only if it is that account's. Two factors in one: possession, and
    the PIN or biometric the authenticator checked. SignInFailed.
    """
    try:
        used = passkeys.check(provider, response, bound_to=bound_to, at=at)
    except (passkeys.PasskeyRefused, challenges.ChallengeGone) as error:
        raise failed(provider, account_name, error.code, Admission(None), at=at) from error
    if account_name not in (None, used.account):
        raise failed(provider, account_name, "pop", Admission(None), at=at)
    kept = "swk" if used.backup_eligible else "hwk"
    return proved(provider, used.account, ("pop", "user", kept, "mfa"), at=at)


def by_certificate(
    provider: Provider, signed: SignedChallenge, *, interaction: str, at: datetime,
    account_name: str | None = None, network: str = "",
) -> Proof:  # fmt: skip
    """A challenge of `certificate_login.challenge`, signed; SignInFailed. The judge may also raise
    Unavailable, when it cannot know whether the certificate is good."""
    refused = (Unauthenticated, Invalid)
    try:
        with provider.sessions.begin() as session:
            purpose = challenges.Purpose.USE_CERTIFICATE
            challenges.spend(session, purpose, signed.challenge, bound_to=interaction, at=at)
        judged = certificate_login.check(signed, provider.judge, issuer=provider.issuer, at=at)
    except refused as error:
        raise failed(provider, account_name, error.code, Admission(None), at=at) from error
    with provider.sessions.begin() as session:
        name = certificate_login.account_of(session, provider.vault, judged)
        certificate_login.used(session, judged, at=at)
    if name is None or account_name not in (None, name):
        raise failed(provider, account_name, "sc", Admission(None), at=at)
    return proved(provider, name, ("pop", "sc"), at=at)


def by_qr(provider: Provider, qr_id: str, *, interaction: str, at: datetime) -> Proof | None:
    """What a phone answered for this desktop; None while it did not. QrLoginGone."""
    with provider.sessions.begin() as session:
        approved = qr_login.collect(session, qr_id, interaction=interaction, at=at)
    if approved is None:
        return None
    return proved(provider, approved.account, approved.methods, at=at)
