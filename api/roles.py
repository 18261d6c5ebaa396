"""Who may order what: the role × command table, as data (architecture 6)."""

from collections.abc import Iterable
from typing import Literal, get_args

Role = Literal["agent", "supervisor", "integrator", "auditor", "analyst", "legal", "admin"]
"""The roles a key can have."""

ROLES: tuple[str, ...] = get_args(Role)
INTERNAL_ROLES = ("import", "simulation", "policy")
"""Roles of our own programs; no key has them."""

POLICY = "policy"
"""The role of policies: what one complaint's events order of another."""

POLICY_ONLY = frozenset({"RecordMergeReceived", "RecordMergeReverted"})
SUPERVISOR_ONLY = frozenset(
    {
        "DeclineComplaint",
        "ReopenComplaint",
        "ApproveRemedy",
        "RejectRemedy",
        "MergeComplaint",
        "UnmergeComplaint",
        "DeclareFinalPosition",
        "MergeCustomers",
        "SplitCustomer",
        "EscalateComplaint",
    }
)
INTEGRATOR = frozenset(
    {
        "RegisterComplaint",
        "AddDetail",
        "CorrectField",
        "RecordSourceFact",
        "RecordInformation",
        "RecordSatisfaction",
        "IdentifyCustomer",
        "ReleaseHandle",
        "SetCustomerTier",
        "AssignSegment",
    }
)

READ_COMPLAINTS = frozenset({"agent", "supervisor", "auditor", "analyst", "legal", "admin"})
READ_PERSONAL = frozenset({"agent", "supervisor", "auditor", "legal", "admin"})
READ_HISTORY = frozenset({"agent", "supervisor", "auditor", "legal", "admin"})
READ_FEED = READ_HISTORY | {"integrator"}
MAY_FOLLOW = {"access": frozenset({"auditor", "admin"}), "refusal": READ_HISTORY}
"""Who may read these slices in the feed; the others are for everybody who reads it."""
READ_METRICS = frozenset({"admin"})


def may_order(role: str, command: str) -> bool:
    """Whether a role may give a command."""
    if command in POLICY_ONLY:
        return role == POLICY
    match role:
        case "admin" | "supervisor" | "import" | "simulation" | "policy":
            return True
        case "agent":
            return command not in SUPERVISOR_ONLY
        case "integrator":
            return command in INTEGRATOR
    return False


def is_for_keys(command: str) -> bool:
    """Whether any key can give a command; the others are for our own programs."""
    return any(may_order(role, command) for role in ROLES)


def table(commands: Iterable[str]) -> dict[str, dict[str, bool]]:
    """The whole table, command by role."""
    return {name: {role: may_order(role, name) for role in ROLES} for name in commands}
