"""One complaint as a client reads it: folded from its events, so always current."""

from typing import Any
from uuid import UUID

import msgspec

from api.as_of import AsOfAnswer
from api.client import Client
from api.desk import Forbidden
from api.document.shape import Allowed, ComplaintDocument
from api.document.telling import tell
from api.problems import kebab
from api.roles import READ_PERSONAL, is_for_keys, may_order
from domain.complaint import COMPLAINT, allowed_commands
from domain.complaint.state import Complaint
from domain.complaint.vocabulary import Assessment
from domain.kernel import Metadata, Moment, Recorded, Rejected, fold
from domain.personal import redact
from domain.rules import Rules
from ledger.ids import tracking_number, write_place


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
    history: list[Recorded[Any]],
    client: Client,
    as_of: AsOfAnswer | None = None,
    language: str = "en",
) -> ComplaintDocument:
    """The complaint that a history leaves, with everything that is personal.

    The language is that of the details of the rules that forbid commands.
    """
    state = fold(COMPLAINT, history)
    last = history[-1]
    assert state.stage is not None
    assert state.received_at is not None
    found = ComplaintDocument(
        complaint_id=last.stream_id,
        tracking_number=tracking_number(state.partition, state.position),
        version=last.version,
        position=write_place(last.partition, last.position),
        as_of=as_of,
        stage=state.stage,
        waiting_on=state.waiting_on,
        cycle=state.cycle,
        nature=state.nature,
        severity=state.severity,
        is_provisional=state.is_provisional,
        is_emergency=state.is_emergency,
        is_imported=state.is_imported,
        received_at=state.received_at,
        customer_id=state.customer_id,
        owner_unit=state.owner_unit,
        owner_person=state.owner_person,
        is_signed_for=state.is_signed_for,
        facts=state.facts,
        source_facts=state.source_facts,
        assessment=_judgement(state),
        problem_key=state.problem_key,
        is_problem_confirmed=state.problem_confirmed_in_cycle is not None,
        is_resolution_confirmed=state.is_resolution_confirmed,
        resolved_at=state.resolved_at,
        close_reason=state.close_reason,
        closed_at=state.closed_at,
        allowed_commands=allowed(allowed_commands(state), client, language)
        if as_of is None
        else None,
    )
    tell(found, history, state)
    return found


def shown(
    found: ComplaintDocument, client: Client, rules: Rules
) -> ComplaintDocument | dict[str, Any]:
    """The document as far as this client may read it.

    Of the source facts, those under names that the rules publish: under any other, anything may
    stand.
    """
    if client.role in READ_PERSONAL:
        return found
    known = rules.published_source_facts
    published = {name: value for name, value in found.source_facts.items() if name in known}
    return {**redact(found), "source_facts": published}


def _judgement(state: Complaint) -> Assessment | None:
    """What the assessment judged, without the event's own fields: the reason told is personal."""
    if state.assessment is None:
        return None
    fields = Assessment.__struct_fields__
    return Assessment(**{name: getattr(state.assessment, name) for name in fields})


def allowed(
    rules: dict[type[Any], Rejected | None], client: Client, language: str = "en"
) -> dict[str, Allowed]:
    """Each command that a key can give, with the rule or the role that forbids it now."""
    found = {}
    for command, rule in rules.items():
        name = command.__name__
        if not is_for_keys(name):
            continue
        if not may_order(client.role, name):
            rule = Forbidden(role=client.role, command=name)
        if rule is not None:
            code, (_, detail) = kebab(type(rule).__name__), rule.explain(language)
            found[name] = Allowed(is_allowed=False, rule=code, detail=detail)
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
        events=[event_document(recorded, client) for recorded in page],
        next=page[-1].version if has_more else None,
        as_of=as_of,
    )


def event_document(recorded: Recorded[Any], client: Client) -> EventDocument:
    """An event as far as this client may read it."""
    event = recorded.event
    shown = msgspec.to_builtins(event) if client.role in READ_PERSONAL else redact(event)
    return EventDocument(
        version=recorded.version,
        position=write_place(recorded.partition, recorded.position),
        type=type(event).__name__,
        schema_version=event.schema_version,
        occurred_at=recorded.occurred_at,
        recorded_at=recorded.recorded_at,
        metadata=recorded.metadata,
        data=shown,
    )
