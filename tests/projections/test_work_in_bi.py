"""The work in `bi`: what depends on the present, and what has to agree with the complaints."""

from typing import Any

import psycopg

from domain.complaint.approval import RemedyApproved
from domain.complaint.handling import ComplaintAssigned
from domain.complaint.merge import ComplaintUnmerged
from domain.complaint.remedy import RemedyAccepted, RemedyProposed
from domain.complaint.state import ComplaintClosed
from domain.complaint.tasks import TaskCompleted, TaskDelegated
from domain.kernel import Money, Recorded
from tests import world
from tests.conftest import Database
from tests.projections.folding import after, in_order, told
from tests.projections.histories import in_stream, store, woven
from tests.projections.reading import rows
from tests.projections.running import runner

HOUR = 60


def shown(database: Database, events: list[Recorded[Any]], minutes: float, statement: str) -> Any:
    """The first row a statement finds after these events, as things stand that late."""
    store(database.owner, woven(in_stream(1, in_order(events))))
    runner(database).catch_up()
    with psycopg.connect(database.uri("closedloop_bi")) as bi:
        present = after(minutes).isoformat()
        bi.execute("SELECT set_config('closedloop.present', %s, false)", (present,))
        return bi.execute(statement.encode()).fetchone()


# --- what depends on the present --------------------------------------------------------------

TASK = "SELECT status, is_overdue, is_completed_late, late_minutes FROM bi.tasks"
DELEGATED = [
    *world.in_progress(),
    told(
        TaskDelegated(
            task_id=world.TASK_ID, kind="inspection", unit_id="west", due_at=after(3 * HOUR)
        ),
        HOUR,
    ),
]
COMPLETED = TaskCompleted(task_id=world.TASK_ID)
MERGED = told(ComplaintClosed(reason="duplicate"), 2 * HOUR)
UNMERGED = ComplaintUnmerged(
    target_id=world.SURVIVOR_ID, stage="in_progress", reason_code="another-problem"
)


def test_a_task_is_overdue_once_its_due_has_passed_and_not_before(fresh_database: Database) -> None:
    early = shown(fresh_database, DELEGATED, 3 * HOUR, TASK)
    assert early == ("open", False, False, None)
    with psycopg.connect(fresh_database.uri("closedloop_bi")) as bi:
        late = after(4 * HOUR).isoformat()
        bi.execute("SELECT set_config('closedloop.present', %s, false)", (late,))
        assert bi.execute(TASK.encode()).fetchone() == ("open", True, False, 60)


def test_a_task_done_after_its_due_is_late_and_no_longer_overdue(fresh_database: Database) -> None:
    events = [*DELEGATED, told(COMPLETED, 5 * HOUR)]
    assert shown(fresh_database, events, 9 * HOUR, TASK) == ("completed", False, True, 120)


def test_a_task_of_a_merged_complaint_is_overdue_only_if_the_merge_is_undone(
    fresh_database: Database,
) -> None:
    assert shown(fresh_database, [*DELEGATED, MERGED], 9 * HOUR, TASK) == (
        "suspended",
        False,
        False,
        None,
    )
    undone = in_stream(1, in_order([*DELEGATED, MERGED, told(UNMERGED, 5 * HOUR)]))[-1:]
    store(fresh_database.owner, undone)
    runner(fresh_database).catch_up()
    assert rows(fresh_database, "SELECT status, is_overdue FROM bi.tasks") == [("open", True)]


def test_an_assignment_nobody_signs_for_waits_until_now(fresh_database: Database) -> None:
    events = [*world.accepted(), told(ComplaintAssigned(unit_id="west"), HOUR)]
    found = shown(
        fresh_database,
        events,
        5 * HOUR,
        "SELECT status, is_waiting_for_sign_off, sign_off_wait_minutes, person FROM bi.assignments",
    )
    assert found == ("waiting", True, 240, "unknown")


def test_a_remedy_accepted_and_not_carried_out_is_outstanding_for_so_many_days(
    fresh_database: Database,
) -> None:
    act = {"remedy_id": world.OFFER_ID}
    amount = Money(minor=30_000, currency="CNY")
    events = [
        *world.in_progress(),
        told(RemedyProposed(**act, kind="refund", basis="goodwill", amount=amount), HOUR),
        told(RemedyApproved(**act), 2 * HOUR),
        told(RemedyAccepted(**act), 3 * HOUR),
    ]
    found = shown(
        fresh_database,
        events,
        63 * HOUR,
        "SELECT is_outstanding, days_outstanding, days_to_fulfil, time_to_approve_minutes,"
        " offered_amount_minor, fulfilled_amount_minor, currency FROM bi.remedies",
    )
    assert found == (True, 2.5, None, 60, 30_000, 0, "CNY")


# --- what has to agree ------------------------------------------------------------------------


def test_whoever_was_given_a_complaint_that_is_open_is_its_owner(filled: Database) -> None:
    differing = rows(
        filled,
        "SELECT c.complaint_id FROM bi.complaints AS c LEFT JOIN bi.assignments AS a"
        " ON a.complaint_id = c.complaint_id AND a.is_open"
        " WHERE c.stage IN ('in_progress', 'resolved', 'final_position') AND c.owner_person <>"
        " coalesce(nullif(a.signed_for_by, 'unknown'), a.person, 'unknown')",
    )
    assert differing == []
    several = rows(
        filled,
        "SELECT 1 FROM bi.assignments WHERE is_open GROUP BY complaint_id HAVING count(*) > 1",
    )
    assert several == []


def test_contacts_and_remedies_are_as_many_as_the_complaints_say(filled: Database) -> None:
    differing = rows(
        filled,
        "SELECT c.complaint_id FROM bi.complaints AS c"
        " LEFT JOIN (SELECT complaint_id, count(*) FILTER (WHERE NOT is_chaser) AS number"
        " FROM bi.contacts GROUP BY 1) AS k USING (complaint_id)"
        " LEFT JOIN (SELECT complaint_id, count(*) AS number FROM bi.remedies GROUP BY 1) AS m"
        " USING (complaint_id)"
        " WHERE (c.contact_count, c.remedy_count)"
        " <> (coalesce(k.number, 0), coalesce(m.number, 0))",
    )
    assert differing == []


def test_a_complaint_waits_for_a_task_exactly_while_one_is_open(filled: Database) -> None:
    wrong = rows(
        filled,
        "SELECT c.complaint_id FROM bi.complaints AS c WHERE c.is_open"
        " AND c.waiting_on IN ('none', 'task') AND (c.waiting_on = 'task') <> EXISTS ("
        " SELECT FROM bi.tasks AS t WHERE t.complaint_id = c.complaint_id AND t.is_open)",
    )
    assert wrong == []


def test_every_fact_is_of_a_cycle_there_is(filled: Database) -> None:
    for relation in ("complaint_stages", "assignments", "tasks", "remedies", "contacts"):
        lost = rows(
            filled,
            f"SELECT f.cycle_id FROM bi.{relation} AS f"
            " LEFT JOIN bi.complaint_cycles AS y USING (cycle_id) WHERE y.cycle_id IS NULL",
        )
        assert lost == [], relation
