"""TCP ports for the servers of tests, without a race between looking for one and using it.

Each process has a block of ports of its own (see `asterisk_conf.ports`), below those that outgoing connections take.
"""

import contextlib
import socket
from collections.abc import Iterator
from functools import cache

from asterisk_conf.ports import reserved_ports

_held = contextlib.ExitStack()


def tcp_port() -> int:
    """A port of 127.0.0.1 that nobody uses, and nobody else is given."""
    for port in _ports():
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise RuntimeError("this process has used up its block of ports")


@cache
def _ports() -> Iterator[int]:
    block = _held.enter_context(reserved_ports())
    return iter(range(block.rtp_first, block.rtp_last))
