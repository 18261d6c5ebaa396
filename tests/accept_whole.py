"""The acceptance list of the whole complaint, one function an item (`tests.accept` runs them)."""

import time

from tests.accepting import Clone, expect, tests_of


def table_and_machine(clone: Clone) -> str:
    """3.1: every stage and command, every close reason; 20,000 steps of the state machine."""
    paths = (f"tests/domain/test_{name}.py" for name in ("stages", "closing", "properties"))
    return tests_of(clone, *paths, CLOSEDLOOP_TEST_STEPS="20000")


def independently(clone: Clone) -> str:
    """3.2: the three reports against an independent computation: the demo, 50 random ledgers."""
    told = tests_of(clone, "tests/projections/test_independent.py", CLOSEDLOOP_TEST_LEDGERS="50")
    clone.closedloop("migrate")
    worker = clone.start(".venv/bin/closedloop", "work")
    clone.closedloop("simulate")
    clone.closedloop("import", "tests/data/cfpb_200.csv")
    clone.work_off(worker)
    return f"{told}; the demo: {_compared(clone)}"


def _compared(clone: Clone) -> str:
    """What the comparison of a whole database says; it fails where anything differs."""
    uris = (clone.closedloop("uri", "--role", role).strip() for role in ("owner", "bi"))
    words = (".venv/bin/python", "-m", "tests.projections.independent")
    return clone.run(*words, *uris).strip().splitlines()[-1]


def named(clone: Clone) -> str:
    """3.3: reopen or new complaint, merging an overdue one, a fault after a verified closure."""
    names = (
        "projections/test_repeat_rate.py"
        "::test_choosing_reopen_or_new_complaint_leaves_the_return_rate_unchanged",
        "projections/test_sla.py::test_merging_an_overdue_complaint_hides_no_miss",
        "projections/test_metrics.py::test_merging_an_overdue_complaint_hides_no_miss",
        "domain/test_classify_repeat.py"
        "::test_a_fault_returning_after_a_verified_closure_is_a_repeat",
    )
    return tests_of(clone, *(f"tests/{name}" for name in names))


def partitions(clone: Clone) -> str:
    """3.4: views and API are the same with 1 and with 4 partitions; the library's contract."""
    paths = ("projections/test_partitions.py", "projections/test_policies_agree.py")
    more = ("api/test_partitions.py", "e2e/test_story.py", "ledger/test_contract.py")
    return tests_of(clone, *(f"tests/{path}" for path in (*paths, *more)))


def streams(clone: Clone) -> str:
    """3.5: 10,000 lines in bulk, and the feed in pages and streams, in 1 and 4 partitions."""
    told = tests_of(clone, "tests/api/test_bulk_lines.py", "tests/api/test_feed_ends.py")
    run = clone.run(".venv/bin/python", "-m", "tests.streams_run")
    return "; ".join([told, *run.strip().splitlines()])


def clients(clone: Clone) -> str:
    """3.7: generated clients compile and work, and an OpenAPI linter finds nothing."""
    return ", ".join(clone.run("make", "clients").strip().splitlines()[-2:])


def quarter(clone: Clone) -> str:
    """3.2025q3: the reports of 2025q3 say what they should, and what its raw events come to."""
    clone.run("make", "setup")
    clone.closedloop("migrate")
    started = time.monotonic()
    told = clone.closedloop("simulate", "2025q3")  # fails where a share is not as asked for
    minutes = (time.monotonic() - started) / 60
    expect("what is told", "3,742 complaints" in told and "differs" not in told, True)
    again = clone.closedloop("simulate", "2025q3")
    expect("nothing is doubled", "0 of them new" in again, True)

    def share(condition: str) -> object:
        statement = (
            f"SELECT round(100.0 * count(*) FILTER (WHERE {condition}) / count(*), 1)::text"
            " FROM bi.complaints WHERE received_date BETWEEN '2025-07-01' AND '2025-09-30'"
        )
        [[found]] = clone.query("bi", statement)
        return found

    expect("complaints", clone.query("bi", "SELECT count(*) FROM bi.complaints"), [[3742]])
    expect("major", share("severity = 'major'"), "12.3")
    for channel, wanted in {"phone": "45.0", "wechat": "30.0", "web": "15.0"}.items():
        expect(channel, share(f"channel = '{channel}'"), wanted)
    expect("social", share("channel = 'social'"), "10.0")
    expect("service attitude", share("category_level_1 = '服务态度'"), "28.0")
    east = "region IN (SELECT region_id FROM bi.dim_region WHERE area_name_zh = '华东')"
    expect("华东", share(east), "38.6")
    peak = "received_hour IN (9, 10) AND extract(isodow FROM received_date) < 6"
    expect("between 9 and 11 on weekdays", share(peak), "27.3")
    classes = clone.query(
        "bi",
        "SELECT sum(initial_count)::int, sum(escalated_count)::int, sum(repeat_count)::int,"
        " sum(denominator_count)::int, sum(all_count)::int"
        " FROM bi.repeat_rate WHERE metric = 'repeat_share'",
    )
    expect("first, escalated, repeat, counted, all", classes, [[2432, 936, 374, 3742, 3742]])
    for report in ("sla_attainment WHERE judged_count > 0", "satisfaction WHERE valid_count > 0"):
        [[rows]] = clone.query("bi", f"SELECT count(*) > 0 FROM bi.{report}")
        expect(report, rows, True)
    return f"in {minutes:.1f} minutes; {_compared(clone)}"
