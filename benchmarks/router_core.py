"""How long the router takes per event, at full size and as waiting contacts and agents grow.

`python -m benchmarks.router_core` prints, for each regime, the events per second on one core and p50, p99
and maximum of the time of one `Router.handle`.

The centre: 30 queues with three steps each (skill 6, then 3, then any level; the caller's language always), 4
languages, two base priorities; agents with 3 to 5 queue skills of random levels and 1 to 3 languages, so that nearly
every agent has a profile of its own. Two regimes:

* contacts in surplus: the given number waits, all agents work; each talk that ends takes one more in;
* agents in surplus: all agents but a few are ready and every contact is offered at once.

The events are mixed as in a call centre: arrivals, accepts, declines, ends of talk, ends of wrap-up, timers of steps
and offers, abandons. Times are CPU times, so that other programs on the machine do not count; the garbage collector
does.
"""

import argparse
import cProfile
import gc
import heapq
import pstats
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from router.core import events
from router.core.decisions import Connect, Offer
from router.core.policy import Agent, Condition, Goal, KeySpec, LastAction, Policy, Queue, Step, Until
from router.core.router import Router

LANGUAGES = ("english", "french", "spanish", "german")
QUEUES = 30
TALK_MS = 180_000
WRAP_UP_MS = 15_000
PATIENCE_MS = 1_200_000


def policy(agents: int, rng: random.Random) -> Policy:
    """The centre, with this many agents."""
    ranking = (KeySpec("best_fit"), KeySpec("longest_idle"))
    queues = tuple(
        Queue(
            f"queue{i}",
            Goal(20_000, 0.8),
            (
                Step("experts", Condition({f"skill{i}": 6}), until=Until(after_ms=20_000)),
                Step("adepts", Condition({f"skill{i}": 3}), until=Until(after_ms=60_000)),
                Step("all", Condition({f"skill{i}": 1})),
            ),
            LastAction("exit", "voicemail"),
            floor=Condition({"contact.language": 1}),
            priority=i % 2,
            priority_per_minute=0.5,
            priority_cap=10,
            wrap_up_ms=WRAP_UP_MS,
            ring_ms=20_000,
            agent_ranking=ranking if i % 3 else (KeySpec("longest_idle"),),
        )
        for i in range(QUEUES)
    )
    people = []
    for i in range(agents):
        skills = {f"skill{k}": rng.randint(1, 10) for k in rng.sample(range(QUEUES), rng.randint(3, 5))}
        skills |= {language: rng.randint(1, 10) for language in rng.sample(LANGUAGES, rng.randint(1, 3))}
        people.append(Agent(f"agent{i}", skills))
    return Policy(1, queues, tuple(people))


@dataclass
class Load:
    """Callers and agents around a router; `times_ns` are those of the measured events, `kinds` counts them."""

    router: Router
    rng: random.Random
    patience_ms: float
    now_ms: int = 0
    arrivals: int = 0
    planned: int = 0
    plan: list[tuple[int, int, events.Event]] = field(default_factory=list)
    times_ns: list[int] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def later(self, delay_ms: float, event: events.Event) -> None:
        self.planned += 1
        heapq.heappush(self.plan, (self.now_ms + max(1, round(delay_ms)), self.planned, event))

    def arrive(self) -> None:
        self.arrivals += 1
        name = f"c{self.arrivals}"
        self.later(self.rng.expovariate(1 / self.patience_ms), events.ContactLeft(name))
        language = self.rng.choices(LANGUAGES, (60, 20, 15, 5))[0]
        queue = f"queue{self.rng.randrange(QUEUES)}"
        self.send(events.ContactArrived(name, queue, attributes={"language": language}))

    def send(self, event: events.Event) -> None:
        begun = time.thread_time_ns()
        decisions = self.router.handle(event, self.now_ms)
        self.times_ns.append(time.thread_time_ns() - begun)
        self.kinds[type(event).__name__] += 1
        for decision in decisions:
            if isinstance(decision, Offer):
                self._ring(decision)
            elif isinstance(decision, Connect):
                self.later(self.rng.expovariate(1 / TALK_MS), events.ContactEnded(decision.contact))

    def _ring(self, offer: Offer) -> None:
        draw = self.rng.random()
        if draw < 0.93:
            self.later(4_000 * self.rng.random(), events.OfferAccepted(offer.offer))
        elif draw < 0.98:
            self.later(3_000 * self.rng.random(), events.OfferDeclined(offer.offer))
        else:  # the deadline comes
            self.later(60_000, events.AgentReady(offer.agent))

    def run(self, per_second: float, count: int) -> None:
        """Poisson arrivals and what follows from them, until `count` more events have been handled."""
        wanted = len(self.times_ns) + count
        arrival_ms = self.now_ms + self.rng.expovariate(per_second / 1_000)
        while len(self.times_ns) < wanted:
            deadline_ms = self.router.next_deadline_ms()
            planned_ms = self.plan[0][0] if self.plan else None
            due_ms = min(at for at in (deadline_ms, planned_ms, round(arrival_ms)) if at is not None)
            self.now_ms = max(self.now_ms, due_ms)
            if due_ms == deadline_ms:
                self.send(events.TimePassed())
            elif due_ms == planned_ms:
                event = heapq.heappop(self.plan)[2]
                if not isinstance(event, events.ContactLeft) or self._waits(event.contact):
                    self.send(event)
            else:
                self.arrive()
                arrival_ms += self.rng.expovariate(per_second / 1_000)

    def waiting(self) -> int:
        return sum(contact.state == "queued" for contact in self.router.contacts())

    def _waits(self, name: str) -> bool:
        contact = self.router.contact(name)
        return contact is not None and contact.state != "connected"


def load(agents: int, waiting: int, seed: int) -> tuple[Load, float]:
    """A centre in the middle of its day and its arrivals per second. `waiting` 0: agents in surplus."""
    rng = random.Random(seed)
    load = Load(Router(policy(agents, rng)), rng, PATIENCE_MS)
    for i in range(agents):
        load.send(events.AgentSignedIn(f"agent{i}"))
    served_per_second = agents / (TALK_MS + WRAP_UP_MS + 2_000) * 1_000
    while waiting and load.waiting() < waiting:
        load.run(2 * served_per_second + waiting / 100, 50)
    per_second = served_per_second + waiting / PATIENCE_MS * 1_000 if waiting else 0.7 * served_per_second
    load.run(per_second, 6 * agents)
    return load, per_second


def measure(agents: int, waiting: int, count: int, seed: int = 1) -> Load:
    """Runs `count` events of a warmed-up centre and prints a line about them."""
    centre, per_second = load(agents, waiting, seed)
    gc.collect()
    gc.freeze()  # as a shell should after its start: what lives long need not be looked at again
    centre.times_ns.clear()
    centre.kinds.clear()
    centre.run(per_second, count)
    times = sorted(centre.times_ns)
    total_s = sum(times) / 1e9
    ready = sum(agent.state == "ready" for agent in centre.router.agents())
    p50, p99, most = (times[at] / 1_000 for at in (len(times) // 2, len(times) * 99 // 100, -1))
    rate = len(times) / total_s
    print(f"{agents:7,} {ready:7,} {centre.waiting():8,} {rate:10,.0f} {p50:9.0f} {p99:9.0f} {most:9.0f}")
    return centre


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000, help="events measured in each line")
    parser.add_argument("--profile", action="store_true", help="profile the largest case instead")
    parser.add_argument("--agents-surplus", action="store_true", help="profile that regime")
    arguments = parser.parse_args()
    if arguments.profile:
        centre, per_second = load(2_000, 0 if arguments.agents_surplus else 10_000, 1)
        profiler = cProfile.Profile()
        profiler.runcall(centre.run, per_second, arguments.events)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
        return
    print("CPU time per event in microseconds; ready agents and waiting contacts as at the end\n")
    print(f"{'agents':>7} {'ready':>7} {'waiting':>8} {'events/s':>10} {'p50':>9} {'p99':>9} {'max':>9}")
    for agents in (200, 2_000):
        for waiting in (100, 1_000, 10_000, 0):
            centre = measure(agents, waiting, arguments.events)
    print("\nevents of the last line:", ", ".join(f"{n:,} {kind}" for kind, n in centre.kinds.most_common()))


if __name__ == "__main__":
    main()
