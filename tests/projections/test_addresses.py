"""A complaint is found by its channel and outside reference, as they stand at present."""

from collections.abc import Iterator

import pytest

from tests.api.serving import Api, served
from tests.conftest import Database


@pytest.fixture(scope="module")
def api(database: Database) -> Iterator[Api]:
    with served(database) as api:
        yield api


def test_a_corrected_channel_is_part_of_the_address_from_then_on(api: Api) -> None:
    complaint_id = api.register(channel="phone", external_ref="R-1")
    assert api.get("/v1/complaints/phone:R-1").json()["complaint_id"] == complaint_id
    correction = {"new": {"channel": "app"}, "reason_code": "mistyped", "reason_text": "x"}
    answer = api.post("/v1/complaints/phone:R-1/correct-field", correction, by="agent-7")
    assert answer.status_code == 200, answer.text
    assert api.get("/v1/complaints/app:R-1").json()["complaint_id"] == complaint_id
    assert api.get("/v1/complaints/phone:R-1").status_code == 404


def test_a_reference_of_several_complaints_is_refused_as_ambiguous(api: Api) -> None:
    for _ in range(2):
        api.register(channel="web", external_ref="R-2")
    alone = api.register(channel="wechat", external_ref="R-2")
    assert api.get("/v1/complaints/wechat:R-2").json()["complaint_id"] == alone
    answer = api.get("/v1/complaints/web:R-2")
    assert (answer.status_code, answer.json()["code"]) == (409, "ambiguous-address")
    assert "tracking number" in answer.json()["detail"]
    order = api.post("/v1/complaints/web:R-2/acknowledge-complaint", {"by": "person"}, by="agent-7")
    assert (order.status_code, order.json()["code"]) == (409, "ambiguous-address")
    assert api.http.get("/problems/ambiguous-address").status_code == 200
