"""Loopback ports for Asterisks that run side by side, in this process and in others."""

import contextlib
import fcntl
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from asterisk_conf.site import Ports

# Below Linux's ephemeral range (32768 on), so that no outgoing connection takes one of these.
_FIRST = 10_000
_WIDTH = 1_500
_SLOTS = 15
_RTP_OFFSET = 100
# Above it, for phones: each process has a stretch of these.
_PHONES_FIRST = 61_000
_PHONES_WIDTH = 300


class NoFreePorts(RuntimeError):
    """Every block of ports is in use."""


@contextlib.contextmanager
def reserved_ports() -> Iterator[Ports]:
    """A block of free loopback ports, ours until the end of the block: a locked file says so to other processes,
    and the lock ends with the process that holds it."""
    for slot in range(_SLOTS):
        base = _FIRST + slot * _WIDTH
        ports = Ports(sip=base, ami=base + 1, rtp_first=base + _RTP_OFFSET, rtp_last=base + _WIDTH - 1)
        with _lock(str(slot)) as ours:
            if ours and _is_free(ports):
                yield ports
                return
    raise NoFreePorts(f"all {_SLOTS} blocks of ports are in use; are old Asterisks still running?")


def free_udp_ports(host: str, count: int) -> tuple[int, ...]:
    """So many UDP ports of `host`, one behind the other, that nobody has bound and no other process is given.

    A process takes them in turn out of a stretch of its own, so that ports are not given twice before they are bound.
    """
    stretch = _stretch_for_phones()
    for _ in range(len(stretch.ports)):
        ports = stretch.next(count)
        if all(_binds(socket.SOCK_DGRAM, host, port) for port in ports):
            return ports
    raise NoFreePorts(f"no {count} neighbouring ports of {stretch.ports} are free on {host}; are old phones running?")


def udp_port_is_bound(host: str, port: int) -> bool:
    """Whether some process has bound this UDP port of this IPv4 address."""
    local = f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"
    return any(line.split()[1] == local for line in Path("/proc/net/udp").read_text().splitlines()[1:])


class _Stretch:
    """Ports of this process, taken in turn."""

    def __init__(self, ports: range) -> None:
        self.ports = ports
        self._first = 0

    def next(self, count: int) -> tuple[int, ...]:
        if self._first + count > len(self.ports):
            self._first = 0
        ports = tuple(self.ports[self._first : self._first + count])
        self._first += count
        return ports


@cache
def _stretch_for_phones() -> _Stretch:
    for slot in range(_SLOTS):
        if _held.enter_context(_lock(f"phones-{slot}")):
            base = _PHONES_FIRST + slot * _PHONES_WIDTH
            return _Stretch(range(base, base + _PHONES_WIDTH))
    raise NoFreePorts(f"{_SLOTS} processes have phones already")


_held = contextlib.ExitStack()


@contextlib.contextmanager
def _lock(name: str) -> Iterator[bool]:
    """Whether the block of this name is ours while the context lasts."""
    directory = Path(tempfile.gettempdir()) / f"switchboard-ports-{os.getuid()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    with (directory / name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _is_free(ports: Ports) -> bool:
    wanted = [(socket.SOCK_DGRAM, ports.sip), (socket.SOCK_STREAM, ports.ami), (socket.SOCK_DGRAM, ports.rtp_first)]
    return all(_binds(kind, "127.0.0.1", port) for kind, port in wanted)


def _binds(kind: socket.SocketKind, host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:  # what has ended a moment ago does not count; with UDP the option would share
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
