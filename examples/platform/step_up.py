"""Asking for more: the challenge of an API that a login is too weak or too old for (RFC 9470)."""

import re
from dataclasses import dataclass

from examples.platform.relying_party import Claims

ACR_PREFIX = "urn:trust:loa:"
_PARAMETER = re.compile(r'([a-z_]+)="([^"\\]*)"')


@dataclass(frozen=True, slots=True)
class Needed:
    """What the API asks for: a level of the provider's, a greatest age in seconds."""

    level: int
    max_age: int | None = None

    def lacks(self, claims: Claims, *, now: float) -> bool:
        """Whether these claims of an access token fall short of it."""
        acr = str(claims.get("acr", ""))
        tail = acr.removeprefix(ACR_PREFIX)
        level = int(tail) if acr.startswith(ACR_PREFIX) and tail in {"0", "1", "2", "3"} else 0
        too_old = (
            self.max_age is not None and now - float(claims.get("auth_time", 0)) > self.max_age
        )
        return level < self.level or too_old

    def challenge(self) -> str:
        """The value of WWW-Authenticate (RFC 9470, 3)."""
        parts = [
            'Bearer error="insufficient_user_authentication"',
            'error_description="a stronger or fresher authentication is required"',
            f'acr_values="{ACR_PREFIX}{self.level}"',
        ]
        if self.max_age is not None:
            parts.append(f'max_age="{self.max_age}"')
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a client must ask the provider for, to be let in."""

    acr_values: tuple[str, ...]
    max_age: int | None


def read_challenge(header: str) -> Challenge | None:
    """The challenge in a WWW-Authenticate header; None if it asks for no step-up."""
    given = dict(_PARAMETER.findall(header))
    if given.get("error") != "insufficient_user_authentication":
        return None
    age = given.get("max_age", "")
    return Challenge(
        tuple(given.get("acr_values", "").split()), int(age) if age.isdecimal() else None
    )
