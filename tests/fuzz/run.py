"""`make fuzz`: every target in turn, in a process of its own; findings are kept in the corpus.

`python -m tests.fuzz.run --seconds 600` divides the time; `--target NAME` runs one. With atheris
installed its engine is used (coverage of every branch), else our own loop.
"""

import argparse
import hashlib
import importlib
import importlib.util
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FunctionType
from typing import Any

from tests.fuzz import loop
from tests.fuzz.mutate import mutated
from tests.fuzz.seeds import CORPUS, corpus, to_text
from tests.fuzz.targets import TARGETS

_MEMORY = 3 << 30
_AT_ONCE = 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run")
    parser.add_argument("--seconds", type=int, default=600, help="for all targets together")
    parser.add_argument("--target", choices=TARGETS)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    if arguments.target:
        return run_one(arguments.target, arguments.seconds, arguments.seed)
    return run_all(arguments.seconds, arguments.seed)


def run_all(seconds: int, seed: int) -> int:
    """0 when no target found anything."""
    each = max(5, seconds * _AT_ONCE // len(TARGETS))
    waiting, running, failed = list(TARGETS), dict[str, subprocess.Popen[bytes]](), list[str]()
    while waiting or running:
        while waiting and len(running) < _AT_ONCE:
            name = waiting.pop(0)
            command = [sys.executable, "-m", "tests.fuzz.run", "--target", name]
            command += ["--seconds", str(each), "--seed", str(seed)]
            running[name] = subprocess.Popen(command)
        for name, process in list(running.items()):
            if process.poll() is not None:
                failed += [name] if process.returncode else []
                del running[name]
        time.sleep(0.2)
    print(f"FUZZ: {len(TARGETS)} targets, {each} s each, findings in {failed or 'none'}")
    return 1 if failed else 0


def run_one(target: str, seconds: int, seed: int) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    if importlib.util.find_spec("atheris") is not None:
        return _by_atheris(target, seconds, seed)
    run = loop.fuzz(target, seconds=seconds, seed=seed)
    for found in run.findings:
        print(f"{target}: {found.what} -> {keep(target, found.data)}", file=sys.stderr)
    print(f"{target}: {run.tried} inputs, {len(run.lines)} lines, {len(run.findings)} findings")
    return 1 if run.findings else 0


def keep(target: str, data: bytes) -> Path:
    """Put a finding into the corpus, where the tests try it from then on."""
    path = CORPUS / target / f"found-{hashlib.sha256(data).hexdigest()[:12]}.hex"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_text(data))
    return path


def _by_atheris(target: str, seconds: int, seed: int) -> int:
    """Runs the engine, which ends the process itself."""
    atheris: Any = importlib.import_module("atheris")
    for function in _our_functions():
        atheris.instrument_func(function)
    parse = TARGETS[target]

    def one(data: bytes) -> None:
        what = loop.trial(parse, data)
        if what:
            print(f"{target}: {what} -> {keep(target, data)}", file=sys.stderr)
            raise AssertionError(what)

    def change(data: bytes, most: int, number: int) -> bytes:
        """Half of the changes know the form, the other half are the engine's own."""
        chance = random.Random(number)
        if chance.random() < 0.5:
            engine: bytes = atheris.Mutate(data, most)
            return engine
        return mutated(target, data, data, chance)[:most]

    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(corpus(target)):
            (Path(folder) / str(number)).write_bytes(data)
        options = [sys.argv[0], f"-max_total_time={seconds}", f"-seed={seed % (1 << 31)}",
                   "-timeout=10", "-rss_limit_mb=2048", "-max_len=65536", "-print_final_stats=1",
                   f"-artifact_prefix={folder}/", folder]  # fmt: skip
        atheris.Setup(options, one, custom_mutator=change)
        atheris.Fuzz()
    return 0


def _our_functions() -> list[FunctionType]:
    """The functions and methods of our packages; every library's would take a minute."""
    found = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in ("trust", "seal", "certificates"):
            continue
        for held in list(vars(module).values()):
            inside = vars(held).values() if isinstance(held, type) else (held,)
            found += [
                one for one in inside if isinstance(one, FunctionType) and one.__module__ == name
            ]
    return found


if __name__ == "__main__":
    sys.exit(main())
