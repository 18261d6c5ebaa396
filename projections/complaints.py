"""The view `complaints`: where every complaint stands, for lists, look-ups and `bi`."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from domain.complaint import COMPLAINT
from domain.complaint.assessment import ComplaintAccepted, ComplaintAssessed
from domain.complaint.closure import ComplaintReopened
from domain.complaint.contact import ContactRecorded
from domain.complaint.handling import (
    AssignmentReturned,
    AssignmentSignedFor,
    ComplaintAssigned,
    ProblemConfirmed,
)
from domain.complaint.identity import CustomerLinked
from domain.complaint.intake import (
    ComplaintAcknowledged,
    ComplaintRegistered,
    DetailAdded,
    FieldCorrected,
    SourceFactRecorded,
)
from domain.complaint.merge import ComplaintUnmerged
from domain.complaint.referral import ComplaintReferred
from domain.complaint.remedy import RemedyAccepted, RemedyFulfilled, RemedyProposed
from domain.complaint.resolution import (
    ComplaintResolved,
    ResolutionConfirmed,
    ResolutionDisputed,
    SatisfactionRecorded,
)
from domain.complaint.state import ComplaintClosed
from domain.kernel import Recorded
from domain.rulebook.defaults import DEFAULT_RULES
from ledger.ids import tracking_number
from projections.complaint_facts import Changes, columns_of
from projections.complaint_parties import COMPLAINT_CUSTOMERS, customers_after
from projections.complaint_row import COMPLAINTS, SOURCE_FACTS, ComplaintRow, SourceFactRow
from projections.progress import Progress, is_late_recorded, told_at, told_on, without
from projections.view import Row, View
from projections.waits import waited_for, waits_after


def complaints_view(
    secret: bytes, published: frozenset[str] = DEFAULT_RULES.published_source_facts
) -> View:
    """Where every complaint stands; outside references are hashed with the secret.

    Of what sources tell, only the facts of the published names are kept: any other may be free
    text about a person.
    """

    tables = COMPLAINTS, SOURCE_FACTS, COMPLAINT_CUSTOMERS
    fold = partial(_fold, secret=secret, published=published)
    return View("complaints", tables, COMPLAINT.events, fold)


# --- fold -----------------------------------------------------------------------------------


def _fold(
    rows: Sequence[Row],
    events: Sequence[Recorded[Any]],
    *,
    secret: bytes,
    published: frozenset[str],
) -> Iterable[Row]:
    row = next((row for row in rows if isinstance(row, ComplaintRow)), None)
    facts: dict[str, Row] = {}  # the last word under each name
    progress = _REGISTERED if row is None else _progress(row)
    for recorded in events:
        event, before = recorded.event, progress
        progress = before.after(event)
        if row is None:
            row = _register(recorded, secret)
        else:
            moved = None if progress is before else progress
            row = _after(row, recorded, moved, secret)
        if type(event) is SourceFactRecorded and event.name in published:
            facts[event.name] = _source_fact(row, recorded)
            row = replace(row, source_facts={**row.source_facts, event.name: event.value})
    return [] if row is None else [row, *facts.values(), *customers_after(rows, events)]


Change = Callable[[ComplaintRow, Recorded[Any]], Changes]


def _register(recorded: Recorded[Any], secret: bytes) -> ComplaintRow:
    event: ComplaintRegistered = recorded.event
    return ComplaintRow(
        partition=recorded.partition,
        complaint_id=recorded.stream_id,
        version=recorded.version,
        ledger_position=recorded.position,
        tracking_number=tracking_number(recorded.partition, recorded.position),
        received_at=recorded.occurred_at,
        received_at_precision=recorded.metadata.occurred_at_precision,
        received_on=told_on(recorded),
        recorded_at=recorded.recorded_at,
        is_late_recorded=is_late_recorded(recorded),
        is_imported=recorded.is_imported,
        stage="registered",
        waiting_on="none",
        cycle=1,
        severity="general",
        is_provisional=True,
        is_accepted=False,
        contact_count=0,
        remedy_count=0,
        dispute_count=0,
        reopening_count=0,
        source_facts={},
        imprecise={},
        customer_id=event.customer_id,
        **columns_of(event, secret),
    )


_REGISTERED = Progress("registered")


def _progress(row: ComplaintRow) -> Progress:
    is_assessed = row.taxonomy_version is not None
    return Progress(row.stage, row.cycle, is_assessed, row.is_accepted)


def _after(
    row: ComplaintRow, recorded: Recorded[Any], moved: Progress | None, secret: bytes
) -> ComplaintRow:
    """The row after an event, and after how far it moved the complaint."""
    event, kind = recorded.event, type(recorded.event)
    changes: Changes = {"version": recorded.version, "ledger_position": recorded.position}
    stage = row.stage
    if moved is not None and moved.stage is not None:
        stage = moved.stage
        changes |= {"stage": stage, "cycle": moved.cycle, "is_accepted": moved.is_accepted}
    waits = waits_after(row.waits, event)
    if moved is not None or waits is not row.waits:
        changes |= {"waits": waits, "waiting_on": waited_for(waits, stage)}
    if (change := _CHANGES.get(kind)) is not None:
        changes |= change(row, recorded)
    elif kind is DetailAdded:
        changes |= columns_of(event.details, secret)
    elif kind is FieldCorrected:
        changes |= columns_of(event.new, secret)
    return replace(row, **changes)


def _source_fact(row: ComplaintRow, recorded: Recorded[Any]) -> SourceFactRow:
    return SourceFactRow(
        partition=recorded.partition,
        complaint_id=recorded.stream_id,
        name=recorded.event.name,
        ledger_position=recorded.position,
        value=recorded.event.value,
        source_system=row.source_system,
        recorded_at=recorded.recorded_at,
        is_late_recorded=is_late_recorded(recorded),
    )


# --- what each act changes ------------------------------------------------------------------


def _milestone(row: ComplaintRow, name: str, recorded: Recorded[Any]) -> Changes:
    told = told_at(row.imprecise, name, recorded)
    return {**told, "imprecise": told["imprecise"] or {}}


def _first(row: ComplaintRow, name: str, recorded: Recorded[Any]) -> Changes:
    is_known = getattr(row, f"{name}_at") is not None
    return {} if is_known else _milestone(row, name, recorded)


def _first_time(name: str) -> Change:
    return lambda row, recorded: _first(row, name, recorded)


def _each_time(name: str) -> Change:
    return lambda row, recorded: _milestone(row, name, recorded)


def _given_to(name: str) -> Change:
    def change(row: ComplaintRow, recorded: Recorded[Any]) -> Changes:
        event = recorded.event
        owner = {"owner_unit": event.unit_id, "owner_person": event.person_id}
        return _milestone(row, name, recorded) | owner

    return change


def _without(row: ComplaintRow, *names: str) -> Changes:
    undone = without(row.imprecise, *names)
    return {**undone, "imprecise": undone["imprecise"] or {}}


def _contacted(row: ComplaintRow, recorded: Recorded[Any]) -> Changes:
    changes: Changes = {"contact_count": row.contact_count + 1}
    if recorded.event.outcome == "reached":
        changes |= _first(row, "first_contact", recorded)
    return changes


def _assessed(row: ComplaintRow, recorded: Recorded[Any]) -> Changes:
    event: ComplaintAssessed = recorded.event
    changes = _first(row, "assessed", recorded)
    changes |= {
        "category_path": list(event.category.path),
        "taxonomy_version": event.category.taxonomy_version,
        "problem_key": event.problem_key,
        "tags": list(event.tags) or None,
        "priority": event.priority.level if event.priority else None,
    }
    if event.severity is not None:
        changes |= {"severity": event.severity, "is_provisional": False}
    if event.nature is not None:
        changes["nature"] = event.nature
    if event.safety_implication is not None:
        changes["has_safety_signal"] = event.safety_implication
    return changes


def _accepted(row: ComplaintRow, recorded: Recorded[Any]) -> Changes:
    owner = {"owner_unit": recorded.event.unit_id, "owner_person": None}
    return _milestone(row, "accepted", recorded) | owner


def _remedy_proposed(row: ComplaintRow, recorded: Recorded[Any]) -> Changes:
    return _first(row, "remedy_proposed", recorded) | {"remedy_count": row.remedy_count + 1}


def _resolved(row: ComplaintRow, recorded: Recorded[Any]) -> Changes:
    first = _first(row, "first_resolved", recorded)
    return first | _milestone(replace(row, **first), "resolved", recorded)


def _confirmed(row: ComplaintRow, recorded: Recorded[Any]) -> Changes:
    # told late, it may mean the resolution of an earlier cycle
    return _milestone(row, "confirmed", recorded) if recorded.event.cycle == row.cycle else {}


def _disputed(row: ComplaintRow, recorded: Recorded[Any]) -> Changes:
    undone = _without(row, "resolved", "confirmed")
    at = _milestone(replace(row, **undone), "disputed", recorded)
    return undone | at | {"dispute_count": row.dispute_count + 1}


def _referred(row: ComplaintRow, recorded: Recorded[Any]) -> Changes:
    due = recorded.event.reply_due_at
    return {} if due is None else {"reply_due_at": due}


def _closed(row: ComplaintRow, recorded: Recorded[Any]) -> Changes:
    return {
        "closed_at": recorded.occurred_at,
        "closed_at_precision": recorded.metadata.occurred_at_precision,
        "closed_on": told_on(recorded),
        "close_reason": recorded.event.reason,
    }


_NOT_CLOSED: Changes = dict.fromkeys(
    ("closed_at", "closed_at_precision", "closed_on", "close_reason")
)


def _reopened(row: ComplaintRow, recorded: Recorded[Any]) -> Changes:
    undone = _without(row, "resolved", "confirmed")
    at = _milestone(replace(row, **undone), "reopened", recorded)
    return undone | at | _NOT_CLOSED | {"reopening_count": row.reopening_count + 1}


_CHANGES: dict[type[Any], Change] = {
    ComplaintAcknowledged: _first_time("acknowledged"),
    ContactRecorded: _contacted,
    ComplaintAssessed: _assessed,
    ComplaintAccepted: _accepted,
    ComplaintAssigned: _given_to("assigned"),
    AssignmentSignedFor: _given_to("signed_for"),
    AssignmentReturned: lambda row, recorded: {"owner_person": None},
    ProblemConfirmed: _first_time("problem_confirmed"),
    RemedyProposed: _remedy_proposed,
    RemedyAccepted: _first_time("remedy_accepted"),
    RemedyFulfilled: _each_time("remedy_fulfilled"),
    ComplaintResolved: _resolved,
    ResolutionConfirmed: _confirmed,
    ResolutionDisputed: _disputed,
    ComplaintClosed: _closed,
    ComplaintReopened: _reopened,
    ComplaintReferred: _referred,
    SatisfactionRecorded: lambda row, recorded: {"last_satisfaction_score": recorded.event.score},
    CustomerLinked: lambda row, recorded: {"customer_id": recorded.event.customer_id},
    ComplaintUnmerged: lambda row, recorded: _NOT_CLOSED,
}
