"""Joint work: what is delegated is done before anything is resolved, or ends with a close."""

from datetime import timedelta
from typing import Any

from domain.complaint.closure import ReopenComplaint, WithdrawComplaint
from domain.complaint.handling import ReturnAssignment
from domain.complaint.referral import ReportOutcomeToBody
from domain.complaint.resolution import ResolveComplaint, TaskOpen
from domain.complaint.tasks import CompleteTask, DelegateTask, TaskCompleted, TaskDelegated
from domain.kernel import NotAllowedAtStage
from tests import world
from tests.spec import ANY_ID, RECEIVED, Given, given

TASK = DelegateTask(kind="inspection", unit_id="workshop")
DONE = CompleteTask(task_id=world.TASK_ID)
REPORTED = ReportOutcomeToBody(referral_id=world.REFERRAL_ID)
WITHDRAW = WithdrawComplaint(evidence_id=world.EVIDENCE_ID, **world.WHY)


def waiting() -> Given:
    """A complaint in progress, its problem confirmed, that waits for everything at once."""
    return given(world.waiting(world.proven(world.problem_confirmed())))


def test_a_task_says_what_is_to_be_done_by_whom_and_until_when() -> None:
    told: dict[str, Any] = {
        "kind": "inspection",
        "unit_id": "workshop",
        "person_id": "engineer-3",
        "instructions": "检查毛细管",
        "due_at": RECEIVED + timedelta(days=1),
        "evidence_ids": [world.EVIDENCE_ID],
    }
    outcome = given(world.proven(world.problem_confirmed())).when(DelegateTask(**told))
    outcome.then(TaskDelegated(task_id=ANY_ID, **told))
    assert outcome.state.waiting_on == "task"


def test_a_completed_task_says_what_came_of_it() -> None:
    told: dict[str, Any] = {
        "task_id": world.TASK_ID,
        "outcome": "fault-found",
        "result": "焊点泄漏",
        "evidence_ids": [world.EVIDENCE_ID],
    }
    waiting().when(CompleteTask(**told)).then(TaskCompleted(**told))


def test_a_complaint_with_an_open_task_is_not_resolved() -> None:
    delegated = given(world.problem_confirmed()).when(TASK)
    task_id = delegated.events[0].task_id
    delegated.when(ResolveComplaint()).rejected(TaskOpen, task_id=task_id)
    done = delegated.when(CompleteTask(task_id=task_id))
    assert done.state.waiting_on == "none"
    assert done.when(ResolveComplaint()).state.stage == "resolved"


def test_every_open_task_has_to_be_completed() -> None:
    first = given(world.problem_confirmed()).when(TASK)
    second = first.when(TASK)
    one_done = second.when(CompleteTask(task_id=first.events[0].task_id))
    assert one_done.state.waiting_on == "task"
    one_done.when(ResolveComplaint()).rejected(TaskOpen, task_id=second.events[0].task_id)


def test_completing_a_task_twice_is_silence() -> None:
    waiting().when(DONE).when(DONE).silent()


def test_tasks_of_a_complaint_handed_back_stay_open() -> None:
    back = given(world.problem_confirmed()).when(TASK).when(ReturnAssignment(**world.WHY))
    assert (back.state.stage, back.state.waiting_on) == ("accepted", "task")


def test_a_close_ends_the_tasks_that_were_open() -> None:
    closed = waiting().when(WITHDRAW)
    assert (closed.state.stage, closed.state.waiting_on) == ("closed", "none")
    closed.when(DONE).rejected(NotAllowedAtStage, stage="closed")


def test_a_reopened_complaint_waits_for_no_task_of_before() -> None:
    reopened = waiting().when(REPORTED).when(WITHDRAW).when(ReopenComplaint(**world.WHY))
    assert (reopened.state.stage, reopened.state.waiting_on) == ("in_progress", "none")
    assert reopened.when(ResolveComplaint()).state.stage == "resolved"


def test_work_done_on_a_task_of_before_is_still_recorded() -> None:
    reopened = waiting().when(WITHDRAW).when(ReopenComplaint(**world.WHY))
    reopened.when(DONE).then(TaskCompleted(task_id=world.TASK_ID))
