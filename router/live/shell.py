"""The live shell: event in -> `handle(event, now_ms)` -> journal -> carry out -> re-arm the one timer."""

import asyncio
import logging
from collections.abc import Callable

from router.core.decisions import AnyDecision
from router.core.events import AnyEvent, TimePassed
from router.core.router import ImpossibleEvent, Router
from router.live.clock import EngineClock
from router.live.journal import Handled, Journal, JournalError, Note, Record

log = logging.getLogger(__name__)

JOURNAL_RETRY_S = 1.0
"""A journal that could not be written is tried anew so often."""

Observer = Callable[[AnyEvent, list[AnyDecision], int], None]


class LiveRouter:
    """The router core on a real clock.

    `feed` never blocks and never raises for what happens on the line: an impossible event is logged with its
    history, counted and returned. Observers are called in the order they were added, after the journal has the
    record; they start what takes time as tasks of their own.

    Callers come before the journal: when it cannot be written (a full disk), calls go on and nothing more is appended
    to it, for a journal with a gap would not replay. As soon as it can be, `new_journal` makes another one, which
    begins with the state as it is then, and `carry_over` records what else a restart needs.
    """

    def __init__(
        self,
        router: Router,
        journal: Journal,
        clock: EngineClock,
        new_journal: Callable[[], Journal] | None = None,
        carry_over: Callable[[], None] = lambda: None,
    ) -> None:
        self.router = router
        self.clock = clock
        self.impossible_events = 0
        self.journal_failures = 0
        self.journal_broken = False
        self._journal = journal
        self._new_journal = new_journal
        self._carry_over = carry_over
        self._observers: list[Observer] = []
        self._timer: asyncio.TimerHandle | None = None
        self._feeding = False
        self._pending: list[AnyEvent] = []
        self._next: asyncio.Future[None] | None = None
        self._mending: asyncio.TimerHandle | None = None

    def observe(self, observer: Observer) -> None:
        self._observers.append(observer)

    def feed(self, event: AnyEvent) -> ImpossibleEvent | None:
        """Gives the core one event and sees to its decisions; returns the core's refusal if it is impossible.

        An event fed by an observer waits its turn, so that decisions are carried out in the order in which they
        were made.
        """
        self._pending.append(event)
        if self._feeding:
            return None
        self._feeding = True
        refusal = None
        try:
            refusal = self._handle(self._pending.pop(0))
            while self._pending:
                self._handle(self._pending.pop(0))
        finally:
            self._feeding = False
        self._arm()
        if self._next and not self._next.done():
            self._next.set_result(None)
        return refusal

    async def next_event(self) -> None:
        """Waits until the core has handled another event."""
        if self._next is None or self._next.done():
            self._next = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._next)

    def record(self, record: Record) -> None:
        """Appends to the journal. What cannot be written is counted in `journal_failures`, and while `journal_broken`
        the engine is not ready."""
        if self.journal_broken:
            self.journal_failures += 1
            return
        try:
            self._journal.append(record)
        except JournalError as error:
            self.journal_failures += 1
            self.journal_broken = True
            log.critical("%s; calls go on, but a crash now would lose their places", error)
            self._mend_later()

    def _mend_later(self) -> None:
        if self._new_journal:
            self._mending = asyncio.get_running_loop().call_later(JOURNAL_RETRY_S, self._mend)

    def _mend(self) -> None:
        assert self._new_journal
        try:
            journal = self._new_journal()
        except (JournalError, OSError):
            self._mend_later()
            return
        self._journal.close()
        self._journal = journal
        self.journal_broken = False
        lost = f"{self.journal_failures} records could not be written since the engine started; here it goes on"
        log.warning("%s: %s", journal.path, lost)
        self.record(Note(self.clock.now_ms(), lost))
        self._carry_over()

    @property
    def journal(self) -> Journal:
        """The one that is written now."""
        return self._journal

    def start(self) -> None:
        """Arms the timer for what a recovered state already waits for."""
        self._arm()

    def stop(self) -> None:
        for timer in (self._timer, self._mending):
            if timer:
                timer.cancel()
        self._timer = None

    def _handle(self, event: AnyEvent) -> ImpossibleEvent | None:
        now_ms = self.clock.now_ms()
        try:
            decisions = self.router.handle(event, now_ms)
        except ImpossibleEvent as error:
            self.impossible_events += 1
            log.error("impossible event %r: %s", event, error)
            return error
        self.record(Handled(now_ms, event, tuple(decisions)))
        for observer in self._observers:
            try:
                observer(event, decisions, now_ms)
            except Exception:
                log.exception("%r failed on %r", observer, event)
        return None

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        deadline = self.router.next_deadline_ms()
        if deadline is not None:
            delay_ms = max(0, deadline - self.clock.now_ms())
            self._timer = asyncio.get_running_loop().call_later(delay_ms / 1000, self._on_deadline)

    def _on_deadline(self) -> None:
        self._timer = None
        self.feed(TimePassed())
