"""A RabbitMQ of the test's own: loopback, ports and files that nobody else has."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tools import find_tool

START_SECONDS = 90


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return found


@contextmanager
def rabbitmq(directory: Path) -> Iterator[str]:
    """The broker's address; the server is ended by its process number."""
    server = find_tool("rabbitmq-server", Path("/usr/lib/rabbitmq/bin"))
    # Not the wrapper in /usr/sbin, which changes to a user of its own.
    inner = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    server = inner if inner.exists() else server
    amqp, distribution = _free_ports(2)
    (directory / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{amqp}\nloopback_users.guest = true\n"
    )
    (directory / "plugins").write_text("[].\n")
    home = directory / "home"
    home.mkdir()
    environment = os.environ | {
        "HOME": str(home), "RABBITMQ_NODENAME": f"trust{os.getpid()}@localhost",
        "RABBITMQ_BASE": str(directory), "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
        "RABBITMQ_LOG_BASE": str(directory / "log"), "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
        "RABBITMQ_DIST_PORT": str(distribution), "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_PID_FILE": str(directory / "pid"),
        # No epmd, which would be shared with everybody on the machine and outlive the test.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            f"-start_epmd false -erl_epmd_port {distribution} "
            "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1"
        ),
    }  # fmt: skip
    with (directory / "output").open("wb") as output:
        process = subprocess.Popen(
            [server], env=environment, stdout=output, stderr=output, start_new_session=True,
            cwd=directory,
        )  # fmt: skip
    try:
        _wait(amqp, process, directory)
        yield f"amqp://guest:guest@127.0.0.1:{amqp}//"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(port: int, process: "subprocess.Popen[bytes]", directory: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.3)
        else:
            return
    said = (directory / "output").read_text(errors="replace")[-3000:]
    pytest.fail(f"RabbitMQ did not start:\n{said}", pytrace=False)
