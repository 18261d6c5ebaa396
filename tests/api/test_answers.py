"""What is answered: the same again to a repeat, and text as it was told."""

import json
import threading
from uuid import uuid4

import httpx
import pytest

from api.examples import EXAMPLES
from api.strict import MAX_BYTES
from tests.api.serving import Api
from tests.strategies import TEXTS

REGISTRATION = {
    "channel": "phone",
    "source_system": "test",
    "nature": "complaint",
    "origin": "person",
}
WITHDRAWAL = {"reason_code": "settled", "reason_text": "settled"}
# Headers that are about the answer as a message, not about what became of the command.
OF_THE_MESSAGE = {"date", "x-request-id", "idempotency-replayed"}


# --- repeats --------------------------------------------------------------------------------


def same(first: httpx.Response, again: httpx.Response) -> None:
    """The second answer is the first one, marked."""
    assert again.status_code == first.status_code
    assert again.content == first.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    for name in {*first.headers, *again.headers} - OF_THE_MESSAGE:
        assert again.headers[name] == first.headers[name], name


def test_a_repeat_is_answered_as_the_first_time_whatever_happened_since(api: Api) -> None:
    first = api.post("/v1/complaints", REGISTRATION, key="repeat-registration")
    path = first.headers["Location"]
    told = {"name": "fact", "value": "1"}
    fact = api.post(f"{path}/record-source-fact", told, key="repeat-fact")
    silent = api.post(f"{path}/record-source-fact", told, key="repeat-silence")
    assert silent.json()["events"] == []
    assert silent.json()["version"] == fact.json()["version"]
    api.post(f"{path}/attach-evidence", EXAMPLES["AttachEvidence"]).raise_for_status()
    proof = api.get(f"{path}/history").json()["events"][-1]["data"]["evidence_id"]
    withdrawal = {**WITHDRAWAL, "evidence_id": proof}
    api.post(f"{path}/withdraw-complaint", withdrawal).raise_for_status()
    same(first, api.post("/v1/complaints", REGISTRATION, key="repeat-registration"))
    same(fact, api.post(f"{path}/record-source-fact", told, key="repeat-fact"))
    same(fact, api.post(f"{path}/record-source-fact", told, key="repeat-fact", If_Match='"1"'))
    same(silent, api.post(f"{path}/record-source-fact", told, key="repeat-silence"))


def test_a_repeat_is_addressed_as_it_was_the_first_time(api: Api) -> None:
    first = api.post("/v1/complaints", {**REGISTRATION, "external_ref": "A/1"}, key="by-address")
    told = {"name": "fact", "value": "1"}
    by_id = api.post(f"{first.headers['Location']}/record-source-fact", told, key="one-fact")
    same(by_id, api.post(f"{first.headers['Location']}/record-source-fact", told, key="one-fact"))
    for address in (first.json()["tracking_number"], "phone:A%2F1"):
        other = api.post(f"/v1/complaints/{address}/record-source-fact", told, key="one-fact")
        assert other.json()["code"] == "idempotency-key-reused"


def test_a_repeat_is_answered_though_its_address_names_one_complaint_no_more(api: Api) -> None:
    api.post("/v1/complaints", {**REGISTRATION, "external_ref": "B1"})
    path = "/v1/complaints/phone:B1/record-source-fact"
    told = {"name": "fact", "value": "1"}
    first = api.post(path, told, key="two-of-them")
    assert first.status_code == 200
    api.post("/v1/complaints", {**REGISTRATION, "external_ref": "B1"})
    same(first, api.post(path, told, key="two-of-them"))
    assert api.post(path, told).status_code in (404, 409)


def test_many_who_send_the_same_at_once_get_one_complaint(api: Api) -> None:
    answers: list[httpx.Response] = []

    def register() -> None:
        answers.append(api.post("/v1/complaints", REGISTRATION, key="at-once"))

    senders = [threading.Thread(target=register) for _ in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1


def test_a_refused_command_may_be_sent_again_with_its_key_corrected(api: Api) -> None:
    complaint_id = api.register()
    path = f"/v1/complaints/{complaint_id}/accept-complaint"
    refused = api.post(path, {"unit_id": "u-1"}, key="refused-first")
    assert refused.status_code == 409
    assess = {
        "category": {"path": ["a"], "taxonomy_version": "1"},
        "decided_by": {"kind": "person"},
    }
    api.post(f"/v1/complaints/{complaint_id}/assess-complaint", assess).raise_for_status()
    assert api.post(path, {"unit_id": "u-2"}, key="refused-first").status_code == 200


def test_two_principals_may_use_the_same_key(api: Api) -> None:
    first = api.post("/v1/complaints", REGISTRATION, key="shared", role="agent")
    other = api.post("/v1/complaints", REGISTRATION, key="shared", role="admin")
    assert first.json()["complaint_id"] != other.json()["complaint_id"]


def test_the_version_named_is_the_version_changed(api: Api) -> None:
    path = f"/v1/complaints/{api.register()}"
    etag = api.get(path).headers["ETag"]
    told = {"name": "fact", "value": "1"}
    changed = api.post(f"{path}/record-source-fact", told, If_Match=etag)
    assert changed.status_code == 200
    assert changed.headers["ETag"] == api.get(path).headers["ETag"] != etag
    lost = api.post(f"{path}/record-source-fact", {**told, "value": "2"}, If_Match=etag)
    assert lost.status_code == 412
    assert lost.headers["ETag"] == changed.headers["ETag"]


# --- text -----------------------------------------------------------------------------------

LONG = "空调不制冷，客服说“正在处理”。😡 \u202b\u0634\u0643\u0648\u0649\u202c\n"
NARRATIVES = {
    "100 KB of Chinese": LONG * (100_000 // len(LONG.encode())),
    "400,000 characters": "长" * 300_000 + "x" * 100_000,
    "SQL": "Robert'); DROP TABLE ledger.events; SELECT pg_sleep(10) --\\'\"%s %(x)s $1 {0}",
    "script": "<script>alert('x')</script><img src=x onerror=alert(1)>{{7*7}}${7*7}",
    "every plane": "".join(map(chr, (*range(1, 0x300), 0x200E, 0x2028, 0xFEFF, 0xFFFF, 0x10FFFF))),
    **{f"text {number}": text for number, text in enumerate(TEXTS)},
}


@pytest.mark.parametrize("name", NARRATIVES)
def test_text_comes_back_as_it_was_told(name: str, api: Api) -> None:
    text = NARRATIVES[name]
    body = {**REGISTRATION, "narrative": text, "reason_text": text[:4000]}
    content = json.dumps(body, ensure_ascii=len(text) < 1000).encode()
    if len(content) > MAX_BYTES:
        pytest.fail("the text does not fit into a command")
    headers = api.headers(**{"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"})
    made = api.http.post("/v1/complaints", content=content, headers=headers)
    assert made.status_code == 201, made.text
    path = made.headers["Location"]
    assert api.get(path).json()["facts"]["narrative"] == text
    event = api.get(f"{path}/history").json()["events"][0]
    assert event["data"]["narrative"] == text
    assert event["data"]["reason_text"] == text[:4000]


def test_a_command_may_be_one_mebibyte_and_not_a_byte_more(api: Api) -> None:
    content = json.dumps(REGISTRATION).encode()
    for size, status in ((MAX_BYTES, 201), (MAX_BYTES + 1, 413)):
        headers = api.headers(**{"Idempotency-Key": str(size), "Content-Type": "application/json"})
        answer = api.http.post("/v1/complaints", content=content.ljust(size), headers=headers)
        assert answer.status_code == status


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "Application/JSON", "application/json; charset=utf-8",
     'application/json;charset="UTF-8"'],
)  # fmt: skip
def test_json_is_known_by_its_media_type(media_type: str, api: Api) -> None:
    headers = api.headers(**{"Idempotency-Key": str(uuid4()), "Content-Type": media_type})
    content = json.dumps(REGISTRATION)
    assert api.http.post("/v1/complaints", content=content, headers=headers).status_code == 201
