"""Emergency 紧急 and containment 应急处置: where safety or a mass failure is at stake, somebody
says so at once, and what keeps the harm from spreading is done before anything is settled.
"""

from typing import Annotated, Any
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.guards import require_evidence
from domain.complaint.state import OPEN, AllowedAt, Complaint
from domain.complaint.vocabulary import DecidedBy
from domain.kernel import Code, Command, Context, Event, Identifier, Recorded, personal

Measure = Annotated[str, personal(min_length=1, max_length=20_000)]

# --- commands -------------------------------------------------------------------------------


class FlagEmergency(Command, frozen=True, kw_only=True):
    """Say that the complaint is an emergency, for what cause, and who or what judged so."""

    cause: Code
    decided_by: DecidedBy | None = None


class RecordContainment(Command, frozen=True, kw_only=True):
    """Record what was done at once to keep the harm from spreading."""

    kind: Code
    measure: Measure | None = None
    unit_id: Identifier | None = None
    evidence_id: UUID | None = None


# --- events ---------------------------------------------------------------------------------


class EmergencyFlagged(Event, frozen=True, kw_only=True):
    """The complaint is an emergency, for this cause."""

    cause: Code
    decided_by: DecidedBy | None = None


class ContainmentRecorded(Event, frozen=True, kw_only=True):
    """Something was done at once to keep the harm from spreading."""

    kind: Code
    measure: Measure | None = None
    unit_id: Identifier | None = None
    evidence_id: UUID | None = None


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (EmergencyFlagged, ContainmentRecorded)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    FlagEmergency: EmergencyFlagged,
    RecordContainment: ContainmentRecorded,
}
ALLOWED: AllowedAt = {FlagEmergency: OPEN, RecordContainment: OPEN}


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case FlagEmergency():
            if (state.cycle, command.cause) in state.emergencies:
                return []
            return [EmergencyFlagged(cause=command.cause, decided_by=command.decided_by)]
        case RecordContainment():
            require_evidence(state, command.evidence_id)
            return [
                ContainmentRecorded(
                    kind=command.kind,
                    measure=command.measure,
                    unit_id=command.unit_id,
                    evidence_id=command.evidence_id,
                )
            ]
    raise TypeError(command)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case EmergencyFlagged(cause=cause):
            return replace(state, emergencies=state.emergencies | {(state.cycle, cause)})
    return state
