"""The web server, which lets streams end before it waits for the requests under way."""

import socket
from collections.abc import Callable

import uvicorn


class Server(uvicorn.Server):
    """uvicorn, with a word to those who would stream for ever."""

    def __init__(self, config: uvicorn.Config, closing: Callable[[], None]) -> None:
        """Serve; call `closing` when no more requests are taken."""
        super().__init__(config)
        self._closing = closing

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: streams first."""
        self._closing()
        await super().shutdown(sockets)
