"""Where sealed files lie: a local directory, each file sealed at rest under its identifier.

`put` is create-only and durable before it returns: temporary name, fsync, link, fsync of the
directory. A crash leaves at most a temporary file under `.new`, which `sweep` removes.
"""

import contextlib
import os
import secrets
import time
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from trust.errors import Conflict, NotFound, Unavailable
from trust.vault import Vault


class FileStore:
    def __init__(self, directory: Path, vault: Vault) -> None:
        self._directory, self._vault = directory, vault

    def _path(self, identifier: str) -> Path:
        name = sha256(identifier.encode()).hexdigest()
        return self._directory / name[:2] / name[2:4] / f"{name}.box"

    def put(self, identifier: str, data: bytes) -> None:
        """Keep a file for good; Conflict when there is one, Unavailable when the disk refuses."""
        path = self._path(identifier)
        box = self._vault.seal(data, context=f"file/{identifier}")
        temporary = self._directory / ".new" / secrets.token_hex(8)
        try:
            temporary.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(temporary, box)
            os.link(temporary, path)
            _sync(path.parent)
        except FileExistsError as error:
            raise Conflict(f"a file of licence {identifier} is stored already") from error
        except OSError as error:
            raise Unavailable(f"licence files cannot be written under {self._directory}") from error
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def get(self, identifier: str) -> bytes:
        """The file; NotFound, Unavailable, DecryptionFailed when the box was changed."""
        try:
            box = self._path(identifier).read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"no file of licence {identifier}") from error
        except OSError as error:
            raise Unavailable("licence files cannot be read") from error
        return self._vault.unseal(box, context=f"file/{identifier}")

    def remove(self, identifier: str) -> None:
        """Take back a file that no licence names: the recovery after a crash, nothing else."""
        self._path(identifier).unlink(missing_ok=True)

    def sweep(self, *, older_than: timedelta = timedelta(hours=1)) -> None:
        """Remove what crashed writers left; younger files may still be being written."""
        for path in (self._directory / ".new").glob("*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > older_than.total_seconds():
                    path.unlink()


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
