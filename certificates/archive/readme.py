"""What an archive package says to whoever opens it, long after: how to check it without us."""

from collections.abc import Mapping
from pathlib import Path

from trust.crypto import hashes


def sums(parts: Mapping[str, bytes]) -> bytes:
    """A list for `sha256sum -c`."""
    lines = [f"{hashes.sha256(data).hex()}  {name}\n" for name, data in sorted(parts.items())]
    return "".join(lines).encode()


def text() -> bytes:
    """README.md, the same in every package."""
    return Path(__file__).with_name("readme.txt").read_bytes()
