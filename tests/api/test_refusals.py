"""Every order that a rule or a role refuses leaves its trace before the refusal is answered."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from api.examples import EXAMPLES
from api.roles import ROLES, may_order
from tests.api.cases import assessed, in_progress, resolved
from tests.api.serving import Api

PERSON = "王小明 13800138000"
_SELECT = """
SELECT e.data, e.metadata FROM ledger.events AS e
WHERE e.type = 'CommandRefused' ORDER BY e.partition, e.position"""


def traces(api: Api) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What was refused so far, and the envelopes of it, oldest first."""
    with psycopg.connect(api.database.owner) as connection:
        rows = connection.execute(_SELECT).fetchall()
    return [(json.loads(data), json.loads(metadata)) for data, metadata in rows]


class Watch:
    """What leaves a trace from here on."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._seen = len(traces(api))

    def new(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """The traces since the last look."""
        found = traces(self._api)
        self._seen, before = len(found), self._seen
        return found[before:]


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)


# --- what leaves a trace --------------------------------------------------------------------


def test_a_rule_that_refuses_is_named_with_the_complaint_and_who_ordered(api: Api) -> None:
    complaint_id, watch = api.register(), Watch(api)
    answer = api.post(f"/v1/complaints/{complaint_id}/resolve-complaint", by="agent-7")
    refused(answer, 409, "not-allowed-at-stage")
    [(data, metadata)] = watch.new()
    assert data == {
        "command": "ResolveComplaint",
        "rule": "NotAllowedAtStage",
        "status": 409,
        "complaint_id": complaint_id,
    }
    assert metadata["actor"] == {"id": "supervisor-1", "kind": "system", "role": "supervisor"}
    assert metadata["on_behalf_of"] == "agent-7"
    assert metadata["client_id"].startswith("key:")
    assert metadata["correlation_id"] == answer.headers["X-Request-Id"]


def test_of_four_eyes_the_rule_is_named_that_asked_for_a_second_person(api: Api) -> None:
    case = assessed(api)
    watch = Watch(api)
    decline = api.post(f"{case.path}/decline-complaint", EXAMPLES["DeclineComplaint"], by="agent-7")
    refused(decline, 409, "second-person-required")
    [(data, _)] = watch.new()
    assert (data["rule"], data["four_eyes"]) == ("SecondPersonRequired", "decline")


def test_an_order_for_a_customer_that_is_refused_names_the_customer(api: Api) -> None:
    watch, why = Watch(api), {"reason_code": "two_people", "reason_text": PERSON}
    answer = api.post("/v1/customers/never-merged/split-customer", why, by="agent-7")
    refused(answer, 409, "customer-not-merged")
    [(data, _)] = watch.new()
    assert data["customer_id"] == "never-merged"
    assert "complaint_id" not in data


def test_a_registration_that_is_refused_leaves_a_trace_that_names_no_complaint(api: Api) -> None:
    watch = Watch(api)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    ahead = {**EXAMPLES["RegisterComplaint"], "occurred_at": tomorrow}
    refused(api.post("/v1/complaints", ahead), 422, "occurred-in-future")
    [(data, _)] = watch.new()
    assert data == {"command": "RegisterComplaint", "rule": "OccurredInFuture", "status": 422}


@pytest.mark.parametrize("role", [role for role in ROLES if not may_order(role, "ReopenComplaint")])
def test_a_role_that_may_not_give_an_order_leaves_a_trace_of_it(role: str, api: Api) -> None:
    complaint_id, watch = api.register(), Watch(api)
    path = f"/v1/complaints/{complaint_id}/reopen-complaint"
    refused(api.post(path, EXAMPLES["ReopenComplaint"], role=role, by="ann"), 403, "forbidden")
    [(data, metadata)] = watch.new()
    assert data == {
        "command": "ReopenComplaint",
        "rule": "Forbidden",
        "status": 403,
        "complaint_id": complaint_id,
    }
    assert (metadata["actor"]["role"], metadata["on_behalf_of"]) == (role, "ann")


def test_a_role_is_refused_with_a_trace_whatever_else_is_wrong_with_the_request(api: Api) -> None:
    watch = Watch(api)
    nowhere = f"/v1/complaints/{uuid4()}/close-complaint"
    headers = api.headers("analyst", **{"On-Behalf-Of": "not a staff id", "Content-Type": "x"})
    for path in (nowhere, "/v1/complaints/phone:nobody/close-complaint", "/v1/complaints"):
        answer = api.http.post(path, content=b"\xff{" * 1000, headers=headers)
        refused(answer, 403, "forbidden")
    found = watch.new()
    assert [data["rule"] for data, _ in found] == ["Forbidden"] * 3
    assert all("complaint_id" not in data for data, _ in found)
    assert all("on_behalf_of" not in metadata for _, metadata in found)


def test_an_order_refused_again_leaves_a_further_trace_and_may_still_be_carried_out(
    api: Api,
) -> None:
    """The trace does not make the order known: what is refused today may be right tomorrow."""
    case = assessed(api)
    watch = Watch(api)
    path, key = f"{case.path}/assign-complaint", str(uuid4())
    for _ in range(2):
        refused(api.post(path, {"unit_id": "east"}, key=key), 409, "not-allowed-at-stage")
    [(_, first), (_, second)] = watch.new()
    assert first["causation_id"] == second["causation_id"], "one order, refused twice"
    assert first["command_id"] != second["command_id"]
    api.post(f"{case.path}/accept-complaint", {"unit_id": "east"}).raise_for_status()
    assert api.post(path, {"unit_id": "east"}, key=key).json()["events"] == ["ComplaintAssigned"]
    assert watch.new() == []


def test_nothing_of_what_a_refused_order_said_is_kept(api: Api) -> None:
    case = in_progress(api)
    before = len(traces(api))
    told = {"reason_code": "why", "reason_text": PERSON, "what": PERSON, "from": "customer"}
    contact = {"contact_id": str(uuid4())}
    path = f"{case.path}/request-information"
    refused(api.post(path, told | contact), 409, "unknown-contact")
    found = traces(api)[before:]
    assert len(found) == 1
    assert not any(word in json.dumps(found, ensure_ascii=False) for word in PERSON.split())
    assert found[0][1].get("reason") is None


def test_the_lines_of_a_bulk_request_leave_their_traces_too(api: Api) -> None:
    case = assessed(api)
    watch = Watch(api)
    lines = [
        ("ResolveComplaint", {}),
        ("ReopenComplaint", EXAMPLES["ReopenComplaint"]),
        ("FlagEmergency", {"cause": "fire"}),
    ]
    told = [
        {"command": name, "complaint": case.complaint_id, "idempotency_key": name, "body": body}
        for name, body in lines
    ]
    answer = api.http.post(
        "/v1/commands",
        content="".join(json.dumps(line) + "\n" for line in told),
        headers=api.headers("agent", **{"Content-Type": "application/x-ndjson"}),
    )
    assert [json.loads(line)["status"] for line in answer.text.splitlines()] == [409, 403, 200]
    assert [(data["command"], data["rule"], data["complaint_id"]) for data, _ in watch.new()] == [
        ("ResolveComplaint", "NotAllowedAtStage", case.complaint_id),
        ("ReopenComplaint", "Forbidden", case.complaint_id),
    ]


# --- what leaves none -----------------------------------------------------------------------


def test_what_is_carried_out_or_recorded_before_leaves_no_trace(api: Api) -> None:
    watch, key = Watch(api), str(uuid4())
    path = f"/v1/complaints/{api.register()}"
    fact = {"name": "said", "value": "yes"}
    for _ in range(2):  # the second is a replay
        api.post(f"{path}/record-source-fact", fact, key=key).raise_for_status()
    api.post(f"{path}/record-source-fact", fact).raise_for_status()  # silence
    assert watch.new() == []


def test_a_lost_race_is_no_refusal(api: Api) -> None:
    complaint_id, watch = api.register(), Watch(api)
    path = f"/v1/complaints/{complaint_id}/flag-emergency"
    refused(api.post(path, {"cause": "fire"}, If_Match='"7"'), 412, "version-conflict")
    assert watch.new() == []


def test_what_is_no_command_or_has_no_complaint_is_no_refusal(api: Api) -> None:
    complaint_id, watch = api.register(), Watch(api)
    path = f"/v1/complaints/{complaint_id}"
    refused(api.post(f"{path}/flag-emergency", {"caus": "fire"}), 422, "invalid")
    nowhere = f"/v1/complaints/{uuid4()}/flag-emergency"
    refused(api.post(nowhere, {"cause": "fire"}), 404, "unknown-complaint")
    stranger = api.http.post(f"{path}/flag-emergency", json={"cause": "fire"})
    refused(stranger, 401, "unauthenticated")
    key = str(uuid4())
    api.post(f"{path}/flag-emergency", {"cause": "fire"}, key=key).raise_for_status()
    refused(
        api.post(f"{path}/flag-emergency", {"cause": "flood"}, key=key),
        422,
        "idempotency-key-reused",
    )
    assert watch.new() == []


def test_trying_out_what_would_be_refused_leaves_no_trace(api: Api) -> None:
    complaint_id, watch = api.register(), Watch(api)
    path = f"/v1/complaints/{complaint_id}/resolve-complaint?dry_run=true"
    refused(api.post(path), 409, "not-allowed-at-stage")
    refused(api.post(path, role="analyst"), 403, "forbidden")
    assert watch.new() == []


def test_a_refusal_is_no_complaint(api: Api) -> None:
    case = resolved(api)
    api.post(f"{case.path}/accept-complaint", {"unit_id": "east"})
    with psycopg.connect(api.database.owner) as connection:
        [stream_id] = connection.execute(
            "SELECT stream_id FROM ledger.events WHERE type = 'CommandRefused'"
            " ORDER BY partition, position DESC LIMIT 1"
        ).fetchone() or [None]
    path = f"/v1/complaints/{stream_id}"
    assert api.get(path).status_code == 404
    assert api.get(f"{path}/history").status_code == 404
    refused(api.post(f"{path}/flag-emergency", {"cause": "fire"}), 404, "unknown-complaint")
