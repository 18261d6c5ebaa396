"""Reading a complaint as it was known, and as it was, at an earlier time."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from api.as_of import AsOf, part_of, read_as_of
from domain.complaint import COMPLAINT
from domain.kernel import fold
from tests.api.cases import CLERK, HANDLER, Case, in_progress, registered
from tests.api.serving import Api
from tests.projections.histories import random_histories

REASON = {"reason_code": "recorded_late", "reason_text": "补录"}


@pytest.fixture(scope="module")
def case(api: Api) -> Case:
    """A complaint with a remedy accepted, after which it was resolved."""
    case = in_progress(api)
    case.order("ResolveComplaint", by=HANDLER)
    api.settle()  # policies have had their word in it
    return case


def events(case: Case) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = case.api.get(f"{case.path}/history", limit=200).json()["events"]
    return found


def test_every_version_can_be_read_again_as_it_stood(case: Case, api: Api) -> None:
    stages = []
    for event in events(case):
        told = api.get(case.path, as_of=f"v{event['version']}")
        document = told.json()
        assert document["version"] == event["version"]
        assert document["as_of"] == {
            "version": event["version"],
            "position": event["position"],
            "recorded_at": event["recorded_at"],
            "occurred_by": None,
        }
        assert told.headers["ETag"] == f'"{event["version"]}"'
        assert told.headers["Ledger-Position"] == event["position"]
        assert document["allowed_commands"] is None, "nobody orders anything in the past"
        assert api.get(case.path, as_of=event["position"]).json() == document
        stages.append(document["stage"])
    assert stages == sorted(stages, key=list(dict.fromkeys(stages)).index)
    assert (stages[0], stages[-1]) == ("registered", "resolved")


def test_a_time_counts_what_had_been_recorded_by_then(case: Case, api: Api) -> None:
    told = events(case)
    moment = told[3]["recorded_at"]
    by_then = [event for event in told if event["recorded_at"] <= moment]
    document = api.get(case.path, as_of=moment).json()
    assert document["version"] == by_then[-1]["version"]
    history = api.get(f"{case.path}/history", as_of=moment, limit=200).json()
    assert history["events"] == by_then
    assert (history["version"], history["as_of"]["version"]) == (len(by_then), len(by_then))
    local = datetime.fromisoformat(moment).astimezone().isoformat()
    assert api.get(case.path, as_of=local).json() == document, "in any zone"


def test_a_time_to_come_is_the_present(case: Case, api: Api) -> None:
    now = api.get(case.path).json()
    assert now["as_of"] is None
    for future in ("2199-01-01T00:00:00Z", "v999", f"0:{10**15}"):
        then = api.get(case.path, as_of=future).json()
        assert then["version"] == now["version"]
        assert {**then, "as_of": None, "allowed_commands": now["allowed_commands"]} == now


def test_a_page_of_an_earlier_history_ends_there(case: Case, api: Api) -> None:
    page = api.get(f"{case.path}/history", as_of="v3", after=1, limit=1).json()
    assert ([event["version"] for event in page["events"]], page["next"]) == ([2], 2)
    last = api.get(f"{case.path}/history", as_of="v3", after=2, limit=1).json()
    assert ([event["version"] for event in last["events"]], last["next"]) == ([3], None)


def test_what_was_recorded_late_counts_by_when_it_occurred(api: Api) -> None:
    case = registered(api, datetime.now(UTC) - timedelta(hours=5))
    case.at = None
    early = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    case.order("RecordSourceFact", name="response", value="now")
    case.order("FlagEmergency", by=CLERK, occurred_at=early, **REASON)
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    then = api.get(case.path, occurred_by=an_hour_ago).json()
    assert then["source_facts"] == {}, "not told of before it happened"
    assert then["version"] == case.version, "the emergency, though recorded last"
    told = api.get(f"{case.path}/history", occurred_by=an_hour_ago).json()["events"]
    assert "EmergencyFlagged" in {event["type"] for event in told}
    assert "SourceFactRecorded" not in {event["type"] for event in told}
    both = api.get(f"{case.path}/history", occurred_by=an_hour_ago, as_of="v2").json()
    assert [event["version"] for event in both["events"]] == [1, 2]
    assert datetime.fromisoformat(both["as_of"]["occurred_by"]) == datetime.fromisoformat(
        an_hour_ago
    )


@pytest.mark.parametrize("path", ["", "/history"])
def test_before_its_receipt_there_is_no_complaint_yet(path: str, case: Case, api: Api) -> None:
    before: list[dict[str, str]] = [
        {"as_of": "2020-01-01T00:00:00Z"},
        {"occurred_by": "2020-01-01T00:00:00Z"},
        {"as_of": "0:0"},
        {"as_of": "v2", "occurred_by": "2020-01-01T00:00:00Z"},
    ]
    for when in before:
        answer = api.get(f"{case.path}{path}", **when)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-received-by-then")
    unknown = api.get(f"/v1/complaints/{UUID(int=7)}{path}", as_of="v1")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown-complaint")


@pytest.mark.parametrize(
    "text",
    ["", "v", "v0", "V3", "v-1", "v1.0", "v１", "yesterday", "2026-01-01", "2026-01-01T00:00:00",
     "2026-01-01T00:00:00 08:00", "0:", "0:x", ":5", "0:1;", "9:1", "0:1,", "12", "now",
     "9999-12-31T23:59:59-14:00", "1" * 1900],
)  # fmt: skip
@pytest.mark.parametrize("path", ["", "/history"])
def test_an_as_of_that_cannot_be_meant_is_refused(
    text: str, path: str, case: Case, api: Api
) -> None:
    answer = api.get(f"{case.path}{path}", as_of=text)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-query")
    assert "as_of" in answer.json()["detail"]
    if "2026" in text or text.startswith("9:"):
        expected = "partition 0" if text.startswith("9:") else "%2B"
        assert expected in answer.json()["detail"]
    if not text.startswith(("v", "V", "0", "9:")):
        answer = api.get(f"{case.path}{path}", occurred_by=text)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad-query")


def test_the_past_is_for_those_who_may_read_histories(case: Case, api: Api) -> None:
    for role, status in (("auditor", 200), ("legal", 200), ("agent", 200), ("analyst", 403)):
        for when in ({"as_of": "v1"}, {"occurred_by": "2199-01-01T00:00:00Z"}):
            assert api.get(case.path, role=role, **when).status_code == status
    assert api.get(case.path, role="analyst").status_code == 200


# --- without a server -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_what_had_occurred_by_any_time_folds_to_a_complaint(seed: int) -> None:
    """What counts has gaps: an answer without its question, an end without a beginning."""
    chance = random.Random(seed)
    streams: defaultdict[UUID, list[Any]] = defaultdict(list)
    for recorded in random_histories(seed, 10):
        streams[recorded.stream_id].append(recorded)
    for history in streams.values():
        some = [event for event in history[1:] if chance.random() < 0.5]
        assert fold(COMPLAINT, [history[0], *some]).stage is not None
        for at in {recorded.occurred_at for recorded in history[1:]}:
            if at >= history[0].occurred_at:
                part = part_of(history, AsOf(occurred_by=at))
                assert fold(COMPLAINT, part).stage is not None


def test_the_command_line_reads_the_same_words() -> None:
    assert read_as_of("v12") == AsOf(version=12)
    assert read_as_of("0:7,3:9") == AsOf(places={0: 7, 3: 9})
    moment = datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert read_as_of("2026-03-01T09:00:00Z") == AsOf(recorded_by=moment)
