"""A small application on our server, on the loop of the test, and clients who say anything."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import uvloop
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from api.server import MOST_CONNECTIONS, Server

ASK = b"GET /v1/complaints HTTP/1.1\r\nHost: here\r\n\r\n"
SEND = b"POST /v1/complaints HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\n"
ASK_HEALTH = ASK.replace(b"/v1/complaints", b"/health/live")


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that has an answer for everybody."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def whole(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that wants the body first."""
    while (await receive()).get("more_body", False):
        pass
    await answer(scope, receive, send)


class Client:
    """Somebody who has connected."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def say(self, words: bytes) -> None:
        self.writer.write(words)

    async def told(self) -> tuple[int, dict[str, str], Any]:
        """Status, headers and problem of the next answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(head[0].split()[1]), headers, msgspec.json.decode(body) if body else None

    async def is_let_go(self) -> bool:
        """Wait until the server closes the connection."""
        return await self.reader.read() == b""


Connect = Callable[[], Awaitable[Client]]


@asynccontextmanager
async def serving(app: ASGIApp, connections: int = MOST_CONNECTIONS) -> AsyncIterator[Connect]:
    """Serve an application; yields how to connect to it."""
    clients: list[Client] = []

    async def for_http(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == ScopeType.HTTP  # uvicorn does without the rest
        await app(scope, receive, send)

    with socket.create_server(("127.0.0.1", 0)) as bound:
        host, port = bound.getsockname()
        server = Server(for_http, lambda: None, connections=connections)
        task = asyncio.create_task(server.serve_on(bound))

        async def connect() -> Client:
            clients.append(Client(*await asyncio.open_connection(host, port)))
            return clients[-1]

        try:
            yield connect
        finally:
            for client in clients:
                client.writer.close()
            server.should_exit = True
            await task


def run(story: Callable[[], Any]) -> None:
    """Tell a story on the loop that the server has."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(story(), 60))
