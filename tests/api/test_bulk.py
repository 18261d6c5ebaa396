"""Many commands in one request: each line as a command of its own, in order on one complaint."""

import json
from uuid import uuid4

from tests.api.ndjson import bulk, events_of, fact, fresh, order, outcomes, registration, send
from tests.api.serving import Api


def test_a_complaint_is_registered_and_worked_on_in_one_request(api: Api) -> None:
    first = registration()
    by_key = {"registration_key": first["idempotency_key"]}
    told = bulk(
        api,
        first,
        order("AcknowledgeComplaint", by_key, body={"by": "automatic", "channel": "web"}),
        order("AssessComplaint", by_key, if_match=2),
        order("AcceptComplaint", by_key, on_behalf_of="agent-7"),
    )
    assert [answer["status"] for answer in told] == [201, 200, 200, 200]
    assert [answer["receipt"]["version"] for answer in told] == [1, 2, 3, 4]
    made = told[0]["receipt"]
    assert {answer["receipt"]["complaint_id"] for answer in told} == {made["complaint_id"]}
    assert api.get(f"/v1/complaints/{made['tracking_number']}").json()["stage"] == "accepted"
    history = api.get(f"/v1/complaints/{made['complaint_id']}/history").json()["events"]
    assert history[3]["metadata"]["on_behalf_of"] == "agent-7"
    assert len({event["metadata"]["correlation_id"] for event in history}) == 1


def test_what_an_earlier_line_registers_is_addressed_at_once(api: Api) -> None:
    reference = {"channel": "web", "external_ref": f"单-{fresh()}:1/2"}
    first = registration(**reference)
    written = f"web:{reference['external_ref']}"
    told = bulk(api, first, fact(reference, "a"), fact(written, "b"), fact(reference, "c"))
    assert [answer["status"] for answer in told] == [201, 200, 200, 200]
    complaint_id = told[0]["receipt"]["complaint_id"]
    assert events_of(api, complaint_id) == ["ComplaintRegistered", "a", "b", "c"]
    [later] = bulk(api, fact(reference, "d"))  # by now it is in the view
    assert later["receipt"]["complaint_id"] == complaint_id
    [by_key] = bulk(api, fact({"registration_key": first["idempotency_key"]}, "e"))
    assert by_key["receipt"]["complaint_id"] == complaint_id


def test_lines_on_one_complaint_take_effect_in_order_whichever_way_it_is_named(api: Api) -> None:
    reference = {"channel": "phone", "external_ref": fresh()}
    made = bulk(api, first := registration(**reference))[0]["receipt"]
    names = [
        made["complaint_id"],
        made["tracking_number"],
        reference,
        {"registration_key": first["idempotency_key"]},
        f"phone:{reference['external_ref']}",
        made["complaint_id"].upper(),
    ]
    values = [str(number) for number in range(60)]
    lines = [fact(names[index % len(names)], value) for index, value in enumerate(values)]
    others = [registration() for _ in range(60)]
    told = bulk(api, first, *(line for pair in zip(lines, others, strict=True) for line in pair))
    assert told[0]["is_replay"] is True
    assert {answer["status"] for answer in told[1:]} == {200, 201}
    assert events_of(api, made["complaint_id"])[1:] == values


def test_a_refused_line_does_not_stop_the_rest(api: Api) -> None:
    first = registration()
    by_key = {"registration_key": first["idempotency_key"]}
    told = bulk(api, first, order("AcceptComplaint", by_key), order("AssessComplaint", by_key))
    assert outcomes(told) == [
        ["ComplaintRegistered"],
        "not-allowed-at-stage",
        ["ComplaintAssessed"],
    ]
    problem = told[1]["problem"]
    assert told[1]["status"] == problem["status"] == 409
    assert problem["command"] == "AcceptComplaint"
    assert problem["complaint_id"] == told[0]["receipt"]["complaint_id"]
    assert problem["request_id"]


def test_nothing_is_begun_after_the_first_refusal_where_that_is_asked_for(api: Api) -> None:
    lines = [registration(), b"not json", registration(), fact(str(uuid4()))]
    told = bulk(api, *lines, query="?stop_on_error=true")
    assert outcomes(told) == [["ComplaintRegistered"], "not-json", "skipped", "skipped"]
    assert told[2]["status"] == 424
    again = bulk(api, *lines[:1], *lines[2:], query="?stop_on_error=true")
    assert outcomes(again)[1:] == [["ComplaintRegistered"], "unknown-complaint"]
    assert again[0]["is_replay"] is True
    assert "is_replay" not in again[1]


def test_what_follows_a_registration_that_failed_is_not_begun(api: Api) -> None:
    broken = registration(nonsense=1, external_ref="N-1")
    by_key = {"registration_key": broken["idempotency_key"]}
    by_reference = {"channel": "web", "external_ref": "N-1"}
    told = bulk(api, broken, fact(by_key), fact(by_reference), registration())
    assert outcomes(told) == ["invalid", "skipped", "skipped", ["ComplaintRegistered"]]


def test_a_line_addresses_only_what_was_there_before_it(api: Api) -> None:
    later = registration()
    told = bulk(api, fact({"registration_key": later["idempotency_key"]}), later)
    assert outcomes(told) == ["unknown-complaint", ["ComplaintRegistered"]]


def test_two_registrations_with_one_reference_are_named_by_neither(api: Api) -> None:
    reference = {"channel": "web", "external_ref": fresh()}
    told = bulk(api, registration(**reference), registration(**reference), fact(reference))
    assert outcomes(told)[2] == "ambiguous-address"


def test_a_bulk_request_may_be_sent_again_whole_or_in_part(api: Api) -> None:
    reference = {"channel": "web", "external_ref": fresh()}
    first = registration(**reference)
    by_key = {"registration_key": first["idempotency_key"]}
    lines = [first, fact(by_key, "a"), fact(reference, "b"), order("AssessComplaint", by_key)]
    once = bulk(api, *lines)
    for again in (bulk(api, *lines), bulk(api, lines[0]) + bulk(api, *lines[1:])):
        assert all(answer.pop("is_replay") for answer in again)
        assert [a["receipt"] for a in again] == [a["receipt"] for a in once]
    reused = bulk(api, {**lines[1], "body": {"name": "fact", "value": "z"}})
    assert outcomes(reused) == ["idempotency-key-reused"]


def test_a_line_and_a_single_command_are_the_same_order(api: Api) -> None:
    complaint_id, key = api.register(), fresh()
    body = b'{"name": "fact", "value": "1"}'
    line = json.dumps(fact(complaint_id, idempotency_key=key)).encode()
    assert body in line
    [told] = bulk(api, line)
    headers = api.headers(**{"Idempotency-Key": key, "Content-Type": "application/json"})
    path = f"/v1/complaints/{complaint_id}/record-source-fact"
    single = api.http.post(path, content=body, headers=headers)
    assert single.headers["Idempotency-Replayed"] == "true"
    assert single.json() == told["receipt"]


def test_one_key_twice_in_a_request_is_one_order(api: Api) -> None:
    first = registration()
    told = bulk(api, first, first, {**first, "body": {**first["body"], "channel": "phone"}})
    assert outcomes(told)[2] == "idempotency-key-reused"
    assert told[0]["receipt"] == told[1]["receipt"]
    assert told[1]["is_replay"] is True


def test_the_version_a_line_names_is_the_version_changed(api: Api) -> None:
    first = registration()
    by_key = {"registration_key": first["idempotency_key"]}
    told = bulk(api, first, fact(by_key, "a", if_match=1), fact(by_key, "b", if_match=1))
    assert outcomes(told)[2] == "version-conflict"
    assert told[2]["problem"]["version"] == 2


def test_each_line_is_checked_for_the_role_as_a_single_command_is(api: Api) -> None:
    first = registration()
    by_key = {"registration_key": first["idempotency_key"]}
    lines = [first, order("AssessComplaint", by_key), fact(by_key)]
    told = bulk(api, *lines, role="integrator")
    assert outcomes(told) == [["ComplaintRegistered"], "forbidden", ["SourceFactRecorded"]]
    for role in ("auditor", "analyst", "legal"):
        refused = send(api, lines, role=role)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    [merge] = bulk(api, fact(str(uuid4()), command="RecordMergeReceived"))
    assert merge["problem"]["errors"][0]["pointer"] == "/command"


def test_the_person_named_for_the_request_gives_the_orders_that_name_none(api: Api) -> None:
    first = registration()
    by_key = {"registration_key": first["idempotency_key"]}
    told = bulk(api, first, fact(by_key, on_behalf_of="ann-1"), On_Behalf_Of="bob-1")
    path = f"/v1/complaints/{told[0]['receipt']['complaint_id']}/history"
    people = [event["metadata"]["on_behalf_of"] for event in api.get(path).json()["events"]]
    assert people == ["bob-1", "ann-1"]
