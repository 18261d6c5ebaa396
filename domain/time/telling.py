"""When something may be told to have happened: never in the future, and how far back by role; and
what was told before."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from domain.kernel import Context, Rejected, require_reason


class OccurredInFuture(Rejected):
    """Nothing is recorded that has not happened yet."""

    status = 422
    title = "Occurred in the future"
    title_zh = "发生时间在未来"
    detail = "occurred_at lies more than {seconds} seconds ahead."
    detail_zh = "occurred_at 超前于当前时间 {seconds} 秒以上。"


class BackdatedTooFar(Rejected):
    """How far back a fact may be told depends on the role of who tells it."""

    title = "Backdated too far"
    title_zh = "补录时间过早"
    detail = "The role {role} may tell facts of the last {minutes} minutes only."
    detail_zh = "角色 {role} 只能补录最近 {minutes} 分钟内的事实。"


def refuse_future(command: Any, context: Context) -> None:
    """Refuse what is told to happen later than a clock a little off could explain."""
    seconds = context.rules.future_tolerance_seconds
    if command.occurred_at is not None and command.occurred_at > context.now + timedelta(
        seconds=seconds
    ):
        raise OccurredInFuture(seconds=seconds)


def is_backdated(command: Any, context: Context) -> bool:
    """Whether it is told late, by somebody whom the rules bind to tell it in time."""
    rules = context.rules
    return (
        command.occurred_at is not None
        and context.now - command.occurred_at
        > timedelta(seconds=rules.backdating_tolerance_seconds)
        and context.actor.role not in rules.unlimited_backdating
        and context.actor.kind not in rules.unlimited_backdating
    )


def refuse_backdated(command: Any, context: Context) -> None:
    """Refuse what the role may tell no longer, or may tell only with a reason."""
    if not is_backdated(command, context):
        return
    rules, back = context.rules, context.now - command.occurred_at
    limit = rules.max_backdating_minutes.get(context.actor.role, 0)
    if back > timedelta(minutes=limit):
        raise BackdatedTooFar(role=context.actor.role, minutes=limit)
    if back > timedelta(minutes=rules.backdating_needs_reason_after_minutes):
        require_reason(command)


def events_told(
    command: Any, fact: type[Any], told: Iterable[tuple[datetime, object]], context: Context
) -> Iterable[Any]:
    """The events that recorded this fact before, of the same content and the same time."""
    at, kind = context.told_at(command), type(command)
    if at is None:
        return
    said = (set(kind.__struct_fields__) & set(fact.__struct_fields__)) - {"reason_text"}
    for then, event in told:
        is_same = then == at and type(event) is fact
        if is_same and all(getattr(event, name) == getattr(command, name) for name in said):
            yield event
