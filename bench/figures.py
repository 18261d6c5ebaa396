"""Which figures there are, what each has to reach, and how pairs of measurements become one."""

import statistics
from collections.abc import Callable, Sequence

import msgspec

from projections import VIEWS

PER_SECOND, MILLISECONDS, MICROSECONDS = "a second", "ms", "us an event"


class Figure(msgspec.Struct, frozen=True):
    """A figure of ours beside its baseline, and the ratio that is promised."""

    name: str
    ours: str
    baseline: str
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def target(self) -> str:
        """The promise as it is printed."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return f"≤ {self.at_most:g}"


class Measured(msgspec.Struct, frozen=True):
    """A figure with its pairs of baseline and ours, in the order in which they were measured."""

    figure: Figure
    pairs: tuple[tuple[float, float], ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """Ours to the baseline beside it."""
        return tuple(ours / baseline for baseline, ours in self.pairs)

    @property
    def ratio(self) -> float:
        """The one that counts."""
        return statistics.median(self.ratios)

    @property
    def is_short(self) -> bool:
        """Whether the promise is not kept."""
        if self.figure.at_least is not None:
            return self.ratio < self.figure.at_least
        return self.figure.at_most is not None and self.ratio > self.figure.at_most

    @property
    def baseline(self) -> float:
        """The median of the baselines."""
        return statistics.median(baseline for baseline, _ in self.pairs)

    @property
    def ours(self) -> float:
        """The median of ours."""
        return statistics.median(ours for _, ours in self.pairs)


class Note(msgspec.Struct, frozen=True):
    """Something that is printed and has nothing to reach."""

    name: str
    told: str
    value: str


Found = Measured | Note

_ONE_BY_ONE = (
    Figure(
        "commands",
        "durable commands through Ledger.execute, 64 callers, one partition",
        "the library's Application.save, 16 threads",
        PER_SECOND,
        at_least=15,
    ),
    Figure(
        "pgbench",
        "durable commands through Ledger.execute, 64 callers, one partition",
        "pgbench -M prepared, one row of the same bytes a transaction, 16 clients",
        PER_SECOND,
        at_least=1.0,
    ),
    Figure(
        "alone", "one command alone, p50", "the library's Application.save", MILLISECONDS,
        at_most=0.45,
    ),
    Figure(
        "load", "load of a 20-event stream, p50", "the library's repository.get", MILLISECONDS,
        at_most=0.3,
    ),
    Figure(
        "http",
        "POST /v1/complaints, durable, 64 connections",
        "a no-op POST of the same body on the same server",
        PER_SECOND,
        at_least=0.35,
    ),
    Figure(
        "bulk",
        "commands in bulk, POST /v1/commands",
        "single requests, 64 connections",
        PER_SECOND,
        at_least=4,
    ),
    Figure(
        "growth/append",
        "append with a million events stored",
        "append with ten thousand stored",
        MICROSECONDS,
        at_most=1.3,
    ),
    Figure(
        "growth/views",
        "all views kept live with a million events stored",
        "the same with ten thousand stored",
        MICROSECONDS,
        at_most=1.3,
    ),
)  # fmt: skip

FIGURES = {
    figure.name: figure
    for figure in (
        *_ONE_BY_ONE,
        *(
            Figure(
                f"live/{view}",
                f"{view} kept live, events",
                "the library's ProjectionRunner with the same fold",
                PER_SECOND,
                at_least=20,
            )
            for view in VIEWS
        ),
        *(
            Figure(
                f"rebuild/{view}",
                f"{view} rebuilt from a million events, events",
                "the library's ProjectionRunner with the same fold",
                PER_SECOND,
                at_least=100,
            )
            for view in VIEWS
        ),
    )
}
NOTES = ("visible", "bare", "memory", "cpu")
NAMES = (*FIGURES, *NOTES)
Measure = Callable[[], float]


def named(wanted: Sequence[str]) -> frozenset[str]:
    """The names that are wanted: `live` stands for each `live/...`; none given, all of them."""
    found = {name for name in NAMES for one in wanted if name == one or name.startswith(f"{one}/")}
    for one in wanted:
        if not any(name == one or name.startswith(f"{one}/") for name in NAMES):
            raise ValueError(f"no figure is called {one}; there are {', '.join(NAMES)}")
    return frozenset(found) if wanted else frozenset(NAMES)
