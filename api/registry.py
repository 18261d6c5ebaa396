"""Every slice there is, and the closed set of event types that the ledger is given."""

from domain.access import ACCESS
from domain.complaint import COMPLAINT
from domain.customer import CUSTOMER
from domain.prevention import PREVENTION
from domain.refusal import REFUSAL
from ledger.registry import Registry

DECIDERS = (COMPLAINT, CUSTOMER, ACCESS, REFUSAL, PREVENTION)
"""Every slice there is."""


def registry() -> Registry:
    """The closed set of event types, of all slices."""
    return Registry(event for decider in DECIDERS for event in decider.events)
