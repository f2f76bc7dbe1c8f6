"""`--pictures DIR`: the pages that look different since they were sealed, as PNG files."""

import argparse
from pathlib import Path

from seal import pictures
from seal.pictures import CannotDraw
from server.exits import CannotOpen


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR",
        help="write the pages before and after a change as pictures",
    )  # fmt: skip


def show(data: bytes, directory: Path | None) -> list[str]:
    """Write the pictures; lines that say what they show. None without a directory or a change."""
    if directory is None or not data.startswith(b"%PDF-"):
        return []
    try:
        found = pictures.draw(data)
    except CannotDraw as error:
        return [f"  页面无法绘出 The pages cannot be drawn: {error}"]
    if found is None:
        return []
    try:
        files = pictures.save(found, directory)
    except OSError as error:
        raise CannotOpen(f"{directory} cannot be written: {error.strerror}") from error
    return [*found.lines(), *(f"    {path}" for path in files)]
