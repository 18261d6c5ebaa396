"""The repeat rate: what counts, where, and what changes nothing."""

from typing import Any

import psycopg
import pytest

from domain.complaint.intake import FieldCorrected
from domain.complaint.vocabulary import Facts
from domain.kernel import Recorded
from ledger.migrate import migrate
from tests.conftest import Database
from tests.projections.folding import after, imported, in_order, told
from tests.projections.histories import in_stream
from tests.projections.lives import DAY, classed, closed, life, lived, reopened
from tests.projections.reading import rows
from tests.world import registered

# --- reopen or new ----------------------------------------------------------------------------

GAPS = (0, 15, 89, 90, 91, 400)  # days from the close to what follows
FATES: dict[str, Any] = {  # of what follows
    "open": None,
    "verified": "verified",
    "final_position": "final_position",
    "withdrawn": "withdrawn",
    "declined": "declined",
    "merged": "duplicate",
}
CLASSES = ("repeat", "escalated_recomplaint")


def choices() -> list[list[Recorded[Any]]]:
    """Each story twice: the closed complaint is reopened, or another one is registered.

    After a withdrawal somebody comes back once more, and the choice is made again.
    """
    lives, number = [], 10
    for gap in GAPS:
        for fate, reason in FATES.items():
            number += 4
            back = 1 + gap + 0.1
            ends = [] if reason is None else [(back + 3, closed(reason))]
            again = [(back + 5, reopened(3))] if fate == "withdrawn" else []
            unit = f"reopened:{gap}:{fate}"
            lives.append(life(number, (1, closed()), (back, reopened()), *ends, *again, unit=unit))
            for offset, repeat_class in enumerate(CLASSES):
                unit = f"{repeat_class}:{gap}:{fate}"
                earlier = number + 100_000 * (offset + 1)
                lives.append(life(earlier, (1, closed()), unit=unit))
                later: dict[str, Any] = {"repeat_class": repeat_class, "unit": unit}
                lives.append(life(earlier + 1, *ends, received=back, earlier=earlier, **later))
                if again:
                    lives.append(life(earlier + 2, received=back + 5, earlier=earlier + 1, **later))
    return lives


def test_choosing_reopen_or_new_complaint_leaves_the_return_rate_unchanged(
    fresh_database: Database,
) -> None:
    lived(fresh_database, choices())
    rates: dict[str, dict[str, Any]] = {}
    for unit, month, *counts in rows(
        fresh_database,
        "SELECT unit, month_date, numerator_count, denominator_count, rate, is_mature,"
        " withdrawn_count, declined_count, merged_count"
        " FROM bi.repeat_rate WHERE metric = 'return_rate'",
    ):
        choice, _, story = unit.partition(":")
        rates.setdefault(choice, {})[f"{story} {month}"] = counts
    assert len(rates["reopened"]) > len(GAPS) * len(FATES)
    assert rates["reopened"] == rates["repeat"] == rates["escalated_recomplaint"]
    came_back = {
        story.partition(" 2026")[0]
        for story, (numerator, *_) in rates["reopened"].items()
        if numerator
    }
    counted = ("open", "verified", "final_position")
    expected = {f"{gap}:{fate}" for gap in (0, 15, 89, 90) for fate in counted}
    assert came_back == expected | {f"{gap}:withdrawn" for gap in (0, 15)}


def test_the_rates_are_the_same_with_one_and_with_four_partitions(
    fresh_database: Database,
) -> None:
    """The earlier complaint lives in another partition than the later."""
    select = "SELECT r::text FROM bi.repeat_rate AS r ORDER BY repeat_rate_id"
    migrate(fresh_database.owner, partitions=4)
    lived(fresh_database, choices())
    across = rows(
        fresh_database,
        "SELECT count(*) FROM bi.returns AS f JOIN bi.repeats AS a USING (complaint_id)"
        " JOIN bi.repeats AS b ON b.complaint_id = f.later_complaint_id"
        " WHERE a.ledger_partition <> b.ledger_partition",
    )
    assert across[0][0] > 0
    four = rows(fresh_database, select)
    with psycopg.connect(fresh_database.owner) as connection:
        for table in ("complaints", "repeats", "closings"):  # as one partition would have them
            connection.execute(f"UPDATE views.{table} SET partition = 0")
    assert rows(fresh_database, select) == four


# --- what a return is -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told_in_march(database: Database) -> Database:
    """Closings of many fates, each by a unit of its own."""
    no_time = told(closed("imported"), 2 * DAY)
    from_source = [
        imported(registered(customer_id=None)[0].event, after(0), "day"),
        imported(no_time.event, after(DAY), "unknown"),
    ]
    known_there = [
        imported(registered()[0].event, after(0), "day"),
        imported(no_time.event, after(DAY).replace(hour=0, minute=0), "day"),
    ]
    undated = [known_there[0], imported(no_time.event, after(DAY), "unknown")]
    enquiry = FieldCorrected(
        field="nature", old=Facts(nature="complaint"), new=Facts(nature="enquiry")
    )
    lived(
        database,
        [
            life(1, (1, closed()), unit="twice"),
            life(2, (12, closed()), received=10, repeat_class="repeat", earlier=1, unit="chain"),
            life(3, received=20, repeat_class="repeat", earlier=2, unit=None),
            life(4, received=20, repeat_class="escalated_recomplaint", earlier=1, unit=None),
            # what was a repeat and is none after all; what was none and is one
            life(5, (1, closed()), unit="corrected_away"),
            life(6, (21, classed("initial")), received=20, repeat_class="repeat", earlier=5),
            life(7, (1, closed()), unit="corrected_to"),
            life(8, (21, classed("repeat", earlier=7)), received=20),
            life(9, (1, closed()), unit="enquiry"),
            life(10, (21, enquiry), received=20, repeat_class="repeat", earlier=9),
            life(11, (1, closed()), unit="related"),
            life(12, received=20, repeat_class="related", earlier=11),
            # while the earlier one was open: it follows no close
            life(13, (25, closed()), unit="while_open"),
            life(14, received=20, repeat_class="repeat", earlier=13),
            life(15, (1, closed()), repeat_class="unknown", customer_id=None, unit="nobody"),
            life(16, (1, closed()), (2, reopened()), repeat_class="unknown", unit="nobody"),
            in_stream(17, in_order(from_source)),
            in_stream(18, in_order(known_there)),
            life(19, received=1.5, repeat_class="repeat", earlier=18, unit=None),
            in_stream(20, in_order(undated)),
            # closed, reopened, withdrawn: the first closing stays one
            life(21, (1, closed()), (5, reopened()), (6, closed("withdrawn")), unit="took_back"),
            life(22, (1, closed("withdrawn")), unit="withdrawn"),
            life(23, (1, closed("duplicate")), unit="merged"),
            life(24, (1, closed("declined")), unit="declined"),
            life(25, (1, closed()), nature="enquiry", unit="no_complaint"),
        ],
    )
    return database


def returned(database: Database, unit: str, month: str = "2026-03-01") -> tuple[int, int]:
    """Closings followed, and closings, of a unit in a month."""
    [counts] = rows(
        database,
        "SELECT numerator_count, denominator_count FROM bi.repeat_rate"
        " WHERE metric = 'return_rate' AND unit = %(unit)s AND month_date = %(month)s",
        unit=unit,
        month=month,
    )
    return counts[0], counts[1]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("twice", (1, 1)),  # two complaints followed it: it counts once
        ("chain", (1, 1)),  # a return has returns of its own
        ("corrected_away", (0, 1)),
        ("corrected_to", (1, 1)),
        ("enquiry", (0, 1)),
        ("related", (0, 1)),
        ("while_open", (0, 1)),
        ("nobody", (0, 0)),
        ("took_back", (0, 1)),
        ("withdrawn", (0, 0)),
        ("merged", (0, 0)),
        ("declined", (0, 0)),
        ("no_complaint", (0, 0)),
    ],
)
def test_a_closing_counts_once_and_only_what_counts_follows_it(
    unit: str, expected: tuple[int, int], told_in_march: Database
) -> None:
    assert returned(told_in_march, unit) == expected


def test_an_imported_closing_counts_by_its_day_and_without_a_day_stands_beside(
    told_in_march: Database,
) -> None:
    [row] = rows(
        told_in_march,
        "SELECT numerator_count, denominator_count, customer_unknown_count, undated_count"
        " FROM bi.repeat_rate WHERE metric = 'return_rate' AND unit = 'hotline'"
        " AND month_date = '2026-03-01'",
    )
    assert row == (1, 1, 1, 1)


def test_related_ones_count_as_initial_and_nobody_knows_whose_in_no_share(
    told_in_march: Database,
) -> None:
    [row] = rows(
        told_in_march,
        "SELECT numerator_count, denominator_count, initial_count, related_count, escalated_count,"
        " repeat_count, customer_unknown_count, unclassified_count, withdrawn_count, merged_count,"
        " declined_count, non_complaint_count, all_count, is_mature"
        " FROM bi.repeat_rate WHERE metric = 'repeat_share'",
    )
    assert row == (5, 14, 8, 1, 1, 5, 2, 3, 2, 1, 1, 2, 25, True)


def test_a_month_is_mature_once_the_window_of_every_closing_has_passed(
    told_in_march: Database,
) -> None:
    """Closed on 3 March; the ninetieth day after it is 1 June."""
    seen = []
    for present in ("2026-06-01T23:59:59+08:00", "2026-06-02T00:00:00+08:00"):
        with psycopg.connect(told_in_march.uri("closedloop_bi")) as connection:
            connection.execute("SELECT set_config('closedloop.present', %s, false)", (present,))
            seen += connection.execute(
                "SELECT is_mature FROM bi.repeat_rate"
                " WHERE metric = 'return_rate' AND unit = 'twice'"
            ).fetchall()
    assert seen == [(False,), (True,)]


def test_the_report_reconciles_with_its_facts(told_in_march: Database) -> None:
    inconsistent = rows(
        told_in_march,
        "SELECT repeat_rate_id FROM bi.repeat_rate WHERE all_count <> denominator_count"
        " + non_complaint_count + declined_count + withdrawn_count + merged_count"
        " + customer_unknown_count + unclassified_count + undated_count"
        " OR (metric = 'repeat_share'"
        "     AND denominator_count <> initial_count + escalated_count + repeat_count)"
        " OR (metric = 'return_rate'"
        "     AND numerator_count <> escalated_count + repeat_count + reopened_count)",
    )
    assert inconsistent == []
    [[has_closings, has_complaints]] = rows(
        told_in_march,
        "SELECT sum(all_count) FILTER (WHERE metric = 'return_rate')"
        " = (SELECT count(*) FROM bi.closings),"
        " sum(all_count) FILTER (WHERE metric = 'repeat_share')"
        " = (SELECT count(*) FROM bi.complaints) FROM bi.repeat_rate",
    )
    assert (has_closings, has_complaints) == (True, True)
