"""A recorded history of concurrent commands, and whether one order of them explains it.

Every accepted command has a version, so the order is known, and linearizability comes down to
this: each operation can be given a moment between its call and its answer, such that the moments
rise with the versions. What was never answered may have taken effect at any moment after its
call, at one place, or not at all.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["accepted", "lost", "read", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What one client asked of one stream, when, and what it was told."""

    name: str
    stream: str
    invoked: float
    returned: float = math.inf  # never, where the outcome is unknown
    outcome: Outcome = "unknown"
    version: int = 0  # that it was told: after its events, or as it was found
    events: int = 0  # how many it was told to have recorded
    expected: int | None = None  # the version it insisted on


Span = tuple[int, int]
"""The first and the last version of the events of one command."""


def contradictions(operations: Sequence[Operation], written: Mapping[str, Span]) -> list[str]:
    """What is wrong with the history of one stream, of which the ledger says who wrote what."""
    return [*_wrong_effects(operations, written), *_wrong_order(operations, written)]


def _wrong_effects(operations: Sequence[Operation], written: Mapping[str, Span]) -> Iterator[str]:
    """What was acknowledged is there, once and as it was told; nothing else is."""
    next_version = 1
    for name, (first, last) in sorted(written.items(), key=lambda item: item[1]):
        if first != next_version:
            yield f"{name} wrote {first} to {last} where {next_version} comes next"
        next_version = last + 1
    for name in written.keys() - {operation.name for operation in operations}:
        yield f"{name} was written and never ordered"

    told: defaultdict[str, set[Span]] = defaultdict(set)
    for one in operations:
        if one.outcome == "accepted":
            told[one.name].add((one.version, one.events))
            before = one.version - one.events
            if one.expected not in (None, before):
                yield f"{one.name} insisted on {one.expected} and was accepted at {before}"
            if one.events and written.get(one.name) != (before + 1, one.version):
                yield f"{one.name} was acknowledged at {one.version} and is not there"
        if one.outcome == "lost" and one.version == one.expected:
            yield f"{one.name} lost at the version that it insisted on"
    for name, answers in told.items():
        if len(answers) > 1:
            yield f"{name} was answered in two ways: {sorted(answers)}"


def _wrong_order(operations: Sequence[Operation], written: Mapping[str, Span]) -> Iterator[str]:
    """Whether moments can be given; the earliest possible ones, version by version, decide."""
    ends = {0, *(last for _, last in written.values())}
    placed: list[tuple[int, bool, float, Operation]] = []
    for one in operations:
        wrote = written.get(one.name)
        if wrote is not None and one.outcome in ("accepted", "unknown"):
            placed.append((wrote[1], False, one.invoked, one))
        elif one.outcome != "unknown":
            if one.version not in ends:
                yield f"{one.name} saw version {one.version}, in the middle of a command"
            placed.append((one.version, True, one.invoked, one))
    moment, by = -math.inf, ""
    for version, _, invoked, one in sorted(placed, key=lambda item: item[:3]):
        if invoked > moment:
            moment, by = invoked, one.name
        if one.returned < moment:
            yield f"{one.name} was at version {version} before {by} was called, and comes after it"
