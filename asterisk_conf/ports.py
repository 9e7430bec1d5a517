"""Loopback ports for Asterisks that run side by side, in this process and in others."""

import contextlib
import fcntl
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from asterisk_conf.site import Ports

# Below Linux's ephemeral range (32768 on), so that no outgoing connection takes one of these.
_FIRST = 10_000
_WIDTH = 1_500
_SLOTS = 15
_RTP_OFFSET = 100


class NoFreePorts(RuntimeError):
    """Every block of ports is in use."""


@contextlib.contextmanager
def reserved_ports() -> Iterator[Ports]:
    """A block of free loopback ports, ours until the end of the block: a locked file says so to other processes,
    and the lock ends with the process that holds it."""
    directory = Path(tempfile.gettempdir()) / f"switchboard-ports-{os.getuid()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    for slot in range(_SLOTS):
        base = _FIRST + slot * _WIDTH
        ports = Ports(sip=base, ami=base + 1, rtp_first=base + _RTP_OFFSET, rtp_last=base + _WIDTH - 1)
        with (directory / str(slot)).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if _is_free(ports):
                yield ports
                return
    raise NoFreePorts(f"all {_SLOTS} blocks of ports are in use; are old Asterisks still running?")


def free_udp_ports(host: str, count: int = 2) -> tuple[int, ...]:
    """So many different UDP ports of `host` that nobody has bound just now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(count)]
        for probe in probes:
            probe.bind((host, 0))
        return tuple(probe.getsockname()[1] for probe in probes)


def udp_port_is_bound(host: str, port: int) -> bool:
    """Whether some process has bound this UDP port of this IPv4 address."""
    local = f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"
    return any(line.split()[1] == local for line in Path("/proc/net/udp").read_text().splitlines()[1:])


def _is_free(ports: Ports) -> bool:
    wanted = [(socket.SOCK_DGRAM, ports.sip), (socket.SOCK_STREAM, ports.ami), (socket.SOCK_DGRAM, ports.rtp_first)]
    for kind, port in wanted:
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
