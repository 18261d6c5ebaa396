"""Having a policy react without a database: what it asks is answered from a test's own stories."""

from collections.abc import Iterable, Sequence
from typing import Any

from domain.kernel import Recorded
from domain.policies.policy import Histories, Known, Order, Policy, Streams
from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import Rules
from projections.lookups import values_of

Story = Sequence[Recorded[Any]]


def orders_of(
    policy: Policy, trigger: Recorded[Any], *stories: Story, rules: Rules = DEFAULT_RULES
) -> Sequence[Order]:
    """The orders that follow from an event, where these stories are all there is."""
    if type(trigger.event) not in policy.triggers:
        return []
    reaction = policy.react(trigger, rules)
    try:
        asked = next(reaction)
        while True:
            asked = reaction.send(_answer(asked, policy, trigger, stories))
    except StopIteration as done:
        orders: Sequence[Order] = done.value
        return orders


def _answer(
    asked: Streams | Known, policy: Policy, trigger: Recorded[Any], stories: Iterable[Story]
) -> Histories:
    """What was recorded when the trigger was."""
    known = [
        [item for item in story if item.recorded_at <= trigger.recorded_at] for story in stories
    ]
    if isinstance(asked, Streams):
        found = [story for story in known if story and story[0].stream_id in asked.ids]
    else:
        found = [story for story in known if story and _is_known(asked, story)]
        found.sort(key=lambda story: story[0].occurred_at, reverse=True)
        found = found[: asked.most]
    return [[item for item in story if type(item.event) in policy.reads] for story in found]


def _is_known(asked: Known, story: Story) -> bool:
    received_at = story[0].occurred_at
    return (
        any(
            kind == asked.kind and value in asked.values
            for i in story
            for kind, value in values_of(i)
        )
        and (asked.after is None or received_at > asked.after)
        and (asked.up_to is None or received_at <= asked.up_to)
    )
