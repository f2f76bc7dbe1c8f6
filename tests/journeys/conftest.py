"""The world of the journeys: one for the run. `served`, `client` and `address` are those of the
journeys' own region, so that the tools of the server's tests work on it."""

from collections.abc import Iterator

import httpx
import pytest

from server.app import create_app
from server.provision import RegionPlan
from tests.certificates.office import open_office
from tests.journeys import world as worlds
from tests.journeys.world import As, World
from tests.network import Neighbour, Network, Seconds, open_neighbour
from tests.regions import postgresql_region, region, sqlite_region
from tests.server.conftest import Served
from tests.server.desk import open_desk
from tests.server.test_applications import bearer

__all__ = ["bearer", "postgresql_region", "region", "sqlite_region"]


@pytest.fixture(scope="session")
def network() -> Network:
    return Network()


@pytest.fixture(scope="session")
def away(tmp_path_factory: pytest.TempPathFactory, network: Network) -> Iterator[Neighbour]:
    home = tmp_path_factory.mktemp("dingxi")
    plan = RegionPlan("621100", "定西市")
    found = open_neighbour(home, network, plan, "dingxi", Seconds())
    with found.client:
        yield found
    found.platform.engine.dispose()


@pytest.fixture(scope="session")
def served(
    tmp_path_factory: pytest.TempPathFactory, network: Network, away: Neighbour
) -> Iterator[Served]:
    """Ali, which recognises what its neighbour issues."""
    found = worlds.ali(tmp_path_factory.mktemp("ali"), network)
    app = create_app(found.platform.settings, platform=found.platform)
    Neighbour(found, "ali", away.client, app).trusts(away)
    licence = found.issued()
    yield Served(found, licence, found.file(licence), app)
    found.platform.engine.dispose()


@pytest.fixture(scope="session")
def address(served: Served) -> Iterator[str]:
    with worlds.serving(served.app) as found:
        yield found


@pytest.fixture(scope="session")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=60, trust_env=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def world(served: Served, client: httpx.Client, bearer: As, away: Neighbour) -> World:
    desk = open_desk(served.app, served.region)
    return World(client, bearer, desk, open_office(served.region), away)
