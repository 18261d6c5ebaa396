"""The plan of a mix: exactly so many complaints of each kind, whatever chance does with the rest.

Pure, as the plan of the demonstration. Every share is apportioned to whole numbers first; then
times, kinds and stories are dealt. What belongs together is dealt as one: the complaints of a
customer have one region and one language, a repeat has the problem of the one before it. In what
order first, escalated and repeated complaints come is the one thing the times decide: each finds
an earlier complaint of the same customer that lies far enough back, and not too far.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

import msgspec

from api.simulation import stories, twists, unfinished
from api.simulation.apportion import CannotDealError, apportion, deal
from api.simulation.case import Case
from api.simulation.mix import OTHERS, Mix, MixError, RepeatShare
from api.simulation.plan import HOURS, Scenario, Story, told
from api.simulation.problems import PROBLEMS, Problem
from api.simulation.telling import Customer, OutOfTimeError
from domain.rules import Severity

WORKED_ON_DAYS = 45  # after the last day of the mix, what is still open stays as it is
_AFTER_DAYS: dict[RepeatShare, tuple[int, int]] = {
    "escalated_recomplaint": (2, 30),
    # Within 15 days of a close it would have been reopened, after 90 it is a complaint of its own.
    "repeat": (20, 85),
}
_MOST_OF_ONE = 3  # complaints of one customer

_STORIES: dict[Story, int] = {  # how often of a hundred; only what is assessed and stays in rates
    stories.verified: 34,
    stories.remedied: 24,
    stories.disputed: 6,
    stories.disputed_twice: 2,
    stories.confirmed_late: 3,
    stories.returned: 4,
    stories.unreachable: 6,
    stories.reopened: 2,
    twists.investigated: 5,
    twists.compensated: 1,
    twists.renegotiated: 2,
    twists.settled_outside: 2,
    twists.final_position: 1,
    twists.appointed: 3,
    twists.supervised: 1,
    unfinished.left_in_progress: 1,
    unfinished.left_resolved: 2,
    unfinished.left_waiting: 1,
}


class Planned(msgspec.Struct, kw_only=True):
    """One complaint of the mix, as far as it is dealt."""

    received_at: datetime
    repeat_class: RepeatShare
    earlier: int | None = None  # place of the complaint it comes after
    customer: int = 0  # place of the customer's first complaint
    severity: Severity = "general"
    channel: str = ""
    problem: Problem = PROBLEMS[0]


def counts(mix: Mix) -> dict[str, dict[str, int]]:
    """How many complaints of each kind the mix has, by dimension and kind."""
    numbers = {kind: apportion(mix.complaints, shares) for kind, shares in mix.shares().items()}
    numbers["region"] = {
        code: count
        for name, area in mix.region.items()
        for code, count in apportion(numbers["area"][name], area.of).items()
    }
    return numbers


def worked_until(mix: Mix) -> datetime:
    """When the work on the complaints of the mix breaks off."""
    day = mix.end + timedelta(days=1 + WORKED_ON_DAYS)
    return datetime.combine(day, time(0), mix.timezone)


def plan_mix(mix: Mix) -> list[Scenario]:
    """What happens to each customer of the mix. Raises `MixError` where it cannot be made."""
    random, numbers = Random(f"{mix.name}:{mix.seed}"), counts(mix)
    try:
        planned = _chained(_times(mix, numbers["hours"], random), numbers["repeat"], random)
        _deal_kinds(planned, numbers, random)
        customers = _customers(mix, planned, numbers, random)
    except CannotDealError:
        raise MixError(
            f"{mix.name}: too few complaints of some kind for customers who complain repeatedly;"
            " fewer repeats, or more complaints"
        ) from None
    chains = dict[int, list[int]]()
    for place, each in enumerate(planned):
        chains.setdefault(each.customer, []).append(place)
    return [_scenario(mix, planned, chain, customers[first]) for first, chain in chains.items()]


# --- when -----------------------------------------------------------------------------------


def _times(mix: Mix, numbers: Mapping[str, int], random: Random) -> list[datetime]:
    """When the complaints come in, exactly so many of them in the hours that are named."""
    cells = [(day, hour) for day in mix.days for hour in range(24) if _exists(mix, day, hour)]
    left, times = dict.fromkeys(cells), list[datetime]()
    for hours in mix.hours:
        named = [(day, hour) for day, hour in cells if (day.weekday(), hour) in hours.slots]
        times += _within(mix, named, [1] * len(named), numbers[hours.label], random)
        left = {cell: None for cell in left if cell not in set(named)}
    weights = [HOURS[hour] * (2 if day.weekday() < 5 else 1) for day, hour in left]
    return sorted(times + _within(mix, list(left), weights, numbers.get(OTHERS, 0), random))


def _within(
    mix: Mix, cells: list[Any], weights: list[int], count: int, random: Random
) -> list[datetime]:
    drawn = random.choices(cells, weights, k=count) if count else []
    return [
        datetime.combine(day, time(hour, random.randrange(60)), mix.timezone) for day, hour in drawn
    ]


def _exists(mix: Mix, day: Any, hour: int) -> bool:
    """An hour that a change of the clocks leaves out is none."""
    local = datetime.combine(day, time(hour), mix.timezone)
    return local.astimezone(UTC).astimezone(mix.timezone).hour == hour


# --- who comes back -------------------------------------------------------------------------


def _chained(times: list[datetime], numbers: Mapping[str, int], random: Random) -> list[Planned]:
    """Whether each complaint is a first one, or which one it comes after.

    The class is drawn from what is left of all; where no customer could come back with it yet,
    another one goes first.
    """
    left: dict[Any, int] = dict(numbers)
    planned, length = list[Planned](), dict[int, int]()
    latest = list[tuple[datetime, int]]()  # the last complaint of each customer, by time
    for place, at in enumerate(times):
        entry = None
        for repeat_class in _drawn(left, random):
            entry = _earlier(latest, at, repeat_class, random)
            if repeat_class == "initial" or entry is not None:
                break
        else:
            raise CannotDealError
        left[repeat_class] -= 1
        earlier = None if entry is None else entry[1]
        customer = place if earlier is None else planned[earlier].customer
        planned.append(
            Planned(received_at=at, repeat_class=repeat_class, earlier=earlier, customer=customer)
        )
        length[customer] = length.get(customer, 0) + 1
        if entry is not None:
            latest.remove(entry)
        if length[customer] < _MOST_OF_ONE:
            insort(latest, (at, place))
    return planned


def _drawn(left: Mapping[Any, int], random: Random) -> list[Any]:
    """The classes that are left in an order by chance, the more of one the sooner."""
    return sorted(
        (each for each, count in left.items() if count),
        key=lambda each: random.random() ** (1 / left[each]),
        reverse=True,
    )


def _earlier(
    latest: list[tuple[datetime, int]], at: datetime, repeat_class: RepeatShare, random: Random
) -> tuple[datetime, int] | None:
    if repeat_class == "initial":
        return None
    least, most = _AFTER_DAYS[repeat_class]
    low = bisect_left(latest, (at - timedelta(days=most), -1))
    high = bisect_right(latest, (at - timedelta(days=least), -1))
    return latest[random.randrange(low, high)] if low < high else None


# --- of what kind ---------------------------------------------------------------------------


def _deal_kinds(
    planned: list[Planned], numbers: Mapping[str, Mapping[str, int]], random: Random
) -> None:
    """Channel and grade of each; the problem of each and of those that repeat it."""
    channels = deal([1] * len(planned), numbers["channel"], random)
    for each, channel in zip(planned, channels, strict=True):
        each.channel = channel
    root = list[int]()  # whose problem it is
    for place, each in enumerate(planned):
        is_repeat = each.repeat_class == "repeat" and each.earlier is not None
        root.append(root[each.earlier] if is_repeat and each.earlier is not None else place)
    roots = sorted(set(root))
    sizes = _sizes(root, roots)
    severity = dict(numbers["severity"])
    major = severity.pop("major", 0)
    grave = dict(
        zip(roots, deal(sizes, {True: major, False: len(planned) - major}, random), strict=True)
    )
    category = dict(zip(roots, deal(sizes, numbers["category"], random), strict=True))
    problem = {
        each: random.choice(
            [p for p in PROBLEMS if p.path[0] == category[each] and p.is_grave == grave[each]]
        )
        for each in roots
    }
    lesser: Iterator[Any] = iter(deal([1] * (len(planned) - major), severity, random))
    for place, each in enumerate(planned):
        each.problem = problem[root[place]]
        each.severity = "major" if each.problem.is_grave else next(lesser)


def _sizes(root: list[int], roots: list[int]) -> list[int]:
    size = dict.fromkeys(roots, 0)
    for each in root:
        size[each] += 1
    return [size[each] for each in roots]


def _customers(
    mix: Mix, planned: list[Planned], numbers: Mapping[str, Mapping[str, int]], random: Random
) -> dict[int, Customer]:
    """Where each customer lives and what they speak, by the place of their first complaint."""
    customers = [place for place, each in enumerate(planned) if each.customer == place]
    sizes = _sizes([each.customer for each in planned], customers)
    regions = deal(sizes, numbers["region"], random)
    languages: list[Any] = deal(sizes, numbers["language"], random)
    return {
        first: Customer(id=f"{mix.name}-customer-{first + 1:05d}", language=language, region=region)
        for first, region, language in zip(customers, regions, languages, strict=True)
    }


# --- what happens ---------------------------------------------------------------------------


def _scenario(mix: Mix, planned: list[Planned], chain: list[int], customer: Customer) -> Scenario:
    cases = dict[int, Case]()
    for place in chain:
        each = planned[place]
        case = Case(
            number=place + 1,
            key=f"simulate:{mix.name}:{mix.seed}:{place + 1}",
            random=Random(f"{mix.name}:{mix.seed}:{place + 1}"),
            received_at=each.received_at,
            until=worked_until(mix),
            customer=customer,
            problem=each.problem,
            severity=each.severity,
            channel=each.channel,
            source_system=mix.name,
        )
        if each.earlier is not None:
            case.order_ref = cases[each.earlier].order_ref
        story = _story(each, case)
        if each.repeat_class == "escalated_recomplaint" and each.earlier is not None:
            case.about_handling_of(cases[each.earlier])
            case.is_through_outside_body = case.random.random() < 0.3
        with suppress(OutOfTimeError):
            story(case)
        cases[place] = case
    return told("mixed", list(cases.values()))


def _story(planned: Planned, case: Case) -> Story:
    """One that leaves the grade, the channel and the problem as they were dealt."""
    weights = dict(_STORIES)
    if planned.channel == "wechat":
        weights[stories.answered_by_bot] = 20
    if planned.severity == "major":
        weights[stories.upgraded] = 8
        weights[twists.emergency] = 20 if "安全" in planned.problem.tags else 0
    if planned.severity == "important":
        weights[stories.downgraded] = 4
    return case.random.choices(list(weights), list(weights.values()))[0]
