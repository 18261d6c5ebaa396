"""What the survivor of a merge is told of the duplicate."""

from typing import Any

from domain.complaint.merge import RecordMergeReceived
from domain.policies.policy import Streams
from domain.policies.tell_survivor_of_merge import TELL_SURVIVOR_OF_MERGE
from domain.rulebook.defaults import DEFAULT_RULES
from tests import world
from tests.spec import RECEIVED, STREAM, recorded


def told(duplicate: world.History) -> Any:
    """The order that follows when this one is merged."""
    merged = world.merged(duplicate)[-2]
    reaction = TELL_SURVIVOR_OF_MERGE.react(merged, DEFAULT_RULES)
    assert next(reaction) == Streams((STREAM,))
    try:
        reaction.send([duplicate[:1]])
    except StopIteration as done:
        [order] = done.value
        return order.command
    raise AssertionError("it wants to know more")


def test_the_survivor_hears_when_the_duplicate_was_received() -> None:
    assert told(world.registered()) == RecordMergeReceived(
        source_id=STREAM, source_received_at=RECEIVED
    )


def test_an_imported_duplicate_has_no_clocks_and_governs_none() -> None:
    """Its receipt may lie years back; the survivor is not late because of it."""
    event = world.registered()[0].event
    imported = [recorded(event, 1, RECEIVED, world.IMPORTER)]
    assert told(imported) == RecordMergeReceived(source_id=STREAM)
