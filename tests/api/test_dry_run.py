"""A dry run tells what a command would lead to, and leaves no trace of having been asked."""

from typing import Any

import psycopg
import pytest

from api.examples import EXAMPLES
from tests.api.serving import Api

REGISTRATION = {
    "channel": "phone",
    "source_system": "test",
    "nature": "complaint",
    "origin": "person",
}
FACT = {"name": "fact", "value": "1"}


def footprint(api: Api) -> Any:
    with psycopg.connect(api.database.owner) as connection:
        return connection.execute(
            "SELECT (SELECT sum(position) FROM ledger.heads), (SELECT count(*) FROM ledger.events),"
            " (SELECT count(*) FROM ledger.commands)"
        ).fetchone()


def test_a_dry_run_says_what_would_follow_and_changes_nothing(api: Api) -> None:
    path = f"/v1/complaints/{api.register()}"
    before, stood = footprint(api), api.get(path)
    tried = api.post(f"{path}/assess-complaint?dry_run=true", EXAMPLES["AssessComplaint"])
    assert tried.status_code == 200
    assert tried.json() == {
        "dry_run": True,
        "version": 1,
        "events": ["ComplaintAssessed"],
        "complaint_id": path.rpartition("/")[2],
    }
    for name in ("ETag", "Ledger-Position"):
        assert tried.headers[name] == stood.headers[name]
    assert footprint(api) == before
    assert api.get(path).json() == stood.json()


def test_a_registration_can_be_tried_without_making_a_complaint(api: Api) -> None:
    before = footprint(api)
    tried = api.post("/v1/complaints?dry_run=true", REGISTRATION, key="tried")
    assert tried.status_code == 200
    assert tried.json() == {"dry_run": True, "version": 0, "events": ["ComplaintRegistered"]}
    assert "Location" not in tried.headers
    assert footprint(api) == before


def test_a_key_that_was_only_tried_can_be_used(api: Api) -> None:
    tried = api.post("/v1/complaints?dry_run=true", REGISTRATION, key="tried-first")
    done = api.post("/v1/complaints?dry_run=false", REGISTRATION, key="tried-first")
    assert (tried.status_code, done.status_code) == (200, 201)
    assert "Idempotency-Replayed" not in done.headers
    path = f"{done.headers['Location']}/record-source-fact"
    api.post(f"{path}?dry_run=true", FACT, key="tried-for-one")
    assert api.post(path, {**FACT, "value": "2"}, key="tried-for-one").status_code == 200


def test_what_was_done_before_would_lead_to_nothing_more(api: Api) -> None:
    done = api.post("/v1/complaints", REGISTRATION, key="done-before")
    tried = api.post("/v1/complaints?dry_run=true", REGISTRATION, key="done-before")
    complaint_id = done.json()["complaint_id"]
    assert tried.json() == {
        "dry_run": True,
        "version": 1,
        "events": [],
        "complaint_id": complaint_id,
    }
    other = {**REGISTRATION, "channel": "web"}
    refused = api.post("/v1/complaints?dry_run=true", other, key="done-before")
    assert refused.json()["code"] == "idempotency-key-reused"


def test_a_dry_run_is_refused_as_the_order_would_be(api: Api) -> None:
    path = f"/v1/complaints/{api.register()}"
    before = footprint(api)
    accept = f"{path}/accept-complaint?dry_run=true"
    refusals = [
        api.post(accept, {"unit_id": "u-1"}),
        api.post(accept, {"unit_id": "u-1"}, If_Match='"7"'),
        api.post(accept, {"unit_id": "u-1"}, role="integrator"),
        api.post(accept, {"unit_id": "u-1", "nonsense": 1}),
        api.post(accept.replace(path[-8:], "ffffffff"), {"unit_id": "u-1"}),
        api.post(f"{path}/record-source-fact?dry_run=true", FACT, key="two words"),
    ]
    assert [answer.json()["code"] for answer in refusals] == [
        "not-allowed-at-stage",
        "version-conflict",
        "forbidden",
        "invalid",
        "unknown-complaint",
        "bad-header",
    ]
    assert footprint(api) == before


def test_a_dry_run_on_the_version_seen_is_decided_on_it(api: Api) -> None:
    path = f"/v1/complaints/{api.register()}/record-source-fact"
    tried = api.post(f"{path}?dry_run=true", FACT, If_Match='"1"')
    assert tried.json()["events"] == ["SourceFactRecorded"]
    api.post(path, FACT).raise_for_status()
    assert api.post(f"{path}?dry_run=true", FACT, If_Match='"1"').status_code == 412
    assert api.post(f"{path}?dry_run=true", FACT).json()["events"] == []


@pytest.mark.parametrize("value", ["", "1", "yes", "True", "true&dry_run=true", "%00"])
def test_a_dry_run_is_asked_for_in_one_way(value: str, api: Api) -> None:
    answer = api.post(f"/v1/complaints?dry_run={value}", REGISTRATION)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-query")
