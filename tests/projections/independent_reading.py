"""What raw events say of a complaint, read a second time without any of our own code.

The whole history is at hand, so nothing is carried along from event to event: what held at some
event is looked for in what came before it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.projections.raw_events import Told

OUT = ("declined", "withdrawn", "duplicate")
"""The close reasons that take a complaint out of the rates."""


class History:
    """The events of one complaint in the order of recording."""

    def __init__(self, stream: str, events: Sequence[Told]) -> None:
        self.stream = stream
        self.events = events

    def last(self, name: str, before: int | None = None) -> Any:
        """The value of a fact as told last, up to an event."""
        for told in reversed(self.events[:before]):
            for facts in (told.data, told.data.get("details", {}), told.data.get("new", {})):
                if told.kind in _TELLING and facts.get(name) is not None:
                    return facts[name]
        return None

    @property
    def nature(self) -> str:
        return str(self.last("nature"))

    @property
    def closings(self) -> list[int]:
        """Where it was closed; a merge that is undone never was a close."""
        found: list[int] = []
        for index, told in enumerate(self.events):
            if told.kind == "ComplaintClosed":
                found.append(index)
            elif told.kind == "ComplaintUnmerged":
                found.pop()
        return found

    @property
    def is_out(self) -> str | None:
        """Why it is in no rate now; an open complaint has no close reason."""
        last = self.closings[-1:]
        reopened = [i for i, told in enumerate(self.events) if told.kind == "ComplaintReopened"]
        is_open = not last or any(index > last[0] for index in reopened)
        return self.out("" if is_open else self.events[last[0]].data["reason"])

    def out(self, reason: str) -> str | None:
        """Why what ended for this reason is in no rate."""
        if self.nature != "complaint":
            return "non_complaint"
        return {"duplicate": "merged"}.get(reason, reason) if reason in OUT else None

    def holder(self, at: int) -> tuple[str, str]:
        """Unit and person that held the complaint before an event."""
        for told in reversed(self.events[:at]):
            if told.kind in ("ComplaintAccepted", "AssignmentReturned"):
                return told.data["unit_id"], "unknown"
            if told.kind in ("ComplaintAssigned", "AssignmentSignedFor"):
                return told.data["unit_id"], told.data.get("person_id") or "unknown"
        return self.last("received_unit", at) or "unknown", "unknown"


_TELLING = ("ComplaintRegistered", "DetailAdded", "FieldCorrected", "ComplaintAssessed")


def complaints(rows: Iterable[tuple[Any, ...]]) -> dict[str, History]:
    """Every complaint of the ledger by its stream."""
    found: defaultdict[str, list[Told]] = defaultdict(list)
    for stream, *columns in rows:
        found[str(stream)].append(Told(*columns))
    return {
        stream: History(stream, events)
        for stream, events in found.items()
        if events[0].kind == "ComplaintRegistered"
    }


def day(told: Told, zone: str) -> date:
    """The local date on which it happened; of what was told with a day only, that day."""
    if told.is_exact:
        return local(told.occurred_us, zone).date()
    return datetime.fromisoformat(told.metadata["occurred_at"]).date()


def local(at_us: int, zone: str) -> datetime:
    """A moment on the clocks of a zone."""
    return datetime.fromtimestamp(at_us // 1_000_000, ZoneInfo(zone)).replace(
        microsecond=at_us % 1_000_000
    )
