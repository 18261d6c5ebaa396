"""Policies: what follows from an event elsewhere. Each is a sentence, and pure; the runner of the
views has them react, event by event, and appends what their orders come to.
"""

from domain.policies.classify_repeat import CLASSIFY_REPEAT
from domain.policies.link_complaints_to_identified_customer import (
    LINK_COMPLAINTS_TO_IDENTIFIED_CUSTOMER,
)
from domain.policies.policy import Policy
from domain.policies.signal_prevention import SIGNAL_PREVENTION
from domain.policies.tell_survivor_of_merge import TELL_SURVIVOR_OF_MERGE

ALL_POLICIES: tuple[Policy, ...] = (
    TELL_SURVIVOR_OF_MERGE,
    LINK_COMPLAINTS_TO_IDENTIFIED_CUSTOMER,
    CLASSIFY_REPEAT,
    SIGNAL_PREVENTION,
)
"""Every policy there is."""

POLICIES = tuple(policy.name for policy in ALL_POLICIES)
"""Their permanent names; they key the positions."""
