"""Two regions and who lives there, for journeys: Ali serves over real sockets, Dingxi is its
neighbour, and receivers of webhooks listen on ports of their own."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import httpx
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from server import provision
from server.platform import Platform
from server.provision import AuthorityPlan, RegionPlan
from tests import holding
from tests.certificates.office import Office
from tests.network import Neighbour, Network
from tests.regions import MARKET, TRANSPORT, Region, example
from tests.server.desk import Desk
from trust.access import Role
from trust.clock import utc_now
from trust.settings import Settings

HEALTH: Final = AuthorityPlan(
    "115425009990000809", "阿里地区卫生健康委员会", "542500", (),
    "阿里地区卫生健康委员会电子证照专用章", "电子证照专用章",
    (("health.clerk", "受理员", Role.CLERK), ("health.approver", "审批员", Role.APPROVER),
     ("health.seal", "印章管理员", Role.SEAL_ADMIN)),
)  # fmt: skip
FOOD: Final = "food-business-licence"
FOOD_TYPE: Final = "11542500999000056Q001"
CHANGE: Final = {"basis": "行政处罚法第九条", "reason": "核查"}


class As(Protocol):
    """An account's name to a header with its access token."""

    def __call__(self, name: str, *, scope: str = ...) -> dict[str, str]: ...


@dataclass
class World:
    """The region of Ali as its people and business systems reach it, and its neighbour."""

    http: httpx.Client
    bearer: As
    desk: Desk
    office: Office
    away: Neighbour
    _held: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def region(self) -> Region:
        return self.desk.region

    def headers(self, who: str) -> dict[str, str]:
        """Of a person; of a business system after `system` has made it."""
        if who not in self._held:
            self._held[who] = self.bearer(who)
        return self._held[who]

    def ask(
        self, who: str, path: str, body: Any = None, *, method: str = "", key: str = ""
    ) -> httpx.Response:
        """POST where there is a body or a method is not named otherwise."""
        headers = self.headers(who) | ({"Idempotency-Key": key} if key else {})
        return self.http.request(method or "POST", path, json=body, headers=headers)

    def read(self, who: str, path: str) -> Any:
        answer = self.ask(who, path, method="GET")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def done(
        self, who: str, path: str, body: Any = None, *, method: str = "", key: str = ""
    ) -> Any:
        """What was asked for and done; its body, where there is one."""
        answer = self.ask(who, path, body, method=method, key=key)
        assert answer.status_code in (200, 201, 204), (path, answer.text)
        return answer.json() if answer.content else None

    def system(self, name: str, authority: str, role: Role) -> str:
        """A business system with a machine account, made by the administrators over HTTP; its
        token is then the one of `headers(name)`."""
        metadata = {
            "client_name": name, "grant_types": ["client_credentials"], "scope": "trust",
            "token_endpoint_auth_method": "client_secret_post",
        }  # fmt: skip
        client = self.done("desk.system", "/v1/clients", {"metadata": metadata})
        machine = self.done("desk.guard", "/v1/machines", {
            "display_name": name, "authority": authority, "roles": [str(role)],
        })  # fmt: skip
        self.done(
            "desk.system", f"/v1/clients/{client['client_id']}/machine",
            {"account": machine["account"]}, method="PUT",
        )  # fmt: skip
        form = {
            "grant_type": "client_credentials", "scope": "trust",
            "client_id": client["client_id"], "client_secret": client["client_secret"],
        }  # fmt: skip
        token = self.http.post("/oauth2/token", data=form).json()["access_token"]
        self._held[name] = {"Authorization": f"Bearer {token}"}
        return str(client["client_id"])

    def entered(self, who: str = "market.clerk", slug: str = FOOD, **given: Any) -> str:
        """The address of an application; `content` changes the example."""
        content = example(slug) | given.pop("content", {})
        body = {"type": slug, "content": content, **given}
        return "/v1/applications/" + str(self.done(who, "/v1/applications", body)["id"])

    def issued(self, slug: str = FOOD, **given: Any) -> dict[str, Any]:
        """A licence of the market authority, by its clerk and its approver."""
        where = self.entered(slug=slug, **given)
        self.done("market.approver", f"{where}/approval")
        found: dict[str, Any] = self.done("market.approver", f"{where}/licence")
        return found

    def file(self, made: dict[str, Any]) -> bytes:
        answer = self.ask("market.clerk", made["file"], method="GET")
        assert answer.status_code == 200, answer.text
        return answer.content

    def verified(self, given: str | bytes) -> dict[str, Any]:
        """What anybody is told of a file or of a QR code's text."""
        if isinstance(given, bytes):
            answer = self.http.post("/v1/verifications", files={"file": ("file.pdf", given)})
        else:
            answer = self.http.post("/v1/verifications", json={"qr": given})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def audited(self, subject: str) -> list[tuple[str, Any]]:
        """Acts and details on a subject, what still waits in memory among them."""
        self.desk.app.state.audit.flush()
        return self.office.audited(subject)


def ali(home: Path, network: Network) -> Region:
    """The region with its three authorities; receivers of webhooks may be on this machine."""
    settings = Settings(
        home=home, database_url="", key_passphrase=SecretStr("a passphrase of the tests"),
        development=True, reservation_lease=timedelta(seconds=60), allow_private_callbacks=True,
    )  # fmt: skip
    platform = Platform(settings, fetch=network)
    provision.create_region(platform, RegionPlan("542500", "阿里地区"), clock=utc_now)
    for authority in (MARKET, TRANSPORT, HEALTH):
        provision.create_authority(platform, authority, at=utc_now())
    region = Region(platform)
    holding.holder(region)
    holding.office(region)
    return region


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The address of the application behind uvicorn, as it is deployed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, access_log=False, log_config=None, lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.started
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=30)


def wait_until(done: Any, *, seconds: float = 20) -> None:
    """Until `done()` is true; a test fails that waits in vain."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
