"""A customer as far as decisions need it: by what they are known, and who they turned out to be."""

from datetime import datetime

import msgspec

from domain.kernel import Handle, IdentifiedBy


class Identification(msgspec.Struct, frozen=True, kw_only=True):
    """How a handle was found to be the customer's."""

    handle: Handle
    by: IdentifiedBy
    confidence_percent: int | None = None
    evidence: str | None = None


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """Until when the customer need not show again who they are, and how they did."""

    valid_until: datetime
    method: str


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """客户分群: the group a model puts the customer in."""

    segment: str
    model_version: str
    confidence_percent: int | None = None


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one customer; `customer_id` is None before anything was recorded."""

    customer_id: str | None = None
    version: int = 0
    merged_into: str | None = None
    identified: tuple[Identification, ...] = ()  # the last one for each handle
    verification: Verification | None = None
    tier: tuple[str, str] | None = None  # with its source
    segment: Segment | None = None
    special_groups: tuple[tuple[str, ...], str] | None = None  # with their source

    told: tuple[tuple[datetime, object], ...] = ()  # events with the time their callers gave
