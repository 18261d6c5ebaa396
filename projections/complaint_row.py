"""The rows of the view `complaints`; no field of them is personal."""

from datetime import date, datetime
from uuid import UUID

from projections.view import Row, Table


class ComplaintRow(Row, frozen=True):
    """One complaint; no personal field, the outside reference only as a keyed hash."""

    complaint_id: UUID
    version: int
    ledger_position: int  # of the last event: it grows whenever the row changes
    tracking_number: str
    # how it came in
    received_at: datetime
    received_at_precision: str
    recorded_at: datetime
    is_late_recorded: bool
    is_imported: bool
    channel: str
    source_system: str
    nature: str
    origin: str
    # where it stands
    stage: str
    waiting_on: str
    cycle: int
    severity: str
    is_provisional: bool
    is_accepted: bool
    contact_count: int
    remedy_count: int
    dispute_count: int
    reopening_count: int
    source_facts: dict[str, str]
    imprecise: dict[str, dict[str, str]]  # milestones whose time of day nobody told

    received_on: date | None = None  # the local date as told
    source_tier: str | None = None
    language: str | None = None
    region: str | None = None
    unit_complained_about: str | None = None
    received_unit: str | None = None
    complainant_role: str | None = None
    customer_id: str | None = None
    customer_tier: str | None = None
    customer_segment: str | None = None
    product_sku: str | None = None
    product_model: str | None = None
    product_batch: str | None = None
    product_supplier: str | None = None
    requested_remedy_kind: str | None = None
    disputed_amount_minor: int | None = None
    disputed_currency: str | None = None
    is_public: bool | None = None
    has_safety_signal: bool | None = None
    reply_due_at: datetime | None = None
    external_ref_hash: bytes | None = None
    handle_hash: bytes | None = None  # of who complains

    category_path: list[str] | None = None
    taxonomy_version: str | None = None
    problem_key: str | None = None
    tags: list[str] | None = None
    priority: str | None = None
    owner_unit: str | None = None
    owner_person: str | None = None

    acknowledged_at: datetime | None = None  # the first time
    first_contact_at: datetime | None = None  # the first that reached somebody
    assessed_at: datetime | None = None  # the first time
    accepted_at: datetime | None = None
    assigned_at: datetime | None = None  # the last time
    signed_for_at: datetime | None = None  # the last time
    problem_confirmed_at: datetime | None = None  # the first time
    remedy_proposed_at: datetime | None = None  # the first one
    remedy_accepted_at: datetime | None = None  # the first one
    remedy_fulfilled_at: datetime | None = None  # the last one
    first_resolved_at: datetime | None = None
    resolved_at: datetime | None = None  # in the present cycle
    confirmed_at: datetime | None = None  # in the present cycle
    disputed_at: datetime | None = None  # the last time
    reopened_at: datetime | None = None  # the last time
    closed_at: datetime | None = None  # while it is closed
    closed_at_precision: str | None = None
    closed_on: date | None = None  # the local date as told
    close_reason: str | None = None
    last_satisfaction_score: int | None = None
    waits: dict[str, str] | None = None  # what is open, by id


class SourceFactRow(Row, frozen=True):
    """What the source of a complaint says about it, under one name; the last word counts."""

    complaint_id: UUID
    name: str
    ledger_position: int
    value: str
    source_system: str
    recorded_at: datetime
    is_late_recorded: bool


COMPLAINTS = Table("complaints", ComplaintRow, ("partition", "complaint_id"))
SOURCE_FACTS = Table(
    "complaint_source_facts",
    SourceFactRow,
    ("partition", "complaint_id", "name"),
    is_loaded=False,
)
