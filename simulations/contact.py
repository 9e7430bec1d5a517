"""A contact in the simulation, and the times that are drawn for it."""

from dataclasses import dataclass

import simpy

from simulations.distributions import Distribution
from simulations.features.lines import Group
from simulations.features.redials import Fate
from simulations.run import Run
from simulations.streams import Draws
from simulations.tallies import CallerTally
from simulations.traced import Quantity, TracedContact


@dataclass(slots=True, eq=False)
class Contact:
    """A call (or another contact) in the simulation. `number` is the caller's place among those of the kind: the draws
    hang on that, and for redials on `attempt` (from 1).

    `ends_ms`: when the talk under way will end; `left_ms`: what is left of one that was broken off or rests. `visits`
    counts entries into queues, `talks` the earlier calls that were answered, `rung` how often the customer was, `waits`
    how often it began to wait.

    `back` brings a caller back to the flow. One who has pressed a key that keeps the place in the queue `place` goes
    through the flow meanwhile: `kept` then tells of an agent, and `released` by which exit the queue has let it go.
    `pressed` is the key by which it leaves.
    """

    name: str
    kind: str
    number: int
    traced: TracedContact | None
    tally: CallerTally
    attempt: int = 1
    queue: str = ""
    offers: int = 0
    visits: int = 0
    patience_ms: int | None = None
    since_ms: int = 0
    gives_up_ms: int | None = None
    back: simpy.Event | None = None
    line: Group | None = None
    ends_ms: int | None = None
    left_ms: int | None = None
    talks: int = 0
    callback: bool = False
    rung: int = 0
    fate: Fate = "none"
    waits: int = 0
    pressed: str = ""
    place: str = ""
    kept: simpy.Event | None = None
    released: str | None = None


class Times:
    """The times of the contacts of one replication."""

    def __init__(self, run: Run) -> None:
        self._setting, self._streams = run.setting, run.streams
        self._draws: dict[tuple[str, str, str, int, int], Draws | None] = {}

    def drawn_ms(self, contact: Contact, what: Quantity, again: int = 0, own: Distribution | None = None) -> int | None:
        """What was measured of this contact, or what is drawn for it; None: nobody says. `again`: how often there was
        such a draw for this caller before. `own` stands above the scenario's distribution."""
        traced = contact.traced if not again else None
        if traced is not None and (measured := traced.measured_s(what)) is not None:
            return round(measured * 1000)
        key = (what, contact.kind, contact.queue, again, id(own))
        try:
            draws = self._draws[key]
        except KeyError:
            distribution = own or self._setting.distribution(what, contact.kind, contact.queue)
            # One stream for all queues: who has a long story tells it to whoever answers.
            stream = f"{contact.kind}/{what}" + (f"/{again}" if again else "")
            draws = None if distribution is None else self._streams.draws(stream, distribution)
            self._draws[key] = draws
        if draws is None:
            return None
        drawn_ms = round(draws[contact.number] * 1000)
        if what == "patience" and traced is not None and traced.waited_s is not None:
            drawn_ms += round(traced.waited_s * 1000)
        return drawn_ms
