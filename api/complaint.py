"""One complaint as a client reads it: folded from its events, so always current."""

from typing import Any
from uuid import UUID

import msgspec

from api.as_of import AsOfAnswer
from api.desk import Client
from api.problems import kebab
from api.roles import READ_PERSONAL, is_for_keys, may_order
from domain.complaint import COMPLAINT, allowed_commands
from domain.complaint.state import Complaint
from domain.complaint.vocabulary import Assessment, CloseReason, Facts, Nature, Stage, WaitingOn
from domain.kernel import Metadata, Moment, Money, Recorded, fold
from domain.personal import redact
from domain.rules import Rules, Severity
from ledger.ids import tracking_number, write_token


class Allowed(msgspec.Struct, kw_only=True):
    """Whether a command may be given now, and if not, the rule that forbids it."""

    is_allowed: bool
    rule: str | None = None
    detail: str | None = None


class RemedyDocument(msgspec.Struct, kw_only=True):
    """A remedy and how far it has come."""

    remedy_id: UUID
    kind: str
    basis: str
    status: str
    amount: Money | None = None


class ContactDocument(msgspec.Struct, kw_only=True):
    """A contact, without what was said."""

    contact_id: UUID
    direction: str
    channel: str
    purpose: str
    outcome: str
    occurred_at: Moment


class ComplaintDocument(msgspec.Struct, kw_only=True):
    """A complaint as it stands; personal facts only for roles with the right to them."""

    complaint_id: UUID
    tracking_number: str
    version: int
    position: str
    stage: Stage
    waiting_on: WaitingOn
    cycle: int
    nature: Nature
    severity: Severity
    is_provisional: bool
    is_imported: bool
    received_at: Moment
    customer_id: str | None
    owner_unit: str | None
    owner_person: str | None
    is_signed_for: bool
    facts: Facts
    source_facts: dict[str, str]
    assessment: Assessment | None
    problem_key: str | None
    is_problem_confirmed: bool
    is_resolution_confirmed: bool
    remedies: list[RemedyDocument]
    contacts: list[ContactDocument]
    resolved_at: Moment | None
    close_reason: CloseReason | None
    closed_at: Moment | None
    as_of: AsOfAnswer | None
    allowed_commands: dict[str, Allowed] | None  # of the present only


class EventDocument(msgspec.Struct, kw_only=True):
    """An event of a history: what happened, when, by whom, and where it stands in the ledger."""

    version: int
    position: str
    type: str
    schema_version: int
    occurred_at: Moment
    recorded_at: Moment
    metadata: Metadata
    data: dict[str, Any]


class History(msgspec.Struct, kw_only=True):
    """A page of the events of one complaint, in order; `next` continues after it."""

    complaint_id: UUID
    version: int
    events: list[EventDocument]
    next: int | None = None
    as_of: AsOfAnswer | None = None


def document(
    history: list[Recorded[Any]], client: Client, rules: Rules, as_of: AsOfAnswer | None = None
) -> ComplaintDocument:
    """The complaint that a history leaves, as far as this client may read it."""
    state = fold(COMPLAINT, history)
    may_read_personal = client.role in READ_PERSONAL
    last = history[-1]
    assert state.stage is not None
    assert state.received_at is not None
    return ComplaintDocument(
        complaint_id=last.stream_id,
        tracking_number=tracking_number(state.partition, state.position),
        version=last.version,
        position=write_token({last.partition: last.position}),
        stage=state.stage,
        waiting_on=state.waiting_on,
        cycle=state.cycle,
        nature=state.nature,
        severity=state.severity,
        is_provisional=state.is_provisional,
        is_imported=state.is_imported,
        received_at=state.received_at,
        customer_id=state.customer_id,
        owner_unit=state.owner_unit,
        owner_person=state.owner_person,
        is_signed_for=state.is_signed_for,
        facts=state.facts if may_read_personal else redact(state.facts),  # type: ignore[arg-type]
        source_facts=state.source_facts if may_read_personal else _published(state, rules),
        assessment=_judgement(state),
        problem_key=state.problem_key,
        is_problem_confirmed=state.problem_confirmed_in_cycle is not None,
        is_resolution_confirmed=state.is_resolution_confirmed,
        remedies=[
            RemedyDocument(
                remedy_id=remedy.remedy_id,
                kind=remedy.kind,
                basis=remedy.basis,
                status=remedy.status,
                amount=remedy.amount,
            )
            for remedy in state.remedies
        ],
        contacts=[
            ContactDocument(
                contact_id=contact.contact_id,
                direction=contact.direction,
                channel=contact.channel,
                purpose=contact.purpose,
                outcome=contact.outcome,
                occurred_at=contact.occurred_at,
            )
            for contact in state.contacts
        ],
        resolved_at=state.resolved_at,
        close_reason=state.close_reason,
        closed_at=state.closed_at,
        as_of=as_of,
        allowed_commands=_allowed(state, client) if as_of is None else None,
    )


def _published(state: Complaint, rules: Rules) -> dict[str, str]:
    """The source facts under names that the rules publish; under any other, anything may stand."""
    known = rules.published_source_facts
    return {name: value for name, value in state.source_facts.items() if name in known}


def _judgement(state: Complaint) -> Assessment | None:
    """What the assessment judged, without the event's own fields: the reason told is personal."""
    if state.assessment is None:
        return None
    fields = Assessment.__struct_fields__
    return Assessment(**{name: getattr(state.assessment, name) for name in fields})


def _allowed(state: Complaint, client: Client) -> dict[str, Allowed]:
    found = {}
    for command, rule in allowed_commands(state).items():
        name = command.__name__
        if not is_for_keys(name):
            continue
        if not may_order(client.role, name):
            found[name] = Allowed(
                is_allowed=False, rule="forbidden", detail=f"Not for the role {client.role}."
            )
        elif rule is not None:
            found[name] = Allowed(
                is_allowed=False, rule=kebab(type(rule).__name__), detail=rule.explain()[1]
            )
        else:
            found[name] = Allowed(is_allowed=True)
    return found


def history_page(
    history: list[Recorded[Any]],
    client: Client,
    *,
    after: int,
    limit: int,
    as_of: AsOfAnswer | None = None,
) -> History:
    """A page of a history, as far as this client may read it."""
    page = [recorded for recorded in history if recorded.version > after][:limit]
    has_more = bool(page) and page[-1].version < history[-1].version
    return History(
        complaint_id=history[0].stream_id,
        version=history[-1].version,
        events=[_event(recorded, client) for recorded in page],
        next=page[-1].version if has_more else None,
        as_of=as_of,
    )


def _event(recorded: Recorded[Any], client: Client) -> EventDocument:
    event = recorded.event
    shown = msgspec.to_builtins(event) if client.role in READ_PERSONAL else redact(event)
    return EventDocument(
        version=recorded.version,
        position=write_token({recorded.partition: recorded.position}),
        type=type(event).__name__,
        schema_version=event.schema_version,
        occurred_at=recorded.occurred_at,
        recorded_at=recorded.recorded_at,
        metadata=recorded.metadata,
        data=shown,
    )
