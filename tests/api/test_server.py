"""The server within its bounds: how many clients there are, how they begin, how long a head is."""

import asyncio
import resource
import socket
import subprocess
import sys
from contextlib import suppress

import pytest
from litestar.types import Receive, Scope, Send

from api import server as bounds
from api.server import MOST_AHEAD, MOST_HEAD, MOST_HEADERS, Server
from tests.api.callers import ASK, SEND, answer, run, serving, whole


def test_a_client_who_does_not_get_to_the_point_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "HEAD_SECONDS", 0.2)

    async def story() -> None:
        async with serving(answer) as connect:
            served, silent, halting = await connect(), await connect(), await connect()
            for client in (served, halting):
                client.say(ASK)
                assert (await client.told())[0] == 204
            halting.say(ASK[:20])
            assert await silent.is_let_go()
            assert await halting.is_let_go()
            # As much time has passed for one who asks when it likes.
            served.say(ASK)
            assert (await served.told())[0] == 204

    run(story)


def test_a_head_in_pieces_is_as_good_as_whole() -> None:
    async def story() -> None:
        async with serving(answer) as connect:
            client = await connect()
            for byte in ASK:
                client.say(bytes([byte]))
                await asyncio.sleep(0)
            assert (await client.told())[0] == 204

    run(story)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * MOST_HEAD,
        b"GET / HTTP/1.1\r\nX: " + b"x" * MOST_HEAD,
        b"GET / HTTP/1.1\r\nX: " + b"x" * MOST_HEAD + b"\r\n\r\n",
        ASK[:-2] + b"X: 1\r\n" * (MOST_HEADERS + 1),
    ],
    ids=["path", "header", "whole", "headers"],
)
def test_a_head_beyond_all_measure_is_refused(head: bytes) -> None:
    async def story() -> None:
        async with serving(answer) as connect:
            client = await connect()
            client.say(head)
            status, headers, problem = await client.told()
            assert (status, headers["connection"]) == (431, "close")
            assert (problem["code"], problem["retryable"]) == ("head-too-large", False)
            assert problem["request_id"] == headers["x-request-id"]
            assert await client.is_let_go()

    run(story)


def test_a_body_may_come_slowly_and_nobody_cuts_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the pieces are that it comes in."""
    monkeypatch.setattr(bounds, "HEAD_SECONDS", 0.2)

    async def story() -> None:
        async with serving(whole) as connect:
            silent, client = await connect(), await connect()
            client.say(SEND.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked"))
            client.say(b"2\r\n")
            assert await silent.is_let_go()  # as long as a head may take
            silent = await connect()
            client.say(b"ab\r")
            assert await silent.is_let_go()
            client.say(b"\n0\r\n\r\n\r\n")
            assert (await client.told())[0] == 204

    run(story)


def test_what_comes_after_the_answer_does_not_hold_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounds, "HEAD_SECONDS", 0.2)

    async def story() -> None:
        async with serving(answer) as connect:
            for rest in (b"x", b"xxxxx"):
                client = await connect()
                client.say(SEND)
                assert (await client.told())[0] == 204
                client.say(rest)
                assert await client.is_let_go()

    run(story)


def test_a_body_that_cannot_be_read_is_answered() -> None:
    async def story() -> None:
        async with serving(whole) as connect:
            client = await connect()
            client.say(SEND.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked"))
            client.say(b"what?\r\n")
            status, _, problem = await client.told()
            assert (status, problem["code"]) == (400, "not-http")
            assert await client.is_let_go()

    run(story)


def test_a_client_does_not_run_far_ahead_of_its_answers() -> None:
    async def story() -> None:
        left = asyncio.Event()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            left.set()

        async with serving(slow) as connect:
            client = await connect()
            client.say(ASK * (MOST_AHEAD + 2))
            assert await client.is_let_go()
            await left.wait()
        async with serving(answer) as connect:
            client = await connect()
            client.say(ASK * MOST_AHEAD)
            for _ in range(MOST_AHEAD):
                assert (await client.told())[0] == 204

    run(story)


def test_a_head_without_end_behind_a_request_ends_the_connection() -> None:
    """It is being answered, so nothing can be said to the second."""

    async def story() -> None:
        go_on = asyncio.Event()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            await go_on.wait()
            await answer(scope, receive, send)

        async with serving(slow) as connect:
            client = await connect()
            client.say(ASK + b"GET /")
            for _ in range(16):  # a head may be as much longer as is read at once
                client.say(b"x" * MOST_HEAD)
            with suppress(ConnectionError):
                assert await client.is_let_go()
            go_on.set()

    run(story)


def test_what_is_not_http_is_refused_as_everything_is() -> None:
    async def story() -> None:
        async with serving(answer) as connect:
            client = await connect()
            client.say(b"\x16\x03\x01 who is there?\r\n\r\n")
            status, headers, problem = await client.told()
            assert (status, problem["code"]) == (400, "not-http")
            assert headers["content-type"] == "application/problem+json"
            assert await client.is_let_go()

    run(story)


def test_one_client_too_many_is_told_to_come_back() -> None:
    async def story() -> None:
        async with serving(answer, connections=2) as connect:
            first, second = await connect(), await connect()
            for client in (first, second):
                client.say(ASK)
                assert (await client.told())[0] == 204
            third = await connect()
            status, headers, problem = await third.told()
            assert (status, headers["retry-after"], problem["code"]) == (503, "5", "unavailable")
            assert await third.is_let_go()
            second.say(ASK)
            assert (await second.told())[0] == 204, "whoever is there stays"
            first.writer.close()
            await first.writer.wait_closed()
            second.say(ASK)
            assert (await second.told())[0] == 204
            fourth = await connect()
            fourth.say(ASK)
            assert (await fourth.told())[0] == 204

    run(story)


def test_those_who_come_together_are_let_in_together() -> None:
    async def story() -> None:
        turns = 0
        with socket.create_server(("127.0.0.1", 0)) as bound:
            server = Server(answer, lambda: None)
            task = asyncio.create_task(server.serve_on(bound))
            while not server.started:  # noqa: ASYNC110 - turns of the loop are what is counted here
                await asyncio.sleep(0)
            address, many = bound.getsockname(), 64
            clients = [socket.create_connection(address) for _ in range(many)]
            while len(server.server_state.connections) < many:
                turns += 1
                await asyncio.sleep(0)
            for client in clients:
                client.close()
            server.should_exit = True
            await task
        assert turns < many / 4

    run(story)


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "soft_after"),
    [(64, 1000, 744, 1000), (64, 20_000, 10_000, 10_256), (12_000, 20_000, 10_000, 12_000)],
)
def test_the_server_takes_as_many_descriptors_as_it_may(
    soft: int, hard: int, connections: int, soft_after: int
) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < hard:
        pytest.skip("this machine allows fewer")
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import resource\n"
            "from api.server import possible_connections\n"
            f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))\n"
            "print(possible_connections(), *resource.getrlimit(resource.RLIMIT_NOFILE))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert [*map(int, told.stdout.split())] == [connections, soft_after, hard]
