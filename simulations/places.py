"""Where the work of a study is done: in this process, in processes of this machine, or on a cluster
(`simulations.cluster`). The results are the same everywhere, because all of a replication's randomness comes from the
seed and its number.

A place is given some subjects (settings, say), each needed by many tasks, and sends each subject to a worker once.
"""

import multiprocessing
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import forkserver
from typing import Any, Protocol, TypeVar

Subject = TypeVar("Subject")
Result = TypeVar("Result")

Work = Callable[[Subject, int], Result]
"""A function of a module (so that other processes find it), of a subject and a number: a replication, say."""

Task = tuple[int, int]
"""The position of the subject, and the number."""

SIGNAL_S = 0.5
"""So long a signal may be on its way to all processes of a terminal."""

START_S = 3.0
"""So long processes take to start and to load what they need."""

AHEAD = 4
"""How many tasks for each worker may be under way or done ahead of the first that is not."""


class PlaceLost(Exception):
    """The place cannot go on: says which and why. What it gave before stands."""


class Place(Protocol):
    def results(
        self, work: Work[Subject, Result], subjects: Sequence[Subject], tasks: Sequence[Task]
    ) -> Generator[Result, None, None]:
        """`work(subjects[position], number)` of every task (position, number), in the order of the tasks.

        An error of the work is raised as it is. Raises PlaceLost when the place itself fails. Closing the generator
        ends all work that is under way.
        """
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """This process: one task after the other."""

    def results(
        self, work: Work[Subject, Result], subjects: Sequence[Subject], tasks: Sequence[Task]
    ) -> Generator[Result, None, None]:
        for position, number in tasks:
            yield work(subjects[position], number)


@dataclass(frozen=True, slots=True)
class Processes:
    """`count` processes of this machine. `task_s` is about what a task takes, where that is known: tasks that together
    take less than the processes would to start are done in this one."""

    count: int
    task_s: float | None = None

    def results(
        self, work: Work[Subject, Result], subjects: Sequence[Subject], tasks: Sequence[Task]
    ) -> Generator[Result, None, None]:
        if self.task_s is not None and len(tasks) * self.task_s < START_S:
            yield from Here().results(work, subjects, tasks)
            return
        # A few tasks ahead are under way, and no more: who stops early has not much done in vain.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([work.__module__])
        _start_quietly()
        count = min(self.count, len(tasks)) or 1
        pool = ProcessPoolExecutor(count, context, initializer=_begin_worker, initargs=(work, tuple(subjects)))
        under_way: deque[Future[Result]] = deque()
        try:
            for task in tasks:
                under_way.append(pool.submit(_work_here, task))
                if len(under_way) > AHEAD * count:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        except BrokenProcessPool:
            time.sleep(SIGNAL_S)  # Ctrl-C ends the workers, perhaps a moment before it reaches this process
            raise PlaceLost("a process of this machine was ended while it worked") from None
        finally:
            pool.shutdown(wait=not under_way, cancel_futures=True)


def local(jobs: int) -> Place:
    """This machine with `jobs` processes; one needs no other process."""
    return Processes(jobs) if jobs > 1 else Here()


def _start_quietly() -> None:
    """Starts the process of which workers are forked. It loads all that they need, and Ctrl-C in the meantime, which
    reaches it as well, must not make it tell where it was: whoever runs the command reports."""
    if threading.current_thread() is not threading.main_thread():
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)


_given: list[tuple[Work[Any, Any], tuple[Any, ...]]] = []


def _begin_worker(work: Work[Any, Any], subjects: tuple[Any, ...]) -> None:
    # Ctrl-C reaches every process of the terminal: the workers end at once and silently, the parent reports.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _given[:] = [(work, subjects)]


def _work_here(task: Task) -> Any:
    work, subjects = _given[0]
    position, number = task
    return work(subjects[position], number)
