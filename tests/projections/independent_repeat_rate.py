"""The repeat rate worked out a second time, from the raw bytes of the events.

Plain Python that shares no code with the view or with the event types. It asks of every closing
what followed it, as requirements (section 10) and the metric catalogue put it; a reopening and a
later complaint are asked alike.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg

from tests.projections.independent_reading import OUT, History, complaints, day, local
from tests.projections.raw_events import Told, microseconds

WINDOW = timedelta(days=90)
RETURNS = ("repeat", "escalated_recomplaint")
COUNTS = [
    "numerator",
    "denominator",
    "initial",
    "related",
    "escalated",
    "repeat",
    "reopened",
    "external",
    "non_complaint",
    "declined",
    "withdrawn",
    "merged",
    "customer_unknown",
    "unclassified",
    "undated",
    "all",
]
Rates = dict[tuple[str, str, str], dict[str, Any]]
"""Counts, and whether they are mature, by metric, month (YYYY-MM) and unit."""


class Closing(NamedTuple):
    """A closing by its complaint and the place of the event in its history."""

    stream: str
    place: int


class Return(NamedTuple):
    """What followed a closing."""

    at_us: int
    kind: str
    stream: str
    is_external: bool


def published(uri: str, present: datetime) -> Rates:
    """What `bi.repeat_rate` says, read by whoever may read it."""
    counts = ", ".join(f"{name}_count" for name in COUNTS)
    with psycopg.connect(uri) as connection:
        connection.execute(
            "SELECT set_config('closedloop.present', %s, false)", (present.isoformat(),)
        )
        rows = connection.execute(
            "SELECT metric, to_char(month_date, 'YYYY-MM'), unit, is_mature,"
            f" {counts} FROM bi.repeat_rate".encode()
        ).fetchall()
    return {
        row[:3]: {"is_mature": row[3], **dict(zip(COUNTS, row[4:], strict=True))} for row in rows
    }


def repeat_rate(rows: Iterable[tuple[Any, ...]], present: datetime, zone: str) -> Rates:
    """What the raw events come to at some present."""
    told = complaints(rows)
    counts: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for history in told.values():
        month = f"{day(history.events[0], zone):%Y-%m}"
        unit = history.last("received_unit") or "unknown"
        counts["repeat_share", month, unit].update(_share(history))
    followers = _followers(told, zone)
    today = local(microseconds(present), zone).date()
    for history in told.values():
        for index in history.closings:
            closed = day(history.events[index], zone)
            key = "return_rate", f"{closed:%Y-%m}", history.holder(index)[0]
            items = _closed(history, index, followers[Closing(history.stream, index)])
            if "denominator" in items and closed + WINDOW >= today:
                items.append("immature")
            counts[key].update(items)
    return {
        key: {"is_mature": not counter["immature"], **{name: counter[name] for name in COUNTS}}
        for key, counter in counts.items()
    }


def class_of(history: History) -> dict[str, Any] | None:
    """Its class as recorded last."""
    classes = [told.data for told in history.events if told.kind == "RepeatClassified"]
    return classes[-1] if classes else None


def _share(history: History) -> list[str]:
    """What a complaint counts as in the share of repeats."""
    judged = class_of(history)
    if out := history.is_out:
        return ["all", out]
    if judged is None:
        return ["all", "unclassified"]
    kinds = {
        "unknown": [],
        "initial": ["denominator", "initial"],
        "related": ["denominator", "initial", "related"],
        "escalated_recomplaint": ["denominator", "escalated"],
        "repeat": ["denominator", "repeat", "numerator"],
    }[judged["class"]]
    if kinds and judged.get("is_external"):
        kinds = [*kinds, "external"]
    return ["all", *(kinds or ["customer_unknown"])]


def _closed(history: History, index: int, followed: list[Return]) -> list[str]:
    """What a closing counts as in the rate of returns."""
    closed, judged = history.events[index], class_of(history)
    if out := history.out(closed.data["reason"]):
        return ["all", out]
    links = [told.data for told in history.events if "customer_id" in told.data]
    if judged["class"] == "unknown" if judged else not links:
        return ["all", "customer_unknown"]
    if closed.precision == "unknown":
        return ["all", "undated"]
    if not followed:
        return ["all", "denominator"]
    first = min(followed)
    kind = {"escalated_recomplaint": "escalated"}.get(first.kind, first.kind)
    return ["all", "denominator", "numerator", kind] + ["external"] * first.is_external


def _followers(told: dict[str, History], zone: str) -> dict[Closing, list[Return]]:
    """Everything that counts as a return, by the closing that it follows."""
    found: defaultdict[Closing, list[Return]] = defaultdict(list)
    for history in told.values():
        if history.nature != "complaint":
            continue
        for index, event in enumerate(history.events):
            if event.kind != "ComplaintReopened":
                continue
            ends = [c for c in history.closings if c > index]
            if ends and history.events[ends[0]].data["reason"] in OUT:
                continue
            before = [
                closing
                for closing in history.closings
                if closing < index and history.events[closing].data["reason"] not in OUT
            ]
            if before and _is_within(history.events[before[-1]], event, zone):
                back = Return(event.occurred_us, "reopened", history.stream, False)
                found[Closing(history.stream, before[-1])].append(back)
        if history.is_out or (judged := class_of(history)) is None:
            continue
        received = history.events[0]
        followed = _last_closing(told, _named(told, history), received.occurred_us)
        if followed and _is_within(told[followed.stream].events[followed.place], received, zone):
            external = bool(judged.get("is_external"))
            back = Return(received.occurred_us, judged["class"], history.stream, external)
            found[followed].append(back)
    return found


def _named(told: dict[str, History], later: History) -> set[str]:
    """The complaint that a return names, and where that came to nothing, the one it names."""
    names: set[str] = set()
    history: History | None = later
    while history is not None:
        judged = class_of(history) or {}
        earlier = judged.get("earlier_id") if judged.get("class") in RETURNS else None
        if earlier is None or earlier in names:
            return names
        names.add(earlier)
        history = told.get(earlier)
        if history is not None and not _came_to_nothing(history):
            return names
    return names


def _came_to_nothing(history: History) -> bool:
    return history.is_out is not None and history.is_out != "non_complaint"


def _last_closing(told: dict[str, History], streams: set[str], at_us: int) -> Closing | None:
    """The last closing of these complaints by then that ended some work."""
    ends = [
        (history.events[index].occurred_us, index, stream)
        for stream in streams
        if (history := told.get(stream)) is not None
        for index in history.closings
        if history.events[index].occurred_us <= at_us
        and history.events[index].data["reason"] not in OUT
    ]
    return Closing(max(ends)[2], max(ends)[1]) if ends else None


def _is_within(closed: Told, returned: Told, zone: str) -> bool:
    return day(returned, zone) - day(closed, zone) <= WINDOW
