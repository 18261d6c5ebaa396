"""What the survivor of a merge is told of the duplicate."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from domain.complaint.merge import ComplaintMerged, RecordMergeReceived
from domain.policies.tell_survivor_of_merge import TELL_SURVIVOR_OF_MERGE
from tests import world
from tests.projections.merging import merged
from tests.projections.reacting import stream_of
from tests.reacting import Story, orders_of
from tests.spec import RECEIVED, STREAM, recorded


def told(duplicate: world.History) -> Any:
    """The order that follows when this one is merged."""
    story = world.merged(duplicate)
    return told_by(story, story)


def told_by(duplicate: Story, *stories: Story) -> Any:
    """The order that follows from the merge of one of these."""
    [trigger] = [item for item in duplicate if isinstance(item.event, ComplaintMerged)]
    [order] = orders_of(TELL_SURVIVOR_OF_MERGE, trigger, *stories)
    return order.command


def test_the_survivor_hears_when_the_duplicate_was_received() -> None:
    assert told(world.registered()) == RecordMergeReceived(
        source_id=STREAM, source_received_at=RECEIVED
    )


def test_an_imported_duplicate_has_no_clocks_and_governs_none() -> None:
    """Its receipt may lie years back; the survivor is not late because of it."""
    event = world.registered()[0].event
    imported = [recorded(event, 1, RECEIVED, world.IMPORTER)]
    assert told(imported) == RecordMergeReceived(source_id=STREAM)


def received(story: Story, days: float) -> Story:
    """The story as if it had begun so many days later."""
    later = timedelta(days=days)
    return [replace(item, recorded_at=item.recorded_at + later) for item in story]


def test_what_the_duplicate_had_taken_in_itself_comes_with_it() -> None:
    """Merged step by step, a complaint wins no more time than merged at once."""
    first, second = merged(1, 2), received(merged(2, 3), 1)
    order = told_by(second, first, second)
    assert order == RecordMergeReceived(
        source_id=stream_of(2), source_received_at=first[0].recorded_at
    )


def test_what_stands_alone_again_by_then_does_not_come_with_it() -> None:
    first, second = merged(1, 2, is_undone=True), received(merged(2, 3), 1)
    order = told_by(second, first, second)
    assert order.source_received_at == second[0].recorded_at


def test_merges_that_lead_in_a_circle_come_to_an_end() -> None:
    """Two merges at the same moment, each of which saw the other complaint open."""
    one, other = merged(1, 2), merged(2, 1)
    assert told_by(other, one, other).source_received_at == one[0].recorded_at
