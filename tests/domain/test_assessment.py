"""Assessment, problem key, acceptance and non-acceptance."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from domain.complaint.assessment import (
    AcceptComplaint,
    AssessComplaint,
    ComplaintAccepted,
    ComplaintAssessed,
    DeclineComplaint,
    problem_key,
)
from domain.complaint.intake import CorrectField
from domain.complaint.vocabulary import Assessment, Category, DecidedBy, Facts, Product
from domain.rulebook.defaults import DEFAULT_RULES
from tests import world
from tests.spec import given

MODEL = DecidedBy(kind="model", id="classifier", version="3.1", confidence_percent=87)


def assess(**told: Any) -> AssessComplaint:
    """A justified assessment."""
    return AssessComplaint(**{**world.ASSESSED, **world.WHY, **told})


def judged(*path: str) -> Assessment:
    """An assessment into this category."""
    return Assessment(
        category=Category(path=list(path), taxonomy_version="2026-01"),
        decided_by=DecidedBy(kind="person"),
    )


def test_an_assessment_says_what_it_is_how_grave_and_who_judged() -> None:
    outcome = given(world.registered()).when(AssessComplaint(**world.ASSESSED), by=world.ASSESSOR)
    outcome.then(
        ComplaintAssessed(
            **world.ASSESSED, problem_key="产品质量 > 空调 > 不制冷", key_version="finest@1"
        )
    )
    state = outcome.state
    assert (state.severity, state.is_provisional) == ("general", False)
    assert state.assessed_by == world.ASSESSOR


def test_until_it_is_graded_a_complaint_is_provisionally_general() -> None:
    registered = given(world.registered())
    ungraded = registered.when(assess(severity=None))
    for state in (registered.state, ungraded.state):
        assert (state.severity, state.is_provisional) == ("general", True)
    assert ungraded.state.stage == "assessed"
    assert not ungraded.when(assess(severity="general")).state.is_provisional


def test_the_judgement_of_a_model_is_kept_with_its_version_and_confidence() -> None:
    event = given(world.registered()).when(assess(decided_by=MODEL)).events[0]
    assert event.decided_by == MODEL


def test_a_complaint_can_be_assessed_again_at_any_stage_and_stays_there() -> None:
    outcome = given(world.confirmed()).when(assess(severity="major"))
    assert (outcome.state.stage, outcome.state.severity) == ("resolved", "major")


def test_the_nature_is_what_the_last_assessment_says_of_it() -> None:
    enquiry = given(world.registered(nature="enquiry"))
    assert enquiry.when(assess()).state.nature == "enquiry"
    assert enquiry.when(assess(nature="complaint")).state.nature == "complaint"


# --- problem key ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "model", "level", "key"),
    [
        (("产品质量", "空调", "不制冷"), None, None, "产品质量 > 空调 > 不制冷"),
        (("产品质量", "空调", "不制冷"), "KFR-35", None, "产品质量 > 空调 > 不制冷 # KFR-35"),
        (("产品质量", "空调", "不制冷"), "KFR-35", 2, "产品质量 > 空调 # KFR-35"),
        (("产品质量", "空调", "不制冷"), None, 1, "产品质量"),
        (("服务",), None, 3, "服务"),
    ],
)
def test_the_problem_key_is_the_category_at_the_level_named_and_the_model(
    path: tuple[str, ...], model: str | None, level: int | None, key: str
) -> None:
    assert problem_key(judged(*path), model, level) == key


def test_the_problem_key_is_stored_with_the_version_of_its_rule() -> None:
    coarse = replace(DEFAULT_RULES, problem_key_level=1, problem_key_version="coarse@2")
    product = Product(model="KFR-35", serial_no="SN-1")
    before = given(world.registered(product=product))
    event = before.when(AssessComplaint(**world.ASSESSED), rules=coarse).events[0]
    assert (event.problem_key, event.key_version) == ("产品质量 # KFR-35", "coarse@2")


def test_the_problem_key_names_no_single_unit() -> None:
    product = Product(serial_no="SN-1", batch="B-7", sku="KFR35-W")
    event = given(world.registered(product=product)).when(assess()).events[0]
    assert event.problem_key == "产品质量 > 空调 > 不制冷"


def test_a_corrected_model_counts_from_the_next_assessment_on() -> None:
    before = given(world.registered(product=Product(model="KFR-35"))).when(assess())
    fixed = Facts(product=Product(model="KFR-50"))
    corrected = before.when(CorrectField(new=fixed, **world.WHY))
    assert corrected.state.problem_key == "产品质量 > 空调 > 不制冷 # KFR-35"
    assert corrected.when(assess()).state.problem_key == "产品质量 > 空调 > 不制冷 # KFR-50"


# --- acceptance -----------------------------------------------------------------------------


def test_the_unit_that_accepts_a_complaint_owns_it_from_here_on() -> None:
    outcome = given(world.assessed()).when(AcceptComplaint(unit_id=world.UNIT))
    outcome.then(ComplaintAccepted(unit_id=world.UNIT))
    state = outcome.state
    assert (state.owner_unit, state.owner_person, state.holder_unit) == (
        world.UNIT,
        None,
        world.UNIT,
    )


def test_nobody_accepts_a_complaint_without_naming_the_unit_that_owns_it() -> None:
    with pytest.raises(msgspec.ValidationError, match="unit_id"):
        msgspec.convert({}, AcceptComplaint)


def test_a_declined_complaint_never_had_an_owner() -> None:
    decline = DeclineComplaint(notice=world.NOTICE, **world.WHY)
    outcome = given(world.assessed()).when(decline, by=world.SUPERVISOR)
    assert (outcome.state.owner_unit, outcome.state.is_accepted) == (None, False)
    assert outcome.state.close_reason == "declined"


def test_the_first_severity_settles_the_grade_and_needs_no_reason() -> None:
    ungraded = given(world.assessed(severity=None))
    assert ungraded.state.is_provisional
    settled = ungraded.when(AssessComplaint(**{**world.ASSESSED, "severity": "major"}))
    assert (settled.state.severity, settled.state.is_provisional) == ("major", False)
