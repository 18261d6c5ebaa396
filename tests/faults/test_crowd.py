"""Fault 16: far more clients at once than can be served, many of them at one complaint."""

import asyncio
import random
import resource
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import httpx
import msgspec
import pytest

from api.door import MOST_UNDER_WAY
from tests.api.serving import keys_of
from tests.faults.conftest import Rounds
from tests.faults.installation import Installation, Server, running
from tests.faults.invariants import dense
from tests.faults.load import CONTACT, REGISTRATION
from tests.projections.running import query

SHORT, FULL = 300, 2 * MOST_UNDER_WAY
MEMORY_KB = 400_000
PATIENCE_SECONDS = 100


class Crowd:
    """Clients who each want one order carried out, and do as Retry-After says."""

    def __init__(self, url: str, key: str) -> None:
        self._url = httpx.URL(url)
        self._key = key
        self._here = 0
        self.told: Counter[int] = Counter()
        self.versions: list[int] = []
        self.pauses: list[int] = []

    async def order(self, number: int, path: str, body: object, all_here: asyncio.Barrier) -> None:
        """Order one thing until it is done."""
        content = msgspec.json.encode(body)
        request = (
            f"POST {path} HTTP/1.1\r\nHost: {self._url.host}\r\n"
            f"Authorization: Bearer {self._key}\r\nIdempotency-Key: crowd-{number}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        ).encode() + content
        reader, writer = await asyncio.open_connection(self._url.host, self._url.port)
        async with all_here:
            pass
        while True:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            status = int(head[0].split()[1])
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            answer = msgspec.json.decode(await reader.readexactly(int(headers["content-length"])))
            self.told[status] += 1
            if status != 503:
                break
            self.pauses.append(int(headers["retry-after"]))
            await asyncio.sleep(self.pauses[-1])
        writer.close()
        self.versions.append(answer["version"])

    async def all_at_once(self, registering: int, stream: str, contacting: int) -> int:
        """So many who register, so many who work on one complaint; status of health meanwhile."""
        all_here = asyncio.Barrier(registering + contacting + 1)
        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as clients:
            for number in range(registering):
                clients.create_task(self.order(number, "/v1/complaints", REGISTRATION, all_here))
            for number in range(registering, registering + contacting):
                path = f"/v1/complaints/{stream}/record-contact"
                clients.create_task(self.order(number, path, CONTACT, all_here))
            await all_here.wait()
            async with httpx.AsyncClient(base_url=str(self._url), timeout=30) as http:
                return (await http.get("/health/live")).status_code


@pytest.mark.short
def test_all_of_a_crowd_are_served_in_the_end(
    installation: Installation,
    tmp_path: Path,
    processes: ExitStack,
    chance: random.Random,
    rounds: Rounds,
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    size = rounds(SHORT, FULL)
    if hard != resource.RLIM_INFINITY:
        size = min(size, hard - 1000)
    if soft != resource.RLIM_INFINITY and soft < size + 1000:
        resource.setrlimit(resource.RLIMIT_NOFILE, (size + 1000, hard))
        processes.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
    server = Server(tmp_path, "--no-worker")
    processes.enter_context(running(server))
    server.ready()
    database = installation.database
    crowd = Crowd(server.url, asyncio.run(keys_of(database))["agent"])
    contacting = size // 10 + chance.randrange(100)

    async def story() -> int:
        alone = asyncio.Barrier(1)
        await crowd.order(-1, "/v1/complaints", REGISTRATION, alone)
        [[stream]] = query(
            database,
            "SELECT stream_id FROM ledger.events WHERE version = 1"
            " AND type = 'ComplaintRegistered'",
        )
        return await crowd.all_at_once(size - contacting, str(stream), contacting)

    assert asyncio.run(story()) == 200, "health is told to whoever asks"
    assert crowd.told[200] == contacting
    assert crowd.told[201] == 1 + size - contacting
    assert crowd.told.keys() <= {200, 201, 503}
    assert sorted(crowd.versions)[-contacting:] == list(range(2, contacting + 2))
    if size > MOST_UNDER_WAY:
        assert len(set(crowd.pauses)) > 1, "some were turned away, and not all for as long"
    if size <= SHORT:
        assert crowd.told[503] == 0
    dense(database)
    [peak] = [
        int(line.split()[1])
        for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    ]
    assert peak < MEMORY_KB
