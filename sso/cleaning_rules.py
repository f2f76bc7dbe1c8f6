"""Which rows go when (sso.cleaning)."""

from datetime import timedelta
from typing import Final

from sso.cleaning import Rule
from sso.client_models import UsedAssertion
from sso.codes import AuthorizationCode
from sso.credential_models import BrowserSession, Challenge, KnownDevice, QrLogin, Throttle
from sso.grants import Grant
from sso.interaction_models import Interaction
from sso.people_models import OneTimeCode, Recovery
from sso.pushed import PushedRequest
from sso.token_models import DeviceCode, LogoutDelivery, RefreshToken, RevokedToken, UsedProof
from sso.upstream_models import (
    UpstreamDeparture,
    UpstreamLogin,
    UpstreamSession,
    UsedLogoutToken,
)

_NOW: Final = timedelta(minutes=5)  # clocks of several machines
_DAY: Final = timedelta(days=1)

RULES: Final = (
    Rule(UsedAssertion, UsedAssertion.digest, UsedAssertion.expires_at, _NOW),
    Rule(UsedProof, UsedProof.digest, UsedProof.expires_at, _NOW),
    Rule(UsedLogoutToken, UsedLogoutToken.digest, UsedLogoutToken.expires_at, _NOW),
    Rule(RevokedToken, RevokedToken.jti, RevokedToken.expires_at, _NOW),
    Rule(Challenge, Challenge.digest, Challenge.expires_at, _NOW),
    Rule(PushedRequest, PushedRequest.digest, PushedRequest.expires_at, _DAY),
    Rule(Interaction, Interaction.digest, Interaction.expires_at, _DAY),
    Rule(QrLogin, QrLogin.digest, QrLogin.expires_at, _DAY),
    Rule(DeviceCode, DeviceCode.digest, DeviceCode.expires_at, _DAY),
    Rule(UpstreamLogin, UpstreamLogin.state, UpstreamLogin.expires_at, _DAY),
    Rule(UpstreamDeparture, UpstreamDeparture.state, UpstreamDeparture.expires_at, _DAY),
    Rule(UpstreamSession, UpstreamSession.id, UpstreamSession.expires_at, _DAY),
    # A code or token that comes again must still be known for one that was spent.
    Rule(AuthorizationCode, AuthorizationCode.digest, AuthorizationCode.expires_at, 2 * _DAY),
    Rule(RefreshToken, RefreshToken.digest, RefreshToken.expires_at, 7 * _DAY),
    # Codes and tries are counted by the day.
    Rule(OneTimeCode, OneTimeCode.recipient, OneTimeCode.expires_at, 3 * _DAY),
    Rule(Throttle, Throttle.digest, Throttle.last_at, 30 * _DAY),
    Rule(KnownDevice, KnownDevice.digest, KnownDevice.last_seen_at, 400 * _DAY),
    Rule(LogoutDelivery, LogoutDelivery.id, LogoutDelivery.created_at, 90 * _DAY),
    # What a person sees of the past; refresh tokens end long before and go with their grant.
    Rule(Recovery, Recovery.id, Recovery.expires_at, 400 * _DAY),
    Rule(Grant, Grant.id, Grant.created_at, 400 * _DAY),
    Rule(BrowserSession, BrowserSession.id, BrowserSession.last_seen_at, 400 * _DAY),
)
