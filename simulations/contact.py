"""A contact in the simulation, and the times that are drawn for it."""

from typing import TYPE_CHECKING

import simpy

from simulations.distributions import Distribution
from simulations.features.lines import Group
from simulations.features.redials import Fate
from simulations.run import Run
from simulations.streams import Draws, milliseconds
from simulations.tallies import CallerTally
from simulations.traced import Quantity, TracedContact

if TYPE_CHECKING:
    from simulations.agents import Agent


class Contact:
    """A call (or another contact) in the simulation. `number` is the caller's place among those of the kind: the draws
    hang on that, and for redials on `attempt` (from 1).

    `ends_ms`: when the talk under way will end; `left_ms`: what is left of one that was broken off or rests. `beside`:
    its agent, if several at once make that one slower, and `work_ms`: what was left of the talk at `Agent.paced_ms`.
    `visits` counts entries into queues, `talks` the earlier calls that were answered, `rung` how often the customer
    was, `waits` how often it began to wait.

    `firsts` are the draws for its kind in its queue. `back` brings a caller back to the flow. One who has pressed a key
    that keeps the place in the queue `place` goes through the flow meanwhile: `kept` then tells of an agent, and
    `released` by which exit the queue has let it go. `pressed` is the key by which it leaves.
    """

    queue: str = ""
    firsts: "Firsts | None" = None
    visits: int = 0
    patience_ms: int | None = None
    since_ms: int = 0
    gives_up_ms: int | None = None
    back: simpy.Event | None = None
    line: Group | None = None
    ends_ms: int | None = None
    left_ms: int | None = None
    beside: "Agent | None" = None
    work_ms: float = 0.0
    callback: bool = False
    rung: int = 0
    fate: Fate = "none"
    waits: int = 0
    pressed: str = ""
    place: str = ""
    kept: simpy.Event | None = None
    released: str | None = None

    def __init__(
        self,
        name: str,
        kind: str,
        number: int,
        traced: TracedContact | None,
        tally: CallerTally,
        attempt: int = 1,
        offers: int = 0,
        talks: int = 0,
    ) -> None:
        self.name = name
        self.kind = kind
        self.number = number
        self.traced = traced
        self.tally = tally
        self.attempt = attempt
        self.offers = offers
        self.talks = talks


class Firsts:
    """A caller's first draws of each quantity, for a kind in a queue: nearly all that are ever asked for."""

    def __init__(self, handle_time: Draws | None, patience: Draws | None, wrap_up: Draws | None) -> None:
        self.handle_time = handle_time
        self.patience = patience
        self.wrap_up = wrap_up

    def of(self, what: Quantity) -> Draws | None:
        if what == "handle time":
            return self.handle_time
        return self.patience if what == "patience" else self.wrap_up


class Times:
    """The times of the contacts of one replication."""

    def __init__(self, run: Run) -> None:
        self._setting, self._streams = run.setting, run.streams
        self._draws: dict[tuple[str, str, str, int, int], Draws | None] = {}
        self._firsts: dict[str, dict[str, Firsts]] = {kind: {} for kind in run.setting.scenario.kinds}

    def enters(self, contact: Contact, queue: str) -> None:
        """The contact is in this queue now."""
        contact.queue = queue
        by_queue = self._firsts[contact.kind]
        firsts = by_queue.get(queue)
        if firsts is None:
            firsts = by_queue[queue] = Firsts(
                self._draws_of(contact, "handle time", 0, None),
                self._draws_of(contact, "patience", 0, None),
                self._draws_of(contact, "wrap-up", 0, None),
            )
        contact.firsts = firsts

    def drawn_ms(self, contact: Contact, what: Quantity, again: int = 0, own: Distribution | None = None) -> int | None:
        """What was measured of this contact, or what is drawn for it; None: nobody says. `again`: how often there was
        such a draw for this caller before. `own` stands above the scenario's distribution."""
        traced = None if again else contact.traced
        if traced is not None and (measured := traced.measured_s(what)) is not None:
            return round(measured * 1000)
        firsts = contact.firsts
        assert firsts is not None
        draws = self._draws_of(contact, what, again, own) if again or own is not None else firsts.of(what)
        if draws is None:
            return None
        drawn_ms = milliseconds(draws.at(contact.number))
        if traced is not None and what == "patience" and traced.waited_s is not None:
            drawn_ms += round(traced.waited_s * 1000)
        return drawn_ms

    def _draws_of(self, contact: Contact, what: Quantity, again: int, own: Distribution | None) -> Draws | None:
        key = (what, contact.kind, contact.queue, again, id(own))
        if key in self._draws:
            return self._draws[key]
        distribution = own or self._setting.distribution(what, contact.kind, contact.queue)
        # One stream for all queues: who has a long story tells it to whoever answers.
        stream = f"{contact.kind}/{what}" + (f"/{again}" if again else "")
        draws = None if distribution is None else self._streams.draws(stream, distribution)
        self._draws[key] = draws
        return draws
