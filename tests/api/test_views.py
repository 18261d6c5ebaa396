"""The views of bi over HTTP: rows, groups, JSON and CSV."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from api.paging import REPORTS_AT_ONCE
from projections.bi import COLUMNS, RATIOS, View, view_of
from tests.api.serving import Api

PATH = "/v1/views"


@pytest.fixture(scope="module")
def known(api: Api) -> str:
    """Complaints of some units, classed; a place that has them all."""
    for number, (unit, repeat_class) in enumerate(
        [("a", "initial"), ("a", "initial"), ("a", "initial"), ("b", "escalated_recomplaint")]
    ):
        facts = {"received_unit": unit, "channel": "phone" if number % 2 else "web"}
        complaint_id = api.register(**facts, source_system="seen", unit_complained_about="=2+5")
        body = {"class": repeat_class, "rule_version": "v", "reason_code": "r", "reason_text": "x"}
        answer = api.post(f"/v1/complaints/{complaint_id}/classify-repeat", body)
        answer.raise_for_status()
    place: str = answer.headers["Ledger-Position"]
    assert api.get(f"{PATH}/complaints", at_least=place).status_code == 200
    return place


def refused(response: httpx.Response, code: str = "bad-query", status: int = 400) -> None:
    assert (response.status_code, response.json()["code"]) == (status, code), response.text


def read(api: Api, view: str, **query: Any) -> list[dict[str, Any]]:
    answer = api.get(f"{PATH}/{view}", **query)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows


def pages(api: Api, view: str, **query: Any) -> list[dict[str, Any]]:
    """Every row, page by page of one."""
    page = api.get(f"{PATH}/{view}", limit=1, **query).json()
    found: list[dict[str, Any]] = page["rows"]
    while "next" in page:
        page = api.get(f"{PATH}/{view}", limit=1, cursor=page["next"], **query).json()
        found += page["rows"]
    return found


@pytest.fixture(scope="module")
def contract(api: Api) -> dict[str, View]:
    with psycopg.connect(api.database.app) as connection:
        return view_of(connection.execute(COLUMNS).fetchall())


# --- what there is ----------------------------------------------------------------------------


def test_every_relation_of_bi_is_told_with_its_columns_and_can_be_read(
    api: Api, known: str, contract: dict[str, View]
) -> None:
    told = api.get(PATH, role="analyst").json()["views"]
    assert [view["name"] for view in told] == sorted(contract)
    for view in told:
        assert view["grain"].startswith("Grain: ")
        answer = api.get(f"{PATH}/{view['name']}", role="analyst", limit=2)
        assert answer.status_code == 200, answer.text
        columns = [column["name"] for column in view["columns"]]
        assert answer.json()["columns"] == columns
        assert all(list(row) == columns for row in answer.json()["rows"])


def test_every_view_has_one_unique_key_to_be_paged_by(contract: dict[str, View]) -> None:
    for view in contract.values():
        keys = [column for column in view.columns if column.meaning.startswith("Unique key")]
        assert [key.name for key in keys] == [view.key], view.name
        assert keys[0].type == "text"


def test_nothing_outside_bi_can_be_read(api: Api) -> None:
    for name in ("events", "positions", "pg_roles", "bi.complaints", "COMPLAINTS", "a b", "x" * 99):
        answer = api.get(f"{PATH}/{name}")
        refused(answer, "unknown-view", 404)
        assert "sla_attainment" in answer.json()["detail"]


# --- rows -------------------------------------------------------------------------------------


def test_rows_are_filtered_by_any_column_and_come_in_pages(api: Api, known: str) -> None:
    mine = {"source_system": "seen"}
    whole = read(api, "complaints", **mine)
    assert len(whole) == 4
    ids = [row["complaint_id"] for row in whole]
    assert [row["complaint_id"] for row in pages(api, "complaints", **mine)] == ids
    assert len(read(api, "complaints", **mine, channel="phone")) == 2
    assert len(read(api, "complaints", **mine, channel="phone,web", is_open="true")) == 4
    assert len(read(api, "complaints", **mine, cycle="1", stage="registered,closed")) == 4
    assert read(api, "complaints", **mine, received_date_to="2000-01-01") == []
    assert len(read(api, "complaints", **mine, received_date_from="2000-01-01")) == 4
    assert read(api, "complaints", channel="'; DROP TABLE views.complaints; --") == []


def test_groups_sum_counts_and_work_ratios_out_of_the_sums(api: Api, known: str) -> None:
    [by_metric] = read(api, "repeat_rate", group_by="metric", unit="a,b")
    assert (by_metric["numerator_count"], by_metric["denominator_count"]) == (0, 4)
    assert (by_metric["row_count"], by_metric["rate"], by_metric["is_mature"]) == (2, 0, True)
    by_unit = read(api, "repeat_rate", group_by="unit", unit="a,b")
    assert [(row["metric"], row["unit"], row["initial_count"]) for row in by_unit] == [
        ("repeat_share", "a", 3),
        ("repeat_share", "b", 0),
    ], "what two metrics count is never summed"
    assert pages(api, "repeat_rate", group_by="unit", unit="a,b") == by_unit
    channels = read(api, "complaints", group_by="channel,is_open", source_system="seen")
    assert [(row["channel"], row["is_open"], row["row_count"]) for row in channels] == [
        ("phone", True, 2),
        ("web", True, 2),
    ]


def test_every_ratio_of_a_report_is_that_of_its_counts(
    api: Api, known: str, contract: dict[str, View]
) -> None:
    """Grouped by its own key, a report says what it says ungrouped."""
    for name, view in contract.items():
        numbers = {column.name for column in view.columns if column.type == "numeric"}
        if any(column.name == "ledger_position" for column in view.columns):
            continue  # single facts have lengths, and no ratios
        assert set(RATIOS.get(name, {})) == numbers, name
        if numbers:
            grouped = {row[view.key]: row for row in read(api, name, group_by=view.key)}
            for row in read(api, name):
                told = {ratio: grouped[row[view.key]][ratio] for ratio in numbers}
                assert told == pytest.approx({ratio: row[ratio] for ratio in numbers}, abs=1e-6)


# --- CSV --------------------------------------------------------------------------------------


def test_a_table_comes_with_a_byte_order_mark_and_no_formulas(api: Api, known: str) -> None:
    answer = api.get(f"{PATH}/complaints", source_system="seen", format="csv", limit=3)
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["unit_complained_about"] for row in rows] == ["'=2+5"] * 3
    assert {row["channel_name_zh"] for row in rows} <= {"电话", "网站"}
    following = answer.headers["Link"].partition(">")[0].removeprefix("<")
    last = api.http.get(following, headers=api.headers())
    assert len(last.text.splitlines()) == 2
    assert "Link" not in last.headers
    preferred = api.http.get(
        f"{PATH}/repeat_rate?group_by=metric", headers=api.headers(Accept="text/csv")
    )
    assert preferred.headers["Content-Type"].startswith("text/csv")


# --- what cannot be meant ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("nonsense", "1", "unknown-query"),
        ("narrative", "x", "unknown-query"),
        ("received_at", "2026-01-01T00:00:00Z", "unknown-query"),  # no group
        ("channel_from", "a", "unknown-query"),
        ("received_date_from", "yesterday", "bad-query"),
        ("received_date_to", "2026-02-30", "bad-query"),
        ("channel", "", "bad-query"),
        ("channel", ",".join(["x"] * 51), "bad-query"),
        ("channel", "a\0", "bad-query"),
        ("group_by", "", "bad-query"),
        ("group_by", "age_minutes", "bad-query"),
        ("group_by", "channel,nonsense", "bad-query"),
        ("group_by", "channel;DROP", "bad-query"),
        ("format", "xlsx", "bad-query"),
        ("limit", "1001", "bad-query"),
        ("cursor", "AAAA", "bad-query"),
        ("at_least", "x", "bad-query"),
    ],
)
def test_what_cannot_be_meant_is_refused(name: str, value: str, code: str, api: Api) -> None:
    refused(api.get(f"{PATH}/complaints", **{name: value}), code)


def test_a_parameter_is_given_once(api: Api) -> None:
    for name in ("channel", "group_by", "format"):
        params = [(name, "csv"), (name, "csv")]
        refused(api.http.get(f"{PATH}/complaints", params=params, headers=api.headers()))


def test_a_cursor_belongs_to_its_view_its_groups_and_its_filters(api: Api, known: str) -> None:
    query = {"source_system": "seen"}
    cursor = api.get(f"{PATH}/complaints", limit=1, **query).json()["next"]
    assert api.get(f"{PATH}/complaints", cursor=cursor, **query).status_code == 200
    refused(api.get(f"{PATH}/complaints", cursor=cursor))
    refused(api.get(f"{PATH}/repeats", cursor=cursor, **query))
    refused(api.get(f"{PATH}/complaints", cursor=cursor, group_by="channel", **query))


# --- beside others --------------------------------------------------------------------------

_WAITING = """
SELECT count(*) FROM pg_locks
WHERE relation = 'views.refusals'::regclass AND mode = 'AccessShareLock' AND NOT granted"""


def test_however_many_read_reports_a_complaint_can_be_registered(api: Api, known: str) -> None:
    with (
        ThreadPoolExecutor(12) as readers,
        psycopg.connect(api.database.superuser) as holding,
        psycopg.connect(api.database.superuser, autocommit=True) as looking,
    ):
        holding.execute("LOCK TABLE views.refusals")
        reports = [readers.submit(api.get, f"{PATH}/refusals") for _ in range(12)]
        while waiting(looking) < REPORTS_AT_ONCE:
            pass
        api.register()
        assert not any(report.done() for report in reports)
        assert waiting(looking) <= REPORTS_AT_ONCE
        holding.rollback()
        assert {report.result().status_code for report in reports} == {200}


def waiting(looking: psycopg.Connection[Any]) -> int:
    [count] = looking.execute(_WAITING).fetchone() or (0,)
    return int(count)
