"""Many complaints at once, in their order, and none left behind."""

import asyncio
import gc
from contextlib import aclosing

import pytest

from api.importing.flow import in_order


def test_results_come_in_order_and_no_more_than_so_many_are_in_flight() -> None:
    async def run() -> None:
        running, most = 0, 0

        async def work(number: int) -> int:
            nonlocal running, most
            running += 1
            most = max(most, running)
            for _ in range(20 - number):  # the later, the quicker
                await asyncio.sleep(0)
            running -= 1
            return number * number

        async with aclosing(in_order(work, range(20), at_once=4)) as results:
            assert [pair async for pair in results] == [(n, n * n) for n in range(20)]
        assert most == 4

    asyncio.run(run())


def test_when_one_fails_the_others_are_stopped_and_none_is_forgotten(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> None:
        async def work(number: int) -> int:
            if number % 2:
                raise ValueError(number)
            await asyncio.Event().wait()
            return number

        async with aclosing(in_order(work, range(1, 20), at_once=4)) as results:
            with pytest.raises(ValueError, match="1"):
                await anext(results)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())
    gc.collect()
    assert caplog.records == []
