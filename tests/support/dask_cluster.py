"""A real Dask cluster on this machine: a scheduler and workers, each a process of its own, on loopback."""

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_STARTED_S = 60


@dataclass
class DaskCluster:
    address: str = ""
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As a machine dies that loses its power: no farewell."""
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def dask_cluster(workers: int = 2) -> Iterator[DaskCluster]:
    cluster = DaskCluster()
    try:
        command = [
            "distributed.cli.dask_scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--no-show",
        ]
        cluster.scheduler = _start(command)
        cluster.address = _told(cluster.scheduler, rb"Scheduler at:\s+(tcp://127\.0\.0\.1:\d+)")
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1", "--death-timeout", "60"]
        cluster.workers = [_start(["distributed.cli.dask_worker", cluster.address, *options]) for _ in range(workers)]
        for worker in cluster.workers:
            _told(worker, rb"(Registered to)")
        yield cluster
    finally:
        for process in filter(None, [*cluster.workers, cluster.scheduler]):
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stderr:
                process.stderr.close()


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _told(process: subprocess.Popen[bytes], pattern: bytes) -> str:
    """What the process says of itself on the way up."""
    assert process.stderr is not None
    seen, until = b"", time.monotonic() + _STARTED_S
    while (found := re.search(pattern, seen)) is None:
        ready, _, _ = select.select([process.stderr], [], [], max(0.0, until - time.monotonic()))
        piece = os.read(process.stderr.fileno(), 65_536) if ready else b""
        assert piece, f"{process.args} did not come up: {seen.decode()[-2_000:]}"
        seen += piece
    return found[1].decode()
