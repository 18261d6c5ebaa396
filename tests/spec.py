"""Given, when, then: the specs of a decider, without a database.

`given(event, ...).when(command, by="ann").then(event, ...)`, or `.rejected(Rule)`, or `.silent()`.
What `when` recorded is the past of a further `when`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid5

from msgspec.structs import fields, replace

from domain.complaint import COMPLAINT
from domain.kernel import (
    Actor,
    Context,
    Decider,
    Metadata,
    Recorded,
    Rejected,
    Source,
    fold,
)
from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import Rules

SHANGHAI = timezone(timedelta(hours=8))
RECEIVED = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)  # a Monday
STEP = timedelta(minutes=5)  # between the events of a history, where nothing else is said
STREAM = UUID("01957a6e-0000-7000-8000-000000000001")
ANY_ID = UUID(int=0)  # in an expected event: an id made by the decider, whatever it is

Past = Recorded[Any] | Iterable[Recorded[Any]] | Any


def person(by: str | Actor, role: str = "agent") -> Actor:
    """An actor, from the id of a person or given as such."""
    return by if isinstance(by, Actor) else Actor(id=by, kind="person", role=role)


def context(
    by: str | Actor = "ann",
    at: datetime = RECEIVED,
    *,
    role: str = "agent",
    rules: Rules = DEFAULT_RULES,
    on_behalf_of: str | None = None,
    source: Source = "caller",
    command_id: UUID = STREAM,
    **read: Any,
) -> Context:
    """What a decision may know beside the command and the state; `read`: what was read before."""
    actor = person(by, role)
    return Context(
        now=at,
        actor=actor,
        client_id=f"client-of-{actor.id}",
        command_id=command_id,
        rules=rules,
        on_behalf_of=on_behalf_of,
        source=source,
        **read,
    )


def recorded(
    event: Any, version: int, at: datetime, metadata: Metadata | str | Actor = "ann"
) -> Recorded[Any]:
    """An event in its envelope, as the ledger would hand it out."""
    if not isinstance(metadata, Metadata):
        actor = person(metadata)
        metadata = Metadata(actor=actor, client_id=f"client-of-{actor.id}")
    return Recorded(
        partition=0,
        position=version,
        stream_id=STREAM,
        version=version,
        recorded_at=at,
        event=event,
        metadata=metadata,
    )


class Given:
    """A past, and what it leaves."""

    def __init__(self, history: list[Recorded[Any]], state: Any, decider: Decider[Any]) -> None:
        self.history = history
        self.state = state
        self.decider = decider

    def with_state(self, **changed: Any) -> "Given":
        """The same with a state that no event leads to yet."""
        return Given(self.history, replace(self.state, **changed), self.decider)

    def when(
        self,
        command: Any,
        *,
        by: str | Actor = "ann",
        at: datetime | None = None,
        role: str = "agent",
        rules: Rules = DEFAULT_RULES,
        on_behalf_of: str | None = None,
        **read: Any,
    ) -> "Outcome":
        """Somebody orders something, five minutes later unless a time is given.

        `read` is what whoever carries it out has read before: `facts_of_others`, `survivors` ...
        """
        if at is None:
            at = self.history[-1].recorded_at + STEP if self.history else RECEIVED
        version = len(self.history)
        order = context(
            by,
            at,
            role=role,
            rules=rules,
            on_behalf_of=on_behalf_of,
            command_id=uuid5(STREAM, f"command {version}"),
            **read,
        )
        return Outcome(self, command, order)


class Outcome(Given):
    """What became of a command: events, or the rule that forbids it."""

    def __init__(self, before: Given, command: Any, order: Context) -> None:
        self.before = before
        self.command = command
        self.order = order
        self.events: list[Any] = []
        self.rejection: Rejected | None = None
        try:
            self.events = list(before.decider.decide(command, before.state, order))
        except Rejected as rejection:
            self.rejection = rejection
        metadata = order.metadata(command)
        version = len(before.history)
        new = [
            recorded(event, version + number, order.now, metadata)
            for number, event in enumerate(self.events, 1)
        ]
        super().__init__(
            [*before.history, *new], fold(before.decider, new, before.state), before.decider
        )

    def then(self, *expected: Any) -> "Outcome":
        """Exactly these events follow; of an event class given as such, one of any content."""
        wanted = [self._filled(*pair) for pair in zip(expected, self.events, strict=False)]
        if self.rejection or len(expected) != len(self.events) or wanted != self.events:
            raise AssertionError(self._report(_lines(expected)))
        return self

    def rejected(self, rule: type[Rejected], /, **facts: Any) -> "Outcome":
        """Exactly this rule forbids it, naming these facts among others."""
        told = self.rejection.facts if self.rejection else {}
        if type(self.rejection) is not rule or not facts.items() <= told.items():
            raise AssertionError(self._report(f"  {rule.__name__} {facts or ''}"))
        assert self.rejection is not None
        for language in ("en", "zh"):
            assert all(self.rejection.explain(language)), "the refusal explains nothing"
        return self

    def silent(self) -> "Outcome":
        """It is taken, and nothing new is recorded."""
        if self.rejection or self.events:
            raise AssertionError(self._report("  nothing"))
        return self

    def _filled(self, expected: Any, actual: Any) -> Any:
        """The expected event, with the ids that only the decider can know."""
        if isinstance(expected, type):
            return actual if type(actual) is expected else expected
        if type(expected) is not type(actual):
            return expected
        made = {
            name: getattr(actual, name)
            for name in expected.__struct_fields__
            if getattr(expected, name) == ANY_ID
        }
        return replace(expected, **made)

    def _report(self, expected: str) -> str:
        past = ", ".join(type(item.event).__name__ for item in self.before.history) or "nothing"
        actor = self.order.actor
        got = _lines(self.events)
        if self.rejection:
            got = f"  {type(self.rejection).__name__}: {self.rejection}"
        return (
            f"\nGiven {past}\n  stage {getattr(self.before.state, 'stage', None)}"
            f"\nWhen {show(self.command)}"
            f"\n  by {self.order.by} ({actor.role}, {actor.kind}) at {self.order.now}"
            f"\nThen expected:\n{expected}\nbut got:\n{got}"
        )


def given(*past: Past, decider: Decider[Any] = COMPLAINT) -> Given:
    """A past of plain events, of recorded ones, or of whole histories of those."""
    history: list[Recorded[Any]] = []
    for item in past:
        if isinstance(item, Recorded):
            history.append(item)
        elif isinstance(item, list):
            history.extend(item)
        else:
            at = history[-1].recorded_at + STEP if history else RECEIVED
            history.append(recorded(item, len(history) + 1, at))
    return Given(history, fold(decider, history), decider)


def show(value: Any) -> str:
    """A Struct with the fields that say something."""
    told = {field.name: getattr(value, field.name) for field in fields(value)}
    said = ", ".join(
        f"{name}={content!r}" for name, content in told.items() if content not in (None, [], {})
    )
    return f"{type(value).__name__}({said})"


def _lines(events: Iterable[Any]) -> str:
    shown = [f"  {item if isinstance(item, type) else show(item)}" for item in events]
    return "\n".join(shown) or "  nothing"
