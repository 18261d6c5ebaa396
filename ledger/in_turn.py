"""Commands on one stream take turns in a process, in the order in which they came.

Side by side all but one of them would find that another came first and be decided again, in no
order and for nothing: of 1,000 at once a hundred a second were carried out, and some never.
"""

import asyncio
from types import TracebackType
from uuid import UUID

from ledger.writer import GIVE_UP_AFTER_SECONDS, Unavailable


class Turns:
    """The turns of the streams that commands are being carried out on."""

    def __init__(self) -> None:
        """Nobody is there."""
        self._of: dict[UUID, Turn] = {}

    def __len__(self) -> int:
        """How many streams that is."""
        return len(self._of)

    def of(self, stream_id: UUID) -> "Turn":
        """The turn of a stream, to be held while a command is decided and appended."""
        turn = self._of.get(stream_id)
        if turn is None:
            turn = self._of[stream_id] = Turn(self._of, stream_id)
        return turn


class Turn:
    """Held by the command whose turn it is; the others of its stream wait for it."""

    __slots__ = ("_all", "_lock", "_stream_id", "_wanted_by")

    def __init__(self, all_turns: dict[UUID, "Turn"], stream_id: UUID) -> None:
        """Nobody's turn; it goes from among all of them with the last who wanted it."""
        self._all = all_turns
        self._stream_id = stream_id
        self._lock = asyncio.Lock()
        self._wanted_by = 0

    async def __aenter__(self) -> None:
        """Wait for those who came before, but not for ever."""
        self._wanted_by += 1
        if self._wanted_by == 1:
            await self._lock.acquire()  # at once
            return
        try:
            async with asyncio.timeout(GIVE_UP_AFTER_SECONDS):
                await self._lock.acquire()
        except BaseException as error:
            self._leave()
            if isinstance(error, TimeoutError):
                raise Unavailable("too many others change the same complaint") from None
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """It is the turn of the next."""
        self._lock.release()
        self._leave()

    def _leave(self) -> None:
        self._wanted_by -= 1
        if not self._wanted_by:
            del self._all[self._stream_id]
