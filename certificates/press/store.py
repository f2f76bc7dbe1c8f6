"""Where sealed files lie: a local directory, each file sealed at rest under its identifier.

`put` is create-only and durable before it returns: temporary name, fsync, link, fsync of the
directory. A crash leaves at most a temporary file under `.new`, which `sweep` removes.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Sequence
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
        self.put_many([(identifier, data)])

    def put_many(self, files: Sequence[tuple[str, bytes]]) -> None:
        """`put` several: all of them are kept, or none.

        Each step is taken for all files before the next, so that the disk is waited for once and
        not once a file. A crash leaves temporary files, and perhaps some files of the block.
        """
        waiting = [(self._path(name), self._directory / ".new" / secrets.token_hex(8))
                   for name, _ in files]  # fmt: skip
        linked: list[Path] = []
        try:
            (self._directory / ".new").mkdir(parents=True, exist_ok=True, mode=0o700)
            boxes = self._vault.seal_many([(data, f"file/{name}") for name, data in files])
            _write_all([
                (temporary, box) for box, (_, temporary) in zip(boxes, waiting, strict=True)
            ])  # fmt: skip
            for path, temporary in waiting:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                os.link(temporary, path)
                linked.append(path)
            for directory in {path.parent for path, _ in waiting}:
                _sync(directory)
        except OSError as error:
            for path in linked:
                with contextlib.suppress(OSError):
                    path.unlink()
            if isinstance(error, FileExistsError):
                raise Conflict("a file of a licence is stored already") from error
            raise Unavailable(f"licence files cannot be written under {self._directory}") from error
        finally:
            for _, temporary in waiting:
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


def _write_all(files: Sequence[tuple[Path, bytes]]) -> None:
    """New files, durable when this returns: the first wait for the disk is most of all of them."""
    handles = []
    try:
        for path, data in files:
            file = path.open("xb")
            handles.append(file)
            file.write(data)
            file.flush()
        for file in handles:
            os.fsync(file.fileno())
    finally:
        for file in handles:
            file.close()


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
