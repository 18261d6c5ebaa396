"""What goes wrong with a policy stops it loudly at its place, or is counted; nobody else waits."""

from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from domain.complaint.merge import ComplaintMerged
from domain.kernel import Recorded
from domain.policies.policy import Reaction
from domain.policies.tell_survivor_of_merge import TELL_SURVIVOR_OF_MERGE
from domain.rules import Rules
from ledger.migrate import migrate
from projections.engine import Lag
from projections.halting import ViewHalted
from tests import world
from tests.conftest import Database
from tests.projections.histories import store, woven
from tests.projections.merging import expected, merged, merges, what_survivors_heard
from tests.projections.reacting import in_stream, runner, stream_of
from tests.projections.running import query_all


@pytest.mark.parametrize("partitions", [1, 4])
def test_a_policy_that_cannot_react_stands_before_the_event_and_views_go_on(
    fresh_database: Database, partitions: int
) -> None:
    migrate(fresh_database.owner, partitions=partitions)
    story = merges()
    store(fresh_database.owner, story)
    poison = [item for item in story if isinstance(item.event, ComplaintMerged)][7].stream_id

    def react(trigger: Recorded[Any], rules: Rules) -> Reaction:
        if trigger.stream_id == poison:
            raise ValueError(f"空调不制冷 of {trigger.stream_id}")
        return TELL_SURVIVOR_OF_MERGE.react(trigger, rules)

    broken = replace(TELL_SURVIVOR_OF_MERGE, react=react)
    for batch_size in (1000, 7, 1):
        running = runner(fresh_database, [broken], batch_size=batch_size)
        with pytest.raises(ViewHalted) as halted:
            running.catch_up()
        assert (halted.value.view, halted.value.event_type) == (broken.name, "ComplaintMerged")
        assert "ValueError in test_policies_fail.py" in str(halted.value)
        assert "空调" not in str(halted.value)
        assert running.halted() == {broken.name: str(halted.value)}
        heard = what_survivors_heard(fresh_database)
        assert sum(len(events) for events in heard.values()) == 7
        assert running.lag()["timeline"] == Lag(0, 0.0)
    runner(fresh_database).catch_up()
    assert what_survivors_heard(fresh_database) == expected(), "repaired, it goes on"


def test_an_order_that_a_rule_refuses_is_counted_and_the_policy_goes_on(
    fresh_database: Database,
) -> None:
    """The survivor is nowhere: nothing can be told, and nobody else is kept waiting."""
    store(fresh_database.owner, woven(merged(11, 99), in_stream(0, world.in_progress())))
    store(fresh_database.owner, merged(12, 0))
    running = runner(fresh_database)
    with capture_logs() as logs:
        running.catch_up()
    assert list(what_survivors_heard(fresh_database)) == [stream_of(0)]
    assert running.refused == {("tell_survivor_of_merge", "UnknownComplaint"): 1}
    [entry] = [entry for entry in logs if entry["event"] == "order refused"]
    assert entry["rule"] == "UnknownComplaint"
    assert running.halted() == {}


def test_an_order_to_a_stream_of_another_kind_halts_the_policy(fresh_database: Database) -> None:
    store(fresh_database.owner, woven(merged(11, 0), in_stream(0, world.in_progress())))
    query_all(
        fresh_database,
        "ALTER TABLE ledger.events DISABLE TRIGGER events_are_for_ever;"
        f" UPDATE ledger.events SET type = 'KeyIssued', data = '{_KEY}'"
        f" WHERE stream_id = '{stream_of(0)}'",
    )
    with pytest.raises(ViewHalted, match=r"ValueError in orders\.py"):
        runner(fresh_database).catch_up()


_KEY = '{"key_id": "1", "principal": "p", "role": "agent"}'
