"""Names below `localhost` are this machine (RFC 6761, 6.3), whatever the resolver thinks of them.

Browsers answer them so by themselves; many resolvers ask the network, or know nothing. Regions that
are tried out beside each other have such names, so that no cookie is shared between them.
"""

import socket
from typing import Any

_resolver = socket.getaddrinfo


def answer() -> None:
    """From now on this process finds them at 127.0.0.1. Said twice, it does nothing more.

    What may be called is judged afterwards, by the address: a private one is none the less private.
    """
    if socket.getaddrinfo is not _answered:
        socket.getaddrinfo = _answered


def _answered(host: Any, *rest: Any, **options: Any) -> Any:
    if isinstance(host, str) and host.lower().rstrip(".").endswith(".localhost"):
        host = "127.0.0.1"
    return _resolver(host, *rest, **options)
