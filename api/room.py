"""Room for what clients send: what is held of all bodies together is bounded."""

from api import problems
from api.problems import ProblemError

MOST_BYTES = 128 * 1024 * 1024


class Room:
    """So many bytes for the bodies of all requests under way; one for a process."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        """All of it is free."""
        self.free = most

    def take(self, size: int) -> None:
        """Hold so many bytes more; where there is no room, the client is asked to come back."""
        if size > self.free:
            raise ProblemError(problems.UNAVAILABLE, headers={"Connection": "close"})
        self.free -= size

    def give_back(self, size: int) -> None:
        """Hold so many bytes no longer."""
        self.free += size
