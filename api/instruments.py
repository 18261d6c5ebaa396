"""What this process measures, for Prometheus: by route and never by address."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from projections.lag import State

REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "closedloop_http_requests",
    "Requests answered.",
    ("method", "route", "status"),
    registry=REGISTRY,
)
LATENCY = Histogram(
    "closedloop_http_request_seconds", "Time to answer.", ("method", "route"), registry=REGISTRY
)
TURNED_AWAY = Counter(
    "closedloop_connections_turned_away",
    "Clients let go because there were too many.",
    registry=REGISTRY,
)
WAITING = Gauge("closedloop_append_queue", "Commands waiting to be appended.", registry=REGISTRY)
POSITION = Gauge(
    "closedloop_view_position", "Last event taken in.", ("view", "partition"), registry=REGISTRY
)
LAG = Gauge(
    "closedloop_view_lag_events", "Events not taken in.", ("view", "partition"), registry=REGISTRY
)
AGE = Gauge(
    "closedloop_view_lag_seconds", "Age of the next.", ("view", "partition"), registry=REGISTRY
)
PARKED = Gauge(
    "closedloop_view_parked_streams", "Streams parked.", ("view", "partition"), registry=REGISTRY
)
PASSED_OVER = Gauge(
    "closedloop_view_passed_over_events",
    "Events of parked streams.",
    ("view", "partition"),
    registry=REGISTRY,
)
SKIPPED = Gauge(
    "closedloop_view_skipped_events", "Events left out.", ("view", "partition"), registry=REGISTRY
)
# 1 for a view that stands before an event; `runner` and `ledger` hold up all of them
HALTED = Gauge("closedloop_halted", "Whether it stands still.", ("name",), registry=REGISTRY)
REFUSED = Gauge(
    "closedloop_policy_refusals", "Orders refused.", ("policy", "rule"), registry=REGISTRY
)
SECONDS = Histogram("closedloop_append_seconds", "Time to append a batch.", registry=REGISTRY)
ENTRIES = Histogram(
    "closedloop_append_entries", "Commands in a batch.", buckets=(1, 4, 16, 64), registry=REGISTRY
)


def appended(entries: int, seconds: float) -> None:
    """Count a batch that was appended."""
    ENTRIES.observe(entries)
    SECONDS.observe(seconds)


def stands(state: State) -> None:
    """Tell where a view or policy stands, and what it leaves out."""
    for gauge, value in (
        (POSITION, state.position),
        (LAG, state.behind),
        (AGE, state.seconds),
        (PARKED, state.parked),
        (PASSED_OVER, state.passed_over),
        (SKIPPED, state.skipped),
    ):
        gauge.labels(state.name, str(state.partition)).set(value)
