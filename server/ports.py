"""A port of this machine, taken before anybody else can."""

import socket

from server.exits import PortTaken


def bind(host: str, port: int) -> socket.socket:
    """A bound socket: there is no moment in which somebody else takes the port. PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise PortTaken(f"{host} port {port} cannot be used: {_reason(error)}") from error
    return listener


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
