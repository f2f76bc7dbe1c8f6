"""A region of a demonstration: a home, database and keys of its own, and a service of its own.

What its operator does is done by the commands that operators have, in this process; what others see
of it is seen over HTTP, from its own process.
"""

import argparse
import contextlib
import io
import os
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from pydantic import SecretStr

from server import exits, ports
from server.exits import PortTaken
from server.platform import Platform
from trust.errors import TrustError, Unavailable
from trust.report import printable
from trust.settings import DEMO_PASSPHRASE, Settings

START_SECONDS = 180.0
STOP_SECONDS = 20.0
#: Below the ports that systems give to outgoing connections (32768 on, or 49152 on).
_PORTS = range(20_000, 32_000)


class SiteFailed(Unavailable):
    """A region's service did not start, or ended by itself."""

    code = "site_failed"


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit code (docs/cli.md)."""

    code: int
    text: str


@dataclass
class Site:
    """One region: `name` is its short name and the first label of its host. `parser` reads the
    commands that it is operated by, the same as anybody's."""

    name: str
    title: str
    code: str
    settings: Settings
    parser: Callable[[], argparse.ArgumentParser]
    platform: Platform = field(init=False)
    #: One for all questions: a client of httpx costs more to make than a question does.
    http: httpx.Client = field(init=False, repr=False)
    _service: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.platform = Platform(self.settings)
        self.http = httpx.Client(base_url=self.url, timeout=30.0, trust_env=False)

    @property
    def url(self) -> str:
        return self.settings.base_url

    @property
    def home(self) -> Path:
        return self.settings.home

    def operate(self, *words: object) -> Said:
        """`trust WORDS` in this region's home; its refusals are its exit code, as for anybody."""
        arguments = self.parser().parse_args([str(word) for word in words])
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            try:
                code = int(arguments.run(arguments, self.platform))
            except TrustError as error:
                told.write(f"trust: {printable(str(error))} [{error.code}]")
                code = exits.code_of(error)
        return Said(code, told.getvalue().rstrip("\n"))

    def start(self) -> None:
        """Its service in a process of its own; `await_answer` says when it answers."""
        with (self.home / "service.log").open("ab") as log:
            self._service = subprocess.Popen(
                [sys.executable, "-m", "server.demo_regions.service"],
                stdin=subprocess.PIPE, stdout=log, stderr=log, env=self._environment(),
            )  # fmt: skip

    def await_answer(self) -> None:
        """Wait until its service answers; SiteFailed."""
        deadline = time.monotonic() + START_SECONDS
        while self._service is not None and time.monotonic() < deadline:
            if self._service.poll() is not None:
                break
            if self._answers():
                return
            time.sleep(0.1)
        raise SiteFailed(f"the service of {self.name} did not start: {self.home}/service.log")

    def stop(self) -> None:
        """End its process, by its id, and wait until it has gone."""
        service, self._service = self._service, None
        if service is None:
            return
        service.terminate()
        try:
            service.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            service.kill()
            service.wait()
        if service.stdin is not None:
            service.stdin.close()

    def _answers(self) -> bool:
        try:
            return self.http.get("/healthz", timeout=5.0).status_code == 200
        except httpx.HTTPError:
            return False

    def _environment(self) -> dict[str, str]:
        """This process's own, without any setting of another deployment."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith("TRUST_")}
        return kept | {
            "TRUST_HOME": str(self.home), "TRUST_BASE_URL": self.url,
            "TRUST_PORT": str(self.settings.port), "TRUST_DEVELOPMENT": "true",
            "TRUST_BULK_PROCESSES": "1",
        }  # fmt: skip


def make(
    name: str, title: str, code: str, *, home: Path, port: int,
    parser: Callable[[], argparse.ArgumentParser],
) -> Site:  # fmt: skip
    """A site that is not set up yet; its home is made, with the passphrase of its keys."""
    home.mkdir(parents=True, mode=0o700)
    passphrase = secrets.token_urlsafe(24)
    handle = os.open(home / DEMO_PASSPHRASE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(passphrase + "\n")
    settings = Settings(
        home=home, base_url=f"http://{name}.localhost:{port}", port=port, host="127.0.0.1",
        database_url="", issuer="", development=True, key_passphrase=SecretStr(passphrase),
        allow_private_callbacks=True, bulk_processes=1,
    )  # fmt: skip
    return Site(name, title, code, settings, parser)


def free_ports(count: int) -> list[int]:
    """So many that nobody listens at now; PortTaken where there are none."""
    found: list[int] = []
    for _ in range(500):
        port = secrets.choice(_PORTS)
        with contextlib.suppress(PortTaken), ports.bind("127.0.0.1", port):
            found.append(port)
        if len(set(found)) == count:
            return sorted(set(found))
    raise PortTaken(f"{count} free ports could not be found")


@contextlib.contextmanager
def all_stopped(sites: tuple[Site, ...]) -> Iterator[None]:
    """However the block ends, no service of theirs is left."""
    try:
        yield
    finally:
        for site in sites:
            site.stop()
            site.http.close()
            with contextlib.suppress(TrustError):
                site.platform.engine.dispose()


def shown(words: tuple[object, ...], *, within: Path) -> str:
    """A command as one would type it, paths told from `within`."""
    return shlex.join(str(word).replace(f"{within}/", "") for word in words)
