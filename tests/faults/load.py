"""Clients who order at once, insist until they are answered, and remember what they were told."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx

from tests.faults.history import Operation

ROLE, PRINCIPAL = "agent", "agent-1"  # as tests.api.serving.keys_of makes it
REGISTRATION = {
    "channel": "phone",
    "source_system": "load",
    "nature": "complaint",
    "origin": "person",
}
CONTACT = {
    "direction": "inbound",
    "channel": "phone",
    "party": "customer",
    "purpose": "other",
    "outcome": "reached",
}
PATIENCE_SECONDS = 60


class Load:
    """Several clients of the servers at some addresses, each with its own dice."""

    def __init__(self, key: str, chance: random.Random, urls: Sequence[str]) -> None:
        self.urls = list(urls)
        self.operations: list[Operation] = []
        self.acknowledged = 0
        self.turned_away = 0  # with 503: unavailable at present
        self.strange: list[str] = []  # answers that nobody should get
        self._http = httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=30)
        self._chance = chance
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._run = chance.randbytes(4).hex()
        self._sent: dict[str, tuple[str, Any, dict[str, str]]] = {}

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    # --- one order --------------------------------------------------------------------------

    def register(self, *, insist: bool = True) -> Any:
        """Register a complaint; None where the answer never came."""
        return self._order("/v1/complaints", REGISTRATION, "", None, insist=insist)

    def streams(self, number: int) -> list[str]:
        """New complaints to work on."""
        return [str(self.register()["complaint_id"]) for _ in range(number)]

    def contact(self, stream: str, expected: int | None = None, *, insist: bool = True) -> Any:
        """Record a contact, which is never silent."""
        path = f"/v1/complaints/{stream}/record-contact"
        return self._order(path, CONTACT, stream, expected, insist=insist)

    def fact(self, stream: str, *, insist: bool = True) -> Any:
        """Record a fact that is known already, most of the time."""
        path = f"/v1/complaints/{stream}/record-source-fact"
        return self._order(path, {"name": "timely", "value": "yes"}, stream, None, insist=insist)

    def read(self, stream: str) -> int | None:
        """The version of a complaint as it is read; None where no answer came."""
        asked = Operation(name="read", stream=stream, invoked=time.monotonic())
        response = self._send("GET", f"/v1/complaints/{stream}", None, {})
        if response is None or response.status_code == 503:
            return None
        version = int(response.json()["version"])
        self._note(asked, outcome="read", version=version)
        return version

    def _order(
        self, path: str, body: Any, stream: str, expected: int | None, *, insist: bool
    ) -> Any:
        with self._lock:
            name = f"{self._run}-{len(self._sent)}"
            headers = {"Idempotency-Key": name}
            if expected is not None:
                headers["If-Match"] = f'"{expected}"'
            self._sent[name] = path, body, headers
        ordered = Operation(name=name, stream=stream, invoked=time.monotonic(), expected=expected)
        return self._until_answered(ordered, insist=insist)

    def _until_answered(self, ordered: Operation, *, insist: bool) -> Any:
        """What an order comes to; it is sent again as long as nobody can say."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            response = self._send("POST", *self._sent[ordered.name])
            if response is not None and response.status_code != 503:
                break
            if response is not None:
                self.turned_away += 1
                if "Retry-After" not in response.headers:
                    self.strange.append(response.text)
            if not insist or time.monotonic() > deadline:
                self._note(ordered)
                return None
            threading.Event().wait(0.02)  # not at once, as Retry-After asks
        told = response.json()
        match response.status_code:
            case 200 | 201:
                done = {"outcome": "accepted", "events": len(told["events"])}
                self._note(ordered, version=told["version"], stream=told["complaint_id"], **done)
                return told
            case 412:
                self._note(ordered, outcome="lost", version=told["version"])
            case _:
                self.strange.append(f"{response.status_code} {response.text}")
        return None

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        url = self._chance.choice(self.urls)
        try:
            return self._http.request(method, url + path, headers=headers, json=body)
        except httpx.TransportError:
            return None

    def _note(self, one: Operation, **found: Any) -> None:
        """Remember how an operation ended."""
        if found:
            one = replace(one, returned=time.monotonic(), **found)
        with self._lock:
            self.operations.append(one)
            self.acknowledged += one.outcome == "accepted"

    # --- many at once -----------------------------------------------------------------------

    @contextmanager
    def going(self, callers: int, streams: Sequence[str], *, insist: bool = True) -> Iterator[None]:
        """Keep callers at work on these complaints, and on new ones, while the block runs."""
        self._stop.clear()
        dice = [random.Random(self._chance.random()) for _ in range(callers)]
        with ThreadPoolExecutor(callers) as pool:
            works = [pool.submit(self._work, each, streams, insist) for each in dice]
            try:
                yield
            finally:
                self._stop.set()
        for work in works:
            work.result()

    def _work(self, chance: random.Random, streams: Sequence[str], insist: bool) -> None:
        seen = dict.fromkeys(streams, 1)
        while not self._stop.is_set():
            stream = chance.choice(streams)
            told: Any = None
            match chance.randrange(10):
                case 0:
                    self.register(insist=insist)
                case 1:
                    self.fact(stream, insist=insist)
                case 2 | 3:
                    seen[stream] = self.read(stream) or seen[stream]
                case 4 | 5 | 6:
                    told = self.contact(stream, seen[stream], insist=insist)
                case _:
                    told = self.contact(stream, insist=insist)
            if told is not None:
                seen[stream] = told["version"]

    def again(self, number: int) -> None:
        """Send some orders again that were accepted: their first answer has to come."""
        accepted = [one for one in self.operations if one.outcome == "accepted"]
        for one in self._chance.sample(accepted, min(number, len(accepted))):
            response = self._send("POST", *self._sent[one.name])
            assert response is not None
            assert response.headers.get("Idempotency-Replayed") == "true", response.text
            told = response.json()
            assert (told["complaint_id"], told["version"]) == (one.stream, one.version)
            assert len(told["events"]) == one.events

    def settle(self, number: int) -> None:
        """Send some orders again that were never answered, until they are."""
        unknown = [one for one in self.operations if one.outcome == "unknown"]
        for one in self._chance.sample(unknown, min(number, len(unknown))):
            self.operations.remove(one)
            self._until_answered(one, insist=True)

    def more(self, number: int) -> Callable[[], bool]:
        """Tells when so many more orders are acknowledged, or an answer was strange."""
        goal = self.acknowledged + number
        return lambda: self.acknowledged >= goal or bool(self.strange)
