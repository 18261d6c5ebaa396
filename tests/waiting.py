"""Waiting for something to become so, never for a time to pass."""

import threading
from collections.abc import Callable


def wait_until(is_so: Callable[[], object]) -> None:
    """Look often, for at most half a minute."""
    for _ in range(3000):
        if is_so():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came to that")
