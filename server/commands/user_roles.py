"""ROLE or ROLE@AUTHORITY, as commands take them."""

from typing import Final

from server.exits import Usage
from trust.access import Role

_ROLES: Final = {role.value: role for role in Role}


def read_roles(words: list[str]) -> tuple[frozenset[Role], str | None]:
    """R@AUTHORITY …: all of one authority, because an account acts for one body; Usage."""
    parts = [word.partition("@") for word in words]
    if any(role not in _ROLES for role, _, _ in parts):
        raise Usage(f"a role is ROLE or ROLE@AUTHORITY, one of {', '.join(_ROLES)}")
    authorities = {authority for _, _, authority in parts}
    if len(authorities) > 1:
        raise Usage("all roles of one account are at the same authority")
    return frozenset(_ROLES[role] for role, _, _ in parts), next(iter(authorities), "") or None
