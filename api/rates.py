"""Rates: how many requests a minute a key may make, where it was given a limit.

A bucket for each such key, kept in this process: several server processes each allow the rate.
"""

import math
import time
from collections.abc import Callable

import msgspec

from api import problems
from api.client import Client
from api.problems import ProblemError

_ROUNDING = 1e-6  # who waited as long as they were told is let in


class Bucket(msgspec.Struct):
    """What is left of a key's minute; below zero where more was used than there was."""

    left: float
    at: float  # when it was that, in seconds of the clock


class Rates:
    """Lets requests in as far as the rates of their keys allow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Measure by this clock, in seconds."""
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def let_in(self, client: Client) -> None:
        """Count a request, or refuse it with the time after which one is let in again."""
        rate = client.rate_per_minute
        if rate is None:
            return
        bucket = self._filled(client.client_id, rate)
        if bucket.left < 1 - _ROUNDING:
            seconds = math.ceil((1 - bucket.left) * 60 / rate)
            headers = {"Retry-After": str(seconds)}
            raise ProblemError(problems.RATE_LIMITED, headers=headers, rate=rate)
        bucket.left -= 1

    def charge(self, client: Client, orders: int) -> None:
        """Count what a request that was let in orders beside its first; the key may owe it."""
        if client.rate_per_minute is not None:
            self._filled(client.client_id, client.rate_per_minute).left -= orders

    def _filled(self, client_id: str, rate: int) -> Bucket:
        """The bucket of a key with what has run into it since; it holds a minute's worth."""
        now = self._clock()
        bucket = self._buckets.setdefault(client_id, Bucket(rate, now))
        bucket.left = min(rate, bucket.left + (now - bucket.at) * rate / 60)
        bucket.at = now
        return bucket
