"""An authorization request that passed every check, as one frozen value."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final
from urllib.parse import parse_qsl

from sso.forms import BODY_MAX, FIELDS_MAX, REPEATABLE
from sso.oauth_errors import OAuthError

_SETS: Final = frozenset({"prompt"})


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """OIDC Core 1.0, 3.1.2.1 and its companions; lists are in the order they were asked.

    `essential_acr`: one of these or no login (Core, 5.5.1.1). `claims`: the claims parameter, its
    `userinfo` and `id_token` objects. `hint_sub`: the subject, in the client's own form, that an
    id_token_hint or a claims parameter names. `request_uri_id`: hex digest of the pushed request
    this came from, spent when the login is complete (RFC 9126, 7.3).
    """

    client_id: str
    redirect_uri: str
    response_type: str = "code"
    response_mode: str = "query"
    scope: tuple[str, ...] = ()
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    essential_acr: tuple[str, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)
    login_hint: str | None = None
    id_token_hint_sub: str | None = None
    ui_locales: str | None = None
    display: str = "page"
    resource: tuple[str, ...] = ()
    dpop_jkt: str | None = None
    request_uri_id: str | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=sorted, separators=(",", ":"))

    def from_pushed(self, digest: bytes) -> "AuthorizationRequest":
        return replace(self, request_uri_id=digest.hex())

    def bound_to(self, jkt: str | None) -> "AuthorizationRequest":
        """With the DPoP key that the code will be bound to (RFC 9449, 10)."""
        return self if jkt is None else replace(self, dpop_jkt=jkt)


def from_json(text: str) -> AuthorizationRequest:
    """The value of `to_json`, which nobody but us has written."""
    found = json.loads(text)
    for each in fields(AuthorizationRequest):
        value = found.get(each.name)
        if isinstance(value, list):
            found[each.name] = frozenset(value) if each.name in _SETS else tuple(value)
    return AuthorizationRequest(**found)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters as they came: the first value of each, and the names that stood twice."""

    values: Mapping[str, str] = field(repr=False)
    repeated: frozenset[str] = frozenset()

    def text(self, name: str) -> str | None:
        return self.values.get(name)


def read_parameters(encoded: bytes) -> Parameters:
    """A query or form body; OAuthError with `page` where nothing can be read.

    Unlike `forms.parse_form` a repeated name is no refusal yet: when client_id and redirect_uri are
    sound, the platform is told (RFC 6749, 3.1 and 4.1.2.1).
    """
    if len(encoded) > BODY_MAX:
        raise OAuthError("invalid_request", "the request is too long", page=True)
    try:
        pairs = parse_qsl(
            encoded.decode("ascii"), keep_blank_values=True, errors="strict",
            max_num_fields=FIELDS_MAX,
        )  # fmt: skip
    except ValueError as error:
        raise OAuthError("invalid_request", "malformed parameters", page=True) from error
    found: dict[str, str] = {}
    repeated: set[str] = set()
    for name, value in pairs:
        if name in found and name in REPEATABLE:
            found[name] = f"{found[name]} {value}"
        elif name in found:
            repeated.add(name)
        else:
            found[name] = value
    return Parameters({name: value for name, value in found.items() if value}, frozenset(repeated))
