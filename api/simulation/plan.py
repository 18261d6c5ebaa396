"""The plan of the demonstration: which complaint comes when and has which story.

Pure: the same seed, number and end give the same orders to the last byte. Complaints are drawn
in blocks of a hundred, each from shuffled decks, so that every block has every story and the
shares of channels and severities come out as they should.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from random import Random
from typing import TypeVar

import msgspec

from api.simulation import parties, returns, stories, twists, unfinished
from api.simulation.case import Case
from api.simulation.problems import PROBLEMS, Language
from api.simulation.telling import Customer, OutOfTimeError, Step
from domain.rules import Severity

T = TypeVar("T")

Story = Callable[..., None]  # told of one complaint or, if it is one of `_OF_TWO`, of two

_ZONE = timezone(timedelta(hours=8))  # where the demonstration lives, and whose hours it keeps
DAYS = 90
BLOCK = 100
_DAYS_FOR_WHOLE_STORIES = 50  # a last word stays unanswered for a month before it closes

# Cards of a block each; six more by wechat come from the story of the bot (I1: 45/30/15/10).
_CHANNELS = {"phone": 48, "wechat": 26, "web": 16, "social": 10}
# Emergencies and what proves graver add to the major ones (A1: 12.3 %).
_SEVERITIES: dict[Severity, int] = {"general": 62, "important": 29, "major": 9}
_LANGUAGES: dict[Language, int] = {"zh": 72, "en": 28}
_REGIONS = {  # the seven provinces of 华东 have well over a third (A1)
    "310000": 10, "320000": 9, "330000": 8, "340000": 4, "350000": 3, "360000": 2, "370000": 4,
    "440000": 16, "110000": 12, "510000": 12, "420000": 10, "210000": 8, "620000": 2,
}  # fmt: skip
_STORIES: dict[Story, int] = {
    stories.verified: 4,
    stories.remedied: 6,
    stories.answered_by_bot: 6,
    stories.disputed: 5,
    stories.disputed_twice: 2,
    stories.confirmed_late: 3,
    stories.returned: 3,
    stories.upgraded: 2,
    stories.downgraded: 2,
    stories.unreachable: 3,
    stories.withdrawn: 3,
    stories.declined: 3,
    stories.reopened: 2,
    stories.appealed: 1,
    twists.investigated: 3,
    twists.emergency: 2,
    twists.compensated: 2,
    twists.renegotiated: 2,
    twists.settled_outside: 1,
    twists.final_position: 1,
    parties.represented: 1,
    parties.reclassed: 1,
    twists.appointed: 2,
    parties.joint: 1,
    parties.identified_later: 1,
    parties.valued: 1,
    parties.known_by_handle: 1,
    twists.supervised: 1,
    returns.repeated: 2,
    returns.repeated_unverified: 1,
    returns.repeated_while_open: 1,
    returns.escalated: 2,
    returns.escalated_outside: 1,
    returns.related: 1,
    returns.duplicate: 1,
    returns.unmerged: 1,
    returns.merged_customers: 1,
    returns.split_customers: 1,
    unfinished.left_registered: 1,
    unfinished.left_assessed: 1,
    unfinished.left_accepted: 1,
    unfinished.left_in_progress: 2,
    unfinished.left_resolved: 1,
    unfinished.left_disputed: 1,
    unfinished.left_waiting: 1,
    unfinished.left_with_task: 1,
    unfinished.left_outside: 1,
    unfinished.left_final: 1,
}
_KNOWN: frozenset[Story] = frozenset(
    story for story in _STORIES if story.__module__ == parties.__name__
)
_OF_TWO: frozenset[Story] = frozenset(
    story for story in _STORIES if story.__module__ == returns.__name__
)
# Calls per hour of the day; the two hours from nine have 27 % of them (A1).
HOURS = (1, 1, 1, 1, 1, 1, 2, 3, 6, 14, 15, 7, 5, 5, 6, 6, 6, 5, 4, 5, 5, 4, 3, 2)


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """All that happens to the complaints of one customer, in the order in which it happens."""

    number: int  # of the first complaint
    story: str
    outcomes: dict[int, str]  # by number: open, or the reason it was closed for
    steps: tuple[Step, ...]


def plan(seed: int, complaints: int, until: datetime) -> list[Scenario]:
    """What happens to each customer of the 90 days before `until`, by the time of the receipt.

    The first hundred of three hundred complaints are the same as a hundred planned by themselves.
    """
    if until.tzinfo is None:
        raise ValueError("until needs an offset")
    until = until.astimezone(_ZONE)  # however it was told, the plan is the same
    scenarios, number = list[Scenario](), 1
    while number <= complaints:
        story = _dealt(_STORIES, seed, number, "story")
        last = min(number + (story in _OF_TWO), complaints)
        scenarios.append(_scenario(seed, story, number, last, until))
        number = last + 1
    return sorted(scenarios, key=lambda scenario: scenario.steps[0].occurred_at)


def _scenario(seed: int, story: Story, number: int, last: int, until: datetime) -> Scenario:
    random = Random(f"{seed}:{number}")
    is_of_two = story in _OF_TWO
    severity = _dealt(_SEVERITIES, seed, number, "severity")
    problem = random.choice([p for p in PROBLEMS if p.is_grave == (severity == "major")])
    # One in ten of those who complain once stays anonymous.
    is_known = is_of_two or story in _KNOWN or random.random() < 0.9
    customer = Customer(
        id=f"demo-customer-{number:05d}" if is_known else None,
        language=_dealt(_LANGUAGES, seed, number, "language"),
        region=random.choices(list(_REGIONS), list(_REGIONS.values()))[0],
    )
    must_end = is_of_two or number <= BLOCK
    received_at = _received_at(random, until, must_end=must_end)
    cases = [
        Case(
            number=each,
            key=f"simulate:{seed}:{each}",
            random=Random(f"{seed}:{each}:story"),
            received_at=received_at,
            until=until,
            customer=customer,
            problem=problem,
            severity=severity,
            channel=_dealt(_CHANNELS, seed, each, "channel"),
        )
        for each in range(number, number + 1 + is_of_two)
    ]
    with suppress(OutOfTimeError):
        story(*cases)
    # Where the plan ends between two complaints of a customer, the second never comes.
    return told(story.__name__, [case for case in cases if case.number <= last])


def told(story: str, cases: list[Case]) -> Scenario:
    """What was told of the complaints of one customer, put together as it happened."""
    steps = [step for case in cases for step in case.steps]
    return Scenario(
        number=cases[0].number,
        story=story,
        outcomes={case.number: case.outcome for case in cases},
        steps=tuple(sorted(steps, key=lambda step: step.occurred_at)),
    )


def _dealt(deck: Mapping[T, int], seed: int, number: int, what: str) -> T:
    """The card of this complaint, from the deck of its block; a story of two takes two places."""
    block, place = divmod(number - 1, BLOCK)
    cards = [card for card, count in deck.items() for _ in range(count)]
    Random(f"{seed}:{what}:{block}").shuffle(cards)
    return [card for card in cards for _ in range(1 + (card in _OF_TWO))][place]


def _received_at(random: Random, until: datetime, *, must_end: bool) -> datetime:
    """A time in the 90 days, more often in the morning, half as often at the weekend."""
    first = until - timedelta(days=DAYS)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        day = random.randrange(DAYS - _DAYS_FOR_WHOLE_STORIES if must_end else DAYS + 1)
        hour = random.choices(range(24), HOURS)[0]
        at = midnight + timedelta(days=day, hours=hour, minutes=random.randrange(60))
        is_kept = at.weekday() < 5 or random.random() < 0.5
        if is_kept and first <= at < until:
            return at
