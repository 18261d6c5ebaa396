"""Emergencies are flagged at once and contained; customers who chase are always heard."""

from datetime import timedelta
from typing import Any

import pytest

from domain.complaint.contact import CustomerChased, RecordChaser
from domain.complaint.emergency import (
    ContainmentRecorded,
    EmergencyFlagged,
    FlagEmergency,
    RecordContainment,
)
from domain.complaint.guards import UnknownEvidence
from domain.complaint.handling import ConfirmProblem
from domain.complaint.resolution import DisputeResolution
from domain.complaint.vocabulary import DecidedBy
from domain.kernel import NotAllowedAtStage
from tests import world
from tests.spec import RECEIVED, given

HAZARD = FlagEmergency(cause="safety-hazard")
CHASER = RecordChaser(channel="phone", party="customer", summary="还要等多久？")


def test_an_emergency_says_its_cause_and_who_or_what_judged_so() -> None:
    told: dict[str, Any] = {
        "cause": "safety-hazard",
        "decided_by": DecidedBy(kind="rule", id="safety-words", version="3"),
    }
    outcome = given(world.registered()).when(FlagEmergency(**told))
    outcome.then(EmergencyFlagged(**told))
    assert outcome.state.is_emergency


def test_flagging_an_emergency_again_for_the_same_cause_is_silence() -> None:
    flagged = given(world.registered()).when(HAZARD)
    flagged.when(HAZARD).silent()
    flagged.when(FlagEmergency(cause="mass-outage")).then(EmergencyFlagged(cause="mass-outage"))


def test_a_hazard_that_comes_back_in_a_later_cycle_is_flagged_again() -> None:
    disputed = given(world.resolved()).when(HAZARD).when(DisputeResolution())
    assert not disputed.state.is_emergency
    disputed.when(HAZARD).then(EmergencyFlagged(cause="safety-hazard"))


def test_containment_says_what_was_done_and_is_no_remedy() -> None:
    told: dict[str, Any] = {
        "kind": "stop-use",
        "measure": "已电话通知客户断电停用",
        "unit_id": "after-sales",
        "evidence_id": world.EVIDENCE_ID,
    }
    outcome = given(world.proven(world.in_progress())).when(RecordContainment(**told))
    outcome.then(ContainmentRecorded(**told))
    confirm = ConfirmProblem(by="customer", how="callback")
    assert not outcome.when(confirm).events[0].is_late, "containment comes before everything"


def test_containment_rests_on_evidence_of_this_complaint() -> None:
    elsewhere = RecordContainment(kind="stop-use", evidence_id=world.EVIDENCE_ID)
    given(world.in_progress()).when(elsewhere).rejected(UnknownEvidence)


@pytest.mark.parametrize("command", [HAZARD, RecordContainment(kind="stop-use")], ids=["f", "c"])
def test_a_closed_complaint_is_no_emergency(command: Any) -> None:
    given(world.closed()).when(command).rejected(NotAllowedAtStage, stage="closed")


# --- chasers --------------------------------------------------------------------------------


def test_a_customer_who_asks_where_things_stand_has_chased() -> None:
    outcome = given(world.in_progress()).when(CHASER)
    outcome.then(CustomerChased(channel="phone", party="customer", summary="还要等多久？"))
    assert outcome.state.last_heard_at == outcome.order.now


def test_a_chaser_is_never_silent() -> None:
    at = RECEIVED + timedelta(hours=1)
    told = RecordChaser(channel="phone", party="customer", occurred_at=at)
    first = given(world.in_progress()).when(told, at=at + timedelta(minutes=9)).then(CustomerChased)
    first.when(told).then(CustomerChased)


def test_a_chaser_told_late_does_not_make_the_last_word_earlier() -> None:
    chased = given(world.in_progress()).when(CHASER)
    earlier = RecordChaser(channel="sms", party="customer", occurred_at=RECEIVED)
    assert chased.when(earlier).state.last_heard_at == chased.order.now
