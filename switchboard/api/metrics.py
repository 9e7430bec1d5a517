"""The metrics of a running engine, in Prometheus's format: counted as it happens, or read when somebody asks."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, get_args

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client import generate_latest as generate
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from router.core import decisions
from router.core.decisions import AnyDecision
from router.core.events import AnyEvent
from switchboard.api import measured
from switchboard.api.measured import LAG_EVERY_S, Measured
from switchboard.api.problems import Problem, refused
from switchboard.operations import OperationRefused

if TYPE_CHECKING:
    from switchboard.api.auth import Gate
    from switchboard.engine import Engine
    from switchboard.store.projector import StoreStatus

WAIT_BUCKETS = (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600)
LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


class EngineMetrics:
    """The metrics of one engine."""

    CONTENT_TYPE = CONTENT_TYPE_LATEST

    def __init__(self, engine: "Engine", gate: "Gate") -> None:
        self._engine = engine
        self._registry = registry = CollectorRegistry()
        self._waits = _histogram(measured.WAITS, WAIT_BUCKETS, registry)
        self._lag = _histogram(measured.LAG, LAG_BUCKETS, registry)
        self._offers = _counter(measured.OFFERS, registry)
        self._offers_ended = _counter(measured.OFFERS_ENDED, registry)
        self._requests = _counter(measured.REQUESTS, registry)
        self._read = _EngineCollector(engine, gate)
        registry.register(self._read)
        ProcessCollector(registry=registry)
        engine.live.observe(self._observe)
        self._measuring: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._measuring = asyncio.ensure_future(self._measure_lag())

    def stop(self) -> None:
        if self._measuring:
            self._measuring.cancel()

    async def text(self) -> bytes:
        """All metrics in Prometheus's text format."""
        self._read.store = await asyncio.to_thread(lambda: self._engine.records.status)  # it looks at files
        return generate(self._registry)

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
    """What the engine knows itself, read at each scrape. `store`: how the records stand, looked up before."""

    def __init__(self, engine: "Engine", gate: "Gate") -> None:
        self._engine = engine
        self._gate = gate
        self.store: StoreStatus | None = None

    def collect(self) -> Iterator[Metric]:
        if self.store is None:
            return  # asked by the registry for names only
        yield from self._state()
        yield from self._estimates()
        yield from self._faults(self.store)
        yield from self._asterisk()

    def _state(self) -> Iterator[Metric]:
        document, now_ms = self._engine.board.document(), self._engine.clock.now_ms()
        queues = document["queues"]
        states = [agent["state"] for agent in document["agents"].values()]
        stages = ("ivr", "waiting", "talking")
        yield _one(measured.READY, document["ready"])
        yield _each(measured.CALLS, {stage: document["calls"][stage] for stage in stages})
        yield _each(measured.WAITING, {name: queue["waiting"] for name, queue in queues.items()})
        yield _each(
            measured.OLDEST,
            {name: (now_ms - queue.get("oldest_ms", now_ms)) / 1000 for name, queue in queues.items()},
        )
        yield _each(
            measured.LEVEL,
            {name: level for name, queue in queues.items() if (level := queue.get("service_level_share")) is not None},
        )
        yield _each(measured.AGENTS, {state: states.count(state) for state in get_args(decisions.AgentState)})
        yield _one(measured.STREAM_CLIENTS, self._engine.board.readers)

    def _estimates(self) -> Iterator[Metric]:
        told = {name: of for name, of in self._engine.live.router.estimate_errors().items() if of.checked}
        yield _each(measured.EWT_ERROR, {name: of.absolute_error_ms / of.checked / 1000 for name, of in told.items()})
        coverage = GaugeMetricFamily(
            measured.EWT_COVERAGE.name, measured.EWT_COVERAGE.meaning, labels=measured.EWT_COVERAGE.labels
        )
        for name, of in told.items():
            for quantile, within in (("0.5", of.within_p50), ("0.8", of.within_p80), ("0.95", of.within_p95)):
                coverage.add_metric([name, quantile], within / of.checked)
        yield coverage

    def _faults(self, store: "StoreStatus") -> Iterator[Metric]:
        live = self._engine.live
        yield _one(measured.IMPOSSIBLE, live.impossible_events)
        yield _one(measured.JOURNAL_FAILURES, live.journal_failures)
        yield _one(measured.STORE_LAG, store.behind_ms / 1000)
        yield _one(measured.STORE_LAG_BYTES, store.behind_bytes)
        yield _one(measured.STORE_FAILURES, store.failures)
        yield _one(measured.REFUSED_DESTINATIONS, self._engine.destinations.refusals)
        yield _one(measured.FAILED_LOGINS, self._gate.failed_logins)

    def _asterisk(self) -> Iterator[Metric]:
        ami, agi = self._engine.ami, self._engine.agi
        yield _one(measured.AMI_UP, ami.connected)
        yield _one(measured.AMI_CONNECTIONS, ami.counters.connections)
        yield _one(measured.AMI_REFUSED, ami.counters.refused_blocks)
        yield _one(measured.AGI_CONNECTIONS, len(agi.calls))
        yield _each(measured.AGI_FAILURES, dict(sorted(agi.stats.items())))


def _histogram(metric: Measured, buckets: tuple[float, ...], registry: CollectorRegistry) -> Histogram:
    return Histogram(metric.name, metric.meaning, metric.labels, buckets=buckets, registry=registry)


def _counter(metric: Measured, registry: CollectorRegistry) -> Counter:
    return Counter(metric.name, metric.meaning, metric.labels, registry=registry)


def _one(metric: Measured, value: float) -> Metric:
    family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return family(metric.name, metric.meaning, value=value)


def _each(metric: Measured, values: Mapping[str, float]) -> Metric:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.meaning, labels=metric.labels)
    for label, value in values.items():
        family.add_metric([label], value)
    return family
