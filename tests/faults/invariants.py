"""What has to hold after every fault, whatever it was."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import psycopg

from api.registry import registry
from domain.policies import ALL_POLICIES
from domain.policies.policy import Policy
from ledger.ids import command_id
from projections import VIEWS, all_views
from projections.engine import Runner
from tests.api.serving import SECRET
from tests.conftest import Database
from tests.faults.history import Span, contradictions
from tests.faults.load import PRINCIPAL, Load
from tests.projections.running import query

_WRITTEN = """
SELECT stream_id::text, metadata ->> 'command_id', min(version), max(version), count(*)
FROM ledger.readable_events GROUP BY stream_id, metadata ->> 'command_id'"""

_REMEMBERED = "SELECT command_id, version, cardinality(events) FROM ledger.commands"


def dense(database: Database) -> int:
    """Positions are 1, 2, 3 ... to the head in order of recording, and so are versions."""
    [[head]] = query(database, "SELECT position FROM ledger.heads")
    found = query(
        database,
        "SELECT position, stream_id, version, recorded_at FROM ledger.events ORDER BY position",
    )
    assert [position for position, *_ in found] == list(range(1, head + 1))
    times = [recorded_at for *_, recorded_at in found]
    assert times == sorted(times)
    versions: Counter[UUID] = Counter()
    for _, stream, version, _ in found:
        versions[stream] += 1
        assert version == versions[stream]
    return int(head)


def explained(load: Load, database: Database) -> None:
    """Acknowledged is durable, unacknowledged all or nothing, each once, in one order a stream."""
    assert load.strange == []
    by_id = {str(command_id(PRINCIPAL, one.name)): one.name for one in load.operations}
    written: dict[str, dict[str, Span]] = {}
    with psycopg.connect(database.owner) as connection:
        for stream, command, first, last, count in connection.execute(_WRITTEN):
            assert last - first + 1 == count, "the events of a command stand together"
            if command in by_id:
                written.setdefault(stream, {})[by_id[command]] = (first, last)
        remembered = {
            by_id[str(command)]: (version, events)
            for command, version, events in connection.execute(_REMEMBERED)
            if str(command) in by_id
        }
    effects = {name: span for spans in written.values() for name, span in spans.items()}
    assert sum(map(len, written.values())) == len(effects), "no command wrote to two streams"
    for name, (version, events) in remembered.items():
        assert not events or effects[name] == (version - events + 1, version), "all of it"
    assert effects.keys() <= remembered.keys(), "nothing but what was accepted"
    streams = {one.stream for one in load.operations} | set(written)
    for stream in streams - {""}:
        mine = written.get(stream, {})
        ops = [
            one
            for one in load.operations
            if one.stream == stream or (one.name in mine and not one.stream)
        ]
        assert contradictions(ops, mine) == []


def agreed(database: Database, policies: Sequence[Policy] = ALL_POLICIES) -> None:
    """Every view, brought to the head, is what it is when it is made anew."""
    views = all_views(SECRET)
    runner = Runner(database.app, None, registry(), views, policies, secret=SECRET)
    runner.catch_up()
    live = {view: runner.digest(view) for view in VIEWS}
    for view in VIEWS:
        runner.rebuild(view)
    assert {view: runner.digest(view) for view in VIEWS} == live


def at_head(database: Database) -> bool:
    """Whether every view and policy has taken in every event."""
    found = query(
        database,
        "SELECT p.position = h.position FROM views.positions AS p JOIN ledger.heads AS h"
        " USING (partition)",
    )
    return bool(found) and all(is_there for (is_there,) in found)
