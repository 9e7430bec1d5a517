"""A Dask cluster as the place of a study: `switchboard simulate --cluster tcp://10.0.0.5:8786`.

Every worker must run the very same code: each task carries a fingerprint of ours and is refused elsewhere, because
results from two versions put together would be those of neither. A worker that dies is no harm, its tasks are done
again by others. When the scheduler is gone, or all workers, the study ends with what is done.

Subjects go through the scheduler as tasks of their own (and are not scattered), so that one which was only on the
worker that died is made again.

Dask runs whatever a client sends, so a cluster must be reachable by those alone who may run programs on it: by a
closed network or by TLS (`tls://`, with the certificates in Dask's own configuration).
"""

import contextlib
import hashlib
import logging
import pickle
import platform
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources
from queue import Empty, SimpleQueue
from typing import Any

import numpy

from simulations.places import AHEAD, PlaceLost, Result, Subject, Task, Work
from simulations.traces import whole_traces

CODE = ("documents", "ivr", "router", "simulations")
LOOK_S = 0.5
CONNECT_S = 15
WITHOUT_WORKERS_S = 30
"""How long a cluster may be without any worker before it counts as lost."""


class OtherCode(Exception):
    """A worker runs another version than the one that asks."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The Dask cluster whose scheduler is at `address`."""

    address: str
    without_workers_s: float = WITHOUT_WORKERS_S

    def results(
        self, work: Work[Subject, Result], subjects: Sequence[Subject], tasks: Sequence[Task]
    ) -> Generator[Result, None, None]:
        client = self._connect()
        try:
            yield from self._through(client, work, subjects, tasks)
        finally:
            client.close(timeout=2)

    def _connect(self) -> Any:
        distributed = _distributed()
        try:
            # A client that never had an address cannot be closed either: it complains when it is forgotten.
            distributed.comm.get_address_host_port(self.address, strict=True)
        except ValueError as error:
            example = "write one such as tcp://10.0.0.5:8786"
            raise PlaceLost(f"{self.address!r} is no address of a Dask scheduler: {error} ({example})") from None
        try:
            client = distributed.Client(self.address, timeout=CONNECT_S, set_as_default=False, name="switchboard")
        except (OSError, ValueError, TimeoutError) as error:
            raise PlaceLost(f"there is no Dask scheduler at {self.address}: {_words(error)}") from None
        try:
            client.wait_for_workers(1, timeout=self.without_workers_s)
        except (OSError, TimeoutError):
            client.close(timeout=2)
            raise PlaceLost(f"the cluster at {self.address} has no workers") from None
        return client

    def _through(
        self, client: Any, work: Work[Subject, Result], subjects: Sequence[Subject], tasks: Sequence[Task]
    ) -> Generator[Result, None, None]:
        with whole_traces():
            packed = [pickle.dumps(subject) for subject in subjects]
        there = [client.submit(_unpacked, blob, key=f"subject-{hashlib.sha256(blob).hexdigest()}") for blob in packed]
        under_way: dict[int, Any] = {}
        done: SimpleQueue[int] = SimpleQueue()
        results: dict[int, Result] = {}
        sent = 0
        ahead = AHEAD * max(2, sum(client.nthreads().values()))
        for place in range(len(tasks)):
            while sent < len(tasks) and sent < place + ahead:
                position, number = tasks[sent]
                future = client.submit(_work_there, fingerprint(), work, there[position], number, pure=False)
                under_way[sent] = future
                future.add_done_callback(lambda _, which=sent: done.put(which))
                sent += 1
            while place not in results:
                which = self._next(client, done)
                results[which] = self._result(client, under_way.pop(which))
            yield results.pop(place)

    def _next(self, client: Any, done: "SimpleQueue[int]") -> int:
        """Which task is done next. Raises PlaceLost when there is nobody left to do one."""
        since = time.monotonic()
        while True:
            with contextlib.suppress(Empty):
                which = done.get(timeout=LOOK_S)
                if client.status == "running":
                    return which
            since = self._workers_since(client, since)

    def _workers_since(self, client: Any, since: float) -> float:
        """When there were workers last. Raises PlaceLost when that is too long ago, and without a scheduler."""
        # Without its scheduler a client only waits; it has forgotten its tasks by the time it finds another.
        if client.status != "running":
            raise self._gone()
        try:
            workers = client.nthreads()
        except (OSError, TimeoutError):
            raise self._gone() from None
        if workers:
            return time.monotonic()
        if time.monotonic() - since > self.without_workers_s:
            raise PlaceLost(f"the cluster at {self.address} has lost all its workers")
        return since

    def _result(self, client: Any, future: Any) -> Any:
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        since = time.monotonic()
        try:
            while True:
                # A worker that dies now takes what it has done with it: the result comes when it is done again.
                with contextlib.suppress(TimeoutError):
                    return future.result(timeout=LOOK_S)
                since = self._workers_since(client, since)
        except OtherCode as error:
            raise PlaceLost(f"the cluster at {self.address} runs other code: {error}") from None
        except ImportError as error:
            message = f"the workers of the cluster at {self.address} lack what is needed: {error}"
            raise PlaceLost(f"{message} (install the same version of Switchboard there)") from None
        except KilledWorker as error:
            message = f"at the cluster at {self.address} several workers died of the same task"
            raise PlaceLost(f"{message} (do they have too little memory?): {_words(error)}") from None
        except (FutureCancelledError, OSError, TimeoutError):
            if client.status == "running":
                raise
            raise self._gone() from None

    def _gone(self) -> PlaceLost:
        return PlaceLost(f"the scheduler of the cluster at {self.address} is gone")


def _distributed() -> Any:
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise PlaceLost("clusters need Dask: pip install 'switchboard-acd[cluster]'") from None
    # What there is to say, PlaceLost says; Dask would print tracebacks between the lines of the progress bar.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    return distributed


def _words(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__


@cache
def fingerprint() -> str:
    """What must be equal wherever replications run: our code that they go through, Python, and NumPy's streams."""
    digest = hashlib.sha256()
    for package in CODE:
        ahead = [resources.files(package)]
        while ahead:
            for item in sorted(ahead.pop().iterdir(), key=lambda item: item.name):
                if item.is_dir():
                    ahead.append(item)
                elif item.name.endswith(".py"):
                    digest.update(item.read_bytes())
    return f"code {digest.hexdigest()[:12]}, Python {platform.python_version()}, NumPy {numpy.__version__}"


def _unpacked(blob: bytes) -> Any:
    return pickle.loads(blob)  # noqa: S301 - what the client packed, which may run anything there by the nature of Dask


def _work_there(code: str, work: Work[Any, Any], subject: Any, number: int) -> Any:
    if code != fingerprint():
        raise OtherCode(f"there it is {fingerprint()}, here {code}")
    return work(subject, number)
