"""What Prometheus is told of an engine: every metric with its kind, its unit (in its name) and what it means.

Labels have few values: queues of the policy, states, causes, operations. Agents and contacts are never labels.
"""

from dataclasses import dataclass
from typing import Literal

LAG_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric. A counter's name is without the `_total` that Prometheus sees."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()


READY = Measured("switchboard_ready", "gauge", "1 when calls can be taken and routed, else 0")
CALLS = Measured(
    "switchboard_calls", "gauge", "Calls and other contacts by where they are: ivr, waiting, talking", ("stage",)
)
WAITING = Measured("switchboard_queue_waiting_contacts", "gauge", "Contacts waiting, ringing included", ("queue",))
OLDEST = Measured(
    "switchboard_queue_longest_wait_seconds",
    "gauge",
    "Wait of the contact that waits longest, 0 without any",
    ("queue",),
)
LEVEL = Measured(
    "switchboard_queue_service_level_ratio",
    "gauge",
    "Answered within the goal over offered less short abandons, since the engine's start",
    ("queue",),
)
WAITS = Measured(
    "switchboard_contact_wait_seconds",
    "histogram",
    "Waits that have ended, from the contact's first arrival, by queue and by how they ended",
    ("queue", "outcome"),
)
AGENTS = Measured("switchboard_agents", "gauge", "Agents by state", ("state",))
OFFERS = Measured("switchboard_offers", "counter", "Offers of contacts to agents (a phone rang)", ("queue",))
OFFERS_ENDED = Measured(
    "switchboard_offers_ended", "counter", "Offers that were accepted, or why they came to nothing", ("outcome",)
)
EWT_ERROR = Measured(
    "switchboard_ewt_absolute_error_seconds",
    "gauge",
    "Mean distance between the wait of answered contacts and the median they were told on entry",
    ("queue",),
)
EWT_COVERAGE = Measured(
    "switchboard_ewt_coverage_ratio",
    "gauge",
    "Answered contacts that waited no longer than this quantile of what they were told; right is the quantile itself",
    ("queue", "quantile"),
)
IMPOSSIBLE = Measured("switchboard_impossible_events", "counter", "Events that the router refused as impossible")
JOURNAL_FAILURES = Measured(
    "switchboard_journal_failures", "counter", "Records that the journal could not take; any makes the engine not ready"
)
STORE_LAG = Measured("switchboard_store_lag_seconds", "gauge", "For how long the records have been behind the journal")
STORE_LAG_BYTES = Measured("switchboard_store_lag_bytes", "gauge", "How much of the journal is not in the records yet")
STORE_FAILURES = Measured(
    "switchboard_store_failures", "counter", "Times that storing records has failed; it is tried again"
)
AMI_UP = Measured("switchboard_ami_up", "gauge", "1 while Asterisk's manager interface is connected, else 0")
AMI_CONNECTIONS = Measured(
    "switchboard_ami_connections",
    "counter",
    "Connections to the manager interface that came up: more than one were lost in between",
)
AMI_REFUSED = Measured(
    "switchboard_ami_refused_blocks", "counter", "Blocks of the manager interface that break its protocol"
)
AGI_CONNECTIONS = Measured("switchboard_agi_connections", "gauge", "FastAGI connections under way")
AGI_FAILURES = Measured(
    "switchboard_agi_failures", "counter", "FastAGI connections that were refused or failed", ("reason",)
)
REFUSED_DESTINATIONS = Measured(
    "switchboard_refused_destinations", "counter", "Outside numbers that were not dialled: not listed, or over a cap"
)
LAG = Measured(
    "switchboard_event_loop_lag_seconds",
    "histogram",
    f"How late the engine's event loop wakes, measured every {LAG_EVERY_S} s",
)
STREAM_CLIENTS = Measured("switchboard_stream_clients", "gauge", "Readers of the live state stream")
REQUESTS = Measured(
    "switchboard_api_requests", "counter", "HTTP requests by operation and status", ("operation", "status")
)
FAILED_LOGINS = Measured("switchboard_failed_logins", "counter", "Logins with a wrong name or password")

ALL = tuple(value for value in tuple(globals().values()) if isinstance(value, Measured))


def reference_page() -> str:
    """All metrics, as Markdown (docs/reference/prometheus.md)."""
    rows = [
        f"| `{metric.name}{'_total' if metric.kind == 'counter' else ''}` | {metric.kind} | "
        f"{', '.join(f'`{label}`' for label in metric.labels)} | {metric.meaning} |"
        for metric in ALL
    ]
    return "\n".join([_HEAD, "| metric | kind | labels | what it says |", "| --- | --- | --- | --- |", *rows]) + "\n"


_HEAD = """# Metrics for Prometheus

<!-- Generated from switchboard/api/measured.py by `python -m switchboard.reference`; do not edit. -->

At `/metrics` of the HTTP API: open to who asks from the engine's own machine, with a token from anywhere else. Units
are in the names; counters begin anew with each start of the engine. Beside these there are the usual ones of the
process (`process_resident_memory_bytes`, `process_cpu_seconds_total` and so on).
"""
