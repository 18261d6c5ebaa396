"""What every measurement is given: where to measure, how much, and whom to tell."""

from collections.abc import Callable, Iterator
from statistics import median

import msgspec

from bench.figures import FIGURES, Measure, Measured
from bench.history import History, original
from bench.places import Places


class Size(msgspec.Struct, frozen=True):
    """How much is measured."""

    pairs: int = 5
    events: int = 1_000_000  # from which views are rebuilt
    few: int = 10_000  # a small ledger, beside that of all events
    live: int = 20_000  # events of each view kept live, over all pairs
    seconds: int = 3  # of a measurement that runs for a time


QUICK = Size(pairs=1, events=50_000, few=5_000, live=1_000, seconds=1)


class Bench:
    """One run of the bench."""

    def __init__(
        self, places: Places, size: Size, wanted: frozenset[str], tell: Callable[[str], None]
    ) -> None:
        """Measure what is wanted in these places, and tell what is going on."""
        self.places = places
        self.size = size
        self.wanted = wanted
        self.tell = tell
        self._history: History | None = None

    def wants(self, *names: str) -> bool:
        """Whether any of these figures is wanted."""
        return not self.wanted.isdisjoint(names)

    def in_pairs(
        self, name: str, baseline: Measure, ours: Measure, *, rounds: int = 1
    ) -> Iterator[Measured]:
        """Measure the baseline and ours in turn, so that what disturbs one disturbs the other.

        What is short takes turns several times in each pair, whose figures are the medians.
        """
        if not self.wants(name):
            return
        found = []
        for number in range(1, self.size.pairs + 1):
            turns = []
            for _ in range(rounds):
                self.tell(f"{name}: pair {number} of {self.size.pairs}, the baseline")
                theirs = baseline()
                self.tell(f"{name}: pair {number} of {self.size.pairs}, ours")
                turns.append((theirs, ours()))
            theirs, mine = map(median, zip(*turns, strict=True))
            found.append((theirs, mine))
        yield Measured(FIGURES[name], tuple(found))

    @property
    def history(self) -> History:
        """The complaints of which ledgers are made."""
        if self._history is None:
            self.tell("simulating complaints")
            with self.places.database() as database:
                self._history = original(database)
        return self._history
