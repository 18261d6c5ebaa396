"""Shares made into whole numbers: apportioned by the largest remainder, dealt by chance."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import TypeVar

T = TypeVar("T")


class CannotDealError(Exception):
    """What belongs together is too large for what is left of every kind."""


def apportion(total: int, shares: Mapping[T, Decimal]) -> dict[T, int]:
    """Whole numbers that add up to `total`, each within one of its share of it.

    What the shares leave over goes to the largest remainders; of equal ones, to the first.
    """
    whole = sum(shares.values())
    exact = {each: total * share / whole for each, share in shares.items()}
    counts = {each: int(quota) for each, quota in exact.items()}
    left = total - sum(counts.values())
    by_remainder = sorted(exact, key=lambda each: counts[each] - exact[each])
    return counts | {each: counts[each] + 1 for each in by_remainder[:left]}


def deal(sizes: Sequence[int], counts: Mapping[T, int], random: Random) -> list[T]:
    """One kind for each group of so many, so that every kind comes out exactly so many times.

    The large groups choose first, the single ones take what is left. Raises `CannotDealError`.
    """
    left, dealt = dict(counts), dict[int, T]()
    groups = list(range(len(sizes)))
    random.shuffle(groups)
    for group in sorted(groups, key=lambda each: -sizes[each]):
        fitting = [each for each, count in left.items() if count >= sizes[group]]
        if not fitting:
            raise CannotDealError
        kind = random.choices(fitting, [left[each] for each in fitting])[0]
        left[kind] -= sizes[group]
        dealt[group] = kind
    return [dealt[group] for group in range(len(sizes))]
