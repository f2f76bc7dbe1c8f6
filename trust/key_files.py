"""The files of the soft key store: written once and whole, read within a bound, overwritten at the
end of their life."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

#: A key file of RSA-8192 is about 8 kB.
LONGEST: Final = 32_768
#: How often a file is overwritten before it is removed.
PASSES: Final = 3


def write_once(path: Path, fields: Mapping[str, object]) -> None:
    """Write a file that appears whole or not at all; FileExistsError if one is there.

    Temporary name, O_EXCL and 0600, fsync, link (which never overwrites), fsync of the directory.
    """
    new = path.with_name(f".new-{secrets.token_hex(8)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(fields, indent=1).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(new, path)
    finally:
        new.unlink(missing_ok=True)
    _sync_directory(path.parent)


def read(path: Path) -> dict[str, str]:
    """The fields of a file of ours; ValueError if it is not one (json's error is a ValueError)."""
    with path.open("rb") as file:
        content = file.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise ValueError("too long")
    try:
        fields = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    return fields


def erase(path: Path) -> int:
    """Overwrite a file with random bytes, each pass to the disk, and remove it; its length.

    FileNotFoundError when there is none. A copying or flash file system may keep the old blocks:
    what makes them worthless is that they are sealed. A crash in between leaves a file of random
    bytes, which is no key any more.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        length = os.fstat(file.fileno()).st_size
        for _ in range(PASSES):
            file.seek(0)
            file.write(secrets.token_bytes(length))
            os.fsync(file.fileno())
        file.truncate(0)
        os.fsync(file.fileno())
    path.unlink()
    _sync_directory(path.parent)
    return length


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
