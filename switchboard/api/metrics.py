"""What Prometheus is told: names, units and meanings, read from the engine when it is asked.

Labels have few values: queues of the policy, states, causes, operations. Agents and contacts are never labels.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client import generate_latest as generate
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from router.core import decisions
from router.core.decisions import AnyDecision
from router.core.events import AnyEvent
from switchboard.api.problems import Problem, refused
from switchboard.operations import OperationRefused

if TYPE_CHECKING:
    from switchboard.api.auth import Gate
    from switchboard.engine import Engine

WAIT_BUCKETS = (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600)
LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
LAG_EVERY_S = 0.5
Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


class EngineMetrics:
    """The metrics of one engine."""

    CONTENT_TYPE = CONTENT_TYPE_LATEST

    def __init__(self, engine: "Engine", gate: "Gate") -> None:
        self._registry = registry = CollectorRegistry()
        self._waits = Histogram(
            "switchboard_contact_wait_seconds",
            "Wait of contacts whose waiting ended, from their first arrival; abandoned ones are in it",
            ["queue", "outcome"],
            buckets=WAIT_BUCKETS,
            registry=registry,
        )
        self._offers = Counter(
            "switchboard_offers", "Offers to agents (an agent's phone rang)", ["queue"], registry=registry
        )
        self._offers_ended = Counter(
            "switchboard_offers_ended",
            "Offers that are over: accepted, or why they came to nothing",
            ["outcome"],
            registry=registry,
        )
        self._requests = Counter(
            "switchboard_api_requests", "HTTP requests by operation and status", ["operation", "status"],
            registry=registry,
        )  # fmt: skip
        self._lag = Histogram(
            "switchboard_event_loop_lag_seconds",
            f"How late the engine's event loop wakes, measured every {LAG_EVERY_S} s",
            buckets=LAG_BUCKETS,
            registry=registry,
        )
        registry.register(_EngineCollector(engine, gate))
        ProcessCollector(registry=registry)
        engine.live.observe(self._observe)
        self._queue_of: dict[str, str] = {}
        self._measuring: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._measuring = asyncio.ensure_future(self._measure_lag())

    def stop(self) -> None:
        if self._measuring:
            self._measuring.cancel()

    def text(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return generate(self._registry)

    def families(self) -> Iterable[Metric]:
        """What is measured, for the reference."""
        return self._registry.collect()

    def counted(self, operation: str, handle: Handle) -> Handle:
        """The handler, with its answers counted by their status."""

        async def counting(request: web.Request) -> web.StreamResponse:
            status = 500
            try:
                response = await handle(request)
                status = response.status
                return response
            except Problem as problem:
                status = problem.status
                raise
            except OperationRefused as refusal:
                status = refused(refusal).status
                raise
            except web.HTTPException as error:
                status = error.status
                raise
            finally:
                self._requests.labels(operation, str(int(status))).inc()

        return counting

    def _observe(self, event: AnyEvent, made: list[AnyDecision], now_ms: int) -> None:
        for decision in made:
            match decision:
                case decisions.Offer(record=record):
                    self._offers.labels(record.queue).inc()
                case decisions.Connect() | decisions.RingCustomer():
                    self._offers_ended.labels("accepted").inc()
                case decisions.OfferEnded(cause=cause):
                    self._offers_ended.labels(cause).inc()
                case decisions.ContactFinished(queue=queue, outcome=outcome, wait_ms=wait_ms):
                    self._waits.labels(queue, outcome).observe(wait_ms / 1000)
                case _:
                    pass

    async def _measure_lag(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(LAG_EVERY_S)
            self._lag.observe(max(0.0, time.perf_counter() - began - LAG_EVERY_S))


class _EngineCollector(Collector):
    """What the engine knows itself, read at each scrape."""

    def __init__(self, engine: "Engine", gate: "Gate") -> None:
        self._engine = engine
        self._gate = gate

    def collect(self) -> Iterator[Metric]:
        yield from self._state()
        yield from self._faults()
        yield from self._estimates()

    def _state(self) -> Iterator[Metric]:
        document, now_ms = self._engine.board.document(), self._engine.clock.now_ms()
        yield _gauge("switchboard_ready", "1 when calls can be taken and routed", document["ready"])
        calls = _family("switchboard_calls", "Calls by where they are: in the IVR, waiting, talking", "stage")
        for stage in ("ivr", "waiting", "talking"):
            calls.add_metric([stage], document["calls"][stage])
        yield calls
        waiting = _family("switchboard_queue_waiting_contacts", "Contacts waiting, ringing included", "queue")
        oldest = _family("switchboard_queue_longest_wait_seconds", "Wait of the contact waiting longest", "queue")
        level = _family(
            "switchboard_queue_service_level_ratio",
            "Answered within the goal over offered less short abandons, since the engine's start",
            "queue",
        )
        for name, queue in document["queues"].items():
            waiting.add_metric([name], queue["waiting"])
            oldest.add_metric([name], (now_ms - queue["oldest_ms"]) / 1000 if "oldest_ms" in queue else 0)
            if "service_level_share" in queue:
                level.add_metric([name], queue["service_level_share"])
        yield from (waiting, oldest, level)
        agents = _family("switchboard_agents", "Agents by state", "state")
        states = [agent["state"] for agent in document["agents"].values()]
        for state in ("offline", "ready", "ringing", "busy", "wrap_up", "paused"):
            agents.add_metric([state], states.count(state))
        yield agents
        yield _gauge("switchboard_stream_clients", "Readers of the live state stream", self._engine.board.readers)

    def _faults(self) -> Iterator[Metric]:
        engine, live = self._engine, self._engine.live
        yield _count("switchboard_impossible_events", "Events that the router refused", live.impossible_events)
        yield _count("switchboard_journal_failures", "Records that the journal could not take", live.journal_failures)
        yield _gauge("switchboard_ami_up", "1 while Asterisk's manager interface is connected", engine.ami.connected)
        counters = engine.ami.counters
        yield _count("switchboard_ami_connections", "AMI connections that came up", counters.connections)
        yield _count("switchboard_ami_refused_blocks", "AMI blocks that break the protocol", counters.refused_blocks)
        yield _gauge("switchboard_agi_connections", "FastAGI connections under way", len(engine.agi.calls))
        refused_agi = CounterMetricFamily(
            "switchboard_agi_failures", "FastAGI connections refused or failed, by reason", labels=["reason"]
        )
        for reason, count in sorted(engine.agi.stats.items()):
            refused_agi.add_metric([reason], count)
        yield refused_agi
        outside = engine.destinations
        yield _gauge("switchboard_outside_calls", "Calls to outside numbers under way", len(outside.calls()))
        yield _gauge(
            "switchboard_outside_spent_24h",
            "What they cost in 24 hours, as rated",
            outside.spent(engine.clock.now_ms()),
        )
        yield _count("switchboard_outside_refused", "Outside numbers that were not dialled", outside.refusals)
        unheard = sum(message.heard_ms is None for message in engine.voicemails.all())
        yield _gauge("switchboard_voicemails_unheard", "Messages that nobody has heard", unheard)
        yield _count("switchboard_failed_logins", "Logins with a wrong name or password", self._gate.failed_logins)

    def _estimates(self) -> Iterator[Metric]:
        error = _family(
            "switchboard_ewt_absolute_error_seconds",
            "Mean distance between the wait of answered contacts and the median they were told on entry",
            "queue",
        )
        inside = GaugeMetricFamily(
            "switchboard_ewt_coverage_ratio",
            "Answered contacts that waited no longer than this quantile of what they were told (right: the quantile)",
            labels=["queue", "quantile"],
        )
        for queue, told in sorted(self._engine.live.router.estimate_errors().items()):
            if told.checked:
                error.add_metric([queue], told.absolute_error_ms / told.checked / 1000)
                for quantile, within in (("0.5", told.within_p50), ("0.8", told.within_p80), ("0.95", told.within_p95)):
                    inside.add_metric([queue, quantile], within / told.checked)
        yield from (error, inside)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value=value)


def _count(name: str, meaning: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name, meaning, value=value)


def _family(name: str, meaning: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=[label])
