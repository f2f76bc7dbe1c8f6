"""`trust offline-bundle`: what a verifier without a network needs, in one signed file."""

import argparse
from pathlib import Path

from server import offline, peers
from server.exits import CannotWrite, Usage
from server.platform import Platform
from trust.clock import utc_now


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "offline-bundle", help="离线核验资料 / what verifying without a network needs"
    )
    parser.add_argument(
        "--regions", metavar="CODE,…", help="these regions only; without it all that are known"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="FILE.json")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, platform: Platform) -> int:
    """Write the bundle: a browser takes it at /verify, `trust verify --bundle` on this machine."""
    only = _regions(arguments.regions)
    data = offline.write(platform, at=utc_now(), only=only, foreign=peers.PeerEntries(platform))
    try:
        arguments.out.write_bytes(data)
    except OSError as error:
        raise CannotWrite(f"{arguments.out} cannot be written: {error.strerror}") from error
    print(f"✓ {arguments.out}: {len(data)} bytes")
    return 0


def _regions(given: str | None) -> frozenset[str] | None:
    if given is None:
        return None
    codes = frozenset(given.split(","))
    if not all(len(code) == 6 and code.isascii() and code.isdigit() for code in codes):
        raise Usage("--regions takes division codes of six digits, with commas")
    return codes
