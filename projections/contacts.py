"""Contacts 沟通记录 and chasers 催单 in the view `work`: each exchange, whoever began it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain.complaint.contact import ContactRecorded, CustomerChased
from domain.kernel import Recorded
from projections.progress import Imprecise, is_late_recorded, told_at
from projections.view import Row, Table


class ContactRow(Row, frozen=True):
    """One exchange, or the attempt at one, without what was said."""

    complaint_id: UUID
    version: int  # of the event
    ledger_position: int
    cycle: int
    recorded_at: datetime
    is_late_recorded: bool
    kind: str  # contact, chaser
    direction: str
    channel: str
    party: str
    purpose: str
    outcome: str
    contacted_at: datetime
    contacted_by: str
    actor_kind: str

    contact_id: UUID | None = None  # a chaser has none
    unit_id: str | None = None  # as far as the actor says
    imprecise: Imprecise = None


CONTACTS = Table("contacts", ContactRow, ("partition", "complaint_id", "version"), is_loaded=False)
CONTACT_EVENTS = (ContactRecorded, CustomerChased)


def contact_of(recorded: Recorded[Any], cycle: int) -> ContactRow:
    """The contact that an event records; a chaser reached us and was for nothing else."""
    match recorded.event:
        case CustomerChased():
            return _contact(
                recorded,
                cycle,
                kind="chaser",
                direction="inbound",
                purpose="chaser",
                outcome="reached",
            )
        case ContactRecorded() as event:
            return _contact(
                recorded,
                cycle,
                kind="contact",
                contact_id=event.contact_id,
                direction=event.direction,
                purpose=event.purpose,
                outcome=event.outcome,
            )
    raise TypeError(recorded.event)


def _contact(recorded: Recorded[Any], cycle: int, **facts: Any) -> ContactRow:
    event, metadata = recorded.event, recorded.metadata
    return ContactRow(
        partition=recorded.partition,
        complaint_id=recorded.stream_id,
        version=recorded.version,
        ledger_position=recorded.position,
        cycle=cycle,
        recorded_at=recorded.recorded_at,
        is_late_recorded=is_late_recorded(recorded),
        channel=event.channel,
        party=event.party,
        contacted_by=metadata.by,
        actor_kind=metadata.actor.kind,
        unit_id=metadata.actor.unit_id,
        **told_at(None, "contacted", recorded),
        **facts,
    )
