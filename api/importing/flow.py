"""Many orders to the desk: several complaints at once, and again when the ledger was away."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from typing import Any, TypeVar

from api.client import Client
from api.desk import Desk, Order
from ledger.entry import Receipt
from ledger.writer import Unavailable

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 32
"""Complaints in flight; more gain nothing, the writer appends together what waits."""
PAUSES = (0.5, 2.0)
"""Seconds between tries; the ledger itself waits up to ten for its database before it gives up."""


async def take_patiently(desk: Desk, order: Order, client: Client) -> Receipt:
    """Carry an order out, waiting for a ledger that is away for a while; its key makes it safe."""
    for pause in PAUSES:
        try:
            return await desk.take(order, client)
        except Unavailable:
            await asyncio.sleep(pause)
    return await desk.take(order, client)


async def in_order(
    work: Callable[[T], Coroutine[Any, Any, R]], items: Iterable[T], at_once: int = AT_ONCE
) -> AsyncGenerator[tuple[T, R], None]:
    """Each item with what its work came to, in the items' order; a bounded number at a time.

    To be closed by whoever uses it (`aclosing`): then nothing is left running.
    """
    window: deque[tuple[T, asyncio.Task[R]]] = deque()
    try:
        for item in items:
            window.append((item, asyncio.create_task(work(item))))
            if len(window) >= at_once:
                yield window[0][0], await window[0][1]
                window.popleft()
        while window:
            yield window[0][0], await window[0][1]
            window.popleft()
    finally:
        for _, task in window:
            task.cancel()
        # Those that are done as well: an error that nobody looks at would be logged later.
        await asyncio.gather(*(task for _, task in window), return_exceptions=True)
