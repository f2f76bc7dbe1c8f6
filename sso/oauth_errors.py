"""Refusals in the form of RFC 6749, 5.2, and those that go back to a platform by redirect."""

import re
from typing import Final

from trust.errors import Invalid

#: RFC 6749, 5.2 and 4.1.2.1: printable ASCII without quotation mark and backslash.
_ILLEGAL: Final = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")
DESCRIPTION_MAX: Final = 300
#: RFC 6749, 5.1.
NO_STORE: Final = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))


class OAuthError(Invalid):
    """A refusal by an OAuth or OpenID endpoint.

    `error` is the registered code, `description` for developers (legal characters only), `status`
    and `headers` those of the HTTP answer. With `page` it is shown to the person at the browser,
    because there is no address of the platform that could be trusted with it.
    """

    code = "oauth_error"

    def __init__(
        self, error: str, description: str = "", *, status: int = 400,
        headers: tuple[tuple[str, str], ...] = (), page: bool = False,
    ) -> None:  # fmt: skip
        self.error = error
        self.description = _ILLEGAL.sub("?", description)[:DESCRIPTION_MAX]
        self.status = status
        self.headers = (*NO_STORE, *headers)
        self.page = page
        super().__init__(f"{error}: {self.description}" if self.description else error)

    def body(self) -> dict[str, str]:
        """The JSON object of RFC 6749, 5.2."""
        found = {"error": self.error}
        if self.description:
            found["error_description"] = self.description
        return found


class AuthorizationRefused(OAuthError):
    """An authorization error that goes to the platform: its redirect URI is known to be good.

    Whoever answers makes a response of it (`authorization_responses.error`).
    """

    code = "authorization_refused"

    def __init__(
        self, error: str, description: str = "", *, redirect_uri: str, response_mode: str = "query",
        state: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(error, description)
        self.redirect_uri, self.response_mode, self.state = redirect_uri, response_mode, state


def invalid_client(description: str = "", *, basic: bool = False) -> OAuthError:
    """401; with the challenge of RFC 7617 where the client tried Basic (RFC 6749, 5.2)."""
    challenge = (("WWW-Authenticate", 'Basic realm="oauth2", charset="UTF-8"'),) if basic else ()
    return OAuthError("invalid_client", description, status=401, headers=challenge)
