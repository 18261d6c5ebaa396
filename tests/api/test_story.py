"""One complaint end to end over HTTP, as a contact centre would live it."""

from tests.api.serving import Api


def test_a_complaint_is_received_worked_confirmed_and_closed(api: Api) -> None:
    registered = api.post(
        "/v1/complaints",
        {
            "channel": "wechat",
            "source_system": "contact-centre",
            "nature": "complaint",
            "origin": "person",
            "narrative": "新买的空调不制冷 😡",
            "external_ref": "WX-1",
        },
        by="agent-7",
    )
    assert registered.status_code == 201
    first = registered.json()
    complaint_id = first["complaint_id"]
    path = f"/v1/complaints/{complaint_id}"
    assert registered.headers["Location"] == path
    assert first["version"] == 1
    assert first["events"] == ["ComplaintRegistered"]
    assert registered.headers["Ledger-Position"] == first["position"]

    def order(command: str, body: dict | None = None, by: str = "agent-7") -> dict:
        response = api.post(f"{path}/{command}", body, by=by)
        assert response.status_code == 200, response.text
        answer: dict = response.json()
        return answer

    order("acknowledge-complaint", {"by": "person", "channel": "phone"})
    order(
        "assess-complaint",
        {
            "category": {"path": ["product_quality", "cooling"], "taxonomy_version": "t1"},
            "severity": "important",
            "decided_by": {"kind": "person"},
        },
    )
    order("accept-complaint", {"unit_id": "after-sales-east"})
    order("assign-complaint", {"unit_id": "after-sales-east", "person_id": "engineer-3"})
    order("sign-for-assignment", by="engineer-3")
    order(
        "record-contact",
        {
            "direction": "outbound",
            "channel": "phone",
            "party": "customer",
            "purpose": "answer",
            "outcome": "reached",
        },
        by="engineer-3",
    )
    contact_id = api.get(path).json()["contacts"][0]["contact_id"]
    proof = {"by": "customer", "how": "callback", "contact_id": contact_id}
    order("confirm-problem", proof, by="engineer-3")
    order("propose-remedy", {"kind": "repair", "basis": "statutory"}, by="engineer-3")
    remedy_id = api.get(path).json()["remedies"][0]["remedy_id"]
    order("accept-remedy", {"remedy_id": remedy_id}, by="engineer-3")
    order("resolve-complaint", {"outcome": "upheld"}, by="engineer-3")

    refused = api.post(f"{path}/close-complaint", {"reason": "verified"})
    assert refused.status_code == 409
    assert refused.json()["code"] == "remedy-outstanding"
    order("fulfil-remedy", {"remedy_id": remedy_id}, by="engineer-3")
    refused = api.post(f"{path}/confirm-resolution", proof, by="engineer-3")
    assert refused.json()["code"] == "second-person-required"
    order("confirm-resolution", proof, by="agent-7")
    order("record-satisfaction", {"score": 5, "by": "customer", "channel": "sms"})
    closed = order("close-complaint", {"reason": "verified"})

    found = api.get(path)
    assert found.headers["ETag"] == f'"{closed["version"]}"'
    document = found.json()
    assert document["stage"] == "closed"
    assert document["close_reason"] == "verified"
    assert document["facts"]["narrative"] == "新买的空调不制冷 😡"
    assert document["allowed_commands"]["ReopenComplaint"]["is_allowed"]
    assert document["allowed_commands"]["AssessComplaint"]["rule"] == "not-allowed-at-stage"

    listed = api.get("/v1/complaints", at_least=closed["position"], stage="closed").json()
    assert complaint_id in [item["complaint_id"] for item in listed["complaints"]]
    history = api.get(f"{path}/history").json()
    assert [event["version"] for event in history["events"]] == list(range(1, 16))
    for address in (first["tracking_number"], "wechat:WX-1"):
        assert api.get(f"/v1/complaints/{address}").json()["complaint_id"] == complaint_id
