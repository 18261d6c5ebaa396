"""Repeat class 重复投诉: each complaint is classed against the same customer's earlier ones; the
class is judged by a policy, corrected by a person, and never rewritten: the last word counts.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.complaint.state import ANY, AllowedAt, Complaint
from domain.complaint.vocabulary import Count
from domain.kernel import (
    Code,
    Command,
    Context,
    Event,
    Recorded,
    Rejected,
    require_reason,
)

RepeatClass = Literal["initial", "repeat", "escalated_recomplaint", "related", "unknown"]
RuleVersion = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:@-]{1,64}(?!\n)$")]

# --- commands -------------------------------------------------------------------------------


class ClassifyRepeat(Command, frozen=True, kw_only=True):
    """Class the complaint against the same customer's earlier ones, or correct its class."""

    repeat_class: RepeatClass = msgspec.field(name="class")
    rule_version: RuleVersion
    earlier_id: UUID | None = None
    days_since_close: Count | None = None
    is_external: bool = False
    after_verified_close: bool = False


# --- events ---------------------------------------------------------------------------------


class RepeatClassified(Event, frozen=True, kw_only=True):
    """The complaint is of this class against the same customer's earlier ones."""

    repeat_class: RepeatClass = msgspec.field(name="class")
    rule_version: RuleVersion
    earlier_id: UUID | None = None
    days_since_close: Count | None = None
    is_external: bool = False
    after_verified_close: bool = False
    reason_code: Code | None = None


# --- rejections -----------------------------------------------------------------------------


class EarlierComplaintRequired(Rejected):
    """A repeat or a related complaint names the earlier one, another one than itself."""

    title = "The earlier complaint is required"
    title_zh = "须注明先前的投诉"
    detail = "The class {repeat_class} has to name the earlier complaint, which is another one."
    detail_zh = "类别 {repeat_class} 须注明先前的另一件投诉。"


class NoEarlierComplaint(Rejected):
    """A first complaint, or one of nobody known, has no earlier one."""

    title = "There is no earlier complaint"
    title_zh = "不应有先前的投诉"
    detail = "The class {repeat_class} names no earlier complaint."
    detail_zh = "类别 {repeat_class} 不应注明先前的投诉。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (RepeatClassified,)
RECORDS: dict[type[Any], type[Any]] = {ClassifyRepeat: RepeatClassified}
ALLOWED: AllowedAt = {ClassifyRepeat: ANY}


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case ClassifyRepeat():
            if context.actor.role != "policy":
                require_reason(command)
            elif state.is_class_corrected:
                return []  # a person's word stands
            _refuse_earlier(command, state)
            known = {name: getattr(command, name) for name in _JUDGED}
            if known == state.repeat_class:
                return []
            return [RepeatClassified(**known, reason_code=command.reason_code)]
    raise TypeError(command)


_JUDGED = (
    "repeat_class",
    "rule_version",
    "earlier_id",
    "days_since_close",
    "is_external",
    "after_verified_close",
)


def _refuse_earlier(command: ClassifyRepeat, state: Complaint) -> None:
    """An escalation may be about a request that was never a complaint here."""
    earlier, told = command.earlier_id, command.repeat_class
    is_needed = told in ("repeat", "related")
    if (is_needed and earlier is None) or (earlier is not None and earlier == state.complaint_id):
        raise EarlierComplaintRequired(repeat_class=told)
    if told in ("initial", "unknown") and earlier is not None:
        raise NoEarlierComplaint(repeat_class=told)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case RepeatClassified() as event:
            return replace(
                state,
                repeat_class={name: getattr(event, name) for name in _JUDGED},
                is_class_corrected=recorded.metadata.actor.role != "policy",
            )
    return state
