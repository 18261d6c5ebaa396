"""What the BI views say of complaints, clocks, watermarks and days."""

import psycopg

from projections import VIEWS
from tests.conftest import Database
from tests.projections.folding import after
from tests.projections.reading import rows


def test_a_complaint_of_an_import_says_what_its_source_said_and_no_more(filled: Database) -> None:
    [row] = rows(
        filled,
        "SELECT received_date, received_hour, received_at_precision, assessed_at, assessed_date,"
        " closed_date, closed_hour, closed_at_precision, time_to_close_minutes, age_minutes,"
        " company_response, is_timely_response, is_disputed_at_source, sent_to_company_date,"
        " category_level_1, category_path, close_reason, is_verified, is_open, region"
        " FROM bi.complaints WHERE source_system = 'cfpb'",
    )
    told_on = after(0).replace(year=2015).date()
    assert row == (
        told_on.replace(month=4, day=6),
        None,
        "day",
        None,
        None,
        told_on,
        None,
        "unknown",
        None,
        None,
        "Closed with explanation",
        True,
        False,
        None,  # no such day
        "产品质量",
        "产品质量 > 空调 > 不制冷",
        "imported",
        False,
        False,
        "FL",
    )
    clocks = rows(
        filled,
        "SELECT count(*) FROM bi.sla_clocks AS s JOIN bi.complaints AS c USING (complaint_id)"
        " WHERE c.is_imported",
    )
    assert clocks == [(0,)]
    facts = rows(
        filled,
        "SELECT fact_name, fact_value FROM bi.source_facts WHERE source_system = 'cfpb'"
        " ORDER BY fact_name",
    )
    assert facts[0] == ("company_response", "Closed with explanation")
    assert len(facts) == 4


def test_dates_and_hours_are_read_in_the_reporting_zone(filled: Database) -> None:
    wrong = rows(
        filled,
        "SELECT complaint_id FROM bi.complaints WHERE received_at_precision = 'instant'"
        " AND (received_date <> (received_at AT TIME ZONE 'Asia/Shanghai')::date"
        "      OR received_hour <> extract(hour FROM received_at AT TIME ZONE 'Asia/Shanghai'))",
    )
    assert wrong == []
    across = rows(
        filled,
        "SELECT count(*) FROM bi.complaints WHERE received_date <> (received_at)::date",
    )
    assert across[0][0] > 0
    assert rows(filled, "SELECT bi.reporting_zone()") == [("Asia/Shanghai",)]


def test_the_present_of_a_report_can_be_set(filled: Database) -> None:
    """What is open then is overdue later; nothing else changes."""
    states = []
    for minutes in (10, 30, 3 * 24 * 60):
        with psycopg.connect(filled.uri("closedloop_bi")) as connection:
            connection.execute(
                "SELECT set_config('closedloop.present', %s, false)", (after(minutes).isoformat(),)
            )
            states.append(
                connection.execute(
                    "SELECT verdict, is_overdue, elapsed_minutes, late_minutes FROM bi.sla_clocks"
                    " JOIN bi.complaints USING (complaint_id)"
                    " WHERE tracking_number LIKE 'CL%%' AND sla_clocks.complaint_id LIKE '%%0002'"
                    " AND clock = 'resolve'"
                ).fetchone()
            )
    assert states == [
        ("open", False, 10, None),
        ("open", False, 30, None),
        ("overdue", True, 3 * 24 * 60, 24 * 60),
    ]


def test_watermarks_say_how_far_every_view_has_come(filled: Database) -> None:
    marks = rows(
        filled,
        "SELECT view_name, ledger_partition, lag_event_count, is_current,"
        " ledger_position = head_position, as_of_at IS NOT NULL FROM bi.watermarks",
    )
    assert sorted(marks) == [(view, 0, 0, True, True, True) for view in sorted(VIEWS)]


def test_the_calendar_knows_weekdays_and_weeks(filled: Database) -> None:
    days = rows(
        filled,
        "SELECT calendar_day_id, weekday_name_en, weekday_name_zh, iso_year, iso_week, is_weekend"
        " FROM bi.calendar_days WHERE calendar_day_id IN ('2000-01-01', '2027-01-03', '2050-12-30')"
        " ORDER BY 1",
    )
    assert days == [
        ("2000-01-01", "Saturday", "星期六", 1999, 52, True),
        ("2027-01-03", "Sunday", "星期日", 2026, 53, True),
        ("2050-12-30", "Friday", "星期五", 2050, 52, False),
    ]
    assert rows(filled, "SELECT count(*) FROM bi.calendar_days") == [(18628,)]


def test_attainment_reconciles_with_the_clocks_it_counts(filled: Database) -> None:
    by_hand = rows(
        filled,
        "SELECT clock, severity, date_trunc('month', due_date)::date,"
        " count(*) FILTER (WHERE is_in_rates AND verdict = 'met'),"
        " count(*) FILTER (WHERE is_in_rates AND verdict = 'missed'),"
        " count(*) FILTER (WHERE is_in_rates AND verdict = 'overdue'), count(*)"
        " FROM bi.sla_clocks WHERE due_at IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    )
    shown = rows(
        filled,
        "SELECT clock, severity, due_month_date, met_count, missed_count, overdue_count,"
        " clock_count FROM bi.sla_attainment ORDER BY 1, 2, 3",
    )
    assert shown == by_hand
    inconsistent = rows(
        filled,
        "SELECT attainment_id FROM bi.sla_attainment WHERE clock_count <> judged_count"
        " + open_count + cancelled_count + out_of_rates_count"
        " OR judged_count <> met_count + missed_count + overdue_count"
        " OR abs(gross_attainment * judged_count - met_count) > 0.01",
    )
    assert inconsistent == []
