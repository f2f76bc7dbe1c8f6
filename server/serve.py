"""`trust serve`: one process behind uvicorn."""

import gc
import logging

import uvicorn

from server import demo_people
from server.app import create_app, open_platform
from server.connections import Guarded
from server.platform import Platform
from server.ports import bind as bind
from trust.clock import utc_now
from trust.settings import Settings

#: Waiting connections, then 503: each verification may hold a file of the body limit's size.
CONCURRENCY = 200
SHUTDOWN_SECONDS = 20


def run(settings: Settings) -> None:
    """Serve until told to stop.

    Raises before the first request what would keep it from being answered: PortTaken, or a refusal
    of the platform's (passphrase, no region here).
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    platform = Platform(settings)
    with bind(settings.host, settings.port) as listener:
        open_platform(platform, utc_now)
        app = create_app(settings, platform=platform)
        # Our own access log has no query strings and no addresses (server.middleware).
        config = uvicorn.Config(
            app, access_log=False, server_header=False, log_config=None, lifespan="on",
            limit_concurrency=CONCURRENCY, timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            http=Guarded, proxy_headers=bool(settings.proxies),
            forwarded_allow_ips=settings.proxies,
        )  # fmt: skip
        # What stands now stands to the end: the collector need not walk through it again and again.
        gc.collect()
        gc.freeze()
        print(f"http://{settings.host}:{settings.port}/verify", flush=True)
        for line in demo_people.told(settings.home):
            print(line, flush=True)
        uvicorn.Server(config).run(sockets=[listener])
    platform.engine.dispose()
