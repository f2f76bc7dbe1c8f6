"""The `claims` request parameter (OIDC Core 1.0, 5.5)."""

from typing import Any, Final

from sso.oauth_errors import OAuthError
from trust.crypto.errors import Malformed
from trust.crypto.jose import load_json

CLAIMS_MAX: Final = 50
NAME_MAX: Final = 100
PLACES: Final = ("userinfo", "id_token")
_MEMBERS: Final = frozenset({"essential", "value", "values"})


def parse(text: str | None) -> dict[str, Any]:
    """Its `userinfo` and `id_token` objects, each claim None or an object with essential, value,
    values; OAuthError invalid_request for another form. What is unknown is left out."""
    if text is None:
        return {}
    try:
        found = load_json(text, cap=8192)
    except Malformed as error:
        raise OAuthError("invalid_request", "claims is no JSON") from error
    if not isinstance(found, dict):
        raise OAuthError("invalid_request", "claims is a JSON object")
    return {place: _place(place, found[place]) for place in PLACES if found.get(place) is not None}


def _place(place: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > CLAIMS_MAX:
        raise OAuthError("invalid_request", f"{place} in claims is an object of bounded size")
    return {_name(name): _claim(each) for name, each in value.items()}


def _name(name: str) -> str:
    if not 0 < len(name) <= NAME_MAX or not name.isprintable():
        raise OAuthError("invalid_request", "a claim's name is too long")
    return name


def _claim(value: object) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise OAuthError("invalid_request", "a claim is asked for by null or an object")
    if not isinstance(value.get("essential", False), bool):
        raise OAuthError("invalid_request", "essential is true or false")
    if not isinstance(value.get("values", []), list):
        raise OAuthError("invalid_request", "values is a list")
    return {name: each for name, each in value.items() if name in _MEMBERS}


def acr(claims: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The acr values asked for the ID token: essential ones, voluntary ones (Core, 5.5.1.1)."""
    asked = (claims.get("id_token") or {}).get("acr")
    if not isinstance(asked, dict):
        return [], []
    wanted = [each for each in _values(asked) if isinstance(each, str)]
    return (wanted, []) if asked.get("essential") else ([], wanted)


def subject(claims: dict[str, Any]) -> str | None:
    """The one `sub` the response must be about (Core, 5.5.1), in the client's own form."""
    asked = (claims.get("id_token") or {}).get("sub")
    values = _values(asked) if isinstance(asked, dict) else []
    if not values:
        return None
    if len(values) > 1 or not isinstance(values[0], str):
        raise OAuthError("invalid_request", "sub is asked for with one value")
    return values[0]


def _values(asked: dict[str, Any]) -> list[object]:
    return [asked["value"]] if "value" in asked else list(asked.get("values", []))
