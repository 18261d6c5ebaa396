"""Finding complaints by words, numbers and references; the queue by what is due; tables."""

import csv
import io
from typing import Any

import pytest

from tests.api import cases
from tests.api.cases import Case
from tests.api.serving import Api
from tests.api.test_lists import pages, refused

LIST = "/v1/complaints"


@pytest.fixture(scope="module")
def found(api: Api) -> dict[str, Case]:
    """Three complaints about different things, each by what it is about."""
    known = {
        "leak": ("产品质量", "空调漏水", ["安装", "保修"], {"model": "KFR-35GW", "sku": "ac-35"}),
        "rude": ("服务态度", "客服敷衍", ["100% _路_"], None),
        "late": ("Delivery", "Late Parcel", ["ＳＦ快递"], {"model": "热水器Pro"}),
    }
    made = {}
    for name, (coarse, fine, tags, product) in known.items():
        facts: dict[str, Any] = {"source_system": "searched", "narrative": f"隐私{name}"}
        facts |= {"external_ref": f"REF/{name} 7", "product": product or {"batch": "b-1"}}
        case = cases.registered(api, **facts)
        category = {"path": [coarse, fine], "taxonomy_version": "t1"}
        case.order("AssessComplaint", category=category, tags=tags)
        made[name] = case
    position = api.get(case.path).headers["Ledger-Position"]
    assert api.get(LIST, q="x", at_least=position).status_code == 200
    return made


def names(api: Api, found: dict[str, Case], **query: Any) -> set[str]:
    """Which of the three a list holds."""
    by_id = {case.complaint_id: name for name, case in found.items()}
    items = api.get(LIST, **query).json()["complaints"]
    return {by_id[item["complaint_id"]] for item in items if item["complaint_id"] in by_id}


@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        ("空调", {"leak"}),
        ("漏", {"leak"}),  # one character
        ("调漏", {"leak"}),  # in the middle of a word
        ("空水", set()),  # both characters, but not beside each other
        ("空调 漏水", {"leak"}),
        ("漏水 保修", {"leak"}),  # of different texts
        ("水", {"leak", "late"}),
        ("敷衍 空调", set()),
        ("质量空调", set()),  # not across texts
        ("kfr-35", {"leak"}),
        ("ＫＦＲ－３５", {"leak"}),  # full width
        ("late parcel", {"late"}),
        ("LATE", {"late"}),
        ("arc", {"late"}),
        ("sf快递", {"late"}),
        ("热水器pro", {"late"}),
        ("AC-35", {"leak"}),
        ("100%", {"rude"}),
        ("%", {"rude"}),
        ("_", {"rude"}),
        ("1_0", set()),
        ("\\", set()),
        ("'; DROP TABLE views.complaints; --", set()),
        ("隐私", set()),  # the narrative is personal
        ("REF", set()),  # a reference is found as a whole only
        ("龘", set()),
        ("x" * 200, set()),
    ],
)
def test_words_are_found_wherever_they_stand(
    q: str, wanted: set[str], api: Api, found: dict[str, Case]
) -> None:
    assert names(api, found, q=q) == wanted


def test_an_id_a_number_and_a_reference_find_the_one_complaint(
    api: Api, found: dict[str, Case]
) -> None:
    case = found["rude"]
    for q in (
        case.complaint_id,
        case.complaint_id.upper(),
        case.tracking_number,
        case.tracking_number.lower(),
        f"  {case.tracking_number} ",
        "REF/rude 7",
    ):
        items = api.get(LIST, q=q, role="analyst").json()["complaints"]
        assert [item["complaint_id"] for item in items] == [case.complaint_id], q
    for q in ("ref/rude 7", "REF/rude", case.tracking_number[:-1], case.complaint_id[:-1]):
        assert names(api, found, q=q) == set(), "exactly, or not at all"


def test_what_is_corrected_is_found_by_its_new_name_only(api: Api) -> None:
    case = cases.registered(api, product={"model": "洗衣机旧"})
    case.order("CorrectField", new={"product": {"model": "洗衣机新"}})
    position = api.get(case.path).headers["Ledger-Position"]
    for q, count in (("洗衣机新", 1), ("洗衣机旧", 0)):
        page = api.get(LIST, q=q, at_least=position).json()
        assert len(page["complaints"]) == count


def test_a_search_narrows_a_list_and_binds_its_cursor(api: Api, found: dict[str, Case]) -> None:
    assert names(api, found, q="水", source_system="searched") == {"leak", "late"}
    assert names(api, found, q="水", source_system="other") == set()
    whole = api.get(LIST, q="水", source_system="searched").json()["complaints"]
    assert pages(api, q="水", source_system="searched", limit=1) == whole
    cursor = api.get(LIST, q="水", source_system="searched", limit=1).json()["next"]
    refused(api.get(LIST, source_system="searched", limit=1, cursor=cursor))
    refused(api.get(LIST, q="漏", source_system="searched", limit=1, cursor=cursor))


@pytest.mark.parametrize("q", ["", " ", "\u3000", "x" * 201, "a\0b", "\ufffd"])
def test_a_search_for_nothing_is_refused(q: str, api: Api) -> None:
    refused(api.get(LIST, q=q))


# --- what is due ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def due(api: Api) -> dict[str, str | None]:
    """When each of some complaints is due to be resolved, by id."""
    made = [cases.registered(api, source_system="due") for _ in range(3)]
    made[0].order("AssessComplaint", severity="important")
    enquiry = cases.registered(api, source_system="due", nature="enquiry")
    resolved = cases.in_progress(api)
    resolved.order("ResolveComplaint", by=cases.HANDLER)
    position = api.get(resolved.path).headers["Ledger-Position"]
    assert api.get(LIST, at_least=position).status_code == 200
    [other] = api.get(LIST, q=resolved.complaint_id).json()["complaints"]
    assert "due_at" not in other, "its clock has stopped"
    items = api.get(LIST, source_system="due", fields="due_at").json()["complaints"]
    found: dict[str, str | None] = {item["complaint_id"]: item.get("due_at") for item in items}
    assert set(found) == {case.complaint_id for case in (*made, enquiry)}
    assert all(found[case.complaint_id] for case in made)
    return found


@pytest.mark.parametrize("sort", ["due_at", "-due_at", "-due_at,received_at", "severity,due_at"])
@pytest.mark.parametrize("limit", [1, 2])
def test_a_queue_goes_by_what_is_due_and_what_is_not_comes_last(
    sort: str, limit: int, api: Api, due: dict[str, str | None]
) -> None:
    whole = api.get(LIST, source_system="due", sort=sort).json()["complaints"]
    assert pages(api, source_system="due", sort=sort, limit=limit) == whole
    if not sort.startswith("severity"):
        times = [item.get("due_at") for item in whole]
        there = [time for time in times if time is not None]
        assert there == sorted(there, reverse=sort.startswith("-"))
        assert None not in times[: len(there)]


# --- tables ---------------------------------------------------------------------------------


def table(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; header=present; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_the_list_is_had_as_a_table(api: Api, found: dict[str, Case]) -> None:
    fields = "complaint_id,category_path,received_at,is_provisional,due_at"
    query = {"source_system": "searched", "sort": "received_at", "fields": fields}
    header, *rows = table(api.get(LIST, **query, format="csv"))
    assert header == fields.split(",")
    items = api.get(LIST, **query).json()["complaints"]
    assert [row[0] for row in rows] == [item["complaint_id"] for item in items]
    assert rows[0][1] == "产品质量 > 空调漏水"
    assert [row[2] for row in rows] == [item["received_at"] for item in items]
    assert {row[3] for row in rows} <= {"true", "false"}


def test_a_long_table_links_to_its_next_page(api: Api, found: dict[str, Case]) -> None:
    query = {"source_system": "searched", "format": "csv", "limit": 1, "q": "水"}
    answer, ids = api.get(LIST, **query), []
    while True:
        ids += [row[0] for row in table(answer)[1:]]
        if "Link" not in answer.headers:
            break
        url = answer.headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
        answer = api.http.get(url, headers=api.headers())
    listed = api.get(LIST, q="水", source_system="searched").json()["complaints"]
    assert ids == [item["complaint_id"] for item in listed]


@pytest.mark.parametrize(
    ("accept", "is_csv"),
    [
        ("text/csv", True),
        ("TEXT/CSV;q=0.9, application/json;q=0.1", True),
        ("text/csv;q=0.5, application/json", False),
        ("text/csv, application/json", False),
        ("text/csv;q=0", False),
        ("*/*", False),
        ("", False),
        (";;,q=x", False),
    ],
)
def test_what_the_client_prefers_is_sent(accept: str, is_csv: bool, api: Api) -> None:
    answer = api.http.get(LIST, headers=api.headers(Accept=accept))
    assert answer.headers["Content-Type"].startswith("text/csv") == is_csv
    answer = api.http.get(LIST, params={"format": "json"}, headers=api.headers(Accept="text/csv"))
    assert answer.headers["Content-Type"] == "application/json", "what is said outranks it"


def test_no_cell_of_a_table_is_a_formula(api: Api) -> None:
    formula = "=HYPERLINK(1)"
    case = cases.registered(api, source_system="formula")
    category = {"path": [formula], "taxonomy_version": "t1"}
    case.order("AssessComplaint", category=category)
    position = api.get(case.path).headers["Ledger-Position"]
    query = {"source_system": "formula", "fields": "category_path", "at_least": position}
    assert table(api.get(LIST, **query, format="csv"))[1][1] == f"'{formula}"
    refused(api.get(LIST, format="xml"))
    failed = api.get(LIST, format="csv", limit=0)
    refused(failed)
    assert failed.headers["Content-Type"] == "application/problem+json"
