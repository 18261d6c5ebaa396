"""What policies do is seen through the API: merging tells the survivor."""

from typing import Any

from tests.api.serving import Api
from tests.waiting import wait_until

WHY = {"reason_code": "same-problem", "reason_text": "同一问题登记了两次。"}
MERGE = "MergeReceived"


def events_of(api: Api, complaint_id: str) -> list[Any]:
    answer = api.get(f"/v1/complaints/{complaint_id}/history", limit=200)
    assert answer.status_code == 200, answer.text
    events: list[Any] = answer.json()["events"]
    return events


def test_merging_and_unmerging_a_duplicate_is_told_to_its_survivor(api: Api) -> None:
    survivor = api.register(customer_id="merging-1")
    duplicate = api.register(customer_id="merging-1")
    path = f"/v1/complaints/{duplicate}"
    merge = api.post(f"{path}/merge-complaint", {"target_id": survivor, **WHY}, by="boss-9")
    assert merge.status_code == 200, merge.text

    wait_until(lambda: MERGE in [event["type"] for event in events_of(api, survivor)])
    told = events_of(api, survivor)[-1]
    assert told["data"]["source_id"] == duplicate
    assert told["metadata"]["actor"] == {
        "id": "policy:tell_survivor_of_merge",
        "kind": "system",
        "role": "policy",
    }

    undone = api.post(f"{path}/unmerge-complaint", WHY, by="boss-9")
    assert undone.status_code == 200, undone.text
    wait_until(lambda: events_of(api, survivor)[-1]["type"] == "MergeReverted")


def test_policies_are_shown_beside_the_views(api: Api) -> None:
    ready = api.http.get("/health/ready").json()
    assert "view tell_survivor_of_merge 0" in ready["checks"]
    metrics = api.http.get("/metrics").text
    assert 'closedloop_halted{name="tell_survivor_of_merge"} 0.0' in metrics
    assert 'closedloop_view_lag_events{partition="0",view="tell_survivor_of_merge"}' in metrics
