"""Deciding: what a stream comes to, and the events that a command on it leads to."""

from typing import Any

from domain.kernel import Context, Decider, Recorded, fold
from ledger.entry import NewEvent
from ledger.registry import Registry
from ledger.states import Baseline


class VersionConflict(Exception):
    """The caller named a version, and the stream is at another one."""

    def __init__(self, expected: int, actual: int) -> None:
        """Remember both."""
        super().__init__(f"expected version {expected}, found {actual}")
        self.expected = expected
        self.actual = actual


class WrongStream(Exception):
    """The stream named is one of another kind."""


def folded(decider: Decider[Any], base: Baseline, history: list[Recorded[Any]]) -> Baseline:
    """What a stream comes to with the events that follow."""
    if not history:
        return base
    if type(history[0].event) not in decider.events:
        raise WrongStream(f"{history[0].stream_id} is not the stream of a {decider.name}")
    return Baseline(history[-1].version, fold(decider, history, base.state))


def decided(
    registry: Registry,
    decider: Decider[Any],
    base: Baseline,
    command: Any,
    context: Context,
    expected_version: int | None,
) -> list[NewEvent]:
    """What a command adds to a stream, ready to be stored."""
    if expected_version is not None and expected_version != base.version:
        raise VersionConflict(expected_version, base.version)
    events = decider.decide(command, base.state, context)
    metadata = context.metadata(command)
    return [registry.encode(event, metadata) for event in events]
