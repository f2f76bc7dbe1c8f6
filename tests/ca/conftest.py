"""Fixtures of whole regions, and one that serves."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi.testclient import TestClient

from server.app import create_app
from tests.regions import Region, postgresql_region, region, sqlite_region

__all__ = ["address", "client", "postgresql_region", "region", "sqlite_region"]


@pytest.fixture(scope="session")
def client(sqlite_region: Region) -> Iterator[TestClient]:
    app = create_app(sqlite_region.platform.settings, platform=sqlite_region.platform)
    with TestClient(app) as opened:
        yield opened


@pytest.fixture(scope="session")
def address(sqlite_region: Region) -> Iterator[str]:
    """The region behind uvicorn on a port of its own, for programs that speak HTTP themselves."""
    app = create_app(sqlite_region.platform.settings, platform=sqlite_region.platform)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, access_log=False, log_config=None, lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.started
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=20)
