"""Cycles and stays in a database of random histories: in `bi`, and as worked out a second time."""

import pytest

from tests.conftest import Database
from tests.projections import independent_cycles
from tests.projections.raw_events import raw_events
from tests.projections.reading import rows
from tests.projections.running import query


def test_bi_shows_no_hour_nobody_told_and_no_length_nobody_can_know(filled: Database) -> None:
    [cycle] = rows(
        filled,
        "SELECT y.started_date = c.received_date, y.started_hour, y.closed_date = c.closed_date,"
        " y.closed_at = c.closed_at, y.closed_hour, y.time_to_close_minutes, y.outcome,"
        " y.close_reason, y.started_by FROM bi.complaint_cycles AS y"
        " JOIN bi.complaints AS c USING (complaint_id) WHERE c.source_system = 'cfpb'",
    )
    assert cycle == (True, None, True, True, None, None, "closed", "imported", "receipt")
    found = rows(
        filled,
        "SELECT s.stage, s.entered_at IS NULL, s.stay_minutes, s.entered_by_event"
        " FROM bi.complaint_stages AS s WHERE s.source_system = 'cfpb' ORDER BY s.stay",
    )
    assert found == [
        ("registered", False, None, "ComplaintRegistered"),
        ("assessed", True, None, "ComplaintAssessed"),
        ("closed", True, None, "ComplaintClosed"),
    ]


MICROSECONDS = "(extract(epoch FROM {0}) * 1000000)::bigint"


def at(*names: str) -> str:
    return ", ".join(MICROSECONDS.format(f"{name}_at") for name in names)


@pytest.fixture(scope="module")
def histories(filled: Database) -> dict[str, list[independent_cycles.Told]]:
    return independent_cycles.histories(raw_events(filled.owner))


def test_cycles_are_those_an_independent_reading_of_the_events_finds(
    filled: Database, histories: dict[str, list[independent_cycles.Told]]
) -> None:
    expected = {
        (stream, *line)
        for stream, history in histories.items()
        for line in independent_cycles.cycles(history)
    }
    shown = query(
        filled,
        "SELECT complaint_id::text, cycle, CASE started_by WHEN 'receipt' THEN"
        " 'ComplaintRegistered' WHEN 'dispute' THEN 'ResolutionDisputed'"
        " ELSE 'ComplaintReopened' END,"
        f" {at('started', 'resolved')}, resolution_outcome, resolved_by,"
        f" {at('confirmed')}, confirmed_by, confirmed_how,"
        f" {at('disputed', 'final_position', 'closed')}, close_reason, {at('reopened')},"
        " holder_unit, holder_person FROM views.complaint_cycles",
    )
    assert len(shown) == len(expected) > len(histories)
    assert set(shown) == expected


def test_stays_are_those_an_independent_reading_of_the_events_finds(
    filled: Database, histories: dict[str, list[independent_cycles.Told]]
) -> None:
    expected = {
        (stream, number, *line)
        for stream, history in histories.items()
        for number, line in enumerate(independent_cycles.stays(history), 1)
    }
    shown = query(
        filled,
        f"SELECT complaint_id::text, stay, stage, cycle, {at('entered')}, entered_by,"
        f" {at('left')}, left_by, holder_unit, holder_person FROM views.complaint_stages",
    )
    assert len(shown) == len(expected)
    assert set(shown) == expected


def test_the_last_stay_and_the_last_cycle_are_where_the_complaint_stands(filled: Database) -> None:
    differing = rows(
        filled,
        "SELECT c.complaint_id FROM bi.complaints AS c"
        " LEFT JOIN bi.complaint_stages AS s"
        " ON s.complaint_id = c.complaint_id AND s.is_present_stay"
        " LEFT JOIN bi.complaint_cycles AS y"
        " ON y.complaint_id = c.complaint_id AND y.is_present_cycle"
        " WHERE (s.stage, s.cycle, y.cycle, y.close_reason) IS DISTINCT FROM"
        " (c.stage, c.cycle, c.cycle, c.close_reason)"
        " OR (y.resolved_at, y.confirmed_at, y.closed_at) IS DISTINCT FROM"
        " (c.resolved_at, c.confirmed_at, c.closed_at)",
    )
    assert differing == []


def test_a_cycle_disputed_or_reopened_is_followed_by_another(filled: Database) -> None:
    lonely = rows(
        filled,
        "SELECT y.cycle_id FROM bi.complaint_cycles AS y WHERE y.is_present_cycle = EXISTS ("
        " SELECT FROM bi.complaint_cycles AS n"
        " WHERE n.complaint_id = y.complaint_id AND n.cycle = y.cycle + 1)",
    )
    assert lonely == []


def test_what_has_not_happened_has_no_length_and_no_length_is_negative(filled: Database) -> None:
    """`greatest` of nothing and 0 is 0: it once made unresolved cycles the fastest ones."""
    for relation, length, end in (
        ("complaint_cycles", "time_to_resolution_minutes", "resolved_at"),
        ("complaint_cycles", "time_to_confirmation_minutes", "confirmed_at"),
        ("complaint_cycles", "time_to_close_minutes", "closed_at"),
        ("tasks", "time_to_complete_minutes", "completed_at"),
        ("remedies", "time_to_approve_minutes", "approved_at"),
        ("remedies", "days_to_fulfil", "fulfilled_at"),
    ):
        wrong = rows(
            filled,
            f"SELECT {length} FROM bi.{relation}"
            f" WHERE ({end} IS NULL AND {length} IS NOT NULL) OR {length} < 0",
        )
        assert wrong == [], length
