"""The shipped rules hold the numbers of requirements section 10; another rulebook may differ."""

import pytest

from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import Duration, Severity, UnreachableRule

HOUR = 60
TARGETS: list[tuple[str, Severity, int]] = [
    # S1, S2: first response; section 10: assessment; S3, S4: resolution (minutes)
    ("first_response", "general", 15),
    ("first_response", "important", 15),
    ("first_response", "major", 5),
    ("assess", "general", 15),
    ("assess", "important", 15),
    ("assess", "major", 15),
    ("resolve", "general", 24 * HOUR),
    ("resolve", "important", 48 * HOUR),
    ("resolve", "major", 48 * HOUR),
]


@pytest.mark.parametrize(("clock", "severity", "minutes"), TARGETS)
def test_the_shipped_targets_are_those_of_the_requirements(
    clock: str, severity: Severity, minutes: int
) -> None:
    level = DEFAULT_RULES.service_level(clock)
    assert level.targets[severity] == Duration(minutes, "minutes")
    assert level.calendar == "24x7"


def test_only_resolving_pauses_and_at_most_a_day_of_it_counts_in_a_cycle() -> None:
    pauses = {level.clock: level.pause for level in DEFAULT_RULES.service_levels}
    resolve = pauses.pop("resolve")
    assert resolve is not None
    assert resolve.cap == Duration(24 * HOUR, "minutes")
    assert "waiting_on_customer" in resolve.reasons
    assert set(pauses.values()) == {None}


def test_end_to_end_is_measured_and_nothing_is_promised() -> None:
    assert DEFAULT_RULES.service_level("end_to_end").targets == {}


def test_the_shipped_limits_are_those_of_the_requirements() -> None:
    rules = DEFAULT_RULES
    assert rules.version == "default@0"
    assert rules.zone == "Asia/Shanghai"
    assert rules.unreachable == UnreachableRule(attempts=3, channels=2, working_days=2)
    assert rules.max_backdating_minutes["agent"] == 24 * HOUR
    assert rules.max_backdating_minutes["supervisor"] == 7 * 24 * HOUR
    assert rules.unlimited_backdating == {"integrator", "import", "simulation", "policy"}
    assert rules.future_tolerance_seconds == 60
    assert rules.problem_key_level is None


def test_every_four_eyes_rule_is_switched_on_as_shipped() -> None:
    assert DEFAULT_RULES.four_eyes == {
        "decline",
        "regrade_down",
        "nature_away",
        "confirmation_recorder",
        "remedy_approver",
        "final_position",
        "merge",
        "survey_collector",
    }
