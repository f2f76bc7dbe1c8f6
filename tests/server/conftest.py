"""One region that serves over HTTP, for every test of the server."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from certificates.models import Licence
from server.app import create_app
from server.provision import RegionPlan
from tests.regions import Region, build
from trust.audit import AuditEntry


@dataclass
class Served:
    """A region, one licence of it that nobody changes, and its application."""

    region: Region
    licence: Licence
    pdf: bytes
    app: FastAPI

    @property
    def claim(self) -> str:
        return self.licence.claim.partition("#")[2]

    def tampered(self) -> bytes:
        """The file with one bit of the first content stream turned."""
        changed = bytearray(self.pdf)
        changed[self.pdf.index(b"stream") + 50] ^= 1
        return bytes(changed)

    def looks(self) -> list[AuditEntry]:
        """The looks in the audit log, oldest first, those in memory included."""
        self.app.state.audit.flush()
        with self.region.platform.reading() as session:
            made = select(AuditEntry).where(AuditEntry.act == "verification.made")
            return list(session.scalars(made.order_by(AuditEntry.sequence)))


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    region = build(tmp_path_factory.mktemp("served"))
    licence = region.issued()
    app = create_app(region.platform.settings, platform=region.platform)
    yield Served(region, licence, region.file(licence), app)
    region.platform.engine.dispose()


@pytest.fixture(scope="session")
def foreign_pdf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sound licence of a region that nobody here knows."""
    region = build(tmp_path_factory.mktemp("foreign"), plan=RegionPlan("540100", "拉萨市"))
    pdf = region.file(region.issued())
    region.platform.engine.dispose()
    return pdf


@pytest.fixture(scope="session")
def client(served: Served) -> Iterator[TestClient]:
    with TestClient(served.app, follow_redirects=False) as opened:
        yield opened


@pytest.fixture(scope="session")
def address(served: Served) -> Iterator[str]:
    """The application behind uvicorn on a port of its own, as it is deployed."""
    app = create_app(served.region.platform.settings, platform=served.region.platform)
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


@pytest.fixture(scope="session")
def files(served: Served, foreign_pdf: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """good.pdf, tampered.pdf and foreign.pdf on disk, as a browser's user has them."""
    directory = tmp_path_factory.mktemp("files")
    (directory / "good.pdf").write_bytes(served.pdf)
    (directory / "tampered.pdf").write_bytes(served.tampered())
    (directory / "foreign.pdf").write_bytes(foreign_pdf)
    return directory
