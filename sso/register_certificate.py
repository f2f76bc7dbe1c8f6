"""A certificate registered to sign in with: its key signs a challenge, as at every login."""

from datetime import datetime

from sso import accounts, certificate_login, challenges
from sso.certificate_login import SignedChallenge
from sso.credential_models import CertificateCredential
from sso.provider import Provider
from trust.access import Caller


def challenge(provider: Provider, account_name: str, *, bound_to: str, at: datetime) -> bytes:
    """32 bytes to sign within five minutes, for this account and `bound_to` (a session's id)."""
    with provider.sessions.begin() as session:
        return challenges.issue(
            session, challenges.Purpose.REGISTER_CERTIFICATE, bound_to=bound_to, at=at,
            account=account_name,
        )  # fmt: skip


def register(
    provider: Provider, account_name: str, signed: SignedChallenge, *, bound_to: str, by: Caller,
    at: datetime,
) -> CertificateCredential:  # fmt: skip
    """Judge the certificate and its signature, and let it sign the account in.

    ChallengeGone (a challenge is spent by any answer), CertificateRefused, CertificateTaken, or
    what the judge raises.
    """
    with provider.sessions.begin() as session:
        meant = challenges.spend(
            session, challenges.Purpose.REGISTER_CERTIFICATE, signed.challenge, bound_to=bound_to,
            at=at,
        )  # fmt: skip
    if meant != account_name:
        raise challenges.ChallengeGone("this page was made for another account; load it again")
    judged = certificate_login.check(signed, provider.judge, issuer=provider.issuer, at=at)
    with provider.sessions.begin() as session:
        account = accounts.find(session, account_name)
        return certificate_login.register(session, provider.vault, account, judged, by=by, at=at)
