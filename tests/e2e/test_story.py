"""One complaint end to end over HTTP, as a contact centre would live it."""

from typing import Any

from tests.api.serving import Api

CALL = {
    "direction": "outbound",
    "channel": "phone",
    "party": "customer",
    "purpose": "answer",
    "outcome": "reached",
}


class Story:
    """One complaint, as the people who work on it give their orders."""

    def __init__(self, api: Api) -> None:
        self.api = api
        about = {"narrative": "新买的空调不制冷 😡", "external_ref": "WX-1", "channel": "wechat"}
        told = {**about, "customer_id": "cust-7"}
        body = {"source_system": "cc", "nature": "complaint", "origin": "person", **told}
        self.registered = api.post("/v1/complaints", body, by="agent-7")
        assert self.registered.status_code == 201
        self.id = self.registered.json()["complaint_id"]
        self.path = f"/v1/complaints/{self.id}"

    def order(self, command: str, who: str, body: Any = None) -> Any:
        response = self.api.post(f"{self.path}/{command}", body, by=who)
        assert response.status_code == 200, response.text
        return response.json()

    def refused(self, command: str, who: str, body: Any) -> Any:
        response = self.api.post(f"{self.path}/{command}", body, by=who)
        assert response.status_code == 409
        return response.json()["code"]

    def now(self) -> Any:
        return self.api.get(self.path).json()

    def work_to_the_resolution(self) -> tuple[dict[str, str], str]:
        """From the receipt to the resolution; the customer's proof and the remedy's id."""
        category = {"path": ["product_quality", "cooling"], "taxonomy_version": "t1"}
        decided = {"severity": "important", "decided_by": {"kind": "person"}}
        unit = {"unit_id": "after-sales-east"}
        self.order("acknowledge-complaint", "agent-7", {"by": "person", "channel": "phone"})
        self.order("assess-complaint", "agent-7", {"category": category, **decided})
        self.order("accept-complaint", "agent-7", unit)
        self.order("assign-complaint", "agent-7", {**unit, "person_id": "engineer-3"})
        self.order("sign-for-assignment", "engineer-3")
        self.order("record-contact", "engineer-3", CALL)
        contact_id = self.now()["contacts"][0]["contact_id"]
        proof = {"by": "customer", "how": "callback", "contact_id": contact_id}
        self.order("confirm-problem", "engineer-3", proof)
        self.order("propose-remedy", "engineer-3", {"kind": "repair", "basis": "statutory"})
        remedy_id = self.now()["remedies"][0]["remedy_id"]
        self.order("accept-remedy", "engineer-3", {"remedy_id": remedy_id})
        self.order("resolve-complaint", "engineer-3", {"outcome": "upheld"})
        return proof, remedy_id


def test_a_complaint_is_received_worked_confirmed_and_closed(spread: Api) -> None:
    api = spread
    story = Story(api)
    first = story.registered.json()
    assert story.registered.headers["Location"] == story.path
    assert (first["version"], first["events"]) == (1, ["ComplaintRegistered"])
    assert story.registered.headers["Ledger-Position"] == first["position"]

    proof, remedy_id = story.work_to_the_resolution()
    verified = {"reason": "verified"}
    assert story.refused("close-complaint", "agent-7", verified) == "remedy-outstanding"
    story.order("fulfil-remedy", "engineer-3", {"remedy_id": remedy_id})
    assert story.refused("close-complaint", "agent-7", verified) == "not-verified"
    assert story.refused("confirm-resolution", "agent-7", proof) == "nobodys-word"
    story.order("record-contact", "agent-7", {**CALL, "purpose": "follow_up"})
    proof["contact_id"] = story.now()["contacts"][1]["contact_id"]
    refusal = story.refused("confirm-resolution", "engineer-3", proof)
    assert refusal == "second-person-required"
    story.order("confirm-resolution", "agent-7", proof)
    answer = {"score": 5, "by": "customer", "channel": "sms"}
    story.order("record-satisfaction", "agent-7", answer)
    closed = story.order("close-complaint", "agent-7", verified)

    found = api.get(story.path)
    document = found.json()
    assert found.headers["ETag"] == f'"{document["version"]}"'
    assert document["version"] >= closed["version"], "policies may have had a word since"
    assert (document["stage"], document["close_reason"]) == ("closed", "verified")
    assert document["facts"]["narrative"] == "新买的空调不制冷 😡"
    assert document["allowed_commands"]["ReopenComplaint"]["is_allowed"]
    assert document["allowed_commands"]["AssessComplaint"]["rule"] == "not-allowed-at-stage"

    listed = api.get("/v1/complaints", at_least=closed["position"], stage="closed").json()
    assert story.id in [item["complaint_id"] for item in listed["complaints"]]
    history = api.get(f"{story.path}/history").json()
    by_people = [e for e in history["events"] if e["metadata"]["actor"]["role"] != "policy"]
    assert len(by_people) == 16
    versions = [event["version"] for event in history["events"]]
    assert versions == list(range(1, len(versions) + 1))
    for address in (first["tracking_number"], "wechat:WX-1"):
        assert api.get(f"/v1/complaints/{address}").json()["complaint_id"] == story.id
