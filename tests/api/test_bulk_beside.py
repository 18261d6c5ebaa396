"""Lines that are decided by other complaints beside their own: they take turns with those."""

from structlog.testing import capture_logs

from tests.api.cases import HANDLER, KEY_OF
from tests.api.ndjson import bulk, events_of, fact, fresh, order, outcomes
from tests.api.serving import Api, served
from tests.api.test_customers import in_progress
from tests.conftest import Database


def goodwill(path: str, yuan: int) -> dict[str, object]:
    amount = {"minor": yuan * 100, "currency": "CNY"}
    return {
        "command": "ProposeRemedy",
        "idempotency_key": fresh("goodwill"),
        "complaint": path.rsplit("/", 1)[1],
        "on_behalf_of": HANDLER,
        "body": {"kind": "voucher", "basis": "goodwill", "amount": amount},
    }


def merged(source: str, target: str) -> dict[str, object]:
    body = {"target_id": target, "reason_code": "registered_twice", "reason_text": "by chat too"}
    return order("MergeComplaint", source, body=body, on_behalf_of="head-2")


def needs_approval(api: Api, path: str) -> bool:
    events = api.get(f"{path}/history", limit=100).json()["events"]
    [proposed] = [event["data"] for event in events if event["type"] == "RemedyProposed"]
    return bool(proposed.get("needs_approval", False))


def test_goodwill_of_one_request_adds_up_until_it_needs_approval(api: Api) -> None:
    paths = [in_progress(api, "gifted-at-once") for _ in range(4)]
    told = bulk(api, *(goodwill(path, 90) for path in paths), role=KEY_OF[HANDLER])
    assert [answer["status"] for answer in told] == [200] * 4
    assert [needs_approval(api, path) for path in paths] == [False, False, True, True]


def test_nothing_is_merged_into_what_an_earlier_line_closes(api: Api) -> None:
    kept, source, target = (api.register(customer_id="merged-at-once") for _ in range(3))
    told = bulk(api, merged(target, kept), merged(source, target), merged(source, kept))
    assert [answer["status"] for answer in told] == [200, 409, 200]
    assert outcomes(told)[1] == "merge-target-closed"


def test_what_comes_after_a_line_that_was_put_off_is_put_off_too(fresh_database: Database) -> None:
    """The views stand still, so nobody can say what else the customer was granted."""
    with served(fresh_database, keeps_views=False) as api:
        path = in_progress(api, "put-off")
        source, other = api.register(customer_id="put-off"), api.register()
        target = path.rsplit("/", 1)[1]
        lines = (goodwill(path, 90), merged(source, target), fact(source), fact(other))
        with capture_logs() as logs:
            told = bulk(api, *lines, role=KEY_OF[HANDLER])
        assert [answer["status"] for answer in told] == [503, 424, 424, 200]
        assert events_of(api, source) == ["ComplaintRegistered"]
        assert {log["event"] for log in logs} == {"request"}, "the others did not wait for it"
