"""Merge 重复登记: the same complainant's complaint about the same problem was registered twice.

The duplicate closes and names the survivor, which is told by a policy. It can be undone: then the
duplicate stands where it stood before.
"""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.guards import refuse_involved
from domain.complaint.state import ANY, OPEN, AllowedAt, Complaint, ComplaintClosed
from domain.complaint.vocabulary import Stage
from domain.kernel import (
    Code,
    Command,
    Context,
    Event,
    Moment,
    ReasonText,
    Recorded,
    Rejected,
)

# --- commands -------------------------------------------------------------------------------


class MergeComplaint(Command, frozen=True, kw_only=True):
    """Close the complaint as a duplicate of another one of the same complainant."""

    target_id: UUID
    reason_code: Code
    reason_text: ReasonText


class UnmergeComplaint(Command, frozen=True, kw_only=True):
    """Undo a merge: the complaint is one of its own after all."""

    reason_code: Code
    reason_text: ReasonText


class RecordMergeReceived(Command, frozen=True, kw_only=True):
    """Tell the survivor that another complaint was merged into it; for policies only."""

    source_id: UUID
    source_received_at: Moment | None = None


class RecordMergeReverted(Command, frozen=True, kw_only=True):
    """Tell the survivor that a complaint merged into it stands alone again; for policies only."""

    source_id: UUID


# --- events ---------------------------------------------------------------------------------


class ComplaintMerged(Event, frozen=True, kw_only=True):
    """The complaint is a duplicate of another one, which survives."""

    target_id: UUID
    reason_code: Code


class ComplaintUnmerged(Event, frozen=True, kw_only=True):
    """The complaint is no duplicate after all and stands where it stood before."""

    target_id: UUID
    stage: Stage
    reason_code: Code


class MergeReceived(Event, frozen=True, kw_only=True):
    """Another complaint was merged into this one; the earlier receipt governs its clocks."""

    source_id: UUID
    source_received_at: Moment | None = None

    schema_version: ClassVar[int] = 2
    # Version 1 did not say when the other one was received.
    upcasts: ClassVar[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: dict}


class MergeReverted(Event, frozen=True, kw_only=True):
    """A complaint that had been merged into this one stands alone again."""

    source_id: UUID


# --- rejections -----------------------------------------------------------------------------


class MergedIntoItself(Rejected):
    """No complaint is a duplicate of itself."""

    title = "Merged into itself"
    title_zh = "不能合并到自身"
    detail = "A complaint cannot be merged into itself."
    detail_zh = "投诉不能合并到其自身。"


class UnknownMergeTarget(Rejected):
    """The complaint that is to survive does not exist."""

    title = "Unknown target"
    title_zh = "合并目标不存在"
    detail = "There is no complaint {target_id} to merge into."
    detail_zh = "不存在可合并到的投诉 {target_id}。"


class MergeTargetClosed(Rejected):
    """Nothing is merged into a complaint that is closed, be it as a duplicate itself."""

    title = "The target is closed"
    title_zh = "合并目标已结案"
    detail = "The complaint {target_id} is closed; only an open one takes in a duplicate."
    detail_zh = "投诉 {target_id} 已结案；只有未结案的投诉可以接收合并。"


class NotTheSameComplainant(Rejected):
    """Complaints of different customers are never merged, but attached to an incident."""

    title = "Not the same complainant"
    title_zh = "投诉人不同"
    detail = "The complaint {target_id} is not known to be of the same complainant."
    detail_zh = "无法确认投诉 {target_id} 属于同一投诉人。"


class NotMerged(Rejected):
    """Only a merge can be undone by unmerging."""

    title = "Not merged"
    title_zh = "未被合并"
    detail = "The complaint was not closed as a duplicate."
    detail_zh = "该投诉并非因重复登记而结案。"


class PoliciesOnly(Rejected):
    """What follows from another complaint is told by a policy and by nobody else."""

    title = "For policies only"
    title_zh = "仅限系统策略"
    detail = "{command} is given by policies only."
    detail_zh = "{command} 只能由系统策略执行。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (ComplaintMerged, ComplaintUnmerged, MergeReceived, MergeReverted)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    MergeComplaint: ComplaintMerged,
    UnmergeComplaint: ComplaintUnmerged,
    RecordMergeReceived: MergeReceived,
    RecordMergeReverted: MergeReverted,
}
ALLOWED: AllowedAt = {
    MergeComplaint: OPEN,
    UnmergeComplaint: frozenset({"closed"}),
    RecordMergeReceived: ANY,
    RecordMergeReverted: ANY,
}


def forbidden(command: type, state: Complaint) -> Rejected | None:
    """The rule that forbids a command whatever its body says."""
    if command is UnmergeComplaint and state.merged_into is None:
        return NotMerged()
    return None


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case MergeComplaint(target_id=target_id):
            if target_id == state.complaint_id:
                raise MergedIntoItself
            _refuse_target(target_id, state, context)
            refuse_involved(command, state, context, rule="merge")
            return [
                ComplaintMerged(target_id=target_id, reason_code=command.reason_code),
                ComplaintClosed(reason="duplicate"),
            ]
        case UnmergeComplaint():
            if state.merged_into is None or state.stage_before_merge is None:
                raise NotMerged
            return [
                ComplaintUnmerged(
                    target_id=state.merged_into,
                    stage=state.stage_before_merge,
                    reason_code=command.reason_code,
                )
            ]
        case RecordMergeReceived(source_id=source_id):
            _refuse_all_but_policies(command, context)
            if source_id in state.duplicates:
                return []
            return [
                MergeReceived(source_id=source_id, source_received_at=command.source_received_at)
            ]
        case RecordMergeReverted(source_id=source_id):
            _refuse_all_but_policies(command, context)
            return [MergeReverted(source_id=source_id)] if source_id in state.duplicates else []
    raise TypeError(command)


def _refuse_target(target_id: UUID, state: Complaint, context: Context) -> None:
    """What was read of the target decides; anonymous complaints are nobody's duplicates."""
    target = context.facts_of_others.get(target_id)
    if target is None:
        raise UnknownMergeTarget(target_id=target_id)
    mine = state.facts.complainant
    is_same_customer = (
        state.customer_id is not None
        and target.customer_id is not None
        and context.who(state.customer_id) == context.who(target.customer_id)
    )
    is_same_party = (
        mine is not None and mine.party_id is not None and mine.party_id == target.party_id
    )
    if not is_same_customer and not is_same_party:
        raise NotTheSameComplainant(target_id=target_id)
    if target.stage == "closed":
        raise MergeTargetClosed(target_id=target_id)


def _refuse_all_but_policies(command: object, context: Context) -> None:
    if context.actor.role != "policy":
        raise PoliciesOnly(command=type(command).__name__)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case ComplaintMerged(target_id=target_id):
            return replace(state, merged_into=target_id, stage_before_merge=state.stage)
        case ComplaintUnmerged(stage=stage):
            return replace(
                state,
                stage=stage,
                merged_into=None,
                stage_before_merge=None,
                close_reason=None,
                closed_at=None,
            )
        case MergeReceived(source_id=source_id):
            return replace(state, duplicates=state.duplicates | {source_id})
        case MergeReverted(source_id=source_id):
            return replace(state, duplicates=state.duplicates - {source_id})
    return state
