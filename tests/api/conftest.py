"""A served database for the tests of one file."""

from collections.abc import Iterator

import pytest

from tests.api.serving import Api, served
from tests.conftest import Database


@pytest.fixture(scope="module")
def api(database: Database) -> Iterator[Api]:
    with served(database) as api:
        yield api
