"""Initial assessment 初步评审 and the decision to take the complaint on 受理 or not 不予受理:
what it is about, how grave, who takes it; declining takes a second person and shows the
complainant where else to turn.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.guards import refuse_involved, require_contact
from domain.complaint.state import OPEN, AllowedAt, Complaint, ComplaintClosed
from domain.complaint.vocabulary import SEVERITY_ORDER, Assessment
from domain.kernel import (
    Code,
    Command,
    Context,
    Event,
    Identifier,
    Moment,
    ReasonText,
    Recorded,
    Rejected,
    Value,
    personal,
    require_reason,
)

# --- commands -------------------------------------------------------------------------------


class AssessComplaint(Assessment, frozen=True, kw_only=True):
    """Judge nature, category and severity; once more, it is a regrade or a reclassification."""

    # The base fields of every command: a Struct cannot inherit from two others at once.
    occurred_at: Moment | None = None
    reason_code: Code | None = None
    reason_text: ReasonText | None = None


class AcceptComplaint(Command, frozen=True, kw_only=True):
    """Take the complaint on: from here on the unit named owns it."""

    unit_id: Identifier


class Notice(Value, frozen=True, kw_only=True):
    """What the complainant was told, how, and where else they can turn."""

    channel: Code
    language: Identifier
    recourse: Annotated[str, personal(min_length=1, max_length=4000)]
    contact_id: UUID | None = None


class DeclineComplaint(Command, frozen=True, kw_only=True):
    """Do not take the complaint on, with a reason and a notice that names the recourse."""

    reason_code: Code
    reason_text: ReasonText
    notice: Notice


# --- events ---------------------------------------------------------------------------------


class ComplaintAssessed(Assessment, frozen=True, kw_only=True):
    """The complaint was judged; the last judgement counts, all are kept."""

    problem_key: str
    key_version: str
    reason_text: ReasonText | None = None

    schema_version: ClassVar[int] = 2
    # Version 1 did not ask whether a complaint is about the handling of an earlier one.
    upcasts: ClassVar[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: dict}


class ComplaintAccepted(Event, frozen=True, kw_only=True):
    """The complaint was taken on by a unit."""

    unit_id: Identifier


class ComplaintDeclined(Event, frozen=True, kw_only=True):
    """The complaint was not taken on, and the complainant was told why and where to turn."""

    reason_code: Code
    notice: Notice


# --- rejections -----------------------------------------------------------------------------


class NotAboutHandling(Rejected):
    """Only a complaint about how something was handled names it, and it is another complaint."""

    title = "Not about handling"
    title_zh = "并非针对处理过程的投诉"
    detail = "about_handling_of names another complaint, and only where about_handling is true."
    detail_zh = "about_handling_of 须为另一件投诉，且仅在 about_handling 为 true 时填写。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (
    ComplaintAssessed,
    ComplaintAccepted,
    ComplaintDeclined,
)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    AssessComplaint: ComplaintAssessed,
    AcceptComplaint: ComplaintAccepted,
    DeclineComplaint: ComplaintDeclined,
}
ALLOWED: AllowedAt = {
    AssessComplaint: OPEN,
    AcceptComplaint: frozenset({"assessed"}),
    DeclineComplaint: frozenset({"registered", "assessed"}),
}


def problem_key(assessment: Assessment, model: str | None, level: int | None) -> str:
    """The problem a complaint is about: its category at the level named, and the product model."""
    path = assessment.category.path[:level] if level else assessment.category.path
    return " > ".join(path) + (f" # {model}" if model else "")


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case AssessComplaint():
            return _assess(command, state, context)
        case AcceptComplaint():
            return [ComplaintAccepted(unit_id=command.unit_id)]
        case DeclineComplaint():
            refuse_involved(command, state, context, rule="decline")
            require_contact(state, command.notice.contact_id)
            return [
                ComplaintDeclined(reason_code=command.reason_code, notice=command.notice),
                ComplaintClosed(reason="declined"),
            ]
    raise TypeError(command)


def _assess(command: AssessComplaint, state: Complaint, context: Context) -> list[object]:
    before, earlier = state.assessment, command.about_handling_of
    if earlier is not None and (not command.about_handling or earlier == state.complaint_id):
        raise NotAboutHandling
    if before is not None:
        # The first severity settles a provisional grade (ADR 0003): that is no regrade.
        is_regrade = not state.is_provisional and command.severity not in (None, state.severity)
        is_reclass = command.category != before.category
        if is_regrade or is_reclass:
            require_reason(command)
        if (
            is_regrade
            and SEVERITY_ORDER[command.severity or "general"] < SEVERITY_ORDER[state.severity]
        ):
            refuse_involved(command, state, context, rule="regrade_down")
    if state.nature == "complaint" and command.nature not in (None, "complaint"):
        refuse_involved(command, state, context, rule="nature_away")
    product = state.facts.product
    key = problem_key(command, product.model if product else None, context.rules.problem_key_level)
    assessment = {name: getattr(command, name) for name in Assessment.__struct_fields__}
    return [
        ComplaintAssessed(
            **assessment, problem_key=key, key_version=context.rules.problem_key_version
        )
    ]


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case ComplaintAssessed() as event:
            return replace(
                state,
                stage="assessed" if state.stage == "registered" else state.stage,
                assessment=event,
                assessed_by=recorded.metadata.accountable,
                nature=event.nature or state.nature,
                severity=event.severity or state.severity,
                is_provisional=state.is_provisional and event.severity is None,
                problem_key=event.problem_key,
            )
        case ComplaintAccepted(unit_id=unit_id):
            return replace(
                state, stage="accepted", is_accepted=True, owner_unit=unit_id, owner_person=None
            )
    return state
