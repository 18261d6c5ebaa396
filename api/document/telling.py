"""What was done about a complaint, folded from its history: a read model that nobody stores."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from msgspec.structs import replace

from api.document import parts
from api.document.parts import Part
from api.document.shape import ComplaintDocument
from domain.complaint.approval import RemedyApproved, RemedyDeclined, RemedyRejected
from domain.complaint.assessment import ComplaintDeclined
from domain.complaint.closure import ComplaintReopened, ComplaintWithdrawn
from domain.complaint.contact import ContactRecorded, CustomerChased
from domain.complaint.decision import DecisionCommunicated, FinalPositionDeclared
from domain.complaint.emergency import ContainmentRecorded, EmergencyFlagged
from domain.complaint.evidence import EvidenceAttached, EvidenceWithdrawn
from domain.complaint.handling import ProblemConfirmed
from domain.complaint.identity import CustomerLinked
from domain.complaint.intake import ComplaintAcknowledged
from domain.complaint.investigation import (
    FindingRecorded,
    InformationReceived,
    InformationRequested,
)
from domain.complaint.merge import ComplaintMerged, ComplaintUnmerged, MergeReceived, MergeReverted
from domain.complaint.pausing import ClockPaused, ClockResumed
from domain.complaint.referral import (
    ComplaintReferred,
    OutcomeReportedToBody,
    OutsideOutcomeRecorded,
)
from domain.complaint.remedy import (
    RemedyAccepted,
    RemedyFulfilled,
    RemedyProposed,
    RemedySuperseded,
)
from domain.complaint.repeat import RepeatClassified
from domain.complaint.resolution import (
    ComplaintResolved,
    ResolutionConfirmed,
    ResolutionDisputed,
    SatisfactionRecorded,
)
from domain.complaint.state import Complaint
from domain.complaint.supervision import ComplaintEscalated, HandlerReminded
from domain.complaint.tasks import TaskCompleted, TaskDelegated
from domain.kernel import Recorded
from projections.progress import Progress

P = TypeVar("P", bound=Part)


def tell(found: ComplaintDocument, history: Iterable[Recorded[Any]], state: Complaint) -> None:
    """Add everything a history says was done; what is still waited for, as the state has it."""
    progress = Progress()
    for recorded in history:
        _tell(found, recorded, progress.cycle)
        progress = progress.after(recorded.event)
    status = {wait.id: wait.status for wait in state.waits}
    found.tasks = [replace(task, status=status[task.task_id]) for task in found.tasks]
    found.information_requests = [
        replace(request, status=status[request.request_id])
        for request in found.information_requests
    ]
    found.referrals = [
        replace(referral, status=status[referral.referral_id]) for referral in found.referrals
    ]


def _tell(found: ComplaintDocument, recorded: Recorded[Any], cycle: int) -> None:
    kind = type(recorded.event)
    if (beginning := _BEGINNINGS.get(kind)) is not None:
        name, part = beginning
        getattr(found, name).append(_part(part, recorded, cycle))
    elif (further := _FURTHER.get(kind)) is not None:
        further(found, recorded)


def _part(kind: type[P], recorded: Recorded[Any], cycle: int = 1) -> P:
    """What an event begins: the facts of the same names, when and by whom."""
    event = recorded.event
    names = set(kind.__struct_fields__) & set(event.__struct_fields__) - {"by"}
    facts = {name: getattr(event, name) for name in names}
    if "cycle" in kind.__struct_fields__:
        facts.setdefault("cycle", cycle)
    if kind in _WHO:
        facts[_WHO[kind]] = event.by
    if kind in _AT_FIRST:
        facts["status"] = _AT_FIRST[kind]
    return kind(occurred_at=recorded.occurred_at, by=recorded.metadata.by, **facts)


_BEGINNINGS: dict[type[Any], tuple[str, type[Part]]] = {
    CustomerLinked: ("customer_links", parts.CustomerLink),
    ComplaintAcknowledged: ("acknowledgements", parts.Acknowledgement),
    ContactRecorded: ("contacts", parts.Contact),
    CustomerChased: ("chasers", parts.Chaser),
    EvidenceAttached: ("evidence", parts.Evidence),
    EmergencyFlagged: ("emergencies", parts.Emergency),
    ContainmentRecorded: ("containments", parts.Containment),
    ProblemConfirmed: ("problem_confirmations", parts.ProblemConfirmation),
    TaskDelegated: ("tasks", parts.Task),
    FindingRecorded: ("findings", parts.Finding),
    InformationRequested: ("information_requests", parts.InformationRequest),
    ComplaintReferred: ("referrals", parts.Referral),
    RemedyProposed: ("remedies", parts.Remedy),
    DecisionCommunicated: ("decisions", parts.Decision),
    FinalPositionDeclared: ("final_positions", parts.FinalPosition),
    ComplaintResolved: ("resolutions", parts.Resolution),
    ComplaintEscalated: ("escalations", parts.Escalation),
    HandlerReminded: ("reminders", parts.Reminder),
    ClockPaused: ("pauses", parts.Pause),
    SatisfactionRecorded: ("satisfaction", parts.SatisfactionAnswer),
    ComplaintWithdrawn: ("withdrawals", parts.Withdrawal),
    ComplaintReopened: ("reopenings", parts.Reopening),
}
"""Events that begin a part of the document: the list it joins."""

_WHO: dict[type[Part], str] = {
    parts.CustomerLink: "identified_by",
    parts.Acknowledgement: "kind",
    parts.ProblemConfirmation: "confirmed_by",
    parts.SatisfactionAnswer: "answered_by",
}
"""Whom the event calls `by`, where the document keeps that word for who answers for it."""


_AT_FIRST: dict[type[Part], str] = {
    parts.Task: "open",
    parts.InformationRequest: "open",
    parts.Referral: "open",
    parts.Remedy: "proposed",
}


# --- what goes on -----------------------------------------------------------------------------

Further = Callable[[ComplaintDocument, Recorded[Any]], None]


def _change(
    those: list[P], name: str, value: object, changes: Callable[[P], dict[str, Any]]
) -> None:
    """Change the part of this id; read by when things occurred, it may not be there."""
    for index, part in enumerate(those):
        if getattr(part, name) == value:
            those[index] = replace(part, **changes(part))


def _withdrawn(found: ComplaintDocument, recorded: Recorded[Any]) -> None:
    changes = {
        "withdrawn_at": recorded.occurred_at,
        "withdrawn_by": recorded.metadata.by,
        "withdrawn_because": recorded.event.reason_code,
    }
    _change(found.evidence, "evidence_id", recorded.event.evidence_id, lambda part: changes)


def _completed(found: ComplaintDocument, recorded: Recorded[Any]) -> None:
    event: TaskCompleted = recorded.event
    changes = {
        "completed_at": recorded.occurred_at,
        "completed_by": recorded.metadata.by,
        "outcome": event.outcome,
        "result": event.result,
        "result_evidence_ids": event.evidence_ids,
    }
    _change(found.tasks, "task_id", event.task_id, lambda part: changes)


def _added(name: str, key: str, within: str, kind: type[Part]) -> Further:
    """What an event says joins a list within the part of its id."""

    def further(found: ComplaintDocument, recorded: Recorded[Any]) -> None:
        part = _part(kind, recorded)
        _change(
            getattr(found, name),
            key,
            getattr(recorded.event, key),
            lambda whole: {within: [*getattr(whole, within), part]},
        )

    return further


def _remedy(status: str, **names: str) -> Further:
    """A remedy has come further: its status and time, and facts of the event under these names."""

    def further(found: ComplaintDocument, recorded: Recorded[Any]) -> None:
        event = recorded.event
        changes = {"status": status} | {name: getattr(event, of) for name, of in names.items()}
        if f"{status}_at" in parts.Remedy.__struct_fields__:
            changes[f"{status}_at"] = recorded.occurred_at
        if f"{status}_by" in parts.Remedy.__struct_fields__ and f"{status}_by" not in names:
            changes[f"{status}_by"] = recorded.metadata.by
        _change(found.remedies, "remedy_id", event.remedy_id, lambda part: changes)

    return further


def _resumed(found: ComplaintDocument, recorded: Recorded[Any]) -> None:
    changes = {"resumed_at": recorded.occurred_at, "resumed_by": recorded.metadata.by}
    clock = recorded.event.clock
    still = [pause for pause in found.pauses if pause.clock == clock and not pause.resumed_at]
    found.pauses = [
        replace(pause, **changes) if pause in still[-1:] else pause for pause in found.pauses
    ]


def _confirmed(found: ComplaintDocument, recorded: Recorded[Any]) -> None:
    event: ResolutionConfirmed = recorded.event
    changes = {
        "confirmed_at": recorded.occurred_at,
        "confirmed_by": event.by,
        "confirmed_how": event.how,
    }
    _change(found.resolutions, "cycle", event.cycle, lambda part: changes)


def _disputed(found: ComplaintDocument, recorded: Recorded[Any]) -> None:
    event: ResolutionDisputed = recorded.event
    changes = {"disputed_at": recorded.occurred_at, "explanation": event.explanation}
    _change(found.resolutions, "cycle", event.cycle, lambda part: changes)


def _merge(found: ComplaintDocument, recorded: Recorded[Any]) -> None:
    match recorded.event:
        case ComplaintMerged(target_id=target_id):
            found.merged_into = target_id
        case ComplaintUnmerged():
            found.merged_into = None
        case MergeReceived(source_id=source_id) if source_id not in found.duplicates:
            found.duplicates.append(source_id)
        case MergeReverted(source_id=source_id) if source_id in found.duplicates:
            found.duplicates.remove(source_id)


def _declined(found: ComplaintDocument, recorded: Recorded[Any]) -> None:
    event: ComplaintDeclined = recorded.event
    found.declined = parts.Decline(
        occurred_at=recorded.occurred_at,
        by=recorded.metadata.by,
        reason_code=event.reason_code,
        channel=event.notice.channel,
        language=event.notice.language,
        recourse=event.notice.recourse,
        contact_id=event.notice.contact_id,
    )


def _classified(found: ComplaintDocument, recorded: Recorded[Any]) -> None:
    found.repeat = _part(parts.Repeat, recorded)


_FURTHER: dict[type[Any], Further] = {
    EvidenceWithdrawn: _withdrawn,
    TaskCompleted: _completed,
    InformationReceived: _added(
        "information_requests", "request_id", "answers", parts.InformationAnswer
    ),
    OutsideOutcomeRecorded: _added("referrals", "referral_id", "outcomes", parts.OutsideOutcome),
    OutcomeReportedToBody: _added("referrals", "referral_id", "reports", parts.OutcomeReport),
    RemedyApproved: _remedy("approved"),
    RemedyRejected: _remedy("rejected", rejected_because="reason_code"),
    RemedyAccepted: _remedy("accepted"),
    RemedyDeclined: _remedy("declined"),
    RemedySuperseded: _remedy(
        "superseded",
        superseded_by="superseded_by",
        superseded_because="reason_code",
        change_cost="change_cost",
    ),
    RemedyFulfilled: _remedy("fulfilled", paid="amount", payment_reference="payment_reference"),
    ClockResumed: _resumed,
    ResolutionConfirmed: _confirmed,
    ResolutionDisputed: _disputed,
    ComplaintMerged: _merge,
    ComplaintUnmerged: _merge,
    MergeReceived: _merge,
    MergeReverted: _merge,
    ComplaintDeclined: _declined,
    RepeatClassified: _classified,
}

TOLD_IN_PARTS = frozenset(_BEGINNINGS) | frozenset(_FURTHER)
"""The events that parts of the document tell of."""
