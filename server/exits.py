"""Exit codes of the `trust` command (docs/cli.md); after sysexits.h where one fits."""

from seal.pdf.errors import BadPdf
from trust.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TrustError,
    Unauthenticated,
    Unavailable,
)
from trust.keys import WrongPassphrase
from trust.report import Outcome
from trust.settings import NoPassphrase

USAGE, BAD_DATA, NO_INPUT, NOT_FOUND = 64, 65, 66, 67
UNAVAILABLE, INTERNAL, PORT_TAKEN, CANNOT_WRITE = 69, 70, 71, 73
CONFLICT, WRONG_PASSPHRASE, FORBIDDEN, CONFIGURATION = 75, 76, 77, 78

OUTCOMES = {Outcome.PASSED: 0, Outcome.FAILED: 1, Outcome.INDETERMINATE: 2}


class CannotOpen(TrustError):
    """A file named on the command line cannot be read."""

    code = "cannot_open"


class CannotWrite(Unavailable):
    """A file or folder cannot be written."""

    code = "cannot_write"


class PortTaken(Unavailable):
    code = "port_taken"


class Usage(TrustError):
    """The command's words are off."""

    code = "usage"


CODES: dict[type[TrustError], int] = {
    Usage: USAGE, CannotOpen: NO_INPUT, CannotWrite: CANNOT_WRITE, PortTaken: PORT_TAKEN,
    NoPassphrase: CONFIGURATION, WrongPassphrase: WRONG_PASSPHRASE, BadPdf: BAD_DATA,
    Invalid: BAD_DATA, NotFound: NOT_FOUND, Conflict: CONFLICT, Forbidden: FORBIDDEN,
    Unauthenticated: FORBIDDEN, Unavailable: UNAVAILABLE, TrustError: BAD_DATA,
}  # fmt: skip


def code_of(error: TrustError) -> int:
    return next(CODES[base] for base in type(error).__mro__ if base in CODES)
