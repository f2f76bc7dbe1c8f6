"""Audiences (RFC 8707): for whom an access token is made."""

from collections.abc import Mapping, Sequence

from sso.oauth_errors import OAuthError
from sso.provider import Provider


def audience(
    provider: Provider, form: Mapping[str, str], *, granted: Sequence[str], default: str
) -> tuple[str, ...]:
    """The `aud` of a token: what the request names, else all that was granted, else the default.

    The issuer itself may always be named: a token for userinfo. OAuthError invalid_target.
    """
    wanted = tuple(dict.fromkeys(form.get("resource", "").split()))
    if not wanted:
        return tuple(granted) or (default,)
    if not set(wanted) <= {*granted, provider.issuer}:
        raise OAuthError("invalid_target", "a resource that was not granted")
    return wanted
