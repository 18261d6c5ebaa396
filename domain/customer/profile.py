"""What is known of a customer beside who they are: tier, segment 客户分群, special groups 特殊群体;
the last word counts, and a complaint keeps what was known on its own day.
"""

from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from domain.customer.state import Customer, Segment
from domain.kernel import (
    Code,
    Command,
    Context,
    Event,
    Identifier,
    Percent,
    Recorded,
    personal,
)

# None at all is a fact too: that somebody belongs to no group that needs support.
Groups = Annotated[
    list[Annotated[str, msgspec.Meta(min_length=1, max_length=100)]], personal(max_length=20)
]

# --- commands -------------------------------------------------------------------------------


class SetCustomerTier(Command, frozen=True, kw_only=True):
    """Record the customer's tier, as the source named has it."""

    tier: Code
    source: Code


class AssignSegment(Command, frozen=True, kw_only=True):
    """Put the customer in a segment, by the model named in the version named."""

    segment: Code
    model_version: Identifier
    confidence_percent: Percent | None = None


class RecordSpecialGroups(Command, frozen=True, kw_only=True):
    """Record the groups needing extra support that the customer belongs to; all of them."""

    groups: Groups
    source: Code


# --- events ---------------------------------------------------------------------------------


class CustomerTierSet(Event, frozen=True, kw_only=True):
    """The customer is of this tier from here on."""

    customer_id: Identifier
    tier: Code
    source: Code


class SegmentAssigned(Event, frozen=True, kw_only=True):
    """A model put the customer in this segment."""

    customer_id: Identifier
    segment: Code
    model_version: Identifier
    confidence_percent: Percent | None = None


class SpecialGroupsRecorded(Event, frozen=True, kw_only=True):
    """The customer belongs to these groups that need extra support, and to no others."""

    customer_id: Identifier
    groups: Groups
    source: Code


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (CustomerTierSet, SegmentAssigned, SpecialGroupsRecorded)
COMMANDS: tuple[type[Any], ...] = (SetCustomerTier, AssignSegment, RecordSpecialGroups)


def decide(command: object, customer_id: str, state: Customer, context: Context) -> list[object]:
    """Decide on the commands of this file."""
    match command:
        case SetCustomerTier(tier=tier, source=source):
            if state.tier == (tier, source):
                return []
            return [CustomerTierSet(customer_id=customer_id, tier=tier, source=source)]
        case AssignSegment():
            if state.segment == _segment(command):
                return []
            return [
                SegmentAssigned(
                    customer_id=customer_id,
                    segment=command.segment,
                    model_version=command.model_version,
                    confidence_percent=command.confidence_percent,
                )
            ]
        case RecordSpecialGroups(groups=groups, source=source):
            if state.special_groups == (tuple(groups), source):
                return []
            return [SpecialGroupsRecorded(customer_id=customer_id, groups=groups, source=source)]
    raise TypeError(command)


def _segment(told: AssignSegment | SegmentAssigned) -> Segment:
    return Segment(
        segment=told.segment,
        model_version=told.model_version,
        confidence_percent=told.confidence_percent,
    )


def evolve(state: Customer, recorded: Recorded[object]) -> Customer:
    """What the events of this file leave."""
    match recorded.event:
        case CustomerTierSet(tier=tier, source=source):
            return replace(state, tier=(tier, source))
        case SegmentAssigned() as event:
            return replace(state, segment=_segment(event))
        case SpecialGroupsRecorded(groups=groups, source=source):
            return replace(state, special_groups=(tuple(groups), source))
    return state
