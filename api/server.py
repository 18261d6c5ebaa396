"""The web server: uvicorn, within bounds.

What uvicorn leaves to whoever sends: how many connections there are, how long a request takes to
begin, and how long its head is.
"""

import asyncio
import os
import resource
import socket
from collections.abc import Callable
from typing import ClassVar

import msgspec
import uvicorn
from litestar.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api import instruments, problems
from api.problems import Problem, ProblemType

MOST_CONNECTIONS = 10_000
"""At a time; each takes some 10 KB. Whoever comes then is told to come back, and let go."""
OWN_DESCRIPTORS = 256
"""For all but clients: the database, logs, files."""
HEAD_SECONDS = 30.0
"""How long a client may take to send the head of a request, when it has connected or begun it."""
MOST_HEAD = 64 * 1024
"""Bytes of the head of a request."""
LISTENERS = 16
"""uvloop lets one client in for each turn of its loop and listener: with one, the last of 1,000 who
came together was let in after six seconds."""


class Connection(HttpToolsProtocol):
    """A client's connection."""

    most: ClassVar[int] = MOST_CONNECTIONS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let the client in, if there is room."""
        super().connection_made(transport)
        self._unread = 0  # bytes that have not become a head or a body yet
        self._timer: asyncio.TimerHandle | None = None
        if len(self.connections) > self.most:
            instruments.TURNED_AWAY.inc()
            self._refuse(problems.UNAVAILABLE, "Retry-After: 5\r\n")
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more is expected of the client."""
        self._stop_expecting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what the client sends."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread and not self.transport.is_closing():
            if self._unread > MOST_HEAD:
                self._refuse(problems.HEAD_TOO_LARGE)
            elif self._timer is None:
                self._expect_head()

    def on_headers_complete(self) -> None:
        """The request has begun."""
        self._unread = 0
        self._stop_expecting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of its body is there."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._unread = 0
        self._stop_expecting()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Say that this is not HTTP, in the form of every refusal."""
        self._refuse(problems.NOT_HTTP)

    def _expect_head(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self.timeout_keep_alive_handler)

    def _stop_expecting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, problem: ProblemType, header: str = "") -> None:
        """Answer a client whose language nobody knows, and let it go."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()  # it is being answered: nothing may be said in the middle
            return
        body = msgspec.json.encode(
            Problem(
                type=f"/problems/{problem.code}",
                title=problem.title,
                status=problem.status,
                detail=problem.detail,
                code=problem.code,
                retryable=problem.retryable,
                request_id=os.urandom(16).hex(),
            )
        )
        head = (
            f"HTTP/1.1 {problem.status} {problem.title}\r\n{header}Connection: close\r\n"
            f"Content-Type: {problems.MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
            "Cache-Control: no-store\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class Server(uvicorn.Server):
    """uvicorn, with a word to those who would stream for ever."""

    def __init__(
        self, app: ASGIApp, closing: Callable[[], None], *, connections: int = MOST_CONNECTIONS
    ) -> None:
        """Serve so many clients at a time; call `closing` when no more requests are taken."""
        super().__init__(
            uvicorn.Config(
                app,
                http=type("Limited", (Connection,), {"most": connections}),
                log_config=None,
                access_log=False,
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=10,
                timeout_keep_alive=75,
            )
        )
        self._closing = closing

    def run_on(self, bound: socket.socket) -> None:
        """Serve those who come to this address until it is told to stop."""
        self.run(sockets=_listeners(bound))

    async def serve_on(self, bound: socket.socket) -> None:
        """As `run_on`, on the loop that runs already."""
        await self.serve(sockets=_listeners(bound))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: streams first."""
        self._closing()
        await super().shutdown(sockets)


def _listeners(bound: socket.socket) -> list[socket.socket]:
    return [bound, *(bound.dup() for _ in range(LISTENERS - 1))]


def possible_connections() -> int:
    """How many clients this process can have; it takes what descriptors the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OWN_DESCRIPTORS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(wanted - OWN_DESCRIPTORS, 1)
