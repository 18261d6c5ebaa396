"""Ten thousand orders in bulk, and the feed read in every way: `python -m tests.streams_run`.

It serves a database of its own, with as many partitions as are asked for.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.logs import configure_logs
from ledger.migrate import migrate
from tests.api.following import events_of, in_order, ledger_of, pages, streamed
from tests.api.ndjson import answers, fact, ndjson, registration, send
from tests.api.serving import Api, served
from tests.schemathesis_run import fresh_database


def in_odd_chunks(content: bytes, chance: random.Random) -> Iterator[bytes]:
    """The bytes in pieces that end anywhere."""
    at = 0
    while at < len(content):
        size = chance.choice((1, 2, 3, 61, 1021, 65537))
        yield content[at : at + size]
        at += size


def orders(count: int) -> list[dict[str, Any]]:
    """Registrations, and a fact for each of them right after it."""
    lines: list[dict[str, Any]] = []
    for number in range(count // 2):
        reference = {"channel": "web", "external_ref": f"订单-{number}"}
        lines.append(registration(customer_id=f"customer-{number % 97}", **reference))
        lines.append(fact(reference, str(number)))
    return lines


def give(api: Api, count: int, chance: random.Random) -> str:
    """Give the orders in one request, and then once more."""
    lines, told = orders(count), []
    for expected in (False, True):
        started = time.monotonic()
        told = answers(send(api, in_odd_chunks(ndjson(lines), chance)))
        seconds = time.monotonic() - started
        assert [answer["line"] for answer in told] == list(range(1, count + 1))
        assert {answer["status"] for answer in told} == {200, 201}
        assert {answer.get("is_replay", False) for answer in told} == {expected}
        if not expected:
            rate = count / seconds
    for made, done in zip(told[::2], told[1::2], strict=True):
        assert made["receipt"]["complaint_id"] == done["receipt"]["complaint_id"]
    return f"{count:,} lines in odd chunks answered in order ({rate:,.0f} a second), and again"


def follow(api: Api, chance: random.Random) -> str:
    """Read the feed in pages of 1, 7 and 500, and as a stream that breaks off."""
    expected = sorted(ledger_of(api))
    for limit in (1, 7, 500):
        found = [event for page in pages(api, limit=limit) for event in page["events"]]
        assert sorted(event["position"] for event in found) == expected, limit
        assert in_order(found)
    found, last, breaks = [], None, 0
    while len(found) < len(expected):
        breaks += 1
        with streamed(api, last) as stream:
            events = events_of(stream)
            for _ in range(min(chance.randint(1, 900), len(expected) - len(found))):
                last, event = next(events)
                found.append(event)
    assert sorted(event["position"] for event in found) == expected
    assert in_order(found)
    return f"{len(expected):,} events once each in pages of 1, 7, 500 and over {breaks} streams"


def main(arguments: list[str] | None = None) -> int:
    """Serve, give, follow, and tell in one line a number of partitions."""
    parser = argparse.ArgumentParser(prog="tests.streams_run", description=__doc__)
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--partitions", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--seed", type=int, default=5)
    told = parser.parse_args(arguments)
    configure_logs("console", quiet=True)
    for partitions in told.partitions:
        chance = random.Random(told.seed)
        with tempfile.TemporaryDirectory() as folder, fresh_database(Path(folder)) as database:
            migrate(database.owner, partitions=partitions)
            with served(database) as api:
                lines, events = give(api, told.lines, chance), follow(api, chance)
        print(f"{partitions} partitions: {lines}; {events}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
