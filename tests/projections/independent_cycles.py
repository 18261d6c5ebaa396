"""Cycles and stays worked out a second time, from the raw bytes of events: the check of the view.

Plain Python that shares no code with the view or with the event types, and goes about it
differently: it writes down where a complaint stood after every event of its whole history, and
reads cycles and stays off that.
"""

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

from tests.projections.raw_events import Told

TO_STAGE = {
    "ComplaintRegistered": "registered",
    "ComplaintAccepted": "accepted",
    "ComplaintAssigned": "in_progress",
    "AssignmentSignedFor": "in_progress",
    "AssignmentReturned": "accepted",
    "ComplaintResolved": "resolved",
    "FinalPositionDeclared": "final_position",
    "ResolutionDisputed": "in_progress",
    "ComplaintClosed": "closed",
}
Line = tuple[Any, ...]


class Standing(NamedTuple):
    """Where a complaint stood after an event, and who held it."""

    told: Told
    stage: str
    cycle: int
    unit: str
    person: str | None


def histories(events: Iterable[tuple[Any, ...]]) -> dict[str, list[Told]]:
    """The events of every complaint in the order of recording."""
    found: defaultdict[str, list[Told]] = defaultdict(list)
    for stream, kind, recorded_at, data, metadata in events:
        found[str(stream)].append(Told(kind, recorded_at, data, metadata))
    return {stream: told for stream, told in found.items() if told[0].kind == "ComplaintRegistered"}


def standings(history: list[Told]) -> list[Standing]:
    """Where it stood after each event; before it was accepted its receiver held it."""
    receiver = "unknown"
    for told in history:
        for facts in (told.data, told.data.get("details", {}), told.data.get("new", {})):
            receiver = facts.get("received_unit", receiver)
    stage, cycle, owner, kinds = "", 1, (receiver, None), set[str]()
    found = []
    for told in history:
        stage = TO_STAGE.get(told.kind, stage)
        if told.kind == "ComplaintAssessed" and stage == "registered":
            stage = "assessed"
        elif told.kind == "ResolutionDisputed":
            cycle += 1
        elif told.kind == "ComplaintUnmerged":
            stage = told.data["stage"]
        elif told.kind == "ComplaintReopened":
            cycle = told.data["cycle"]
            stage = "assessed" if "ComplaintAssessed" in kinds else "registered"
            stage = "in_progress" if "ComplaintAccepted" in kinds else stage
        elif told.kind in ("ComplaintAccepted", "AssignmentReturned"):
            owner = told.data["unit_id"], None
        if told.kind in ("ComplaintAssigned", "AssignmentSignedFor"):
            owner = told.data["unit_id"], told.data.get("person_id")
        kinds.add(told.kind)
        found.append(Standing(told, stage, cycle, *owner))
    return found


def stays(history: list[Told]) -> list[Line]:
    """Stage, cycle, entered when and by what, left when and by what, unit and person at its end."""
    stood = standings(history)
    begins = [0] + [
        number + 1
        for number, (before, after) in enumerate(pairwise(stood))
        if (before.stage, before.cycle) != (after.stage, after.cycle)
    ]
    lines: list[Line] = []
    for begin, end in zip(begins, [*begins[1:], len(stood)], strict=True):
        first, last = stood[begin], stood[end - 1]
        left = stood[end].told if end < len(stood) else None
        lines.append(
            (
                first.stage,
                first.cycle,
                first.told.occurred_us,
                first.told.kind,
                left and left.occurred_us,
                left and left.kind,
                last.unit,
                last.person,
            )
        )
    return lines


def cycles(history: list[Told]) -> list[Line]:
    """Start and what it was, resolution, confirmation, dispute, last word, close, holder."""
    stood = standings(history)
    lines: list[Line] = []
    for cycle in range(1, stood[-1].cycle + 1):
        within = [s for s in stood if s.cycle == cycle]
        began = within[0].told
        named: dict[str, Told] = {
            told.kind: told for told in history if told.data.get("cycle") == cycle
        }
        close = None
        for standing in within:
            if standing.told.kind == "ComplaintClosed":
                close = standing.told
            elif standing.told.kind == "ComplaintUnmerged":
                close = None
        after = next((s.told for s in stood if s.cycle == cycle + 1), None)
        resolved, confirmed = named.get("ComplaintResolved"), named.get("ResolutionConfirmed")
        disputed, last_word = named.get("ResolutionDisputed"), named.get("FinalPositionDeclared")
        end = resolved or close
        held = next((s for s in within if s.told is end), within[-1])
        lines.append(
            (
                cycle,
                began.kind,
                began.occurred_us,
                *_at(resolved, "outcome"),
                resolved and _who(resolved),
                *_at(confirmed, "by", "how"),
                *_at(disputed),
                *_at(last_word),
                *_at(close, "reason"),
                after.occurred_us if after and after.kind == "ComplaintReopened" else None,
                held.unit,
                held.person,
            )
        )
    return lines


def _at(told: Told | None, *names: str) -> list[Any]:
    return (
        [None] * (1 + len(names))
        if told is None
        else [
            told.occurred_us,
            *(told.data.get(name) for name in names),
        ]
    )


def _who(told: Told) -> str:
    return str(told.metadata.get("on_behalf_of") or told.metadata["actor"]["id"])
