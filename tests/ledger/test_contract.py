"""The library's own contract test cases, run against the statements that production runs.

Each test gets a partition of its own, and stream ids that land in it: one of many, and once more
the fourth of four, in a database of its own.
"""

import itertools
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from eventsourcing.tests.persistence import (
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    TrackingRecorderTestCase,
)
from psycopg_pool import ConnectionPool

from ledger import database as connections
from ledger.migrate import migrate
from ledger.recorder import PartitionRecorder
from tests.conftest import Database

PARTITIONS = 64


@pytest.fixture(scope="module")
def pool(database: Database) -> Iterator[ConnectionPool]:
    migrate(database.owner, partitions=PARTITIONS)
    with connections.pool(database.app, size=12) as pool:
        yield pool


_unused = itertools.count()


class InAPartitionOfItsOwn:
    """Makes recorders over partitions that no other test has used."""

    @pytest.fixture(autouse=True)
    def _use(self, pool: ConnectionPool) -> None:
        self.pool = pool
        self.partition = next(_unused)

    def create_recorder(self) -> PartitionRecorder:
        return PartitionRecorder(self.pool, self.partition)

    def new_originator_id(self) -> UUID:
        return UUID(bytes=uuid4().bytes[:15] + bytes([self.partition]))


class InTheFourthOfFour(InAPartitionOfItsOwn):
    """Makes recorders over partition 3 of 4 in a database that no other test has used."""

    @pytest.fixture(autouse=True)
    def _use(self, fresh_database: Database) -> Iterator[None]:
        migrate(fresh_database.owner, partitions=4)
        with connections.pool(fresh_database.app, size=12) as self.pool:
            self.partition = 3
            yield


class TestApplicationRecorder(InAPartitionOfItsOwn, ApplicationRecorderTestCase):
    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestProcessRecorder(InAPartitionOfItsOwn, ProcessRecorderTestCase):
    pass


class TestTrackingRecorder(InAPartitionOfItsOwn, TrackingRecorderTestCase):
    pass


class TestNonInterleaving(InAPartitionOfItsOwn, NonInterleavingNotificationIDsBaseCase):
    pass


class TestApplicationRecorderInTheFourthOfFour(InTheFourthOfFour, ApplicationRecorderTestCase):
    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestProcessRecorderInTheFourthOfFour(InTheFourthOfFour, ProcessRecorderTestCase):
    pass


class TestTrackingRecorderInTheFourthOfFour(InTheFourthOfFour, TrackingRecorderTestCase):
    pass


class TestNonInterleavingInTheFourthOfFour(
    InTheFourthOfFour, NonInterleavingNotificationIDsBaseCase
):
    pass
