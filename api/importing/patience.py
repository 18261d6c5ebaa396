"""Giving an order again when the ledger could not take it: its key makes that safe."""

import asyncio

from api.desk import Client, Desk, Order
from ledger.append import Receipt
from ledger.writer import Unavailable

PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0)
"""Seconds between tries; the writer itself waits up to ten before it gives up."""


async def take_patiently(desk: Desk, order: Order, client: Client) -> Receipt:
    """Carry an order out, waiting for a ledger that is away for a while."""
    for pause in PAUSES:
        try:
            return await desk.take(order, client)
        except Unavailable:
            await asyncio.sleep(pause)
    return await desk.take(order, client)
