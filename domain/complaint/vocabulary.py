"""The words a complaint is described in: registration (I13) and initial assessment."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from domain.kernel import (
    Code,
    Handle,
    Identifier,
    Label,
    Moment,
    Money,
    Narrative,
    Percent,
    PersonalText,
    Value,
    personal,
)
from domain.rules import Severity

Nature = Literal["complaint", "enquiry", "suggestion", "report", "praise"]
Stage = Literal[
    "registered", "assessed", "accepted", "in_progress", "resolved", "final_position", "closed"
]
WaitingOn = Literal["none", "customer", "task", "supplier", "external_body"]
CloseReason = Literal[
    "verified",
    "final_position",
    "unreachable",
    "withdrawn",
    "declined",
    "duplicate",
    "settled_outside",
    "imported",
]
Origin = Literal["person", "bot"]
PartyRole = Literal["customer", "complainant", "representative", "reporter"]
How = Literal["callback", "link", "in_writing", "on_site"]

Factor = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Language = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}(?!\n)$")]
CustomerIds = Annotated[list[Identifier], msgspec.Meta(min_length=1, max_length=1000)]


class Complainant(Value, frozen=True, kw_only=True):
    """Who speaks: the customer, somebody for the customer, or an outside reporter."""

    role: PartyRole
    party_id: Identifier | None = None
    handle: Handle | None = None  # how to reach them, and by what to know them again


class RequestedRemedy(Value, frozen=True, kw_only=True):
    """诉求: what the complainant asks for."""

    kind: Code
    text: Annotated[str, personal(min_length=1, max_length=10_000)] | None = None


class Product(Value, frozen=True, kw_only=True):
    """The goods or the service complained about, down to the single unit and its batch."""

    sku: Identifier | None = None
    model: Label | None = None
    serial_no: PersonalText | None = None
    batch: Label | None = None
    supplier: Label | None = None


class Purchase(Value, frozen=True, kw_only=True):
    """Where and when it was bought, and until when it is under warranty."""

    channel: Code | None = None
    date: dt.date | None = None
    warranty_until: dt.date | None = None


class Exposure(Value, frozen=True, kw_only=True):
    """How public the complaint is."""

    is_public: bool
    platform: Label | None = None
    url: Annotated[str, personal(min_length=1, max_length=2000)] | None = None
    reach: Count | None = None


class Known(Value, frozen=True, kw_only=True):
    """A fact about the customer as known on the day of receipt, with its source."""

    value: Code
    source: Code


class SpecialGroups(Value, frozen=True, kw_only=True):
    """特殊群体: the groups needing extra support that the customer is said to belong to."""

    values: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1, max_length=100)]],
        personal(min_length=1, max_length=20),
    ]
    source: Code


class Facts(Value, frozen=True, kw_only=True):
    """Everything a registration may record (ISO 10002 initial report); absent is not known."""

    # who
    complainant: Complainant | None = None
    joint_customer_ids: CustomerIds | None = None  # of a joint complaint, beside the first one
    represented_count: Count | None = None
    authority_evidence_id: UUID | None = None
    # how
    channel: Code | None = None
    source_tier: Code | None = None
    source_system: Identifier | None = None
    external_ref: PersonalText | None = None
    outside_body_ref: PersonalText | None = None
    reply_due_at: Moment | None = None
    received_unit: Identifier | None = None
    origin: Origin | None = None
    language: Language | None = None
    # about
    nature: Nature | None = None
    narrative: Narrative | None = None
    requested_remedy: RequestedRemedy | None = None
    product: Product | None = None
    order_ref: PersonalText | None = None
    purchase: Purchase | None = None
    unit_complained_about: Label | None = None
    region: Identifier | None = None
    problem_at: Moment | None = None
    disputed_amount: Money | None = None
    exposure: Exposure | None = None
    safety_signal: bool | None = None
    immediate_action: Annotated[str, personal(min_length=1, max_length=10_000)] | None = None
    # as known that day
    customer_tier: Known | None = None
    customer_segment: Known | None = None
    # marked as a whole: that somebody belongs to a group at all is sensitive
    special_groups: Annotated[SpecialGroups, personal()] | None = None

    def known(self) -> dict[str, object]:
        """The facts that are present, by name."""
        return {
            name: value
            for name in Facts.__struct_fields__
            if (value := getattr(self, name)) is not None
        }


class ImmediateAction(Value, frozen=True, kw_only=True):
    """Whether something has to be done at once, can be done, and has been done."""

    needed: bool
    possible: bool | None = None
    taken: bool | None = None


class Category(Value, frozen=True, kw_only=True):
    """A place in the taxonomy, from coarse to fine, in the version it was chosen from."""

    path: Annotated[list[Label], msgspec.Meta(min_length=1, max_length=6)]
    taxonomy_version: Identifier


class Priority(Value, frozen=True, kw_only=True):
    """紧急/高/中/低: the place in the queue, with what it was computed from."""

    level: Literal["urgent", "high", "medium", "low"]
    inputs: dict[Code, Factor] = {}
    score: Factor | None = None


class DecidedBy(Value, frozen=True, kw_only=True):
    """Who or what judged: a person, a rule, a model or an import, in which version."""

    kind: Literal["person", "rule", "model", "import"]
    id: Identifier | None = None
    version: Identifier | None = None
    confidence_percent: Percent | None = None
    is_override: bool = False


class Assessment(Value, frozen=True, kw_only=True):
    """初步评审: what the initial assessment judges; without severity the grade is provisional."""

    category: Category
    decided_by: DecidedBy
    severity: Severity | None = None
    nature: Nature | None = None
    tags: Annotated[list[Label], msgspec.Meta(max_length=50)] = []
    safety_implication: bool | None = None
    complexity: Literal["simple", "complex"] | None = None
    impact_scope: Code | None = None
    immediate_action: ImmediateAction | None = None
    about_handling: bool | None = None  # of an earlier complaint or request, not of anything else
    about_handling_of: UUID | None = None  # where that one was a complaint
    priority: Priority | None = None


SEVERITY_ORDER: dict[Severity, int] = {"general": 0, "important": 1, "major": 2}
