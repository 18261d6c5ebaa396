"""Contact 沟通记录 and customer chasers 客户催单: every exchange with the people behind the
complaint is a fact of its own, whoever began it, by whatever channel, reached or not.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.state import ANY, AllowedAt, Complaint, Contact
from domain.complaint.vocabulary import PartyRole
from domain.kernel import Code, Command, Context, Event, Recorded, personal

Direction = Literal["inbound", "outbound"]
Purpose = Literal["answer", "guidance", "follow_up", "notice", "other"]
Outcome = Literal["reached", "no_answer", "refused"]
Summary = Annotated[str, personal(min_length=1, max_length=20_000)]


# --- commands -------------------------------------------------------------------------------


class RecordContact(Command, frozen=True, kw_only=True):
    """Record an exchange, or the attempt at one, with the people behind the complaint."""

    direction: Direction
    channel: Code
    party: PartyRole
    purpose: Purpose
    outcome: Outcome
    summary: Summary | None = None


class RecordChaser(Command, frozen=True, kw_only=True):
    """Record that the complainant's side asks of its own accord where things stand."""

    channel: Code
    party: PartyRole
    summary: Summary | None = None


# --- events ---------------------------------------------------------------------------------


class ContactRecorded(Event, frozen=True, kw_only=True):
    """There was an exchange, or the attempt at one, with the people behind the complaint."""

    contact_id: UUID
    direction: Direction
    channel: Code
    party: PartyRole
    purpose: Purpose
    outcome: Outcome
    summary: Summary | None = None


class CustomerChased(Event, frozen=True, kw_only=True):
    """The complainant's side asked of its own accord where things stand."""

    channel: Code
    party: PartyRole
    summary: Summary | None = None


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (ContactRecorded, CustomerChased)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    RecordContact: ContactRecorded,
    RecordChaser: CustomerChased,
}
ALLOWED: AllowedAt = {RecordContact: ANY, RecordChaser: ANY}


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case RecordContact():
            return [
                ContactRecorded(
                    contact_id=context.new_id("contact"),
                    direction=command.direction,
                    channel=command.channel,
                    party=command.party,
                    purpose=command.purpose,
                    outcome=command.outcome,
                    summary=command.summary,
                )
            ]
        case RecordChaser():
            return [
                CustomerChased(
                    channel=command.channel, party=command.party, summary=command.summary
                )
            ]
    raise TypeError(command)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case ContactRecorded() as event:
            at = recorded.occurred_at
            contact = Contact(
                contact_id=event.contact_id,
                party=event.party,
                direction=event.direction,
                channel=event.channel,
                purpose=event.purpose,
                outcome=event.outcome,
                occurred_at=at,
            )
            contacts = (*state.contacts, contact)
            if event.direction == "outbound":
                return replace(state, contacts=contacts)
            return replace(state, contacts=contacts, last_heard_at=_heard(state, at))
        case CustomerChased():
            return replace(state, last_heard_at=_heard(state, recorded.occurred_at))
    return state


def _heard(state: Complaint, at: datetime) -> datetime:
    """When the customer was heard last; told late, a word may lie before the last one."""
    return max(state.last_heard_at or at, at)
