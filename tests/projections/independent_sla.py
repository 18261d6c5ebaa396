"""Attainment worked out a second time, from the raw bytes of the events: the check of the view.

Plain Python that shares no code with the view, with `domain.time` or with the event types, and
goes about it differently: it looks at whole histories, clock by clock, in whole microseconds.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

MINUTES = {
    "first_response": {"general": 15, "important": 15, "major": 5},
    "assess": {"general": 15, "important": 15, "major": 15},
    "resolve": {"general": 24 * 60, "important": 48 * 60, "major": 48 * 60},
}
COUNTS = ("met", "missed", "overdue", "open", "cancelled", "out_of_rates", "disputed", "differing")
Attainment = dict[tuple[str, str, str], dict[str, int]]
"""Counts by clock, severity and month of the local date of the due (YYYY-MM)."""


class Told:
    """An event as the ledger has it, without knowing what it means."""

    def __init__(self, kind: str, recorded_at: datetime, data: bytes, metadata: bytes) -> None:
        self.kind = kind
        self.data: dict[str, Any] = json.loads(data)
        self.metadata: dict[str, Any] = json.loads(metadata)
        self.recorded_us = _microseconds(recorded_at)
        told = self.metadata.get("occurred_at")
        self.occurred_us = _microseconds(datetime.fromisoformat(told)) if told else self.recorded_us

    @property
    def official_us(self) -> int:
        """The time that counts for the official verdict."""
        source = self.metadata.get("occurred_at_source", "system")
        return self.occurred_us if source in ("system", "provider") else self.recorded_us


def raw_events(uri: str) -> list[tuple[Any, ...]]:
    """Every event of the ledger: stream, type, time of recording, data, metadata."""
    with psycopg.connect(uri) as connection:
        return connection.execute(
            "SELECT stream_id, type, recorded_at, data, metadata FROM ledger.events"
            " ORDER BY partition, position"
        ).fetchall()


def published(uri: str, present: datetime) -> Attainment:
    """What `bi.sla_attainment` says, read by whoever may read it."""
    with psycopg.connect(uri) as connection:
        connection.execute(
            "SELECT set_config('closedloop.present', %s, false)", (present.isoformat(),)
        )
        rows = connection.execute(
            "SELECT clock, severity, to_char(due_month_date, 'YYYY-MM'), met_count, missed_count,"
            " overdue_count, open_count, cancelled_count, out_of_rates_count,"
            " disputed_later_count, differing_verdict_count FROM bi.sla_attainment"
        ).fetchall()
    return {row[:3]: dict(zip(COUNTS, row[3:], strict=True)) for row in rows}


def attainment(rows: Iterable[tuple[Any, ...]], present: datetime, zone: str) -> Attainment:
    """What the raw events come to at some present."""
    histories: defaultdict[Any, list[Told]] = defaultdict(list)
    for stream, *columns in rows:
        histories[stream].append(Told(*columns))
    counts: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for history in histories.values():
        first = history[0]
        if first.kind != "ComplaintRegistered" or first.metadata["actor"]["kind"] == "import":
            continue
        nature, reason = _nature_and_reason(history)
        for clock, cycle, begin in _clocks(history):
            severity, due, counted = _judge(history, clock, cycle, begin, _microseconds(present))
            month = datetime.fromtimestamp(due // 1_000_000, ZoneInfo(zone)).strftime("%Y-%m")
            is_out = reason in ("withdrawn", "declined", "duplicate") and not (
                reason == "duplicate" and counted[0] == "missed"
            )
            is_in_rates = nature == "complaint" and not is_out
            counts[clock, severity, month].update(counted if is_in_rates else ["out_of_rates"])
    return {key: {name: counter[name] for name in COUNTS} for key, counter in counts.items()}


def _clocks(history: list[Told]) -> list[tuple[str, int, int]]:
    """Clock, cycle and the index of the event that starts it."""
    clocks = [("first_response", 1, 0), ("assess", 1, 0), ("resolve", 1, 0)]
    begins = [
        index
        for index, event in enumerate(history)
        if event.kind in ("ResolutionDisputed", "ComplaintReopened")
    ]
    return clocks + [("resolve", cycle, index) for cycle, index in enumerate(begins, 2)]


def _judge(
    history: list[Told], clock: str, cycle: int, begin: int, present_us: int
) -> tuple[str, int, list[str]]:
    end = next(
        (
            index
            for index in range(begin + 1, len(history))
            if (history[index].kind == "ComplaintClosed" and not _is_undone(history, index))
            or _stops(history[index], clock, cycle)
        ),
        None,
    )
    seen = history if end is None else history[: end + 1]
    severity, due = _due(seen, clock, begin)
    if end is None:
        return severity, due, ["overdue" if due < present_us else "open"]
    stop = history[end]

    def verdict(at: int) -> str:
        if at > due:
            return "missed"
        return "met" if _stops(stop, clock, cycle) else "cancelled"

    official = verdict(stop.official_us)
    counted = [official]
    if verdict(stop.occurred_us) != verdict(stop.recorded_us):
        counted.append("differing")
    later = (e for e in history if e.kind == "ResolutionDisputed" and e.data["cycle"] == cycle)
    if clock == "resolve" and official == "met" and any(later):
        counted.append("disputed")
    return severity, due, counted


def _is_undone(history: list[Told], closed: int) -> bool:
    """A duplicate only ever comes back by an unmerge, which undoes the close before it."""
    return history[closed].data["reason"] == "duplicate" and any(
        event.kind == "ComplaintUnmerged" for event in history[closed:]
    )


def _stops(event: Told, clock: str, cycle: int) -> bool:
    data, metadata = event.data, event.metadata
    if clock == "assess":
        return event.kind == "ComplaintAssessed"
    if clock == "resolve":
        return event.kind == "ComplaintResolved" and data["cycle"] == cycle
    if event.kind == "ContactRecorded":
        kind = metadata["actor"]["kind"]
        by_person = kind == "person" or (kind == "system" and "on_behalf_of" in metadata)
        return bool(data["outcome"] == "reached" and by_person)
    if event.kind == "ComplaintAcknowledged":
        by_bot = data["by"] == "bot" and data.get("accepted_by_complainant") is True
        return bool(data["by"] == "person" or by_bot)
    return False


def _due(seen: list[Told], clock: str, begin: int) -> tuple[str, int]:
    """The severity compared, and the due; the grades named while the clock ran decide."""
    start = seen[begin].occurred_us
    severity, is_named = "general", False
    for event in seen[:begin]:
        if event.kind == "ComplaintAssessed" and "severity" in event.data:
            severity, is_named = event.data["severity"], True
    due = start + _target(clock, severity)
    for event in seen[begin + 1 :]:
        if event.kind != "ComplaintAssessed" or "severity" not in event.data:
            continue
        at = max(event.occurred_us, start)
        if at > due:
            continue
        target = _target(clock, event.data["severity"])
        if not is_named:
            due = max(start + target, min(due, at + target))
        elif event.data["severity"] != severity:
            due = min(due, at + target)
        severity, is_named = event.data["severity"], True
    return severity, due


def _target(clock: str, severity: str) -> int:
    return MINUTES[clock][severity] * 60_000_000


def _nature_and_reason(history: list[Told]) -> tuple[str, str | None]:
    nature, reason = "", None
    for event in history:
        match event.kind:
            case "ComplaintRegistered" | "ComplaintAssessed":
                nature = event.data.get("nature", nature)
            case "FieldCorrected":
                nature = event.data["new"].get("nature", nature)
            case "DetailAdded":
                nature = event.data["details"].get("nature", nature)
            case "ComplaintClosed":
                reason = event.data["reason"]
            case "ComplaintReopened" | "ComplaintUnmerged":
                reason = None
    return nature, reason


def _microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))) // timedelta(microseconds=1)
