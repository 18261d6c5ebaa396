"""Customers over HTTP: from nobody known to somebody linked, merged and split; their goodwill."""

from typing import Any

import psycopg
import pytest

from api.examples import EXAMPLES
from api.problems import kebab
from tests.api.cases import HANDLER, HEAD, KEY_OF
from tests.api.serving import Api
from tests.waiting import wait_until

WHY = {"reason_code": "same_person", "reason_text": "同一客户的两个号码"}
PHONE = {"kind": "phone", "value": "+86 138 0000 0000"}


def order(api: Api, customer_id: str, name: str, **changes: Any) -> dict[str, Any]:
    """Give the example of a command on a customer."""
    path = f"/v1/customers/{customer_id}/{kebab(name)}"
    response = api.post(path, {**EXAMPLES[name], **changes})
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


def read(api: Api, customer_id: str, **more: Any) -> dict[str, Any]:
    """The customer as they stand."""
    response = api.get(f"/v1/customers/{customer_id}", **more)
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


def views(api: Api, statement: str, *params: Any) -> list[Any]:
    """What stands in the views."""
    with psycopg.connect(api.database.owner) as connection:
        return connection.execute(statement, params).fetchall()


# --- the story ------------------------------------------------------------------------------


def test_who_complained_anonymously_is_identified_later_and_linked(api: Api) -> None:
    phone = {"kind": "phone", "value": "+86 139-0000-0001"}
    complaint_id = api.register(complainant={"role": "customer", "handle": phone})
    path = f"/v1/complaints/{complaint_id}"
    assert api.get(path).json()["customer_id"] is None
    rating = {"score": 5, "by": "customer", "channel": "phone"}
    for name in ("AssessComplaint", "AcceptComplaint", "AssignComplaint"):
        api.post(f"{path}/{kebab(name)}", EXAMPLES[name]).raise_for_status()
    confirm = {"by": "customer", "how": "callback"}
    refused = api.post(f"{path}/confirm-problem", confirm)
    assert (refused.status_code, refused.json()["code"]) == (409, "tracking-link-only")
    anonymous = api.post(f"{path}/confirm-problem", {**confirm, "how": "link"})
    assert anonymous.status_code == 200

    order(api, "story-1", "IdentifyCustomer", handle={**phone, "value": "13900000001"})
    wait_until(lambda: api.get(path).json()["customer_id"] == "story-1")  # a policy links it
    again = api.post(f"{path}/link-customer", {"customer_id": "story-1", "by": "person"})
    assert again.json()["events"] == [], "known already"
    assert api.post(f"{path}/confirm-problem", confirm).status_code == 200, "known by now"
    api.post(f"{path}/resolve-complaint").raise_for_status()
    rated = api.post(f"{path}/record-satisfaction", rating, by="agent-7", role="agent")
    assert rated.status_code == 200, rated.text

    position = api.get(path).headers["Ledger-Position"]
    api.get("/v1/complaints", at_least=position).raise_for_status()
    [[customer_id, handle_hash]] = views(
        api,
        "SELECT customer_id, handle_hash FROM views.complaints WHERE complaint_id = %s",
        complaint_id,
    )
    assert customer_id == "story-1"
    assert handle_hash is not None
    assert views(
        api,
        "SELECT role, customer_id FROM views.complaint_customers WHERE complaint_id = %s",
        complaint_id,
    ) == [("affected", "story-1")]


def test_a_customer_is_what_was_recorded_of_them(api: Api) -> None:
    for name in ("IdentifyCustomer", "VerifyCustomer", "SetCustomerTier", "AssignSegment"):
        assert len(order(api, "whole-1", name)["events"]) == 1
    told = order(api, "whole-1", "RecordSpecialGroups")
    assert (told["customer_id"], told["version"]) == ("whole-1", 5)
    document = read(api, "whole-1")
    assert document["canonical_customer_id"] == "whole-1"
    assert document["identified"][0]["handle"] == PHONE
    assert document["tier"] == {"tier": "vip", "source": "crm"}
    assert document["segment"]["segment"] == "service_quality"
    assert document["special_groups"]["groups"] == ["老年人"]
    assert document["allowed_commands"]["SplitCustomer"]["rule"] == "customer-not-merged"
    page = api.get("/v1/customers/whole-1/history", limit=2)
    assert [event["type"] for event in page.json()["events"]] == [
        "CustomerIdentified",
        "CustomerVerified",
    ]
    assert page.json()["next"] == 2
    assert page.headers["ETag"] == '"5"'


def test_a_merge_names_who_the_customer_is_now_and_a_split_takes_it_back(api: Api) -> None:
    order(api, "twin-2", "IdentifyCustomer")
    order(api, "twin-1", "MergeCustomers", into_id="twin-2")
    order(api, "twin-2", "MergeCustomers", into_id="twin-3")
    assert read(api, "twin-1")["canonical_customer_id"] == "twin-3"
    path = "/v1/customers/twin-{}/{}"
    merge = {"into_id": "twin-1", **WHY}
    circle = api.post(path.format(3, "merge-customers"), merge)
    assert (circle.status_code, circle.json()["code"]) == (409, "survivor-was-merged")
    closed = api.post(path.format(1, "set-customer-tier"), EXAMPLES["SetCustomerTier"])
    assert (closed.status_code, closed.json()["code"]) == (409, "customer-is-merged")
    order(api, "twin-2", "SplitCustomer")
    assert read(api, "twin-1")["canonical_customer_id"] == "twin-2"


def test_complaints_of_one_customer_under_two_ids_are_merged(api: Api) -> None:
    target = api.register(customer_id="same-1")
    source = api.register(customer_id="same-2")
    merge = {"target_id": target, "reason_code": "twice", "reason_text": "两次登记"}
    path = f"/v1/complaints/{source}/merge-complaint"
    refused = api.post(path, merge, by=HEAD, role="admin")
    assert refused.json()["code"] == "not-the-same-complainant"
    order(api, "same-2", "MergeCustomers", into_id="same-1")
    merged = api.post(path, merge, by=HEAD, role="admin")
    assert merged.status_code == 200, merged.text


# --- orders ---------------------------------------------------------------------------------


def test_an_order_on_a_customer_is_safe_to_repeat(api: Api) -> None:
    path = "/v1/customers/again-1/set-customer-tier"
    first = api.post(path, EXAMPLES["SetCustomerTier"], key="tier-once")
    again = api.post(path, EXAMPLES["SetCustomerTier"], key="tier-once")
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = api.post(
        "/v1/customers/again-2/set-customer-tier", EXAMPLES["SetCustomerTier"], key="tier-once"
    )
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


def test_an_order_decided_on_an_old_version_is_not_carried_out(api: Api) -> None:
    path = "/v1/customers/versions-1/set-customer-tier"
    unknown = api.post(path, EXAMPLES["SetCustomerTier"], If_Match='"3"')
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown-customer")
    assert api.post(path, EXAMPLES["SetCustomerTier"], If_Match='"0"').status_code == 200
    stale = api.post(path, {"tier": "ordinary", "source": "crm"}, If_Match='"0"')
    assert (stale.status_code, stale.json()["code"]) == (412, "version-conflict")
    assert read(api, "versions-1")["tier"]["tier"] == "vip"


def test_a_dry_run_records_nothing_of_a_customer(api: Api) -> None:
    path = "/v1/customers/dry-1/set-customer-tier?dry_run=true"
    told = api.post(path, EXAMPLES["SetCustomerTier"]).json()
    assert (told["dry_run"], told["events"]) == (True, ["CustomerTierSet"])
    assert api.get("/v1/customers/dry-1").status_code == 404


@pytest.mark.parametrize("bad", ["13800138000", "a%20b", "%00", "x" * 65, "a%2Fb", "王"])
def test_what_can_be_no_id_of_a_customer_names_nobody(api: Api, bad: str) -> None:
    for response in (
        api.get(f"/v1/customers/{bad}"),
        api.get(f"/v1/customers/{bad}/history"),
        api.post(f"/v1/customers/{bad}/set-customer-tier", EXAMPLES["SetCustomerTier"]),
    ):
        assert (response.status_code, response.json()["code"]) == (404, "unknown-customer")
        assert bad not in response.text


def test_a_command_on_a_complaint_is_none_on_a_customer(api: Api) -> None:
    assert api.post("/v1/customers/c-1/accept-complaint", {}).status_code == 404
    complaint_id = api.register()
    wrong = api.post(f"/v1/complaints/{complaint_id}/set-customer-tier", {})
    assert wrong.status_code == 404


def test_an_analyst_reads_neither_handles_nor_special_groups(api: Api) -> None:
    order(api, "private-1", "IdentifyCustomer")
    order(api, "private-1", "RecordSpecialGroups")
    told = api.get("/v1/customers/private-1", role="analyst")
    assert told.status_code == 200
    for private in ("138", "老年人", "special_groups"):
        assert private not in told.text
    assert told.json()["identified"][0]["handle"] == {"kind": "phone"}


# --- goodwill of one customer ---------------------------------------------------------------


def in_progress(api: Api, customer_id: str) -> str:
    """A complaint of this customer, being worked on; returns its path."""
    path = f"/v1/complaints/{api.register(customer_id=customer_id)}"
    for name in ("AssessComplaint", "AcceptComplaint", "AssignComplaint"):
        grade = {"severity": "general"} if name == "AssessComplaint" else {}
        api.post(f"{path}/{kebab(name)}", {**EXAMPLES[name], **grade}).raise_for_status()
    return path


def offer(api: Api, path: str, yuan: int, **more: Any) -> bool:
    """Offer so much goodwill; whether it needs approval."""
    amount = {"minor": yuan * 100, "currency": "CNY"}
    body = {"kind": "voucher", "basis": "goodwill", "amount": amount, **more}
    response = api.post(f"{path}/propose-remedy", body, by=HANDLER, role=KEY_OF[HANDLER])
    assert response.status_code == 200, response.text
    events = api.get(f"{path}/history", limit=100).json()["events"]
    last = [event["data"] for event in events if event["type"] == "RemedyProposed"][-1]
    return bool(last.get("needs_approval", False))


def test_goodwill_of_one_customers_complaints_adds_up_until_it_needs_approval(api: Api) -> None:
    one, other = in_progress(api, "gift-1"), in_progress(api, "gift-1")
    assert not offer(api, one, 150)
    assert not offer(api, other, 50), "200 yuan in all: as much as a handler may grant"
    assert offer(api, other, 1)
    remedies = api.get(other).json()["remedies"]
    accepted = api.post(f"{other}/accept-remedy", {"remedy_id": remedies[-1]["remedy_id"]})
    assert (accepted.status_code, accepted.json()["code"]) == (409, "approval-required")


def test_other_customers_and_what_is_owed_count_for_nothing(api: Api) -> None:
    one, other = in_progress(api, "gift-2"), in_progress(api, "gift-3")
    assert not offer(api, one, 150)
    assert not offer(api, one, 900, basis="statutory")
    assert not offer(api, other, 200)


def test_a_customer_under_two_ids_is_one_customer(api: Api) -> None:
    one, other = in_progress(api, "gift-4"), in_progress(api, "gift-5")
    assert not offer(api, one, 150)
    order(api, "gift-4", "MergeCustomers", into_id="gift-6")
    order(api, "gift-5", "MergeCustomers", into_id="gift-6")
    assert offer(api, other, 100)
