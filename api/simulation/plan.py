"""The plan of the demonstration: which complaint comes when and has which story.

Pure: the same seed, number and end give the same orders to the last byte. Complaints are drawn
in blocks of fifty, each from shuffled decks, so that every block has every story and the shares
of channels and severities come out as they should.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from random import Random
from typing import TypeVar

import msgspec

from api.simulation import stories, unfinished
from api.simulation.case import Case, OutOfTimeError, Step
from api.simulation.texts import PROBLEMS, Language
from domain.rules import Severity

T = TypeVar("T")

Story = Callable[[Case, int], None]

_ZONE = timezone(timedelta(hours=8))  # where the demonstration lives, and whose hours it keeps
DAYS = 60
BLOCK = 50
_DAYS_FOR_WHOLE_STORIES = 35  # the longest, with three cycles, takes about four weeks

# Cards of a block each; three more by wechat come from the story of the bot (I1: 45/30/15/10).
_CHANNELS = {"phone": 24, "wechat": 13, "web": 8, "social": 5}
_SEVERITIES: dict[Severity, int] = {"general": 30, "important": 14, "major": 6}
_LANGUAGES: dict[Language, int] = {"zh": 36, "en": 14}
_STORIES: dict[Story, int] = {
    stories.verified: 12,
    stories.remedied: 6,
    stories.answered_by_bot: 3,
    stories.disputed: 4,
    stories.disputed_twice: 2,
    stories.confirmed_late: 2,
    stories.returned: 3,
    stories.upgraded: 1,
    stories.downgraded: 1,
    stories.unreachable: 3,
    stories.withdrawn: 2,
    stories.declined: 2,
    stories.reopened: 2,
    stories.appealed: 1,
    unfinished.left_registered: 1,
    unfinished.left_assessed: 1,
    unfinished.left_accepted: 1,
    unfinished.left_in_progress: 1,
    unfinished.left_resolved: 1,
    unfinished.left_disputed: 1,
}
# Calls per hour of the day; the two hours from nine have 27 % of them (A1).
_HOURS = (1, 1, 1, 1, 1, 1, 2, 3, 6, 14, 15, 7, 5, 5, 6, 6, 6, 5, 4, 5, 5, 4, 3, 2)


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """All that happens to one complaint of the demonstration."""

    number: int
    story: str
    outcome: str  # open, or the reason it was closed for
    steps: tuple[Step, ...]


def plan(seed: int, complaints: int, until: datetime) -> list[Scenario]:
    """What happens to each complaint of the 60 days before `until`, by the time of receipt.

    The first hundred of three hundred are the same as a hundred planned by themselves.
    """
    if until.tzinfo is None:
        raise ValueError("until needs an offset")
    until = until.astimezone(_ZONE)  # however it was told, the plan is the same
    scenarios = [_scenario(seed, number, until) for number in range(1, complaints + 1)]
    return sorted(scenarios, key=lambda scenario: scenario.steps[0].occurred_at)


def _scenario(seed: int, number: int, until: datetime) -> Scenario:
    random = Random(f"{seed}:{number}")
    story = _dealt(_STORIES, seed, number, "story")
    severity = _dealt(_SEVERITIES, seed, number, "severity")
    grave = [problem for problem in PROBLEMS if problem.is_grave == (severity == "major")]
    case = Case(
        key=f"simulate:{seed}:{number}",
        random=random,
        received_at=_received_at(random, until, must_end=number <= BLOCK),
        until=until,
        problem=random.choice(grave),
        language=_dealt(_LANGUAGES, seed, number, "language"),
        severity=severity,
        channel=_dealt(_CHANNELS, seed, number, "channel"),
    )
    with suppress(OutOfTimeError):
        story(case, number)
    return Scenario(
        number=number, story=story.__name__, outcome=case.outcome, steps=tuple(case.steps)
    )


def _dealt(deck: Mapping[T, int], seed: int, number: int, what: str) -> T:
    """The card of this complaint, from the deck of its block."""
    block, place = divmod(number - 1, BLOCK)
    cards = [card for card, count in deck.items() for _ in range(count)]
    Random(f"{seed}:{what}:{block}").shuffle(cards)
    return cards[place]


def _received_at(random: Random, until: datetime, *, must_end: bool) -> datetime:
    """A time in the 60 days, more often in the morning, half as often at the weekend."""
    first = until - timedelta(days=DAYS)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        day = random.randrange(DAYS - _DAYS_FOR_WHOLE_STORIES if must_end else DAYS + 1)
        hour = random.choices(range(24), _HOURS)[0]
        at = midnight + timedelta(days=day, hours=hour, minutes=random.randrange(60))
        is_kept = at.weekday() < 5 or random.random() < 0.5
        if is_kept and first <= at < until:
            return at
