"""Workers as processes, and complaints for them to work on."""

import random
import signal
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.kernel import Recorded
from domain.policies import ALL_POLICIES
from projections import all_views
from projections.engine import Runner
from projections.view import View
from tests.api.serving import SECRET
from tests.conftest import Database
from tests.projections.histories import REGISTRY, random_histories, store, woven

LEASE_SECONDS = 0.4


def work(
    uri: str, batch_size: int = 100, views: Sequence[View] | None = None, **options: Any
) -> None:
    """What `closedloop work` does, with leases that lapse sooner, until it is told to stop."""
    runner = Runner(
        uri,
        None,
        REGISTRY,
        all_views(SECRET) if views is None else views,
        ALL_POLICIES,
        secret=SECRET,
        batch_size=batch_size,
        lease_seconds=LEASE_SECONDS,
        **options,
    )
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    runner.run(stop, threading.Event())


def complaints(chance: random.Random, at_once: int) -> Iterator[list[Recorded[Any]]]:
    """Whole complaints, some at a time: policies add to those that are there."""
    while True:
        lives: dict[UUID, list[Recorded[Any]]] = {}
        for item in random_histories(seed=chance.randrange(10**6), complaints=40):
            lives.setdefault(item.stream_id, []).append(item)
        for some in zip(*[iter(lives.values())] * at_once, strict=True):
            yield woven(*some)


def record(database: Database, events: list[Recorded[Any]]) -> None:
    """Put events into the ledger, recorded now: policies have added some that were, too."""
    now = datetime.now(UTC)
    store(database.owner, [replace(item, recorded_at=now) for item in events])
