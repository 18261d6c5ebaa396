"""Reading the feed, in pages and as a stream, while commands keep arriving."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg

from tests.api.ndjson import bulk, fact, registration
from tests.api.serving import Api

SSE = "text/event-stream"


def ledger_of(api: Api) -> list[str]:
    """Every place in the ledger."""
    with psycopg.connect(api.database.owner) as connection:
        rows = connection.execute("SELECT partition || ':' || position FROM ledger.events")
        return [place for (place,) in rows]


def pages(api: Api, role: str = "admin", **params: Any) -> Iterator[dict[str, Any]]:
    """Page after page, up to the head."""
    token: dict[str, str] = {}
    while True:
        response = api.get("/v1/events", role=role, **params, **token)
        assert response.status_code == 200, response.text
        page = response.json()
        yield page
        if page["is_at_head"]:
            return
        token = {"after": page["next"]}


def read(api: Api, role: str = "admin", **params: Any) -> list[dict[str, Any]]:
    return [event for page in pages(api, role, **params) for event in page["events"]]


class Message(dict[str, str]):
    """A message of a stream: its fields; a comment has none."""


@contextmanager
def streamed(
    api: Api, last: str | None = None, role: str = "admin", query: str = "", key: str | None = None
) -> Iterator[Iterator[Message]]:
    """The messages of a stream, as long as it is read."""
    headers = api.headers(role, Accept=SSE)
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    if last is not None:
        headers["Last-Event-ID"] = last
    with api.http.stream("GET", f"/v1/events{query}", headers=headers) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["Content-Type"].startswith(SSE)
        yield messages(response)


def messages(response: httpx.Response) -> Iterator[Message]:
    message = Message()
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        if name:
            message[name] = value
        elif message:
            yield message
            message = Message()


def events_of(stream: Iterator[Message]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((m["id"], json.loads(m["data"])) for m in stream if "data" in m)


def in_order(events: list[dict[str, Any]]) -> bool:
    """Whether positions rise in each partition."""
    last: dict[str, int] = {}
    for event in events:
        partition, _, position = event["position"].partition(":")
        if int(position) <= last.get(partition, 0):
            return False
        last[partition] = int(position)
    return True


@contextmanager
def arriving(api: Api, requests: int) -> Iterator[threading.Thread]:
    """Commands that keep coming while something else is done."""

    def work() -> None:
        mine = Api(api.url, api.keys, api.database)
        with mine.http:
            for _ in range(requests):
                lines = [registration(customer_id=f"customer-{number}") for number in range(12)]
                keys = [{"registration_key": line["idempotency_key"]} for line in lines]
                bulk(mine, *lines, *map(fact, keys))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield worker
    finally:
        worker.join()
