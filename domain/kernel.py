"""The words every slice is written in: commands, events, envelopes, rejections, deciders."""
# long: every file of the domain imports from here, and finds all of these words in one place

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar
from uuid import UUID, uuid5

import msgspec

from domain.patterns import unmatched
from domain.rules import Rules

# --- the types of single values -------------------------------------------------------------

_PERSONAL: dict[str, Any] = {"personal": True}


def personal(**limits: Any) -> msgspec.Meta:
    """Mark a field as personal data: it never reaches a log, an error, a metric or `bi`."""
    return msgspec.Meta(extra=_PERSONAL, extra_json_schema={"x-personal": True}, **limits)


# `$` alone would let a line break at the end pass.
# A mobile number of China is refused where an opaque id belongs.
_IDENTIFIER = r"^(?!1[3-9][0-9]{9}$)[A-Za-z0-9._:-]{1,64}(?!\n)$"

Moment = Annotated[
    datetime, msgspec.Meta(tz=True, description="RFC 3339 time with an offset, kept as told.")
]
Code = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}(?!\n)$",
        description="A code of an open list, lower case.",
    ),
]
Identifier = Annotated[
    str,
    msgspec.Meta(
        pattern=_IDENTIFIER,
        description="The caller's stable id; never a phone number, an e-mail address or a name.",
    ),
]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=500, description="Plain text.")]
PersonalText = Annotated[str, personal(min_length=1, max_length=500)]
Narrative = Annotated[str, personal(min_length=1, max_length=400_000)]
ReasonText = Annotated[
    str,
    personal(
        min_length=1, max_length=4000, description="Why, in the words of whoever gives the order."
    ),
]


class Value(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A part of a command or an event that has no life of its own."""


class Money(Value, frozen=True, kw_only=True):
    """An amount in integer minor units of a currency (ISO 4217)."""

    minor: Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}(?!\n)$")]


class Handle(Value, frozen=True, kw_only=True):
    """What somebody is reached or known by: `phone`, `openid`, `member_number`, `email` ..."""

    kind: Code
    value: PersonalText


IdentifiedBy = Literal["person", "customer", "rule", "model", "import"]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]

# --- commands and events --------------------------------------------------------------------


class Command(Value, frozen=True, kw_only=True):
    """What somebody orders; every command may say when it happened and why."""

    occurred_at: Moment | None = None
    reason_code: Code | None = None
    reason_text: ReasonText | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened, in the past tense; facts only, never whole state."""

    schema_version: ClassVar[int] = 1

    reason_text: ReasonText | None = None

    def __init_subclass__(cls) -> None:
        """Match no patterns when events are read: the command was held against them when it came,
        and matching them again took half the time of reading."""
        cls.__annotations__ = {name: unmatched(one) for name, one in cls.__annotations__.items()}


ActorKind = Literal["person", "bot", "customer", "system", "import"]
Source = Literal["system", "caller", "provider", "import"]
Precision = Literal["instant", "minute", "day", "unknown"]


class Actor(Value, frozen=True, kw_only=True, gc=False):
    """Who acts: an opaque id, what kind of being it is, in which role and unit."""

    # Not `Identifier` and `Code`: who lets an actor in has looked, and to match the patterns again
    # took longer than to decode all the rest of an event's metadata.
    id: str
    kind: ActorKind
    role: str
    unit_id: str | None = None


class Metadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is known of an event beside its facts; no field of it is personal."""

    actor: Actor
    client_id: str
    command_id: UUID | None = None
    causation_id: str | None = None
    correlation_id: str | None = None
    on_behalf_of: str | None = None
    occurred_at: datetime | None = None  # absent: when it was recorded
    occurred_at_source: Source = "system"
    occurred_at_precision: Precision = "instant"
    rulebook_version: str = "default@0"
    reason: str | None = None

    @property
    def by(self) -> str:
        """The person who acted: who was named, else who was logged in."""
        return self.on_behalf_of or self.actor.id

    @property
    def accountable(self) -> str:
        """Who counts for four eyes: a person's own key speaks for nobody else."""
        return self.actor.id if self.actor.kind == "person" else self.by


E = TypeVar("E")
S = TypeVar("S")
C = TypeVar("C")


class Recorded(msgspec.Struct, Generic[E], frozen=True, kw_only=True, gc=False):
    """An event in its envelope: where it stands in the ledger and what is known of it."""

    partition: int
    position: int
    stream_id: UUID
    version: int
    recorded_at: datetime
    event: E
    metadata: Metadata

    @property
    def occurred_at(self) -> datetime:
        """When it happened, as told by the caller; not told, when it was recorded."""
        return self.metadata.occurred_at or self.recorded_at

    @property
    def is_imported(self) -> bool:
        """Whether it was taken over from another system's records."""
        return self.metadata.actor.kind == "import"

    # What the library's `DomainEventProtocol` asks for.
    @property
    def originator_id(self) -> UUID:
        return self.stream_id

    @property
    def originator_version(self) -> int:
        return self.version


class Other(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was read of another complaint before deciding on this one."""

    stage: str
    customer_id: str | None = None
    party_id: str | None = None  # of the complainant


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision may know beside the command and the state: time, actor, ids, rules."""

    now: datetime
    actor: Actor
    client_id: str
    command_id: UUID
    rules: Rules
    on_behalf_of: str | None = None
    causation_id: str | None = None
    correlation_id: str | None = None
    source: Source = "caller"
    precision: Precision = "instant"
    subject_id: str | None = None  # the name of what the command is for, where it has one
    facts_of_others: dict[UUID, Other] = {}  # those a command names, as far as they exist
    survivors: dict[str, str] = {}
    """Of the customers concerned: those that were merged away, with who they are now."""
    other_goodwill: tuple[Money, ...] = ()
    """What the customer was granted out of goodwill by other complaints in the days of the rule,
    as whoever carries the command out has read it."""

    @property
    def by(self) -> str:
        """The person who acts: who is named, else who is logged in."""
        return self.on_behalf_of or self.actor.id

    @property
    def accountable(self) -> str:
        """Who counts for four eyes: a person's own key speaks for nobody else."""
        return self.actor.id if self.actor.kind == "person" else self.by

    def who(self, customer_id: str) -> str:
        """Who a customer is now: the one they were merged into, as far as it was read."""
        return self.survivors.get(customer_id, customer_id)

    @property
    def people(self) -> frozenset[str]:
        """Everybody whom four eyes see behind the command."""
        return frozenset({self.by, self.accountable})

    def new_id(self, what: str) -> UUID:
        """An id for something this command creates; the same each time it is decided."""
        return uuid5(self.command_id, what)

    def told_at(self, command: Any) -> datetime | None:
        """When the caller says it happened; up to the tolerance ahead counts as just now."""
        told: datetime | None = command.occurred_at
        return told if told is not None and told <= self.now else None

    def occurred_at(self, command: Any) -> datetime:
        """When it happened, as far as can be known before it is recorded."""
        return self.told_at(command) or self.now

    def metadata(self, command: Any) -> Metadata:
        """The envelope of the events this command leads to."""
        told = self.told_at(command)
        return Metadata(
            actor=self.actor,
            client_id=self.client_id,
            command_id=self.command_id,
            causation_id=self.causation_id,
            correlation_id=self.correlation_id,
            on_behalf_of=self.on_behalf_of,
            occurred_at=told,
            occurred_at_source="system" if told is None else self.source,
            occurred_at_precision="instant" if told is None else self.precision,
            rulebook_version=self.rules.version,
            reason=command.reason_code,
        )


# --- refusals -------------------------------------------------------------------------------


class Rejected(Exception):
    """A rule of the business forbids the command."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "Refused by a rule"
    title_zh: ClassVar[str] = "被规则拒绝"
    detail: ClassVar[str] = ""
    detail_zh: ClassVar[str] = ""

    def __init__(self, **facts: Any) -> None:
        """Take the facts (never personal ones) that the detail names."""
        super().__init__(self.detail.format(**facts))
        self.facts = facts

    def explain(self, language: str = "en") -> tuple[str, str]:
        """Title and detail in English or, for `zh`, in Chinese."""
        if language == "zh":
            return self.title_zh, self.detail_zh.format(**self.facts)
        return self.title, self.detail.format(**self.facts)


class NotAllowedAtStage(Rejected):
    """The stage of the complaint does not allow this command."""

    title = "Not allowed at this stage"
    title_zh = "当前阶段不允许此操作"
    detail = "{command} is not allowed while the complaint is {stage}."
    detail_zh = "投诉处于 {stage} 阶段时不允许 {command}。"


class ReasonRequired(Rejected):
    """This act has to be justified with a reason code and a text."""

    title = "A reason is required"
    title_zh = "必须说明理由"
    detail = "{command} needs reason_code and reason_text here."
    detail_zh = "{command} 在此情况下必须填写 reason_code 和 reason_text。"


class SecondPersonRequired(Rejected):
    """Four eyes: the person who acts may not be one who was involved before."""

    title = "A second person is required"
    title_zh = "须由第二人办理"
    detail = "{command} has to be done by somebody else: rule {rule}."
    detail_zh = "{command} 须由他人办理：规则 {rule}。"


def require_reason(command: Any) -> None:
    """Refuse a command that gives no reason."""
    if not command.reason_code or not command.reason_text:
        raise ReasonRequired(command=type(command).__name__)


# --- deciders -------------------------------------------------------------------------------


class Decider(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """One kind of stream: what may be ordered, what follows, and what that leaves."""

    name: str
    initial: S
    decide: Callable[[Any, S, Context], Sequence[Any]]
    evolve: Callable[[S, Recorded[Any]], S]
    commands: tuple[type[Any], ...]
    events: tuple[type[Any], ...]


def fold(decider: Decider[S], history: Iterable[Recorded[Any]], state: S | None = None) -> S:
    """What a history leaves, from the beginning or from a state already folded."""
    current = decider.initial if state is None else state
    evolve = decider.evolve
    for recorded in history:
        current = evolve(current, recorded)
    return current
