"""Authorization responses (RFC 6749, 4.1.2; OAuth 2.0 Form Post Response Mode; RFC 9207)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from sso.oauth_errors import AuthorizationRefused

RESPONSE_MODES = ("query", "form_post")


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the browser there (303): to the platform, or to a page of our own."""

    url: str = field(repr=False)  # holds the code


@dataclass(frozen=True, slots=True)
class FormPost:
    """Let the browser post these fields there; the page must work without JavaScript too."""

    action: str
    fields: Mapping[str, str] = field(repr=False)

    @property
    def origin(self) -> str:
        """What the page's `form-action` must allow."""
        parts = urlsplit(self.action)
        return f"{parts.scheme}://{parts.netloc}"


Response = Redirect | FormPost


def respond(
    redirect_uri: str, response_mode: str, parameters: Mapping[str, str | None], *, issuer: str
) -> Response:
    """A response with these parameters and `iss`; those that are None are left out.

    The registered URI's own query is kept (RFC 6749, 3.1.2).
    """
    sent = {name: value for name, value in parameters.items() if value is not None}
    sent["iss"] = issuer
    if response_mode == "form_post":
        return FormPost(redirect_uri, sent)
    joint = "&" if "?" in redirect_uri else "?"
    return Redirect(f"{redirect_uri}{joint}{urlencode(sent)}")


def refusal(error: AuthorizationRefused, *, issuer: str) -> Response:
    """The error response of RFC 6749, 4.1.2.1."""
    parameters = {
        "error": error.error, "error_description": error.description or None, "state": error.state,
    }  # fmt: skip
    return respond(error.redirect_uri, error.response_mode, parameters, issuer=issuer)
