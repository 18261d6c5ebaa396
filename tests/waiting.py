"""Waiting for something to become so, never for a time to pass."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(is_so: Callable[[], T | None]) -> T:
    """Look often, for at most half a minute; what was found."""
    for _ in range(3000):
        if found := is_so():
            return found
        threading.Event().wait(0.01)
    raise AssertionError("it never came to that")
