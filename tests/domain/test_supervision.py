"""What is stuck is lifted to where it can be moved, and whoever should act is reminded."""

from datetime import timedelta
from typing import Any

import pytest

from domain.complaint.guards import UnknownTask
from domain.complaint.supervision import (
    ComplaintEscalated,
    EscalateComplaint,
    EscalatedToNobody,
    HandlerReminded,
    NothingLeftToDo,
    RemindHandler,
)
from domain.complaint.tasks import CompleteTask
from domain.kernel import NotAllowedAtStage
from tests import world
from tests.spec import RECEIVED, given

HELD_BY = ("owner_unit", "owner_person", "is_signed_for", "stage", "waiting_on")

# --- escalation -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "to", [{"level": "task-force"}, {"unit_id": "quality-board"}, {"person_id": "director-1"}]
)
def test_a_complaint_is_escalated_to_a_level_a_unit_or_a_person(to: dict[str, Any]) -> None:
    outcome = given(world.in_progress()).when(EscalateComplaint(**to, **world.WHY))
    outcome.then(ComplaintEscalated(**to, **world.WHY))


def test_an_escalation_says_to_whom() -> None:
    given(world.in_progress()).when(EscalateComplaint(**world.WHY)).rejected(EscalatedToNobody)


def test_who_holds_an_escalated_complaint_still_holds_it() -> None:
    before = given(world.in_progress())
    escalated = before.when(EscalateComplaint(unit_id="quality-board", **world.WHY))
    for kept in HELD_BY:
        assert getattr(escalated.state, kept) == getattr(before.state, kept)


def test_a_complaint_may_be_escalated_again_for_the_same_reason() -> None:
    higher = EscalateComplaint(level="task-force", **world.WHY)
    given(world.in_progress()).when(higher).when(higher).then(ComplaintEscalated)


# --- reminders ------------------------------------------------------------------------------


def test_with_nobody_named_the_holder_is_reminded() -> None:
    reminder = RemindHandler(about="resolve", message="明天到期")
    given(world.in_progress()).when(reminder).then(
        HandlerReminded(
            about="resolve", unit_id=world.UNIT, person_id=world.HANDLER, message="明天到期"
        )
    )


def test_before_anybody_accepted_it_the_unit_that_received_it_is_reminded() -> None:
    outcome = given(world.registered()).when(RemindHandler(about="assess"))
    outcome.then(HandlerReminded(about="assess", unit_id="hotline"))


def test_a_unit_at_work_on_a_part_is_reminded_of_its_task_and_not_the_holder() -> None:
    reminder = RemindHandler(about="task", unit_id="workshop", task_id=world.TASK_ID)
    given(world.waiting(world.in_progress())).when(reminder).then(
        HandlerReminded(about="task", unit_id="workshop", task_id=world.TASK_ID)
    )


def test_a_colleague_of_the_unit_may_be_reminded_by_name() -> None:
    outcome = given(world.in_progress()).when(RemindHandler(about="call", person_id="expert-1"))
    outcome.then(HandlerReminded(about="call", unit_id=world.UNIT, person_id="expert-1"))


def test_nobody_is_reminded_of_a_task_that_is_done_or_of_none_at_all() -> None:
    before = given(world.waiting(world.in_progress()))
    reminder = RemindHandler(about="task", task_id=world.TASK_ID)
    done = before.when(CompleteTask(task_id=world.TASK_ID))
    done.when(reminder).rejected(NothingLeftToDo, task_id=world.TASK_ID, status="done")
    given(world.in_progress()).when(reminder).rejected(UnknownTask)


def test_every_reminder_counts() -> None:
    at = RECEIVED + timedelta(minutes=22)
    reminder = RemindHandler(about="resolve", occurred_at=at)
    first = given(world.in_progress()).when(reminder).then(HandlerReminded)
    first.when(reminder).then(HandlerReminded)


@pytest.mark.parametrize(
    "command",
    [EscalateComplaint(level="task-force", **world.WHY), RemindHandler(about="resolve")],
    ids=["escalate", "remind"],
)
def test_nobody_is_urged_to_work_on_a_closed_complaint(command: Any) -> None:
    given(world.closed()).when(command).rejected(NotAllowedAtStage, stage="closed")
