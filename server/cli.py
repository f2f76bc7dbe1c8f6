"""The `trust` command: thin, one clear line for every refusal, never a traceback."""

import argparse
import os
import sys
from typing import NoReturn

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from server import exits, loopback_names
from server.commands import (
    archive,
    authority,
    ca,
    client,
    demo,
    demo_regions,
    issue,
    items,
    keys,
    lists,
    offline_bundle,
    region,
    region_trust,
    reporting,
    seal,
    types,
    upstream,
    user,
    verify,
    worker,
)
from server.platform import Platform
from trust.crypto import sm2
from trust.errors import TrustError
from trust.report import printable
from trust.settings import Settings


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """argparse ends with 2, which is INDETERMINATE here."""
        self.print_usage(sys.stderr)
        self.exit(exits.USAGE, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    made = _Parser(prog="trust", description="统一身份、电子印章、电子证照 / the trust platform")
    # What the demonstration of regions operates them by, as anybody does.
    made.set_defaults(parser=parser)
    commands = made.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    for module in (
        demo,
        demo_regions,
        region,
        lists,
        region_trust,
        authority,
        user,
        client,
        upstream,
        seal,
        ca,
        keys,
        types,
        items,
        issue,
        verify,
        offline_bundle,
        archive,
        reporting,
        worker,
    ):
        module.add(commands)
    return made


def main(words: list[str] | None = None) -> int:
    """Run a command; its exit code (docs/cli.md)."""
    os.umask(0o077)  # licences, databases and keys are nobody else's to read
    loopback_names.answer()
    arguments = parser().parse_args(words)
    if "portable" in sm2.engine():
        print(f"trust: SM2 by {sm2.engine()}: slow, and nothing can be signed", file=sys.stderr)
    try:
        code = int(arguments.run(arguments, Platform(Settings())))
        sys.stdout.flush()
        return code
    except TrustError as error:
        print(f"trust: {printable(str(error))} [{error.code}]", file=sys.stderr)
        return exits.code_of(error)
    except ValidationError as error:
        first = error.errors()[0]
        name = "".join(f"TRUST_{part}: ".upper() for part in first["loc"])
        print(f"trust: {name}{first['msg'].removeprefix('Value error, ')}", file=sys.stderr)
        return exits.CONFIGURATION
    except SQLAlchemyError as error:
        if os.environ.get("TRUST_DEBUG"):
            raise
        print(f"trust: the database cannot be used ({type(error).__name__}); is it running, and "
              "was `trust init` run since the last upgrade?", file=sys.stderr)  # fmt: skip
        return exits.UNAVAILABLE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # whoever reads us has read enough
    except Exception as error:
        # The last net: an operator gets a line, a developer asks for the rest.
        if os.environ.get("TRUST_DEBUG"):
            raise
        print(f"trust: internal error ({type(error).__name__}); TRUST_DEBUG=1 shows it",
              file=sys.stderr)  # fmt: skip
        return exits.INTERNAL


if __name__ == "__main__":
    sys.exit(main())
