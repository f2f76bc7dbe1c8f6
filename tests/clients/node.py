"""Packages of npm by their lock file, in build/, and a Node new enough to run them."""

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.tools import find_tool

BUILD = Path(__file__).resolve().parents[2] / "build" / "node"
_DEADLINE = 300


@dataclass(frozen=True, slots=True)
class Node:
    """A node program and a folder whose `node_modules` it finds; scripts are copied beside them."""

    program: Path
    folder: Path

    def place(self, *scripts: Path) -> None:
        for script in scripts:
            shutil.copy(script, self.folder / script.name)


def install(source: Path, *, at_least: int) -> Node:
    """What `source`/package-lock.json pins, installed once for each lock.

    The machine's node is used if its major version is `at_least` so; else the one that the package
    brings as an optional dependency (Debian 12 has 18).
    """
    npm = find_tool("npm")
    lock = (source / "package-lock.json").read_bytes()
    folder = BUILD / f"{source.name}-{hashlib.sha256(lock).hexdigest()[:12]}"
    own = _own_node(at_least)
    if not (folder / "installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, folder / name)
        left_out = [] if own is None else ["--omit=optional"]
        command = [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", *left_out]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_DEADLINE, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"npm ci in {folder}: {done.stderr[-2000:]}")
        (folder / "installed").touch()
    brought = sorted(folder.glob("node_modules/node-linux-*/bin/node"))
    if own is None and not brought:
        raise RuntimeError(f"no node of version {at_least} or newer for this machine")
    return Node(own or brought[0], folder)


def _own_node(at_least: int) -> Path | None:
    found = shutil.which("node")
    if found is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.", said)
    return Path(found) if version is not None and int(version[1]) >= at_least else None
