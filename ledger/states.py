"""States of long streams, kept in the process so that a command need not fold thousands of events.

A state is a baseline and nothing more: whoever uses it reads the events after its version, always,
and the append checks the version that comes out. So it does not matter how old it is, nor who else
writes; events never change, and a folded state is never changed either.
"""

from collections import OrderedDict
from typing import Any, NamedTuple
from uuid import UUID

from domain.kernel import Decider

MIN_EVENTS = 100  # shorter streams are read and folded in the time of their round trip
MAX_STREAMS = 256
MAX_EVENTS = 500_000  # folded into all of them: what a state takes up grows with its stream


class Baseline(NamedTuple):
    """What a stream came to at a version."""

    version: int
    state: Any


class States:
    """Baselines by decider and stream; those that were not used for the longest time go first."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._kept: OrderedDict[tuple[str, UUID], Baseline] = OrderedDict()
        self._events = 0

    def get(self, decider: Decider[Any], stream_id: UUID) -> Baseline:
        """The last state known of a stream; for one that is not known, that of version 0."""
        key = decider.name, stream_id
        kept = self._kept.get(key)
        if kept is None:
            return Baseline(0, decider.initial)
        self._kept.move_to_end(key)
        return kept

    def keep(self, decider: Decider[Any], stream_id: UUID, base: Baseline) -> None:
        """Remember what a stream came to, if it is long enough to be worth it."""
        if base.version < MIN_EVENTS:
            return
        self.forget(decider, stream_id)
        self._kept[decider.name, stream_id] = base
        self._events += base.version
        while len(self._kept) > MAX_STREAMS or self._events > MAX_EVENTS:
            _, oldest = self._kept.popitem(last=False)
            self._events -= oldest.version

    def forget(self, decider: Decider[Any], stream_id: UUID) -> None:
        """Know nothing of a stream any more."""
        kept = self._kept.pop((decider.name, stream_id), None)
        self._events -= kept.version if kept else 0
