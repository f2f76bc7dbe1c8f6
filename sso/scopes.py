"""The scopes there are, and which any platform may have."""

from typing import Final

OPENID: Final = "openid"
OFFLINE: Final = "offline_access"
ORGANISATION: Final = "organisation"
#: Opens the platform's own interface.
TRUST: Final = "trust"
#: What a platform has that named none when it registered.
STANDARD: Final = ("openid", "profile", "email", "address", "phone", OFFLINE)
#: Only an administrator gives these: document numbers, organisations, levels, our own interface.
GRANTED: Final = ("identity", "id_number", ORGANISATION, "level", TRUST)
SUPPORTED: Final = (*STANDARD, *GRANTED)
