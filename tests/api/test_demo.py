"""The demo of `make run`: its attainment equals an independent computation from the raw events."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from api.cli import first_look
from api.importing import import_file, load_mapping
from api.simulation import simulate
from domain.complaint.state import ANY
from domain.rulebook.defaults import DEFAULT_RULES
from projections import VIEWS
from tests.api.serving import runner_of
from tests.api.test_import import at_desk
from tests.conftest import Database
from tests.projections.independent_sla import attainment, published
from tests.projections.raw_events import raw_events

UNTIL = datetime(2026, 1, 10, tzinfo=UTC)
SAMPLE = Path(__file__).parent.parent / "data" / "cfpb_200.csv"


def import_sample(database: Database, rejects: Path) -> None:
    cfpb = load_mapping("cfpb")
    result = at_desk(database, lambda desk: import_file(desk, SAMPLE, cfpb, rejects=rejects))
    assert result.registered == 200


@pytest.fixture(scope="module")
def demo(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Database:
    at_desk(database, lambda desk: simulate(desk, complaints=300, seed=7, until=UNTIL))
    import_sample(database, tmp_path_factory.mktemp("import") / "rejects.csv")
    runner_of(database).catch_up()
    return database


@pytest.mark.parametrize("after", [timedelta(0), timedelta(days=-30), timedelta(days=400)])
def test_attainment_equals_plain_python_over_the_raw_events(
    demo: Database, after: timedelta
) -> None:
    present = UNTIL + after
    expected = attainment(raw_events(demo.owner), present, DEFAULT_RULES.zone)
    assert published(demo.uri("closedloop_bi"), present) == expected
    assert {clock for clock, *_ in expected} >= {"first_response", "assess", "resolve"}


def test_the_demo_shows_clocks_met_and_missed_and_complaints_at_every_stage(
    demo: Database,
) -> None:
    with psycopg.connect(demo.uri("closedloop_bi")) as bi:
        verdicts = bi.execute(
            "SELECT clock, verdict FROM bi.sla_clocks GROUP BY clock, verdict"
        ).fetchall()
        stages = bi.execute(
            "SELECT stage, count(*) FROM bi.complaints WHERE source_system = 'demo' GROUP BY stage"
        ).fetchall()
        imported = bi.execute(
            "SELECT count(*) FROM bi.sla_clocks WHERE source_system = 'cfpb'"
        ).fetchall()
    for clock in ("first_response", "assess", "resolve"):
        assert {(clock, "met"), (clock, "missed")} <= set(verdicts)
    assert {stage for stage, _ in stages} == ANY
    assert imported == [(0,)]


def test_every_repeat_class_follows_from_what_the_stories_tell(demo: Database) -> None:
    with psycopg.connect(demo.uri("closedloop_bi")) as bi:
        found = bi.execute(
            "SELECT repeat_class, is_external, is_after_verified_close, count(*) FROM bi.repeats"
            " WHERE source_system = 'demo' GROUP BY 1, 2, 3"
        ).fetchall()
    assert {(each, external, verified) for each, external, verified, _ in found} == {
        ("unclassified", False, False),  # not assessed yet
        ("unknown", False, False),
        ("initial", False, False),
        ("related", False, False),
        ("repeat", False, False),
        ("repeat", False, True),
        ("escalated_recomplaint", False, False),
        ("escalated_recomplaint", True, False),
    }


def test_identity_found_later_changes_classes_by_new_events(demo: Database) -> None:
    """An anonymous complaint linked by its handle, two ids of one person, two people after all."""
    with psycopg.connect(demo.owner) as owner:
        [classed_again] = owner.execute(
            "SELECT count(*) FROM (SELECT FROM ledger.readable_events"
            " WHERE type = 'RepeatClassified' AND metadata->'actor'->>'role' = 'policy'"
            " GROUP BY stream_id HAVING count(*) > 1) AS again"
        ).fetchall()
        [linked] = owner.execute(
            "SELECT count(*) FROM ledger.readable_events"
            " WHERE type = 'CustomerLinked' AND metadata->'actor'->>'role' = 'policy'"
        ).fetchall()
    assert classed_again >= (3,)
    assert linked >= (1,)


def test_each_of_the_three_reports_shows_something_at_the_first_look(demo: Database) -> None:
    with psycopg.connect(demo.uri("closedloop_bi")) as bi:
        shown = first_look.tables(bi)
    assert len(shown) == 3
    for table in shown:
        assert table.row_count >= 3, table.title
        assert {len(list(column.cells)) for column in table.columns} == {table.row_count}
    attainment_table, repeats, satisfaction = shown
    for column in (attainment_table.columns[-1], repeats.columns[-2], satisfaction.columns[-2]):
        assert any(cell.endswith(" %") and cell > "0.0 %" for cell in column.cells)


def test_rebuilds_of_the_real_sample_equal_what_was_built_live(
    fresh_database: Database, tmp_path: Path
) -> None:
    """On a ledger of its own; in other batch sizes, too, item 3 of `make accept` does it on the
    whole sample, and `test_engine` on random histories."""
    runner = runner_of(fresh_database)
    import_sample(fresh_database, tmp_path / "rejects.csv")
    runner.catch_up()
    live = [runner.digest(view) for view in VIEWS]
    for view in VIEWS:
        runner.rebuild(view, batch_size=100)
    assert [runner.digest(view) for view in VIEWS] == live
