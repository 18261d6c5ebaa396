"""Metrics over HTTP: the catalogue, values by group, and what lies behind each number."""

from typing import Any

import httpx
import pytest

from api.metrics import MetricDescription
from projections.metrics import METRICS
from tests.api.serving import Api

PATH = "/v1/metrics"


@pytest.fixture(scope="module")
def known(api: Api) -> str:
    """Complaints of three channels, two of them classed as repeats; a place that has them all."""
    ids = [
        api.register(channel=channel, source_system="measured", received_unit=f"unit-{number % 2}")
        for number, channel in enumerate(["phone", "web", "phone", "wechat", "phone"])
    ]
    for complaint_id, repeat_class in zip(
        ids, ["initial", "related", "repeat", "repeat", "unknown"], strict=True
    ):
        body: dict[str, Any] = {"class": repeat_class, "rule_version": "told", "reason_code": "r"}
        if repeat_class in ("related", "repeat"):
            body["earlier_id"] = ids[0]
        path = f"/v1/complaints/{complaint_id}/classify-repeat"
        answer = api.post(path, {**body, "reason_text": "x"})
        answer.raise_for_status()
    return answer.headers["Ledger-Position"]


def refused(response: httpx.Response, code: str = "bad-query", status: int = 400) -> None:
    assert (response.status_code, response.json()["code"]) == (status, code), response.text


def test_the_catalogue_says_what_each_metric_counts(api: Api) -> None:
    metrics = api.get(PATH, role="analyst").json()["metrics"]
    assert [metric["id"] for metric in metrics] == list(METRICS)
    for metric in metrics:
        assert set(metric) >= set(MetricDescription.__struct_fields__) - {"window"}
        assert all(metric.values())
        assert metric["beside"]


def test_a_metric_tells_counts_and_ratio_by_group(api: Api, known: str) -> None:
    told = api.get(
        f"{PATH}/repeat_share", source_system="measured", group_by="channel", at_least=known
    ).json()
    assert told["definition"]["name_zh"] == "重复投诉率"
    assert [
        (g["group"]["channel"], g["numerator"], g["denominator"], g["value"], g["excluded"])
        for g in told["groups"]
    ] == [
        ("phone", 1, 2, 0.5, {"customer_unknown": 1}),
        ("web", 0, 1, 0.0, {}),
        ("wechat", 1, 1, 1.0, {}),
    ]
    [whole] = api.get(f"{PATH}/repeat_share", source_system="measured").json()["groups"]
    assert (whole["group"], whole["numerator"], whole["denominator"]) == ({}, 2, 4)
    [nothing] = api.get(f"{PATH}/repeat_share", source_system="nobody").json()["groups"]
    assert (nothing["denominator"], nothing["value"]) == (0, None)


def test_groups_and_evidence_come_in_pages(api: Api, known: str) -> None:
    query = {"source_system": "measured", "at_least": known}
    by_unit = {"group_by": "month,unit,channel", **query}
    whole = api.get(f"{PATH}/repeat_share", **by_unit).json()["groups"]
    assert pages(api, f"{PATH}/repeat_share", "groups", **by_unit) == whole
    path = f"{PATH}/repeat_share/evidence"
    for part, count in (("numerator", 2), ("denominator", 4), ("excluded", 1)):
        items = api.get(path, part=part, **query).json()["items"]
        assert len(items) == count
        assert pages(api, path, "items", part=part, **query) == items
    [item] = api.get(path, part="excluded", **query).json()["items"]
    assert item["excluded_for"] == "customer_unknown"
    assert api.get(f"/v1/complaints/{item['complaint_id']}").status_code == 200


def pages(api: Api, path: str, name: str, **query: Any) -> list[Any]:
    """Everything, page by page of one."""
    page = api.get(path, limit=1, **query).json()
    found = page[name]
    while "next" in page:
        page = api.get(path, limit=1, cursor=page["next"], **query).json()
        found += page[name]
    return found


def test_dates_are_half_open(api: Api, known: str) -> None:
    def count(**query: str) -> int:
        told = api.get(f"{PATH}/repeat_share", source_system="measured", **query).json()
        number: int = told["groups"][0]["denominator"]
        return number

    assert count(**{"from": "2000-01-01", "to": "2200-01-01"}) == 4
    assert count(to="2000-01-01") == 0
    assert count(**{"from": "2190-01-01"}) == 0
    assert count(month="1999-12") == 0


def test_a_metric_that_there_is_not_is_told_with_those_that_there_are(api: Api) -> None:
    for name in ("no_such", "REPEAT_SHARE", "%27%3B--", "x" * 500):
        for path in (f"{PATH}/{name}", f"{PATH}/{name}/evidence"):
            answer = api.get(path)
            refused(answer, "unknown-metric", 404)
            assert "repeat_share" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("from", value) for value in ("", "yesterday", "2026-02-30", "2026-1-1", "٢٠٢٦-01-01")),
        ("to", "2026-01-01T00:00:00Z"),
        *(("group_by", value) for value in ("", "channel,", "narrative", "channel;unit", "*")),
        *(("limit", value) for value in ("0", "1001", "x")),
        *(("channel", value) for value in ("", "a,,b", ",".join(["x"] * 51))),
        ("cursor", "AAAA"),
        ("at_least", "x"),
    ],
)
def test_what_cannot_be_meant_is_refused(name: str, value: str, api: Api) -> None:
    refused(api.get(f"{PATH}/return_rate", **{name: value}))


def test_a_cursor_belongs_to_its_metric_and_its_filters(api: Api, known: str) -> None:
    path = f"{PATH}/repeat_share"
    cursor = api.get(path, group_by="channel", limit=1, at_least=known).json()["next"]
    assert api.get(path, group_by="channel", cursor=cursor).status_code == 200
    refused(api.get(path, group_by="unit", cursor=cursor))
    refused(api.get(path, group_by="channel", channel="phone", cursor=cursor))
    refused(api.get(f"{PATH}/escalated_share", group_by="channel", cursor=cursor))
    refused(api.get(f"{path}/evidence", cursor=cursor))
    refused(api.get(f"{path}/evidence", part="all"))
