"""`trust worker`: one of the machines that work bulk jobs off."""

import argparse

from pydantic import SecretStr

from server import bulk_pool, provision
from server.exits import Usage
from server.platform import Platform
from trust.clock import utc_now
from trust.errors import Unavailable


class NoCelery(Unavailable):
    """Workers need a package that is not installed."""

    code = "no_celery"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("worker", help="批量任务工作进程 / work bulk jobs off")
    parser.add_argument("--broker", metavar="URL", help="amqp://…; default TRUST_BROKER_URL")
    parser.add_argument("--processes", type=int, metavar="N", help="default: one for each core")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, platform: Platform) -> int:
    settings = platform.settings
    url = SecretStr(arguments.broker) if arguments.broker else settings.broker_url
    if url is None or not url.get_secret_value().startswith(("amqp://", "amqps://")):
        raise Usage("give --broker amqp://… or TRUST_BROKER_URL")
    try:
        from server import bulk_celery
    except ImportError as error:
        raise NoCelery("Celery is not installed: pip install trust-platform[workers]") from error
    provision.recover(platform, at=utc_now())  # the passphrase and the database show here
    platform.engine.dispose()  # before the workers fork
    processes = arguments.processes or bulk_pool.processes(settings)
    bulk_celery.serve(url.get_secret_value(), settings, processes=processes)
    return 0
