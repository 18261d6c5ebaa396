"""The feed: every event once and in order, in pages of any size and over broken connections."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.following import arriving, events_of, in_order, ledger_of, pages, read, streamed
from tests.api.serving import Api, served

PERSON = "王小明 13800138000"


@pytest.mark.parametrize("limit", [1, 7, 500])
def test_pages_of_any_size_give_every_event_once(limit: int, spread: Api) -> None:
    with arriving(spread, requests=1):
        found = read(spread, limit=limit)
    token = {"after": ""}
    if found:
        last: dict[str, str] = dict(event["position"].split(":") for event in found)
        token = {"after": ",".join(f"{p}:{position}" for p, position in last.items())}
    found += [event for page in pages_after(spread, token["after"], limit) for event in page]
    assert sorted(event["position"] for event in found) == sorted(ledger_of(spread))
    assert in_order(found)


def pages_after(api: Api, token: str, limit: int) -> Iterator[list[dict[str, Any]]]:
    while True:
        page = api.get("/v1/events", role="admin", after=token, limit=limit).json()
        yield page["events"]
        if page["is_at_head"]:
            return
        token = page["next"]


def test_a_stream_that_breaks_again_and_again_gives_every_event_once(spread: Api) -> None:
    found: list[dict[str, Any]] = []
    last: str | None = None
    with arriving(spread, requests=3) as worker:
        breaks = 0
        while worker.is_alive() or len(found) < len(ledger_of(spread)):
            breaks += 1
            with streamed(spread, last, query="?limit=7") as stream:
                events = events_of(stream)
                for _ in range(min(1 + breaks * 5, len(ledger_of(spread)) - len(found))):
                    last, event = next(events)
                    found.append(event)
    assert breaks > 3
    assert sorted(event["position"] for event in found) == sorted(ledger_of(spread))
    assert in_order(found)


def test_a_page_resumes_where_a_stream_broke_off(spread: Api) -> None:
    spread.register()
    with streamed(spread) as stream:
        events = events_of(stream)
        told = [next(events) for _ in range(3)]
    after = spread.get("/v1/events", role="admin", after=told[1][0], limit=1).json()
    assert [event["position"] for event in after["events"]] == [told[2][1]["position"]]
    assert after["events"][0] == told[2][1]


def test_what_comes_later_is_streamed_as_it_comes(spread: Api) -> None:
    head = list(pages(spread, limit=500))[-1]["next"]
    with streamed(spread, query=f"?after={head}") as stream:
        assert next(stream) == {"retry": "1000", "id": head}
        complaint_id = spread.register()
        _, event = next(events_of(stream))
    assert (event["stream"], event["stream_id"]) == ("complaint", complaint_id)
    assert event["type"] == "ComplaintRegistered"


def test_what_another_process_appends_is_streamed_too(spread: Api) -> None:
    head = list(pages(spread, limit=500))[-1]["next"]
    with streamed(spread, query=f"?after={head}") as stream, served(spread.database) as other:
        complaint_id = other.register()
        found = next(e for _, e in events_of(stream) if e["stream"] == "complaint")
    assert found["stream_id"] == complaint_id


# --- filters, roles -------------------------------------------------------------------------


def test_only_what_is_asked_for_comes(spread: Api) -> None:
    complaint_id = spread.register(channel="web", external_ref=f"R-{id(spread)}")
    path = f"/v1/complaints/{complaint_id}"
    spread.post(f"{path}/record-source-fact", {"name": "fact", "value": "1"}).raise_for_status()
    for address in (complaint_id, f"web:R-{id(spread)}"):
        for limit in (1, 100):
            found = read(spread, complaint=address, limit=limit)
            types = ["ComplaintRegistered", "SourceFactRecorded"]
            assert [event["type"] for event in found] == types
    facts = read(spread, type="SourceFactRecorded", limit=3)
    assert {event["type"] for event in facts} == {"SourceFactRecorded"}
    both = read(spread, type="SourceFactRecorded,ComplaintRegistered")
    everything = [e for e in read(spread) if e["type"] in types]
    assert sorted(e["position"] for e in both) == sorted(e["position"] for e in everything)
    one = read(spread, type="SourceFactRecorded", complaint=complaint_id)
    assert [event["version"] for event in one] == [2]


def test_who_may_not_read_personal_data_gets_events_without_it(spread: Api) -> None:
    complaint_id = spread.register(narrative=PERSON, external_ref=PERSON)
    for role in ("admin", "auditor", "agent", "supervisor", "legal"):
        [event] = read(spread, role, complaint=complaint_id)
        assert event["data"]["narrative"] == PERSON
    [event] = read(spread, "integrator", complaint=complaint_id)
    assert event["data"]["channel"] == "phone"
    assert "王小明" not in json.dumps(read(spread, "integrator"), ensure_ascii=False)
    refused = spread.get("/v1/events", role="analyst")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_that_a_customer_belongs_to_a_special_group_is_not_for_an_integrator(spread: Api) -> None:
    for command, body in (
        ("set-customer-tier", {"tier": "gold", "source": "crm"}),
        ("record-special-groups", {"groups": ["elderly"], "source": "crm"}),
    ):
        spread.post(f"/v1/customers/buyer-77/{command}", body).raise_for_status()
    recorded = "SpecialGroupsRecorded"
    assert recorded in {event["type"] for event in read(spread, "agent")}
    types = {event["type"] for event in read(spread, "integrator")}
    assert "CustomerTierSet" in types
    assert recorded not in types
    assert read(spread, "integrator", type=recorded) == []


def test_keys_are_for_auditors_and_refusals_for_those_who_read_histories(spread: Api) -> None:
    path = f"/v1/complaints/{spread.register()}/accept-complaint"
    assert spread.post(path, {"unit_id": "u-1"}).status_code == 409
    streams = {
        role: {event["stream"] for event in read(spread, role, limit=500)}
        for role in ("admin", "auditor", "supervisor", "integrator")
    }
    assert streams["admin"] == streams["auditor"] >= {"complaint", "access", "refusal"}
    assert streams["supervisor"] == streams["admin"] - {"access"}
    assert streams["integrator"] == streams["admin"] - {"access", "refusal"}
