"""Satisfaction worked out a second time, from the raw bytes of the events.

Plain Python that shares no code with the view or with the event types: it takes every answer of
every cycle, throws out what does not count, and lets the last of the others speak.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import psycopg

from tests.projections.independent_reading import History, complaints, day, local
from tests.projections.raw_events import Told

VALID = timedelta(days=14)
COUNTS = [
    "satisfied_count",
    "valid_count",
    "top_count",
    "score_sum",
    "result_score_sum",
    "result_count",
    "process_score_sum",
    "process_count",
    "cycles_due_count",
    "answer_count",
    "superseded_count",
    "expired_count",
    "by_handler_count",
    "unresolved_count",
    "undated_count",
    "non_complaint_count",
    "declined_count",
    "withdrawn_count",
    "merged_count",
]
Satisfaction = dict[tuple[str, str, str], dict[str, int]]
"""Counts and sums by month of the resolution (YYYY-MM), unit and person."""


def published(uri: str, present: datetime) -> Satisfaction:
    """What `bi.satisfaction` says, read by whoever may read it."""
    with psycopg.connect(uri) as connection:
        connection.execute(
            "SELECT set_config('closedloop.present', %s, false)", (present.isoformat(),)
        )
        rows = connection.execute(
            "SELECT to_char(month_date, 'YYYY-MM'), holder_unit, holder_person,"
            f" {', '.join(COUNTS)} FROM bi.satisfaction".encode()
        ).fetchall()
    return {row[:3]: dict(zip(COUNTS, row[3:], strict=True)) for row in rows}


def satisfaction(rows: Iterable[tuple[Any, ...]], zone: str) -> Satisfaction:
    """What the raw events come to, at any present."""
    counts: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for history in complaints(rows).values():
        resolved = {
            told.data["cycle"]: index
            for index, told in enumerate(history.events)
            if told.kind == "ComplaintResolved"
        }
        for index in resolved.values():
            resolution = history.events[index]
            is_due = history.is_out is None and resolution.precision != "unknown"
            key = f"{day(resolution, zone):%Y-%m}", *history.holder(index)
            counts[key].update(cycles_due_count=int(is_due))
        for index, told in enumerate(history.events):
            if told.kind == "SatisfactionRecorded":
                about = resolved.get(told.data["cycle"])
                why = _why_not(history, index, about, zone)
                if why is None and any(
                    _why_not(history, later, about, zone) is None
                    for later in _later(history, index)
                ):
                    why = "superseded"
                counts[_place(history, index, about, zone)].update(_counted(told, why))
    return {key: {name: counter[name] for name in COUNTS} for key, counter in counts.items()}


def _later(history: History, index: int) -> list[int]:
    """The answers of the same cycle that were given later, as told."""
    one = history.events[index]
    return [
        other
        for other, told in enumerate(history.events)
        if told.kind == "SatisfactionRecorded"
        and told.data["cycle"] == one.data["cycle"]
        and (told.occurred_us, other) > (one.occurred_us, index)
    ]


def _why_not(history: History, index: int, about: int | None, zone: str) -> str | None:
    """Why an answer does not count, whatever other answers there are."""
    told = history.events[index]
    if history.is_out:
        return history.is_out
    if about is None or about > index:
        return "unresolved"
    resolution = history.events[about]
    if resolution.precision == "unknown":
        return "undated"
    if _people(told) & {history.holder(index)[1], _accountable(resolution)}:
        return "by_handler"
    expiry = local(resolution.occurred_us, zone) + VALID
    if local(told.occurred_us, zone) >= expiry:
        return "expired"
    return None


def _place(history: History, index: int, about: int | None, zone: str) -> tuple[str, str, str]:
    """The month, unit and person of the resolution; of an answer about none, its own month."""
    if about is None or about > index:
        return f"{day(history.events[index], zone):%Y-%m}", "unknown", "unknown"
    return f"{day(history.events[about], zone):%Y-%m}", *history.holder(about)


def _counted(told: Told, why: str | None) -> Counter[str]:
    if why is not None:
        return Counter({"answer_count": 1, f"{why}_count": 1})
    score, apart = told.data["score"], told.data.get("sub_scores", {})
    return Counter(
        answer_count=1,
        valid_count=1,
        satisfied_count=int(score >= 4),
        top_count=int(score == 5),
        score_sum=score,
        result_count=int("result" in apart),
        result_score_sum=apart.get("result", 0),
        process_count=int("process" in apart),
        process_score_sum=apart.get("process", 0),
    )


def _people(told: Told) -> set[str]:
    """Who gave the order, and who counts for four eyes."""
    by = told.metadata.get("on_behalf_of") or told.metadata["actor"]["id"]
    return {by, _accountable(told)}


def _accountable(told: Told) -> str:
    """A person's own key speaks for nobody else."""
    actor = told.metadata["actor"]
    is_person = actor["kind"] == "person"
    return str(actor["id"] if is_person else told.metadata.get("on_behalf_of") or actor["id"])
