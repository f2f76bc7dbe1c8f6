"""Parameters of an OAuth request, read strictly: each at most once, bounded, UTF-8.

The token endpoint's hot path: no multipart, no temporary files, one pass over at most 64 kB.
"""

from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from sso.oauth_errors import OAuthError

#: A client assertion with an RSA-4096 signature is about 1.5 kB, a request object a few more.
BODY_MAX: Final = 64 * 1024
FIELDS_MAX: Final = 100
NAME_MAX: Final = 256
VALUE_MAX: Final = 32 * 1024
FORM_TYPE: Final = "application/x-www-form-urlencoded"
#: Parameters that may stand more than once (RFC 8707, 2): kept joined by a space, which no URI has.
REPEATABLE: Final = frozenset({"resource"})


async def read_form(request: Request) -> dict[str, str]:
    """The parameters of a form-encoded body; OAuthError invalid_request for anything else.

    Parameters without a value are left out (RFC 6749, 3.1 and 3.2: "treated as if omitted").
    """
    kind = request.headers.get("content-type", "")[:200].partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise OAuthError("invalid_request", f"the content type must be {FORM_TYPE}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            raise OAuthError("invalid_request", f"the body is longer than {BODY_MAX} bytes")
    return parse_form(bytes(body))


def parse_form(encoded: bytes) -> dict[str, str]:
    """`read_form` for a body or query already at hand."""
    if len(encoded) > BODY_MAX:
        raise OAuthError("invalid_request", f"the parameters are longer than {BODY_MAX} bytes")
    try:
        pairs = parse_qsl(
            encoded.decode("ascii"), keep_blank_values=True, strict_parsing=bool(encoded),
            errors="strict", max_num_fields=FIELDS_MAX,
        )  # fmt: skip
    except ValueError as error:
        raise OAuthError("invalid_request", "the parameters are not well-formed") from error
    found: dict[str, str] = {}
    for name, value in pairs:
        if len(name) > NAME_MAX or len(value) > VALUE_MAX:
            raise OAuthError("invalid_request", "a parameter is too long")
        if name in found:
            if name not in REPEATABLE:
                raise OAuthError("invalid_request", f"a parameter stands twice: {_shown(name)}")
            value = f"{found[name]} {value}"
        found[name] = value
    return {name: value for name, value in found.items() if value}


def _shown(name: str) -> str:
    """A parameter's name as an error description may carry it (RFC 6749, 5.2)."""
    return (
        name[:40] if name.isascii() and name.replace("_", "").isalnum() else "with a strange name"
    )
