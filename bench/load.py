"""The load: a client that costs little, in a process of its own, for the cores are shared.

    python -m bench.load <what.json >found.json

Requests are made before the clock starts; each connection sends the next one when it has its
answer. An answer other than expected ends the run.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from typing import Any, cast

import httptools
import msgspec
import uvloop

_ACCEPTED = b'"status":201'  # in the answer to a line of bulk


class What(msgspec.Struct, frozen=True):
    """What is to be sent, to whom, and over how many connections."""

    port: int
    path: str
    authorization: str
    body: dict[str, Any]
    keys: str  # what idempotency keys begin with: those of each run have to be new
    requests: int
    connections: int
    lines: int = 0  # of bulk in each request; none: a single command

    @property
    def status(self) -> int:
        """What each request has to be answered with."""
        return 200 if self.lines else 201


class Found(msgspec.Struct, frozen=True):
    """How long it took, and how long each answer."""

    seconds: float
    latencies_ms: list[float]


def requests_of(what: What) -> list[bytes]:
    """Every request as it goes over the wire."""
    return [_request(what, number) for number in range(what.requests)]


def _request(what: What, number: int) -> bytes:
    key = f"{what.keys}-{number}"
    if not what.lines:
        return _over_http(what, "application/json", key, msgspec.json.encode(what.body))
    lines = (
        {
            "command": "RegisterComplaint",
            "idempotency_key": f"{key}-{line}",
            "body": what.body,
        }
        for line in range(what.lines)
    )
    body = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    return _over_http(what, "application/x-ndjson", key, body)


def _over_http(what: What, media_type: str, key: str, body: bytes) -> bytes:
    headers = [
        f"POST {what.path} HTTP/1.1",
        "Host: bench",
        f"Authorization: {what.authorization}",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(body)}",
    ]
    if not what.lines:
        headers.append(f"Idempotency-Key: {key}")
    return "\r\n".join([*headers, "", ""]).encode() + body


class Connection(asyncio.Protocol):
    """Sends one request after the other, as long as there are any."""

    def __init__(self, what: What, requests: Iterator[bytes], latencies: list[float]) -> None:
        """Take requests from where all connections take them."""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._what = what
        self._requests = requests
        self._latencies = latencies
        self._body = bytearray()
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait to be started."""
        self._transport = cast(asyncio.Transport, transport)

    def send(self) -> None:
        """Send the next request; when there is none, it is done."""
        request = next(self._requests, None)
        if request is None:
            self.done.set_result(None)
            return
        self._parser = httptools.HttpResponseParser(self)
        self._body.clear()
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take in a part of an answer."""
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        """Keep what tells which lines were accepted."""
        if self._what.lines:
            self._body += data

    def on_message_complete(self) -> None:
        """The answer is there: see that it is right, and send the next request."""
        self._latencies.append((time.perf_counter() - self._sent_at) * 1000)
        status, accepted = self._parser.get_status_code(), self._body.count(_ACCEPTED)
        if status != self._what.status or accepted != self._what.lines:
            self._fail(f"answered {status}, {accepted} of {self._what.lines} lines accepted")
        else:
            # Not from within the parser, which is replaced.
            asyncio.get_running_loop().call_soon(self.send)

    def connection_lost(self, error: Exception | None) -> None:
        """The server has gone."""
        self._fail("the server closed the connection")

    def _fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(why))


async def run(what: What) -> Found:
    """Send everything, and tell how long it took."""
    loop, latencies = asyncio.get_running_loop(), list[float]()
    requests = iter(requests_of(what))
    connections = [
        (
            await loop.create_connection(
                lambda: Connection(what, requests, latencies),
                "127.0.0.1",
                what.port,
            )
        )[1]
        for _ in range(what.connections)
    ]
    started = time.perf_counter()
    for connection in connections:
        connection.send()
    await asyncio.gather(*(connection.done for connection in connections))
    return Found(time.perf_counter() - started, latencies)


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=What)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.buffer.write(msgspec.json.encode(runner.run(run(asked))))
