"""The refusals that any floor may raise. No HTTP here: `server.problems` gives each its status."""


class TrustError(Exception):
    """A refusal the caller may read. `code` is part of the API; the message holds no secret."""

    code = "refused"


class Invalid(TrustError):
    """What was handed in breaks a rule; the message names the rule."""

    code = "invalid"


class NotFound(TrustError):
    """What was asked for does not exist, or not for this caller."""

    code = "not_found"


class Conflict(TrustError):
    """The thing exists, but not in a state that allows the act."""

    code = "conflict"


class Forbidden(TrustError):
    """The caller is known and may not do this."""

    code = "forbidden"


class Unauthenticated(TrustError):
    """The caller has not proved who they are."""

    code = "unauthenticated"


class Unavailable(TrustError):
    """Something this act needs (a token, a file, a peer) is not there now."""

    code = "unavailable"
