"""Which lines may begin: lines that have something in common take effect in their order."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Sequence
from heapq import heappop, heappush


class Turns:
    """The turns of lines, which are told apart by their index."""

    def __init__(self, same: Sequence[set[Hashable]]) -> None:
        """Take what each line has in common with others."""
        self._same = same
        self._held: set[Hashable] = set()
        self._followers: dict[int, list[int]] = defaultdict(list)
        self._waiting_for = [0] * len(same)
        last: dict[Hashable, int] = {}
        for index, common in enumerate(same):
            before = {last[one] for one in common if one in last}
            self._waiting_for[index] = len(before)
            for earlier in before:
                self._followers[earlier].append(index)
            for one in common:
                last[one] = index
        self._ready = [index for index, number in enumerate(self._waiting_for) if number == 0]
        self._is_more_ready = asyncio.Event()

    async def next(self, most: int) -> list[int]:
        """The first of those that may begin, as soon as there are any."""
        while not (begun := self.begin(most)):
            self._is_more_ready.clear()
            await self._is_more_ready.wait()
        return begun

    def begin(self, most: int) -> list[int]:
        """The first of those that may begin now; none where all wait for others."""
        return [heappop(self._ready) for _ in range(min(most, len(self._ready)))]

    def is_held(self, index: int) -> bool:
        """Whether a line has something in common with one that is to be sent again."""
        return not self._held.isdisjoint(self._same[index])

    def hold(self, index: int) -> None:
        """A line is to be sent again: those after it after it, those after these too."""
        self._held |= self._same[index]

    def end(self, index: int) -> None:
        """A line has been carried out, or never will be: others may begin."""
        for follower in self._followers.get(index, ()):
            self._waiting_for[follower] -= 1
            if self._waiting_for[follower] == 0:
                heappush(self._ready, follower)
                self._is_more_ready.set()
