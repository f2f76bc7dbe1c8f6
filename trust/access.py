"""Who acts. A `Caller` is made at the edge (a token, a command's `--as`) and handed down."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Role codes; docs/roles.md says what each may do."""

    CLERK = "clerk"
    APPROVER = "approver"
    SEAL_ADMIN = "seal_admin"
    CA_ADMIN = "ca_admin"
    SYSTEM_ADMIN = "system_admin"
    SECURITY_ADMIN = "security_admin"
    AUDIT_ADMIN = "audit_admin"
    OFFICE = "office"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated actor.

    `account` is the account's name, `authority` the unified social credit code of the body the
    caller acts for (None for the platform itself), `client` the OAuth client whose token it was
    (None for a page of our own and for commands).
    """

    account: str
    authority: str | None
    roles: frozenset[Role]
    client: str | None = None

    def has(self, role: Role) -> bool:
        return role in self.roles


#: The platform itself, for acts nobody asked for: recovery, publication, initialisation.
SYSTEM = Caller(account="system", authority=None, roles=frozenset({Role.SYSTEM_ADMIN}))
