"""Faults 4 and 5, and histories: many clients at once, through two servers of one database."""

import asyncio
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import Any

import httpx
import pytest

from tests.api.serving import SECRET, keys_of
from tests.conftest import Database, new_database
from tests.faults.conftest import Rounds
from tests.faults.installation import Server, running
from tests.faults.invariants import dense, explained
from tests.faults.load import CONTACT, REGISTRATION, Load
from tests.waiting import wait_until

AT_ONCE = 50


class Clients:
    """Fifty clients who wait for each other before they send."""

    def __init__(self, urls: list[str], key: str) -> None:
        self.urls = urls
        self.key = key
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._http = [httpx.Client(timeout=30) for _ in range(AT_ONCE)]

    def close(self) -> None:
        self._pool.shutdown()
        for http in self._http:
            http.close()

    def send(
        self, path: str, bodies: list[Any], headers: list[dict[str, str]]
    ) -> list[httpx.Response]:
        """What each gets; bodies and headers are dealt out in turn."""
        barrier = Barrier(AT_ONCE)

        def one(number: int) -> httpx.Response:
            url = self.urls[number % len(self.urls)] + path
            mine = headers[number % len(headers)]
            # Two of each body in a row: one for each server.
            body = bodies[number // 2 % len(bodies)]
            barrier.wait(30)
            return self._http[number].post(
                url, json=body, headers={"Authorization": f"Bearer {self.key}", **mine}
            )

        return list(self._pool.map(one, range(AT_ONCE)))


@pytest.fixture(scope="module")
def shared(server: Any, migrated: str) -> Database:
    return new_database(server, migrated)


@pytest.fixture(scope="module")
def clients(shared: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """Clients of two servers, which know of each other only through the database."""
    folder = tmp_path_factory.mktemp("servers")
    (folder / "secret").write_text(SECRET.hex())
    logins = {"DATABASE_URL": shared.owner, "DATABASE_URL_APP": shared.app}
    with ExitStack() as stack:
        servers = [Server(folder, "--no-worker", **logins) for _ in range(2)]
        for server in servers:
            stack.enter_context(running(server))
        key = asyncio.run(keys_of(shared))["agent"]
        clients = Clients([server.ready().url for server in servers], key)
        stack.callback(clients.close)
        yield clients


@pytest.mark.short
def test_one_command_sent_fifty_times_at_once_is_carried_out_once(
    clients: Clients, shared: Database, chance: random.Random, rounds: Rounds
) -> None:
    for number in range(rounds(1, 10)):
        key, before = f"same-{chance.random()}-{number}", dense(shared)
        answers = clients.send("/v1/complaints", [REGISTRATION], [{"Idempotency-Key": key}])
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1, "the same answer for all"
        replayed = [answer.headers.get("Idempotency-Replayed") for answer in answers]
        assert replayed.count("true") == AT_ONCE - 1
        assert dense(shared) == before + 1


@pytest.mark.short
def test_a_key_is_for_one_body_whoever_comes_first(
    clients: Clients, shared: Database, chance: random.Random, rounds: Rounds
) -> None:
    bodies = [REGISTRATION, {**REGISTRATION, "channel": "web"}]
    for number in range(rounds(1, 10)):
        key, before = f"two-{chance.random()}-{number}", dense(shared)
        answers = clients.send("/v1/complaints", bodies, [{"Idempotency-Key": key}])
        by_body = [
            {answers[n].status_code for n in range(AT_ONCE) if n // 2 % 2 == i} for i in (0, 1)
        ]
        assert sorted(by_body, key=min) == [{201}, {422}], "one body was meant, and not the other"
        assert dense(shared) == before + 1


@pytest.mark.short
def test_of_fifty_who_insist_on_a_version_one_gets_it(
    clients: Clients, shared: Database, chance: random.Random, rounds: Rounds
) -> None:
    registered = httpx.post(
        f"{clients.urls[0]}/v1/complaints",
        json=REGISTRATION,
        headers={"Authorization": f"Bearer {clients.key}", "Idempotency-Key": f"{chance.random()}"},
    )
    path = f"/v1/complaints/{registered.json()['complaint_id']}/record-contact"
    for version in range(1, rounds(2, 20) + 1):
        run = chance.random()
        insisting = {"If-Match": f'"{version}"'}
        headers = [{"Idempotency-Key": f"{run}-{n}", **insisting} for n in range(AT_ONCE)]
        answers = clients.send(path, [CONTACT], headers)
        statuses = [answer.status_code for answer in answers]
        assert (statuses.count(200), statuses.count(412)) == (1, AT_ONCE - 1)
        told = {answer.json()["version"] for answer in answers}
        assert told == {version + 1}, "the losers are told what it is at now"
    dense(shared)


@pytest.mark.short
def test_one_order_explains_what_concurrent_clients_saw(
    clients: Clients, shared: Database, processes: ExitStack, chance: random.Random, rounds: Rounds
) -> None:
    load = processes.enter_context(Load(clients.key, chance, clients.urls))
    for number in chance.sample([1, 2, 3], rounds(1, 3)):
        streams = load.streams(number)
        with load.going(16, streams):
            wait_until(load.more(rounds(100, 400)))
    load.again(rounds(10, 50))
    explained(load, shared)
