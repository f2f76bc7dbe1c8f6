"""The `sub` by which a platform knows a person: the same for all, or one for each sector."""

from sso.client import Client
from trust.crypto.jose import b64url
from trust.vault import Vault


def subject(client: Client, account_sub: str, vault: Vault) -> str:
    """22 characters of a public subject, 43 of a pairwise one (OIDC Core, 8.1).

    Pairwise: a keyed hash of sector and account, so that two platforms cannot put their users side
    by side; platforms of one sector (one host, or one sector_identifier_uri) see the same.
    """
    if client.subject_type != "pairwise":
        return account_sub
    return b64url(vault.index(f"{client.sector}\0{account_sub}", column="account.pairwise"))
