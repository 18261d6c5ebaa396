"""The clocks of one complaint while events move them.

What a running clock comes to, and who would be charged if it were missed, is written into its row
when all events are taken in: by then most have stopped, which says both anew.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from domain.kernel import Recorded
from domain.time.clocks import Clock
from projections.sla_pauses import Pauses
from projections.sla_receipts import Receipts, governed
from projections.sla_row import (
    STOP_COLUMNS,
    ClockRow,
    Held,
    Key,
    clock_of,
    holder_at,
    pauses_of,
    with_clock,
)
from projections.sla_stop import Stop, stopped


class Charge(msgspec.Struct, frozen=True, gc=False):
    """The clocks as an event left them, and who had held the complaint by then."""

    ledger_position: int
    holders: Sequence[Held]
    rows: dict[Key, ClockRow]
    moved: dict[Key, Clock]

    def breach(self, key: Key) -> datetime | None:
        """When a clock is missed; where it stands still, the last moment it may be."""
        clock = self.moved.get(key)
        if clock is None:
            row = self.rows[key]
            if row.paused_since is None:
                return row.breach_after
            clock = clock_of(row)
        return clock.breach_after if clock.paused_since is None else clock.breach_at_latest


class Clocks:
    """The rows of clocks; those of running ones may not say yet what became of them."""

    def __init__(self, rows: Iterable[ClockRow]) -> None:
        """Go on from these rows."""
        self._rows = {(row.clock, row.cycle): row for row in rows}
        self._moved: dict[Key, Clock] = {}
        self._charges: list[Charge] = []

    def rows(self) -> list[ClockRow]:
        """The rows as the clocks are now."""
        if self._charges:
            for key in self.running():
                self._rows[key] = self._charged(key)
            self._charges.clear()
        for key, clock in self._moved.items():
            self._rows[key] = with_clock(self._rows[key], clock)
        self._moved.clear()
        return list(self._rows.values())

    def __iter__(self) -> Iterator[Key]:
        """All of them, in the order in which they were started."""
        return iter(self._rows)

    def items(self) -> list[tuple[Key, ClockRow]]:
        """All of them with their rows, as `get` tells them."""
        return list(self._rows.items())

    def running(self) -> list[Key]:
        """Those that nothing has stopped."""
        return [key for key, row in self._rows.items() if row.stopped_at is None]

    def get(self, key: Key) -> ClockRow | None:
        """Its row, where there is one; of one that runs, what `rows` fills in may be older."""
        return self._rows.get(key)

    def clock(self, key: Key) -> Clock:
        """The clock as it is now."""
        return self._moved.get(key) or clock_of(self._rows[key])

    def start(self, row: ClockRow, clock: Clock) -> None:
        """A further one runs."""
        key = row.clock, row.cycle
        self._rows[key], self._moved[key] = row, clock

    def move(self, key: Key, clock: Clock, recorded: Recorded[Any]) -> None:
        """What an event made of a running clock, if it made anything of it."""
        if clock != self.clock(key):
            self._moved[key] = clock
            self.set(key, recorded)

    def pause(self, key: Key, pauses: Pauses, recorded: Recorded[Any]) -> None:
        """Its pauses are these; one that a merge stopped may have to run on some day."""
        row = self._rows[key]
        if pauses == row.pauses:
            return
        if row.is_running:
            self._moved[key] = replace(self.clock(key), pauses=pauses_of(pauses))
        self.set(key, recorded, pauses=pauses)

    def govern(self, key: Key, receipts: Receipts, recorded: Recorded[Any]) -> None:
        """Have it run from the first of these receipts, if it is one that does."""
        if self._rows[key].is_running:
            self.move(key, governed(key, self.clock(key), receipts), recorded)

    def charge(self, holders: Sequence[Held], recorded: Recorded[Any]) -> None:
        """From now on who of these holds the complaint when a running clock is missed is charged.

        To be said whenever the holders have changed, or a clock that runs.
        """
        place, rows, moved = recorded.position, self._rows.copy(), self._moved.copy()
        self._charges.append(Charge(place, holders, rows, moved))

    def stop(self, key: Key, stop: Stop, holders: Sequence[Held], recorded: Recorded[Any]) -> None:
        """It runs no longer."""
        row, place = self._rows[key], recorded.position
        self._rows[key] = stopped(row, self.clock(key), stop, holders, ledger_position=place)
        self._moved.pop(key, None)

    def run_on(self, key: Key, recorded: Recorded[Any]) -> None:
        """It runs as if it had never been stopped."""
        if not self._rows[key].is_running:
            self._moved[key] = replace(clock_of(self._rows[key]), stopped_at=None)
            undone = dict.fromkeys(STOP_COLUMNS)
            self.set(key, recorded, is_breached_by_reclassification=False, **undone)

    def set(self, key: Key, recorded: Recorded[Any], **changes: Any) -> None:
        """Change a row, which is known to become another one, and note the place of the event."""
        place = recorded.position
        self._rows[key] = replace(self._rows[key], ledger_position=place, **changes)

    def _charged(self, key: Key) -> ClockRow:
        """A row with whoever is charged at last, and the place of the event that made it so."""
        row = self._rows[key]
        charged, since = (row.holder_unit, row.holder_person), row.ledger_position
        for charge in self._charges:
            if key in charge.rows and charge.rows[key].is_running:
                holder = holder_at(charge.holders, charge.breach(key))
                if holder != charged:
                    charged, since = holder, max(since, charge.ledger_position)
        unit, person = charged
        return replace(row, holder_unit=unit, holder_person=person, ledger_position=since)
