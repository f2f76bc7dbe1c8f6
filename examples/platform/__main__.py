"""python -m examples.platform: settings from the environment, on loopback."""

import argparse
import os
import sys
from http.server import ThreadingHTTPServer

from examples.platform.relying_party import RelyingParty, Settings
from examples.platform.step_up import Needed
from examples.platform.web import Memory, Pages


def main() -> None:
    words = argparse.ArgumentParser(prog="examples.platform")
    words.add_argument("--port", type=int, default=8100)
    words.add_argument("--issuer", default="http://localhost:8000")
    words.add_argument("--client-id", default=os.environ.get("PLATFORM_CLIENT_ID"))
    words.add_argument("--scope", default="openid profile")
    words.add_argument("--level", type=int, default=2, choices=range(4))
    words.add_argument("--max-age", type=int, help="seconds that a login may be old for a contract")
    given = words.parse_args()
    secret = os.environ.get("PLATFORM_CLIENT_SECRET")  # not an argument: those are seen by others
    if not given.client_id or not secret:
        sys.exit("PLATFORM_CLIENT_ID and PLATFORM_CLIENT_SECRET must be set")
    base_url = f"http://localhost:{given.port}"
    Pages.party = RelyingParty(
        Settings(given.issuer, given.client_id, secret, base_url, given.scope)
    )
    Pages.memory, Pages.needed = Memory(), Needed(given.level, given.max_age)
    with ThreadingHTTPServer(("127.0.0.1", given.port), Pages) as server:
        print(base_url, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
