"""Receipt 投诉接收登记 and 告知: a complaint comes in by any channel, is recorded once and
acknowledged; what is learned later is added, what was wrong is corrected, what the source
says is kept beside it.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.guards import refuse_involved, require_evidence, require_sources
from domain.complaint.state import ANY, NEW, OPEN, AllowedAt, Complaint
from domain.complaint.vocabulary import Facts, Nature, Origin
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
    personal,
)

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
# Any source may say anything under any name: personal, but for the names a rule publishes.
SourceValue = Annotated[str, personal(min_length=1, max_length=2000)]

# --- commands -------------------------------------------------------------------------------


class RegisterComplaint(Facts, frozen=True, kw_only=True):
    """Record a complaint that the organisation has received; `occurred_at` is the receipt."""

    channel: Code
    source_system: Identifier
    nature: Nature
    origin: Origin
    customer_id: Identifier | None = None
    # The base fields of every command: a Struct cannot inherit from Facts and Command at once.
    occurred_at: Moment | None = None
    reason_code: Code | None = None
    reason_text: ReasonText | None = None


class AcknowledgeComplaint(Command, frozen=True, kw_only=True):
    """Tell the complainant that the complaint has arrived and what comes next."""

    by: Literal["person", "bot", "automatic"]
    channel: Code | None = None
    accepted_by_complainant: bool | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


class AddDetail(Command, frozen=True, kw_only=True):
    """Add what was not known when the complaint was registered."""

    details: Facts


class CorrectField(Command, frozen=True, kw_only=True):
    """Correct one fact that was recorded wrongly; the old value stays in the history."""

    new: Facts
    reason_code: Code
    reason_text: ReasonText


class RecordSourceFact(Command, frozen=True, kw_only=True):
    """Keep what the source of the complaint says about it, under the source's own name."""

    name: Code
    value: SourceValue


# --- events ---------------------------------------------------------------------------------


class ComplaintRegistered(Facts, frozen=True, kw_only=True):
    """A complaint was received and recorded."""

    channel: Code
    source_system: Identifier
    nature: Nature
    origin: Origin
    customer_id: Identifier | None = None
    reason_text: ReasonText | None = None

    schema_version: ClassVar[int] = 2
    # Version 1 knew neither joint customers nor the handle of who complains.
    upcasts: ClassVar[dict[int, Upcast]] = {1: dict}


class ComplaintAcknowledged(Event, frozen=True, kw_only=True):
    """The complainant was told that the complaint has arrived."""

    by: Literal["person", "bot", "automatic"]
    channel: Code | None = None
    accepted_by_complainant: bool | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


class DetailAdded(Event, frozen=True, kw_only=True):
    """Something became known that was not known at the receipt."""

    details: Facts

    schema_version: ClassVar[int] = 2
    upcasts: ClassVar[dict[int, Upcast]] = {1: dict}  # as of the registration


class FieldCorrected(Event, frozen=True, kw_only=True):
    """One recorded fact was wrong and was corrected."""

    field: Code
    old: Facts
    new: Facts


class SourceFactRecorded(Event, frozen=True, kw_only=True):
    """The source of the complaint says this about it."""

    name: Code
    value: SourceValue


# --- rejections -----------------------------------------------------------------------------


class AlreadyKnown(Rejected):
    """A detail to be added is known already; to change it is a correction."""

    title = "Already known"
    title_zh = "信息已存在"
    detail = "{fields} already known: use CorrectField."
    detail_zh = "{fields} 已有记录，请使用 CorrectField 更正。"


class NothingToRecord(Rejected):
    """The command names no fact."""

    title = "Nothing to record"
    title_zh = "没有可记录的内容"
    detail = "{command} has to name at least one fact."
    detail_zh = "{command} 至少须填写一项内容。"


class CorrectOneField(Rejected):
    """A correction concerns exactly one fact, and one that was recorded before."""

    title = "Correct one recorded fact"
    title_zh = "一次只能更正一项已有记录"
    detail = (
        "A correction names exactly one fact that was recorded before; this one names {fields}."
    )
    detail_zh = "更正须且只能针对一项已有记录；本次为 {fields}。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (
    ComplaintRegistered,
    ComplaintAcknowledged,
    DetailAdded,
    FieldCorrected,
    SourceFactRecorded,
)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    RegisterComplaint: ComplaintRegistered,
    AcknowledgeComplaint: ComplaintAcknowledged,
    AddDetail: DetailAdded,
    CorrectField: FieldCorrected,
    RecordSourceFact: SourceFactRecorded,
}
ALLOWED: AllowedAt = {
    RegisterComplaint: NEW,
    AcknowledgeComplaint: OPEN,
    AddDetail: ANY,
    CorrectField: ANY,
    RecordSourceFact: ANY,
}


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case RegisterComplaint():
            facts = {
                name: value
                for name in ComplaintRegistered.__struct_fields__
                if (value := getattr(command, name)) is not None
            }
            return [ComplaintRegistered(**facts)]
        case AcknowledgeComplaint():
            require_sources(state, command)
            return [
                ComplaintAcknowledged(
                    by=command.by,
                    channel=command.channel,
                    accepted_by_complainant=command.accepted_by_complainant,
                    contact_id=command.contact_id,
                    evidence_id=command.evidence_id,
                )
            ]
        case AddDetail():
            return _add(command, state)
        case CorrectField():
            return _correct(command, state, context)
        case RecordSourceFact():
            if state.source_facts.get(command.name) == command.value:
                return []
            return [SourceFactRecorded(name=command.name, value=command.value)]
    raise TypeError(command)


def _add(command: AddDetail, state: Complaint) -> list[object]:
    told, known = command.details.known(), state.facts.known()
    if not told:
        raise NothingToRecord(command="AddDetail")
    require_evidence(state, command.details.authority_evidence_id)
    clashing = sorted(name for name in told if name in known and known[name] != told[name])
    if clashing:
        raise AlreadyKnown(fields=", ".join(clashing))
    new = {name: value for name, value in told.items() if name not in known}
    return [DetailAdded(details=Facts(**new))] if new else []  # type: ignore[arg-type]


def _correct(command: CorrectField, state: Complaint, context: Context) -> list[object]:
    # What an assessment made of the nature counts, not what was first recorded.
    told, known = command.new.known(), {**state.facts.known(), "nature": state.nature}
    if len(told) != 1 or not told.keys() <= known.keys():
        raise CorrectOneField(fields=", ".join(sorted(told)) or "nothing")
    ((name, value),) = told.items()
    if value == known[name]:
        return []
    require_evidence(state, command.new.authority_evidence_id)
    if name == "nature" and known[name] == "complaint":
        refuse_involved(command, state, context, rule="nature_away")
    old = Facts(**{name: known[name]})  # type: ignore[arg-type]
    return [FieldCorrected(field=name, old=old, new=command.new)]


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case ComplaintRegistered() as event:
            return replace(
                state,
                stage="registered",
                complaint_id=recorded.stream_id,
                partition=recorded.partition,
                position=recorded.position,
                facts=Facts(**event.known()),  # type: ignore[arg-type]
                customer_id=event.customer_id,
                nature=event.nature,
                received_at=recorded.occurred_at,
                registered_by=recorded.metadata.accountable,
                is_imported=recorded.is_imported,
            )
        case DetailAdded(details=details):
            return replace(state, facts=replace(state.facts, **details.known()))
        case FieldCorrected(new=new):
            return replace(
                state,
                facts=replace(state.facts, **new.known()),
                nature=new.nature or state.nature,
            )
        case SourceFactRecorded(name=name, value=value):
            return replace(state, source_facts={**state.source_facts, name: value})
    return state
