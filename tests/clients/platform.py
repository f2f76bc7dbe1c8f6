"""The example platform as a process, registered at the provider."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.clients.served import ROOT, Served, free_port

_START = 20


@dataclass(frozen=True, slots=True)
class Running:
    base_url: str

    def at(self, path: str) -> str:
        return self.base_url + path


@contextmanager
def running(served: Served, *options: str, scope: str = "openid profile") -> Iterator[Running]:
    """Until the block ends. `options` as the example's command takes them."""
    port = free_port()
    base = f"http://localhost:{port}"
    client = served.add_client(
        f"platform-{port}", f"{base}/callback", "--post-logout-redirect-uri", f"{base}/logged-out",
        "--backchannel-logout-uri", f"{base}/backchannel-logout",
        "--frontchannel-logout-uri", f"{base}/frontchannel-logout",
    )  # fmt: skip
    environment = {
        **os.environ, "PLATFORM_CLIENT_ID": client.client_id,
        "PLATFORM_CLIENT_SECRET": client.client_secret,
    }  # fmt: skip
    words = ["--port", str(port), "--issuer", served.issuer, "--scope", scope, *options]
    process = subprocess.Popen(
        [sys.executable, "-m", "examples.platform", *words], cwd=ROOT, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(process, base)
        yield Running(base)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(url, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the example platform did not come up")
