"""The shape of the rules that deciders and views read; their values are versioned data."""

from typing import Literal

import msgspec

Severity = Literal["general", "important", "major"]
Unit = Literal["minutes", "business_minutes", "calendar_days", "working_days", "calendar_months"]
ClockName = Literal["first_response", "assess", "resolve", "end_to_end"]


class Duration(msgspec.Struct, frozen=True):
    """An amount of time in the unit it is counted in."""

    amount: int
    unit: Unit


class PauseRule(msgspec.Struct, frozen=True, kw_only=True):
    """For what reasons a clock may be paused, and how much of its pauses counts in a cycle.

    All of them mean that the customer is waited for; an open request to the customer pauses too.
    """

    reasons: frozenset[str]
    cap: Duration


class ServiceLevel(msgspec.Struct, frozen=True, kw_only=True):
    """What is promised for one clock: a target a severity; none at all is legal."""

    clock: ClockName
    targets: dict[Severity, Duration] = {}
    calendar: str = "24x7"
    pause: PauseRule | None = None  # it never pauses


class UnreachableRule(msgspec.Struct, frozen=True, kw_only=True):
    """How often a customer has to be tried before a complaint closes as unreachable."""

    attempts: int
    channels: int
    working_days: int


class ApprovalRule(msgspec.Struct, frozen=True, kw_only=True):
    """How much goodwill a handler may grant alone, by severity, and over how many days it adds up.

    A severity that is not named has no limit.
    """

    limits: dict[Severity, int]  # minor units; amounts of a complaint and of its customer
    currency: str
    customer_days: int


class PreventionRule(msgspec.Struct, frozen=True, kw_only=True):
    """How many complaints of one problem, received within so many days, call for prevention."""

    more_than: int
    window_days: int


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the rulebook: every number and switch of the domain."""

    version: str
    zone: str  # whose local dates count as days
    service_levels: tuple[ServiceLevel, ...]
    max_backdating_minutes: dict[str, int]  # by role; a role not named may not backdate
    unlimited_backdating: frozenset[str]  # kinds of actor or roles that are exempt
    backdating_needs_reason_after_minutes: int
    backdating_tolerance_seconds: int  # a clock that is a little off backdates nothing
    future_tolerance_seconds: int
    unreachable: UnreachableRule
    approval: ApprovalRule
    final_position_days: int  # without an answer, before a last word closes the complaint
    repeat_window_days: int  # after a close: what comes back within it is a repeat, or a return
    survey_valid_days: int  # after a resolution: a later answer is kept, and counts no more
    prevention: PreventionRule
    supervising_roles: frozenset[str]
    problem_key_level: int | None  # None: the finest label of the category
    problem_key_version: str
    spoken_channels: frozenset[str]  # what is said there is no written notice
    published_source_facts: frozenset[str]  # the only ones that bi and analysts see
    four_eyes: frozenset[str]  # the rules that are switched on

    def service_level(self, clock: str) -> ServiceLevel:
        """The promise for a clock."""
        return next(level for level in self.service_levels if level.clock == clock)
