"""The complaint list and the history: limits, filters, order, cursors, and waiting for a view."""

import base64
import hashlib
import json
import threading
from typing import Any

import httpx
import psycopg
import pytest

from api import waiting
from tests.api.serving import SECRET, Api

LIST = "/v1/complaints"


@pytest.fixture(scope="module")
def known(api: Api) -> list[str]:
    """Some complaints of one system, and one of another; the view has them."""
    made = [
        api.register(source_system="listed", channel=channel, customer_id=f"c-{number % 2}")
        for number, channel in enumerate(["phone", "sms", "phone", "wechat", "phone", "sms", "web"])
    ]
    last = api.register(source_system="other")
    position = api.get(f"{LIST}/{last}").headers["Ledger-Position"]
    assert api.get(LIST, at_least=position).status_code == 200
    return made


def refused(response: httpx.Response, code: str = "bad-query") -> None:
    assert (response.status_code, response.json()["code"]) == (400, code), response.text


def pages(api: Api, **query: Any) -> list[dict[str, Any]]:
    """Every item of a list, page by page."""
    found: list[dict[str, Any]] = []
    page = api.get(LIST, **query).json()
    while True:
        found += page["complaints"]
        if "next" not in page:
            return found
        assert len(page["complaints"]) == query["limit"]
        page = api.get(LIST, **query, cursor=page["next"]).json()


# --- limits and filters ---------------------------------------------------------------------


@pytest.mark.parametrize("path", [LIST, "history"])
@pytest.mark.parametrize(
    "limit", ["0", "-1", "201", "1.0", "١", "", " 5", "1e2", "99999999999999999999", "five"]
)
def test_a_limit_is_a_whole_number_from_1_to_200(
    path: str, limit: str, api: Api, known: Any
) -> None:
    where = LIST if path == LIST else f"{LIST}/{known[0]}/history"
    refused(api.get(where, limit=limit))


def test_a_page_holds_no_more_than_its_limit(api: Api, known: list[str]) -> None:
    for limit in (1, 3, 200):
        page = api.get(LIST, source_system="listed", limit=limit).json()
        assert len(page["complaints"]) == min(limit, len(known))
        assert ("next" in page) == (limit < len(known))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("stage", value) for value in ("", "clsed", "closed,", ",closed", "closed,x", "CLOSED")),
        *((name, "nonsense") for name in ("severity", "nature", "origin", "waiting_on")),
        ("close_reason", "because"),
        ("channel", ",".join(["x"] * 51)),
        ("channel", "a\0b"),
        ("region", "\ufffd"),
        *(("received_from", value) for value in ("", "2026-01-01", "2026-01-01T00:00:00", "now")),
        ("received_from", "2026-01-01T00:00:00 08:00"),  # a plus sign that was not encoded
        ("received_to", "9999-12-31T23:59:59-14:00"),
        *(("sort", value) for value in ("", "name", "-", "--stage", "stage,-stage", "stage;", "1")),
        *(("fields", value) for value in ("", "narrative", "stage,", "*", "complaint_id,x")),
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused(name: str, value: str, api: Api) -> None:
    refused(api.get(LIST, **{name: value}))


@pytest.mark.parametrize("name", ["stage", "limit", "cursor", "at_least", "sort", "fields"])
def test_a_parameter_is_given_once(name: str, api: Api) -> None:
    refused(api.http.get(LIST, params=[(name, "closed"), (name, "closed")], headers=api.headers()))


def test_filters_narrow_the_list(api: Api, known: list[str]) -> None:
    def ids(**query: Any) -> set[str]:
        items = api.get(LIST, source_system="listed", **query).json()["complaints"]
        return {item["complaint_id"] for item in items}

    assert ids() == set(known)
    assert ids(channel="phone") == {known[0], known[2], known[4]}
    assert ids(channel="phone,web", customer_id="c-0") == {known[0], known[2], known[4], known[6]}
    assert ids(stage="registered,closed") == set(known)
    assert ids(stage="closed") == set()
    assert ids(channel="'; DROP TABLE views.complaints; --") == set()
    received = api.get(f"{LIST}/{known[3]}").json()["received_at"]
    before, after = ids(received_to=received), ids(received_from=received)
    assert known[3] in after
    assert before | after == set(known)
    assert not before & after, "half-open: nobody is in both"


def test_fields_are_those_asked_for_and_always_the_id(api: Api, known: list[str]) -> None:
    for fields in ("stage,version", "version,stage,stage", "complaint_id,stage,version"):
        items = api.get(LIST, source_system="listed", fields=fields).json()["complaints"]
        assert {tuple(sorted(item)) for item in items} == {("complaint_id", "stage", "version")}
    items = api.get(LIST, source_system="listed", fields="complaint_id").json()["complaints"]
    assert {tuple(item) for item in items} == {("complaint_id",)}


# --- order and cursors ----------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize(
    "sort",
    ["received_at", "-received_at", "channel,-received_at", "-channel,severity", "-recorded_at"],
)
def test_pages_joined_are_the_whole_list_in_order(
    sort: str, limit: int, api: Api, known: list[str]
) -> None:
    whole = api.get(LIST, source_system="listed", sort=sort).json()["complaints"]
    assert len(whole) == len(known)
    assert pages(api, source_system="listed", sort=sort, limit=limit) == whole


def test_a_cursor_belongs_to_its_filters_and_its_order(api: Api, known: list[str]) -> None:
    cursor = api.get(LIST, source_system="listed", limit=2).json()["next"]
    again: dict[str, Any] = {"source_system": "listed", "cursor": cursor}
    assert api.get(LIST, **again).status_code == 200
    assert api.get(LIST, **again, limit=5, fields="stage").status_code == 200
    refused(api.get(LIST, cursor=cursor))
    refused(api.get(LIST, **{**again, "source_system": "other"}))
    refused(api.get(LIST, **again, stage="registered"))
    refused(api.get(LIST, **again, sort="received_at"))


def test_nobody_else_makes_a_cursor(api: Api, known: list[str]) -> None:
    cursor = api.get(LIST, source_system="listed", limit=2).json()["next"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for bad in (
        "",
        "x",
        cursor[:-1],
        cursor + "A",
        cursor[:5] + ("A" if cursor[5] != "A" else "B") + cursor[6:],
        f" {cursor}",
        cursor + "\n",
        cursor.swapcase(),
        "王",
        encoded(hashlib.sha256(b"forged").digest()[:16] + raw[16:]),
        encoded(raw[:16] + json.dumps(["nonsense", "no id"]).encode()),
        encoded(raw[:16]),
        encoded(json.dumps(["2026-01-01T00:00:00Z", known[0]]).encode()),
        "A" * 10_000,
    ):
        refused(api.get(LIST, source_system="listed", cursor=bad))
    assert SECRET not in raw


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_a_history_comes_in_pages(api: Api, known: list[str]) -> None:
    path = f"{LIST}/{known[0]}"
    for number in range(4):
        told = {"name": "fact", "value": str(number)}
        api.post(f"{path}/record-source-fact", told).raise_for_status()
    first = api.get(f"{path}/history", limit=2)
    assert [event["version"] for event in first.json()["events"]] == [1, 2]
    assert (first.json()["version"], first.json()["next"]) == (5, 2)
    assert first.headers["ETag"] == '"5"'
    rest = api.get(f"{path}/history", after=2, limit=200).json()
    assert [event["version"] for event in rest["events"]] == [3, 4, 5]
    assert rest["next"] is None
    assert api.get(f"{path}/history", after=5).json()["events"] == []
    for after in ("-1", "x", "2147483648", "1.5"):
        refused(api.get(f"{path}/history", after=after))


# --- waiting for a view ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    ["", "x", "5", "0:", ":5", "0:x", "-1:5", "0:1;", "0:1,", "0 :1", "0:" + "9" * 19, "٠:١"],
)
def test_a_place_has_the_form_of_a_ledger_position(place: str, api: Api, known: Any) -> None:
    refused(api.get(LIST, at_least=place))


def test_a_place_that_no_event_has_is_refused_at_once(api: Api, known: Any) -> None:
    for place in ("0:999999999", "7:1", "0:1,3:1", "0:" + "9" * 18):
        refused(api.get(LIST, at_least=place))
    assert api.get(LIST, at_least="0:1").status_code == 200
    assert api.get(LIST, at_least="0:0").status_code == 200


def test_what_was_written_is_in_the_list_that_waits_for_it(api: Api) -> None:
    for _ in range(20):
        complaint_id = api.register(source_system="awaited")
        position = api.get(f"{LIST}/{complaint_id}").headers["Ledger-Position"]
        page = api.get(LIST, source_system="awaited", limit=1, at_least=position).json()
        assert page["complaints"][0]["complaint_id"] == complaint_id


def test_a_reader_waits_for_the_view_but_not_for_ever(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(api.database.owner) as blocker:
        # Somebody else works on the view for now; what comes meanwhile is not in it.
        blocker.execute("SELECT FROM views.positions WHERE view = 'complaints' FOR UPDATE")
        complaint_id = api.register(source_system="held-up")
        position = api.get(f"{LIST}/{complaint_id}").headers["Ledger-Position"]
        asked = {"source_system": "held-up", "at_least": position}
        assert api.get(LIST, source_system="held-up").json()["complaints"] == []
        with monkeypatch.context() as impatient:
            impatient.setattr(waiting, "PATIENCE_SECONDS", 0.5)
            late = api.get(LIST, **asked)
        assert (late.status_code, late.json()["code"]) == (503, "view-behind")
        assert late.json()["retryable"] is True
        assert late.headers["Retry-After"] == "1"

        answers: list[httpx.Response] = []
        patient = threading.Thread(target=lambda: answers.append(api.get(LIST, **asked)))
        patient.start()
        blocker.rollback()
        patient.join()
    assert [item["complaint_id"] for item in answers[0].json()["complaints"]] == [complaint_id]
