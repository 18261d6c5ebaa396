"""Attainment worked out a second time, from the raw bytes of the events: the check of the view.

Plain Python that shares no code with the view, with `domain.time` or with the event types, and
goes about it differently: it looks at whole histories, clock by clock, in whole microseconds.
"""
# long: one computation, which is only worth something if it is read in one piece

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from tests.projections.raw_events import Told, microseconds

MINUTES = {
    "first_response": {"general": 15, "important": 15, "major": 5},
    "assess": {"general": 15, "important": 15, "major": 15},
    "resolve": {"general": 24 * 60, "important": 48 * 60, "major": 48 * 60},
}
PAUSE_CAP = 24 * 60 * 60_000_000  # of resolve, in a cycle
COUNTS = ("met", "missed", "overdue", "open", "cancelled", "out_of_rates", "disputed", "differing")
Attainment = dict[tuple[str, str, str], dict[str, int]]
"""Counts by clock, severity and month of the local date of the due (YYYY-MM)."""
Paused = list[tuple[int, int | None]]
"""From when to when a clock stood still; without an end it still does."""


def _read(uri: str, present: datetime, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(uri) as connection:
        connection.execute(
            "SELECT set_config('closedloop.present', %s, false)", (present.isoformat(),)
        )
        return connection.execute(statement.encode()).fetchall()


def published(uri: str, present: datetime) -> Attainment:
    """What `bi.sla_attainment` says, read by whoever may read it."""
    rows = _read(
        uri,
        present,
        "SELECT clock, severity, to_char(due_month_date, 'YYYY-MM'), met_count, missed_count,"
        " overdue_count, open_count, cancelled_count, out_of_rates_count,"
        " disputed_later_count, differing_verdict_count FROM bi.sla_attainment",
    )
    return {row[:3]: dict(zip(COUNTS, row[3:], strict=True)) for row in rows}


def published_clocks(uri: str, present: datetime) -> dict[str, tuple[Any, ...]]:
    """What `bi.sla_clocks` says of each clock with a target."""
    rows = _read(
        uri,
        present,
        "SELECT clock_id, verdict, due_at, elapsed_minutes, paused_minutes"
        " FROM bi.sla_clocks WHERE due_at IS NOT NULL",
    )
    return {row[0]: (row[1], microseconds(row[2]), *row[3:]) for row in rows}


def all_clocks(rows: Iterable[tuple[Any, ...]], present: datetime) -> dict[str, tuple[Any, ...]]:
    """Verdict, due in microseconds, minutes elapsed and paused, of each clock with a target."""
    found = {}
    for stream, history in _histories(rows).items():
        for clock, cycle, begin in _clocks(history):
            _, due, counted, times = _judge(history, clock, cycle, begin, microseconds(present))
            found[f"{stream}:{clock}:{cycle}"] = (counted[0], due, *map(_minutes, times))
    return found


def attainment(rows: Iterable[tuple[Any, ...]], present: datetime, zone: str) -> Attainment:
    """What the raw events come to at some present."""
    counts: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for history in _histories(rows).values():
        nature, reason = _nature_and_reason(history)
        for clock, cycle, begin in _clocks(history):
            severity, due, counted, _ = _judge(history, clock, cycle, begin, microseconds(present))
            month = datetime.fromtimestamp(due // 1_000_000, ZoneInfo(zone)).strftime("%Y-%m")
            is_out = reason in ("withdrawn", "declined", "duplicate") and not (
                reason == "duplicate" and counted[0] == "missed"
            )
            is_in_rates = nature == "complaint" and not is_out
            counts[clock, severity, month].update(counted if is_in_rates else ["out_of_rates"])
    return {key: {name: counter[name] for name in COUNTS} for key, counter in counts.items()}


def _histories(rows: Iterable[tuple[Any, ...]]) -> dict[Any, list[Told]]:
    """The histories of complaints with clocks: those of an import have none."""
    histories: defaultdict[Any, list[Told]] = defaultdict(list)
    for stream, *columns in rows:
        histories[stream].append(Told(*columns))
    return {
        stream: history
        for stream, history in histories.items()
        if history[0].kind == "ComplaintRegistered"
        and history[0].metadata["actor"]["kind"] != "import"
    }


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
) -> tuple[str, int, list[str], tuple[int, int]]:
    """Severity, due, what is counted, and what elapsed and was paused."""
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
    start = _first_receipt(seen) if begin == 0 else seen[begin].occurred_us
    paused = _pauses(seen[begin:]) if clock == "resolve" else []
    severity, target = _target_of(seen, clock, begin, start, paused)
    if end is None:
        times = _elapsed(start, present_us, paused)
        state = "overdue" if times[0] > target else "open"
        return severity, _due(start, target, _over(paused, present_us)), [state], times
    stop = history[end]

    def verdict(at: int) -> str:
        if _elapsed(start, at, paused)[0] > target:
            return "missed"
        return "met" if _stops(stop, clock, cycle) else "cancelled"

    official = verdict(stop.official_us)
    counted = [official]
    if verdict(stop.occurred_us) != verdict(stop.recorded_us):
        counted.append("differing")
    later = (e for e in history if e.kind == "ResolutionDisputed" and e.data["cycle"] == cycle)
    if clock == "resolve" and official == "met" and any(later):
        counted.append("disputed")
    due = _due(start, target, [(began, min(e or NEVER, stop.official_us)) for began, e in paused])
    return severity, due, counted, _elapsed(start, stop.occurred_us, paused)


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


def _first_receipt(seen: list[Told]) -> int:
    """The earliest receipt, be it that of a duplicate which was merged in and still is."""
    receipts = {"": seen[0].occurred_us}
    for event in seen:
        source = event.data.get("source_id", "")
        if event.kind == "MergeReceived" and "source_received_at" in event.data:
            at = datetime.fromisoformat(event.data["source_received_at"])
            receipts[source] = microseconds(at)
        elif event.kind == "MergeReverted":
            receipts.pop(source, None)
    return min(receipts.values())


def _target_of(
    seen: list[Told], clock: str, begin: int, start: int, paused: Paused
) -> tuple[str, int]:
    """The severity compared and its target; the grades named while the clock ran decide."""
    severity, is_named = "general", False
    for event in seen[:begin]:
        if event.kind == "ComplaintAssessed" and "severity" in event.data:
            severity, is_named = event.data["severity"], True
    most = _target(clock, severity)
    for event in seen[begin + 1 :]:
        if event.kind != "ComplaintAssessed" or "severity" not in event.data:
            continue
        gone, _ = _elapsed(start, event.occurred_us, paused)
        if gone > most:
            continue
        target = _target(clock, event.data["severity"])
        if not is_named:
            most = max(target, min(most, gone + target))
        elif event.data["severity"] != severity:
            most = min(most, gone + target)
        severity, is_named = event.data["severity"], True
    return severity, most


# --- pauses, microsecond by microsecond as it were -------------------------------------------

NEVER = 2**62


def _pauses(seen: list[Told]) -> Paused:
    """When the customer was waited for: asked and not answered, or paused by somebody."""
    asked: dict[str, list[int | None]] = {}
    by_hand: list[list[int | None]] = []
    for event in seen:
        at = event.occurred_us
        if event.kind == "InformationRequested" and event.data["from"] == "customer":
            asked[event.data["request_id"]] = [at, None]
        elif event.kind == "InformationReceived" and event.data["request_id"] in asked:
            wait = asked[event.data["request_id"]]
            wait[1] = at if wait[1] is None else min(wait[1], at)
        elif event.kind == "ClockPaused" and event.data["clock"] == "resolve":
            by_hand.append([at, None])
        elif event.kind == "ClockResumed" and event.data["clock"] == "resolve":
            by_hand[-1][1] = at
    return [(int(began or 0), ended) for began, ended in (*asked.values(), *by_hand)]


def _elapsed(start: int, at: int, paused: Paused) -> tuple[int, int]:
    """What elapsed by an instant, and what of the time before did not."""
    edges = {start, at} | {min(max(edge or at, start), at) for pause in paused for edge in pause}
    stood = 0
    for one, next_one in itertools.pairwise(sorted(edges)):
        if any(began <= one and next_one <= (ended or NEVER) for began, ended in paused):
            stood += next_one - one
    stood = min(stood, PAUSE_CAP) if at > start else 0
    return max(at - start, 0) - stood, stood


def _due(start: int, target: int, paused: Paused) -> int:
    """The first instant at which the target has elapsed, found by halving the time around it."""
    low, high = start, start + target + PAUSE_CAP
    while low < high:
        middle = (low + high) // 2
        if _elapsed(start, middle, paused)[0] >= target:
            high = middle
        else:
            low = middle + 1
    return low


def _over(paused: Paused, present_us: int) -> Paused:
    """What stands still is taken to run on at the present."""
    return [(began, max(began, present_us) if end is None else end) for began, end in paused]


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


def _minutes(microseconds: int) -> Decimal:
    return (Decimal(microseconds) / 60_000_000).quantize(Decimal("0.000001"), ROUND_HALF_UP)
