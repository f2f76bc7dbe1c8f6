"""openid-client (JavaScript): the plain way, and by the means of FAPI 2.0."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.clients.leaving import leave
from tests.clients.node import Node
from tests.clients.person import Arrival, Browser, Person, sign_in
from tests.clients.served import Served

REDIRECT = "http://localhost:9002/callback"
LEFT = "http://localhost:9002/left"
SCRIPT = Path(__file__).with_name("openid_client.mjs")
DEADLINE = 60
Visit = Callable[[str], Arrival]


def run(node: Node, visit: Visit, **asked: Any) -> dict[str, Any]:
    """What the script found out; `visit` is the browser it asks for."""
    node.place(SCRIPT)
    with subprocess.Popen(
        [node.program, SCRIPT.name, json.dumps(asked)], cwd=node.folder, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            for line in process.stdout:
                said = json.loads(line)
                if "visit" not in said:
                    break
                process.stdin.write(visit(said["visit"]).url + "\n")
                process.stdin.flush()
            else:
                pytest.fail(process.stderr.read())
        finally:
            process.stdin.close()
            process.wait(timeout=DEADLINE)
    assert "result" in said, said
    result: dict[str, Any] = said["result"]
    return result


@pytest.fixture
def visit(browser: Browser, person: Person) -> Visit:
    """Signs the person in, or out, as the address asks."""

    def go(url: str) -> Arrival:
        return leave(browser, sign_in(browser, person, url))

    return go


@pytest.fixture
def key_file(tmp_path: Path) -> tuple[ECKey, Path]:
    """A client's key, and the file with its public half."""
    key = ECKey.generate_key("P-256", {"kid": "client-key", "use": "sig", "alg": "ES256"})
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    return key, path


def own_key(key: ECKey) -> dict[str, Any]:
    """The private key as WebCrypto imports it."""
    kept = {name: value for name, value in key.as_dict(private=True).items() if name in "dxycrvkty"}
    return {"key": {**kept, "kty": "EC"}, "kid": "client-key", "alg": "ES256"}


def test_sign_in_refresh_introspection_revocation_and_logout(
    served: Served, node: Node, visit: Visit, person: Person
) -> None:
    made = served.add_client("openid-client", REDIRECT, "--post-logout-redirect-uri", LEFT)
    found = run(
        node, visit, act="login", issuer=served.issuer, client_id=made.client_id,
        client_secret=made.client_secret, redirect_uri=REDIRECT, after_logout=LEFT,
        scope="openid profile offline_access", parameters={"prompt": "consent"},
    )  # fmt: skip
    assert found["claims"]["sub"] == found["userinfo"]["sub"] == person.sub
    assert found["renewed"] == {"sub": person.sub, "rotated": True}
    assert found["introspected"]["active"] is True
    assert found["after_revocation"] == "invalid_grant"
    assert found["left"] == f"{LEFT}?state=left"


def test_par_private_key_jwt_and_dpop_together(
    served: Served, node: Node, visit: Visit, person: Person, key_file: tuple[ECKey, Path]
) -> None:
    key, path = key_file
    made = served.add_client(
        "fapi", "https://platform.example/callback", "--fapi", "--auth", "private_key_jwt",
        "--jwks", str(path),
    )  # fmt: skip
    found = run(
        node, visit, act="login", issuer=served.issuer, client_id=made.client_id,
        redirect_uri=made.redirect_uri, par=True, dpop=True, **own_key(key),
        scope="openid profile offline_access", parameters={"prompt": "consent"},
    )  # fmt: skip
    assert found["claims"]["sub"] == person.sub
    assert found["token_type"].lower() == "dpop"
    assert "jkt" in found["introspected"]["cnf"]
    assert found["renewed"]["sub"] == person.sub


def test_a_machine_with_a_key_gets_a_bound_token(
    served: Served, node: Node, visit: Visit, key_file: tuple[ECKey, Path]
) -> None:
    key, path = key_file
    made = served.add_client(
        "machine-with-key", REDIRECT, "--auth", "private_key_jwt", "--jwks", str(path),
        "--grant", "client_credentials", "--grant", "authorization_code",
    )  # fmt: skip
    found = run(
        node, visit, act="machine", issuer=served.issuer, client_id=made.client_id, dpop=True,
        **own_key(key), parameters={},
    )  # fmt: skip
    assert found["token_type"].lower() == "dpop"


def test_a_device_without_a_browser_is_connected(
    served: Served, node: Node, visit: Visit, person: Person
) -> None:
    made = served.add_client(
        "device", REDIRECT, "--grant", "urn:ietf:params:oauth:grant-type:device_code",
        "--grant", "authorization_code", "--grant", "refresh_token",
    )  # fmt: skip
    found = run(
        node, visit, act="device", issuer=served.issuer, client_id=made.client_id,
        client_secret=made.client_secret, scope="openid profile",
    )  # fmt: skip
    assert found["claims"]["sub"] == person.sub
