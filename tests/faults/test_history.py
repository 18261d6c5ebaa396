"""The checker of histories finds what is wrong in them, and nothing in those that are right."""

import math
import random

import pytest

from tests.faults.history import Operation, Outcome, Span, contradictions

pytestmark = pytest.mark.short


def did(
    name: str, invoked: float, returned: float, outcome: Outcome, version: int = 0, events: int = 0,
    expected: int | None = None,
) -> Operation:  # fmt: skip
    return Operation(
        name=name,
        stream="s",
        invoked=invoked,
        returned=returned,
        outcome=outcome,
        version=version,
        events=events,
        expected=expected,
    )


BEGUN = did("a", 0, 1, "accepted", 1, 1)

RIGHT: dict[str, tuple[list[Operation], dict[str, Span]]] = {
    "one after the other": ([BEGUN, did("b", 2, 3, "accepted", 2, 1)], {"a": (1, 1), "b": (2, 2)}),
    "at once, in either order": (
        [did("a", 0, 5, "accepted", 2, 1), did("b", 0, 5, "accepted", 1, 1)],
        {"a": (2, 2), "b": (1, 1)},
    ),
    "unanswered, without effect": ([BEGUN, did("b", 2, math.inf, "unknown")], {"a": (1, 1)}),
    "unanswered, with effect, much later": (
        [BEGUN, did("b", 2, math.inf, "unknown"), did("c", 3, 4, "accepted", 2, 1)],
        {"a": (1, 1), "b": (3, 3), "c": (2, 2)},
    ),
    "read while it is written": (
        [BEGUN, did("b", 2, 5, "accepted", 3, 2), did("r", 3, 4, "read", 3)],
        {"a": (1, 1), "b": (2, 3)},
    ),
    "replayed": ([BEGUN, did("a", 4, 5, "accepted", 1, 1)], {"a": (1, 1)}),
    "accepted without events": ([BEGUN, did("b", 2, 3, "accepted", 1)], {"a": (1, 1)}),
    "lost to another": (
        [BEGUN, did("b", 2, 4, "accepted", 2, 1, 1), did("c", 2, 4, "lost", 2, 0, 1)],
        {"a": (1, 1), "b": (2, 2)},
    ),
}

WRONG: dict[str, tuple[list[Operation], dict[str, Span], str]] = {
    "lost": ([BEGUN, did("b", 2, 3, "accepted", 2, 1)], {"a": (1, 1)}, "is not there"),
    "there at another place": (
        [BEGUN, did("b", 2, 3, "accepted", 2, 1)],
        {"a": (1, 1), "b": (3, 3)},
        "where 2 comes next",
    ),
    "never ordered": ([BEGUN], {"a": (1, 1), "b": (2, 2)}, "never ordered"),
    "two who insisted on one version": (
        [BEGUN, did("b", 2, 4, "accepted", 2, 1, 1), did("c", 2, 4, "accepted", 3, 1, 1)],
        {"a": (1, 1), "b": (2, 2), "c": (3, 3)},
        "insisted on 1 and was accepted at 2",
    ),
    "lost where it should have won": (
        [BEGUN, did("b", 2, 3, "lost", 1, 0, 1)],
        {"a": (1, 1)},
        "lost at the version",
    ),
    "ordered against time": (
        [BEGUN, did("b", 2, 3, "accepted", 3, 1), did("c", 4, 5, "accepted", 2, 1)],
        {"a": (1, 1), "b": (3, 3), "c": (2, 2)},
        "b was at version 3 before c was called",
    ),
    "a read that is stale": (
        [BEGUN, did("b", 2, 3, "accepted", 2, 1), did("r", 4, 5, "read", 1)],
        {"a": (1, 1), "b": (2, 2)},
        "b was at version 2 before r was called",
    ),
    "a read of what was not written yet": (
        [BEGUN, did("r", 2, 3, "read", 2), did("b", 4, 5, "accepted", 2, 1)],
        {"a": (1, 1), "b": (2, 2)},
        "r was at version 2 before b was called",
    ),
    "a read of half a command": (
        [BEGUN, did("b", 2, 5, "accepted", 3, 2), did("r", 3, 4, "read", 2)],
        {"a": (1, 1), "b": (2, 3)},
        "in the middle of a command",
    ),
    "a replay with another answer": (
        [BEGUN, did("a", 4, 5, "accepted", 2, 1)],
        {"a": (1, 1)},
        "answered in two ways",
    ),
    "unanswered, with an effect before its call": (
        [BEGUN, did("c", 2, 3, "accepted", 3, 1), did("b", 4, math.inf, "unknown")],
        {"a": (1, 1), "b": (2, 2), "c": (3, 3)},
        "c was at version 3 before b was called",
    ),
    "a loser who saw what was over": (
        [BEGUN, did("b", 2, 3, "accepted", 2, 1), did("c", 4, 5, "lost", 1, 0, 0)],
        {"a": (1, 1), "b": (2, 2)},
        "b was at version 2 before c was called",
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_history_that_one_order_explains_is_taken(name: str) -> None:
    operations, written = RIGHT[name]
    assert contradictions(operations, written) == []


@pytest.mark.parametrize("name", WRONG)
def test_a_history_that_no_order_explains_is_refused(name: str) -> None:
    operations, written, why = WRONG[name]
    assert any(why in found for found in contradictions(operations, written))


def test_random_histories_of_a_true_register_are_taken_and_refused_once_swapped(
    chance: random.Random,
) -> None:
    for _ in range(200):
        operations, written = _of_a_register(chance)
        assert contradictions(operations, written) == []
        early, late = sorted(chance.sample(range(len(operations)), 2))
        a, b = operations[early], operations[late]
        swapped = {**written, a.name: written[b.name], b.name: written[a.name]}
        assert contradictions(operations, swapped) != []


def _of_a_register(chance: random.Random) -> tuple[list[Operation], dict[str, Span]]:
    """Writers that take effect one by one, called some time before and answered some time after."""
    operations, written = [], {}
    for version in range(1, chance.randint(2, 12) + 1):
        name, moment = f"w{version}", float(version)
        written[name] = (version, version)
        invoked, returned = moment - chance.random() * 3, moment + chance.random() * 3
        operations.append(did(name, invoked, returned, "accepted", version, 1))
    return operations, written
