"""The shipped pack of rules, `default@0`: requirements S1-S4, section 10."""

from domain.rules import (
    ApprovalRule,
    Duration,
    PauseRule,
    PreventionRule,
    Rules,
    ServiceLevel,
    UnreachableRule,
)

_DAY = 24 * 60


def _minutes(general: int, important: int, major: int) -> dict:  # type: ignore[type-arg]
    return {
        "general": Duration(general, "minutes"),
        "important": Duration(important, "minutes"),
        "major": Duration(major, "minutes"),
    }


DEFAULT_RULES = Rules(
    version="default@0",
    zone="Asia/Shanghai",
    service_levels=(
        ServiceLevel(clock="first_response", targets=_minutes(15, 15, 5)),
        ServiceLevel(clock="assess", targets=_minutes(15, 15, 15)),
        ServiceLevel(
            clock="resolve",
            targets=_minutes(24 * 60, 48 * 60, 48 * 60),
            pause=PauseRule(
                reasons=frozenset(
                    {
                        "waiting_on_customer",
                        "customer_unavailable",
                        "customer_asked_to_wait",
                        "appointment_with_customer",
                    }
                ),
                cap=Duration(_DAY, "minutes"),
            ),
        ),
        ServiceLevel(clock="end_to_end"),
    ),
    max_backdating_minutes={
        "agent": _DAY,
        "supervisor": 7 * _DAY,
        "legal": _DAY,
        "admin": 7 * _DAY,
    },
    unlimited_backdating=frozenset({"integrator", "import", "simulation", "policy"}),
    backdating_needs_reason_after_minutes=_DAY,
    backdating_tolerance_seconds=60,
    future_tolerance_seconds=60,
    unreachable=UnreachableRule(attempts=3, channels=2, working_days=2),
    # K7, I5: small goodwill needs no approval (the amounts are assumed)
    approval=ApprovalRule(
        limits={"general": 200_00, "important": 1_000_00, "major": 5_000_00},
        currency="CNY",
        customer_days=30,
    ),
    final_position_days=30,
    repeat_window_days=90,
    survey_valid_days=14,  # W2: asked late, nobody answers well (the number is assumed)
    prevention=PreventionRule(more_than=5, window_days=30),  # G9
    supervising_roles=frozenset({"supervisor", "admin", "simulation"}),
    problem_key_level=None,
    problem_key_version="finest@1",
    spoken_channels=frozenset({"phone", "voice", "on_site", "video"}),
    published_source_facts=frozenset(
        {"company_response", "timely_response", "disputed", "sent_to_company_on"}
    ),
    four_eyes=frozenset(
        {
            "decline",
            "regrade_down",
            "nature_away",
            "confirmation_recorder",
            "remedy_approver",
            "final_position",
            "merge",
            "survey_collector",
        }
    ),
)
