"""A digest is told with the positions it belongs to: both of one moment."""

from concurrent.futures import ThreadPoolExecutor

from ledger.migrate import migrate
from projections import VIEWS, all_views
from projections.engine import Runner
from tests.conftest import Database
from tests.projections.histories import REGISTRY, SECRET, store
from tests.projections.running import HISTORY, query_all, runner

EVENTS = 60


def test_a_digest_taken_while_the_view_moves_belongs_to_its_position(
    fresh_database: Database,
) -> None:
    [complaints] = [view for view in all_views(SECRET) if view.name == "complaints"]
    running = Runner(fresh_database.app, None, REGISTRY, [complaints], batch_size=1)
    running.catch_up()
    expected = {0: running.digest_at("complaints").sha256}
    for number, event in enumerate(HISTORY[:EVENTS], 1):
        store(fresh_database.owner, [event])
        running.catch_up()
        expected[number] = running.digest_at("complaints").sha256
    assert len(set(expected.values())) == EVENTS + 1

    query_all(fresh_database, "UPDATE views.positions SET position = 0")
    for table in complaints.tables:
        query_all(fresh_database, table.delete_all)
    seen: list[tuple[int, str]] = []
    with ThreadPoolExecutor() as threads:
        moving = threads.submit(running.catch_up)
        while not moving.done():
            digest = running.digest_at("complaints")
            seen.append((digest.positions[0], digest.sha256))
    moving.result()
    assert all(expected[position] == sha256 for position, sha256 in seen)
    assert len({position for position, _ in seen}) > 1


def test_a_digest_tells_the_position_in_every_partition(fresh_database: Database) -> None:
    migrate(fresh_database.owner, partitions=3)
    store(fresh_database.owner, HISTORY)
    running = runner(fresh_database)
    running.catch_up()
    for view in VIEWS:
        digest = running.digest_at(view)
        assert digest.positions == running.positions()[view]
        assert digest.sha256 == running.digest(view)
