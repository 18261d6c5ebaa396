"""What the feed refuses, and how its streams end."""

import asyncio
import threading

import httpx
import pytest

from tests.api.following import SSE, Message, messages, streamed
from tests.api.serving import Api, open_keys, served
from tests.conftest import Database


@pytest.mark.parametrize(
    "query",
    ["after=x", "after=", "after=0", "after=0:999999999", "after=99:1", "after=-1:1",
     "after=0:1,0:2", "after=0:1%0A", "limit=0", "limit=501", "type=",
     "type=Nonsense", "type=KeyIssued,", "after=0:1&after=0:1", "complaint="],
)  # fmt: skip
def test_what_cannot_be_read_on_from_is_refused(query: str, api: Api) -> None:
    for accept in ("*/*", SSE):
        headers = api.headers(Accept=accept)
        told = api.http.get(f"/v1/events?{query}", headers=headers)
        assert told.headers["Content-Type"] == "application/problem+json"
        expected = (404, "unknown-complaint") if query == "complaint=" else (400, "bad-query")
        assert (told.status_code, told.json()["code"]) == expected


@pytest.mark.parametrize("last", ["x", "0:999999999", "7:0", "0:1;", "0:1,0", "0:1,0:2"])
def test_a_stream_does_not_resume_from_what_it_never_sent(last: str, api: Api) -> None:
    headers = api.headers(Accept=SSE, **{"Last-Event-ID": last})
    told = api.http.get("/v1/events", headers=headers)
    assert (told.status_code, told.json()["code"]) == (400, "bad-header")


@pytest.mark.parametrize(
    ("accept", "is_stream"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        (SSE, True),
        (f"{SSE};q=0", False),
        (f"application/json;q=0.5, {SSE}", True),
        (f"application/json, {SSE};q=0.5", False),
    ],
)
def test_a_stream_is_asked_for_by_name(accept: str, is_stream: bool, api: Api) -> None:
    headers = api.headers(Accept=accept)
    with api.http.stream("GET", "/v1/events", headers=headers) as response:
        assert response.headers["Content-Type"].startswith(SSE) == is_stream
    head = api.http.head("/v1/events", headers=headers)
    assert head.headers["Content-Type"] == "application/json"


def test_a_key_that_is_taken_back_reads_no_further(api: Api, database: Database) -> None:
    key = api.limited_key("auditor", 1000)
    with streamed(api, key=key) as stream:
        next(stream)
        revoke(database, key.split("_")[1])
        list(stream)  # ends


def revoke(database: Database, key_id: str) -> None:
    async def take_back() -> None:
        async with open_keys(database) as keys:
            await keys.revoke(key_id)

    asyncio.run(take_back())


def test_streams_end_when_the_server_stops(fresh_database: Database) -> None:
    received: list[Message] = []
    begun = threading.Event()

    def follow(api: Api) -> None:
        with httpx.Client(base_url=api.url, timeout=30) as http:
            headers = api.headers("admin", Accept=SSE)
            with http.stream("GET", "/v1/events", headers=headers) as response:
                begun.set()
                received.extend(messages(response))  # until it ends, and without an error

    with served(fresh_database) as api:
        reader = threading.Thread(target=follow, args=(api,))
        reader.start()
        begun.wait()
    reader.join()
    assert "retry" in received[0]


def test_readers_who_leave_take_no_connection_with_them(api: Api) -> None:
    for _ in range(24):  # three times as many as there are connections
        with streamed(api) as stream:
            next(stream)
    assert api.get("/v1/complaints").status_code == 200
