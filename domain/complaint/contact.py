"""Contact 沟通记录: every exchange with the people behind the complaint is a fact of its own,
whoever began it, by whatever channel, reached or not.
"""

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


class RecordContact(Command, frozen=True, kw_only=True):
    """Record an exchange, or the attempt at one, with the people behind the complaint."""

    direction: Direction
    channel: Code
    party: PartyRole
    purpose: Purpose
    outcome: Outcome
    summary: Summary | None = None


class ContactRecorded(Event, frozen=True, kw_only=True):
    """There was an exchange, or the attempt at one, with the people behind the complaint."""

    contact_id: UUID
    direction: Direction
    channel: Code
    party: PartyRole
    purpose: Purpose
    outcome: Outcome
    summary: Summary | None = None


EVENTS: tuple[type[Any], ...] = (ContactRecorded,)
RECORDS: dict[type[Any], type[Any]] = {RecordContact: ContactRecorded}
ALLOWED: AllowedAt = {RecordContact: ANY}


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
    raise TypeError(command)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case ContactRecorded() as event:
            contact = Contact(
                contact_id=event.contact_id,
                direction=event.direction,
                channel=event.channel,
                purpose=event.purpose,
                outcome=event.outcome,
                occurred_at=recorded.occurred_at,
            )
            return replace(state, contacts=(*state.contacts, contact))
    return state
