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
import structlog
import uvicorn
from litestar.types import ASGIApp
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api import instruments, problems
from api.problems import Problem, ProblemType

log = structlog.get_logger("closedloop.http")

MOST_CONNECTIONS = 10_000
"""Each takes some 10 KB, up to 70 while it sends a head. Whoever comes then is let go."""
OWN_DESCRIPTORS = 256
"""For all but clients: the database, logs, files."""
HEAD_SECONDS = 30.0
"""How long a client may take to send the head of a request, when it has connected or begun it."""
MOST_HEAD = 64 * 1024
"""Bytes of the head of a request."""
MOST_HEADERS = 100
MOST_AHEAD = 16
"""Requests that a client may send before the first of them is answered."""
LISTENERS = 16
"""uvloop lets one client in for each turn of its loop and listener: with one, the last of 1,000 who
came together was let in after six seconds."""


class TooMuch(Exception):
    """The client sends more than a request may be; ends the reading of what it sent."""


class Connection(HttpToolsProtocol):
    """A client's connection."""

    most: ClassVar[int] = MOST_CONNECTIONS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let the client in, if there is room."""
        super().connection_made(transport)
        self._unread = 0  # bytes that have not become a head or a body yet
        self._wrong = problems.NOT_HTTP  # with what cannot be read
        self._timer: asyncio.TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None
        if len(self.connections) > self.most:
            instruments.TURNED_AWAY.inc()
            self._refuse(problems.UNAVAILABLE, "Retry-After: 5\r\n")
        else:
            self._expect_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more is expected of the client, and nobody works for it."""
        self._stop_expecting()
        self._give_up_answering()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what the client sends."""
        self._unread += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._unread and (self._unread > MOST_HEAD or len(self.headers or ()) > MOST_HEADERS):
            self._refuse(problems.HEAD_TOO_LARGE)
        elif self._timer is None and not self._is_answering:
            self._expect_more()  # of a head, or of a body that was answered before it was whole

    def on_headers_complete(self) -> None:
        """A head is there."""
        if self._is_too_long():
            self._wrong = problems.HEAD_TOO_LARGE
            raise TooMuch
        if len(self.pipeline) >= MOST_AHEAD:
            raise TooMuch
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
        """Say what is wrong with what cannot be read, in the form of every refusal."""
        self._refuse(self._wrong)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    @property
    def _is_answering(self) -> bool:
        return self._answering is not None and not self._answering.response_complete

    def _is_too_long(self) -> bool:
        """Whether the head that is there, as far as it is, goes beyond all measure."""
        headers = self.headers or ()
        if len(headers) > MOST_HEADERS:
            return True
        # Bytes of something else may have come with it, so it is measured only when there are many.
        return self._unread > MOST_HEAD and (
            len(self.url) + sum(len(name) + len(value) for name, value in headers) > MOST_HEAD
        )

    def _expect_more(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self.timeout_keep_alive_handler)

    def _stop_expecting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up_answering(self) -> None:
        """uvicorn tells the request that was read last; one before it may be at work."""
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()

    def _refuse(self, problem: ProblemType, header: str = "") -> None:
        """Answer a client whose language nobody knows, and let it go."""
        request_id = os.urandom(16).hex()
        log.info("request refused", problem=problem.code, request_id=request_id)
        instruments.REQUESTS.labels("OTHER", "-", str(problem.status)).inc()
        answering = self._answering if self._is_answering else None
        # Nothing may be said in the middle of an answer, nor before that to an earlier request.
        if answering is None or (answering.more_body and not answering.response_started):
            self._give_up_answering()
            self.transport.write(_refusal(problem, header, request_id))
        self.transport.close()


def _refusal(problem: ProblemType, header: str, request_id: str) -> bytes:
    body = msgspec.json.encode(
        Problem(
            type=f"/problems/{problem.code}",
            title=problem.title,
            status=problem.status,
            detail=problem.detail,
            code=problem.code,
            retryable=problem.retryable,
            request_id=request_id,
        )
    )
    head = (
        f"HTTP/1.1 {problem.status} {problem.title}\r\n{header}Connection: close\r\n"
        f"Content-Type: {problems.MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
        f"Cache-Control: no-store\r\nX-Request-ID: {request_id}\r\n\r\n"
    )
    return head.encode() + body


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
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):  # some systems have another limit, which they do not tell
            wanted = soft
    if wanted < 2 * OWN_DESCRIPTORS:
        log.warning("few connections", descriptors=wanted)
    return max(wanted - OWN_DESCRIPTORS, wanted // 2)
