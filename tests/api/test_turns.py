"""Lines of a bulk request that have something in common take effect in their order."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.bulk.turns import Turns


@given(
    st.lists(st.sets(st.integers(0, 5), max_size=3), max_size=30),
    st.integers(1, 7),
    st.randoms(use_true_random=False),
)
def test_each_line_has_its_turn_after_those_it_has_something_in_common_with(
    same: list[set[int]], most: int, random: Any
) -> None:
    turns, under_way, ended = Turns([set(one) for one in same]), list[int](), list[int]()
    while len(ended) < len(same):
        begun = turns.begin(most)
        assert len(begun) <= most
        under_way += begun
        for index in begun:
            earlier = {other for other in range(index) if same[other] & same[index]}
            assert earlier <= set(ended)
        random.shuffle(under_way)
        ended.append(under_way.pop())
        turns.end(ended[-1])
    assert sorted(ended) == list(range(len(same)))


def test_what_follows_a_line_that_is_to_be_sent_again_is_held_and_so_is_what_follows_that() -> None:
    turns = Turns([{"a"}, {"a", "b"}, {"b"}, {"c"}])
    turns.hold(0)
    assert [turns.is_held(index) for index in range(4)] == [True, True, False, False]
    turns.hold(1)
    assert [turns.is_held(index) for index in range(4)] == [True, True, True, False]


async def _end(turns: Turns) -> list[int]:
    waiting = asyncio.create_task(turns.next(2))
    await asyncio.sleep(0)
    assert not waiting.done()
    turns.end(0)
    return await waiting


def test_who_waits_for_a_turn_has_it_when_the_line_before_has_ended() -> None:
    turns = Turns([{"a"}, {"a"}])
    assert turns.begin(2) == [0]
    assert asyncio.run(_end(turns)) == [1]
