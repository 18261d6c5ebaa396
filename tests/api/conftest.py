"""A served database for the tests of one file."""

from collections.abc import Iterator

import pytest

from ledger.embedded import Embedded
from ledger.migrate import migrate
from tests.api.serving import Api, served
from tests.conftest import Database, new_database


@pytest.fixture(scope="module")
def api(database: Database) -> Iterator[Api]:
    with served(database) as api:
        yield api


@pytest.fixture(scope="module", params=[1, 4], ids=["one partition", "four partitions"])
def spread(request: pytest.FixtureRequest, server: Embedded, migrated: str) -> Iterator[Api]:
    """A served database for the tests of one file, with one partition and with four."""
    database = new_database(server, migrated)
    migrate(database.owner, partitions=request.param)
    with served(database) as api:
        yield api
