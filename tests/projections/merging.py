"""Duplicates and their survivors, for the runs of the policies."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from domain.complaint.merge import ComplaintMerged, ComplaintUnmerged, MergeReceived, MergeReverted
from tests import world
from tests.conftest import Database
from tests.projections.histories import woven
from tests.projections.reacting import Story, in_stream, stream_of, told

DUPLICATES = 12


def merged(number: int, target: int, *, is_undone: bool = False) -> Story:
    """A complaint that was merged into another one, and perhaps unmerged again."""
    story = in_stream(number, world.merged())
    story = [
        replace(item, event=replace(item.event, target_id=stream_of(target)))
        if isinstance(item.event, ComplaintMerged)
        else item
        for item in story
    ]
    if not is_undone:
        return story
    undone = ComplaintUnmerged(
        target_id=stream_of(target), stage="in_progress", reason_code="not-the-same"
    )
    last = story[-1]
    later = last.recorded_at + timedelta(minutes=5)
    return [*story, replace(last, event=undone, version=last.version + 1, recorded_at=later)]


def merges() -> Story:
    """Twelve duplicates of three complaints, every third of them unmerged again."""
    survivors = [in_stream(number, world.in_progress()) for number in range(3)]
    duplicates = [
        merged(10 + number, number % 3, is_undone=number % 3 == 0) for number in range(DUPLICATES)
    ]
    return woven(*survivors, *duplicates)


def what_survivors_heard(database: Database) -> dict[Any, list[Any]]:
    return told(database, MergeReceived, MergeReverted)


def expected() -> dict[Any, list[Any]]:
    heard: dict[Any, list[Any]] = {stream_of(number): [] for number in range(3)}
    for item in merges():
        match item.event:
            case ComplaintMerged(target_id=target_id):
                [received] = [i for i in merges() if i.stream_id == item.stream_id][:1]
                heard[target_id].append(
                    MergeReceived(source_id=item.stream_id, source_received_at=received.recorded_at)
                )
            case ComplaintUnmerged(target_id=target_id):
                heard[target_id].append(MergeReverted(source_id=item.stream_id))
    return heard
