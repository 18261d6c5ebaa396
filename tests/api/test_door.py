"""The door: when enough wait for answers, whoever comes is turned away, at little cost."""

import asyncio

from litestar import Request
from litestar.types import Receive, Scope, Send

from api import problems
from api.door import guarded
from api.problems import ProblemError
from tests.api.callers import ASK, ASK_HEALTH, SEND, answer, run, serving, whole


def test_the_door_is_shut_when_enough_wait_and_open_for_health() -> None:
    async def story() -> None:
        go_on, inside = asyncio.Event(), asyncio.Semaphore(0)

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"].startswith("/v1/"):
                inside.release()
                await go_on.wait()
            await answer(scope, receive, send)

        async with serving(guarded(slow, most=2)) as connect:
            waiting = [await connect(), await connect()]
            for client in waiting:
                client.say(ASK)
                await inside.acquire()
            pauses = set()
            late = await connect()
            for _ in range(4):
                late.say(ASK)
                status, headers, problem = await late.told()
                assert (status, problem["code"]) == (503, "unavailable")
                pauses.add(headers["retry-after"])
            assert len(pauses) == 4, "who was turned away together does not come back together"
            late.say(ASK_HEALTH)
            assert (await late.told())[0] == 204
            go_on.set()
            for client in [*waiting, late]:
                if client is late:
                    client.say(ASK)
                assert (await client.told())[0] == 204

    run(story)


def test_no_spelling_of_a_path_and_no_body_that_does_not_come_gets_past_or_holds_the_door() -> None:
    async def story() -> None:
        async with serving(guarded(whole, most=0)) as connect:
            client = await connect()
            for path in (b"//v1/complaints", b"/", b"/v1/complaints/%2e"):
                client.say(ASK.replace(b"/v1/complaints", path))
                assert (await client.told())[0] == 503
        async with serving(guarded(whole, most=1)) as connect:
            slow, other = await connect(), await connect()
            slow.say(SEND + b"ab")
            for _ in range(3):
                other.say(SEND + b"abcde")
                assert (await other.told())[0] == 204
            slow.say(b"cde")
            assert (await slow.told())[0] == 204

    run(story)


def test_who_sends_the_last_of_a_body_when_the_door_is_shut_is_turned_away() -> None:
    async def story() -> None:
        go_on, inside = asyncio.Event(), asyncio.Semaphore(0)

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            inside.release()
            try:
                while (await receive()).get("more_body", False):
                    pass
            except ProblemError as refused:
                await problems.respond(Request(scope), refused)(scope, receive, send)
                return
            inside.release()
            await go_on.wait()
            await answer(scope, receive, send)

        async with serving(guarded(slow, most=1)) as connect:
            first, second = await connect(), await connect()
            for client in (first, second):
                client.say(SEND + b"ab")
                await inside.acquire()
            first.say(b"cde")
            await inside.acquire()
            second.say(b"cde")
            status, headers, problem = await second.told()
            assert (status, headers["retry-after"], problem["code"]) == (503, "1", "unavailable")
            go_on.set()
            assert (await first.told())[0] == 204

    run(story)


def test_a_stream_a_failure_and_whoever_left_hold_no_place() -> None:
    async def story() -> None:
        async def various(scope: Scope, receive: Receive, send: Send) -> None:
            match scope["path"]:
                case "/v1/stream":
                    await send({"type": "http.response.start", "status": 200, "headers": []})
                    await send({"type": "http.response.body", "body": b".", "more_body": True})
                    while (await receive())["type"] != "http.disconnect":
                        pass
                case "/v1/failure":
                    raise RuntimeError
                case "/v1/slow":
                    while (await receive())["type"] != "http.disconnect":
                        pass
                case _:
                    await answer(scope, receive, send)

        async with serving(guarded(various, most=1)) as connect:
            streaming, failing, leaving = await connect(), await connect(), await connect()
            streaming.say(ASK.replace(b"complaints", b"stream"))
            await streaming.reader.readuntil(b"\r\n\r\n")
            failing.say(ASK.replace(b"complaints", b"failure"))
            assert (await failing.reader.readline()).split()[1] == b"500"
            leaving.say(ASK.replace(b"complaints", b"slow"))
            late = await connect()
            late.say(ASK)
            while (await late.told())[0] == 204:
                late.say(ASK)
            leaving.writer.close()
            late.say(ASK)
            while (await late.told())[0] != 204:
                late.say(ASK)

    run(story)
