"""Whatever the number of partitions, the API keeps its word: lists, addresses, keys, tokens."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from tests.api.ndjson import bulk, fact, registration
from tests.api.serving import Api

CUSTOMERS = [f"buyer-{number}" for number in range(12)]


def partitions(api: Api) -> int:
    with psycopg.connect(api.database.owner) as connection:
        [count] = connection.execute("SELECT count(*) FROM ledger.heads").fetchone() or (0,)
        return int(count)


def place_of(receipt: dict[str, Any]) -> str:
    partition, _, _ = receipt["position"].partition(":")
    return str(partition)


def test_complaints_are_spread_and_found_by_every_address(spread: Api) -> None:
    lines = [registration(customer_id=c, external_ref=f"R-{c}") for c in CUSTOMERS]
    receipts = [answer["receipt"] for answer in bulk(spread, *lines)]
    spread_over = {place_of(receipt) for receipt in receipts}
    assert len(spread_over) == (1 if partitions(spread) == 1 else 4)
    for receipt, customer in zip(receipts, CUSTOMERS, strict=True):
        tracking = receipt["tracking_number"]
        assert tracking.startswith(f"CL{place_of(receipt)}-")
        for address in (receipt["complaint_id"], tracking, f"web:R-{customer}"):
            found = spread.get(f"/v1/complaints/{address}").json()
            assert found["complaint_id"] == receipt["complaint_id"]
            assert found["position"] == receipt["position"]


def test_a_list_pages_over_all_partitions_once_it_has_seen_them(spread: Api) -> None:
    unit = f"unit-{id(spread)}"
    lines = [registration(customer_id=c, received_unit=unit, region="310000") for c in CUSTOMERS]
    receipts = [answer["receipt"] for answer in bulk(spread, *lines)]
    at_least: dict[str, int] = {}
    for receipt in receipts:
        partition, _, position = receipt["position"].partition(":")
        at_least[partition] = max(at_least.get(partition, 0), int(position))
    token = ",".join(f"{partition}:{position}" for partition, position in at_least.items())
    found: list[str] = []
    query = {"at_least": token, "region": "310000", "sort": "received_at", "limit": 5}
    while True:
        page = spread.get("/v1/complaints", **query).json()
        found += [item["complaint_id"] for item in page["complaints"]]
        if "next" not in page:
            break
        query["cursor"] = page["next"]
    assert len(page["position"].split(",")) == partitions(spread)
    assert sorted(found) == sorted(receipt["complaint_id"] for receipt in receipts)


def test_a_registration_is_made_once_in_whichever_partition(spread: Api) -> None:
    for customer in CUSTOMERS:
        body = registration(customer_id=customer)["body"]
        key = f"once-{customer}"
        with ThreadPoolExecutor(4) as threads:
            sent = [threads.submit(_register, spread, body, key) for _ in range(4)]
        told = [answer.result() for answer in sent]
        assert len({answer["complaint_id"] for answer in told}) == 1
        other = {**body, "customer_id": f"{customer}-x"}  # mostly of another partition
        refused = spread.post("/v1/complaints", other, key=key)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency-key-reused")


def test_a_key_is_for_one_command_in_whichever_partition(spread: Api) -> None:
    first, *others = [
        spread.post("/v1/complaints", registration(customer_id=customer)["body"]).json()
        for customer in CUSTOMERS
    ]
    detail = {"details": {"region": "310000"}}
    told = spread.post(f"/v1/complaints/{first['complaint_id']}/add-detail", detail, key="for-one")
    assert told.status_code == 200
    for other in others:
        path = f"/v1/complaints/{other['complaint_id']}/add-detail"
        refused = spread.post(path, detail, key="for-one")
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency-key-reused")
    customer = spread.post(
        "/v1/customers/buyer-1/set-customer-tier", {"tier": "gold", "source": "crm"}, key="for-one"
    )
    assert (customer.status_code, customer.json()["code"]) == (422, "idempotency-key-reused")
    again = spread.post(f"/v1/complaints/{first['complaint_id']}/add-detail", detail, key="for-one")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")


def _register(api: Api, body: dict[str, Any], key: str) -> dict[str, Any]:
    answer = api.post("/v1/complaints", body, key=key)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_bulk_request_works_in_all_partitions_at_once(spread: Api) -> None:
    lines = [registration(customer_id=customer) for customer in CUSTOMERS]
    keys = [{"registration_key": line["idempotency_key"]} for line in lines]
    facts = [fact(key, str(value)) for value in range(5) for key in keys]
    told = bulk(spread, *lines, *facts)
    assert {answer["status"] for answer in told} == {200, 201}
    assert [answer["receipt"]["version"] for answer in told[-len(CUSTOMERS) :]] == [6] * len(
        CUSTOMERS
    )
    again = bulk(spread, *lines, *facts)
    assert all(answer.pop("is_replay") for answer in again)
    assert [a["receipt"] for a in again] == [a["receipt"] for a in told]
