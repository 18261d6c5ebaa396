"""How the lines of a bulk request are written, where they end, and what is wrong with them."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from api.strict import MAX_BYTES
from tests.api.ndjson import NDJSON, answers, bulk, fact, ndjson, registration, send
from tests.api.serving import Api

# --- how lines are written ------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_chunks_may_end_anywhere(size: int, api: Api) -> None:
    lines = [registration(narrative="投诉😡\u2028x") for _ in range(4)]
    content = ndjson(lines)
    chunks = (content[at : at + size] for at in range(0, len(content), size))
    told = answers(send(api, chunks))
    assert [(a["line"], a["status"]) for a in told] == [(n, 201) for n in range(1, 5)]
    path = f"/v1/complaints/{told[3]['receipt']['complaint_id']}"
    assert api.get(path).json()["facts"]["narrative"] == "投诉😡\u2028x"


def test_blank_lines_are_counted_and_not_answered(api: Api) -> None:
    one = json.dumps(registration()).encode()
    two = json.dumps(registration()).encode()
    content = b"\n \t\r\n" + one + b"\r\n\r\n" + two  # and no newline at the end
    told = answers(send(api, content))
    assert [(answer["line"], answer["status"]) for answer in told] == [(3, 201), (5, 201)]
    for nothing in (b"", b"\n", b"\r\n \n"):
        assert answers(send(api, nothing)) == []


WRONG = {
    "not JSON": (b"{nonsense", 400, "not-json", None),
    "not UTF-8": (b'{"command": "\xff"}', 400, "not-json", None),
    "two values": (b"{} {}", 400, "not-json", None),
    "a list": (b"[1]", 422, "invalid", ""),
    "a text": (b'"RegisterComplaint"', 422, "invalid", ""),
    "no command": (b'{"idempotency_key": "k"}', 422, "invalid", "/command"),
    "no key": (b'{"command": "RegisterComplaint"}', 422, "invalid", "/idempotency_key"),
    "a bad key": (registration("two words"), 422, "invalid", "/idempotency_key"),
    "an unknown command": ({**registration(), "command": "Drop"}, 422, "invalid", "/command"),
    "an unknown field": ({**registration(), "dry_run": 1}, 422, "invalid", "/dry_run"),
    "a field twice": (b'{"command": "X", "command": "Y"}', 422, "invalid", "/command"),
    "a fact twice": (
        b'{"command": "X", "idempotency_key": "k", "body": {"a": 1, "a": 2}}',
        422,
        "invalid",
        "/body/a",
    ),
    "a wrong fact": (registration(channel=1), 422, "invalid", "/body/channel"),
    "a body that is none": ({**registration(), "body": [1]}, 422, "invalid", "/body"),
    "NUL": (registration(narrative="\0"), 422, "invalid", "/body/narrative"),
    "a place for it": ({**registration(), "complaint": "x"}, 422, "invalid", "/complaint"),
    "a registration if": ({**registration(), "if_match": 0}, 422, "invalid", "/if_match"),
    "nowhere": ({**fact("x"), "complaint": None}, 422, "invalid", "/complaint"),
    "half a reference": (fact({"channel": "web"}), 422, "invalid", "/complaint"),
    "no reference": (fact({}), 422, "invalid", "/complaint"),
    "two references": (
        fact({"channel": "web", "external_ref": "x", "registration_key": "y"}),
        422,
        "invalid",
        "/complaint",
    ),
    "a version that is none": (fact("x", if_match=-1), 422, "invalid", "/if_match"),
    "a phone number": (fact("x", on_behalf_of="13800138000"), 422, "invalid", "/on_behalf_of"),
    "an unknown id": (fact(str(uuid4())), 404, "unknown-complaint", None),
    "an unknown number": (fact("CL0-999999-8"), 404, "unknown-complaint", None),
    "an unknown reference": (fact("web:nothing"), 404, "unknown-complaint", None),
    "an unknown key": (fact({"registration_key": "nothing"}), 404, "unknown-complaint", None),
    "a name of nothing": (fact("nonsense"), 404, "unknown-complaint", None),
    "NUL in a key": (fact({"registration_key": "\0"}), 422, "invalid",
                     "/complaint/registration_key"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_line_is_told_clearly_and_the_rest_goes_on(name: str, api: Api) -> None:
    line, status, code, pointer = WRONG[name]
    told = bulk(api, registration(), line, registration())
    assert [answer["status"] for answer in told] == [201, status, 201]
    assert told[1]["problem"]["code"] == code
    errors = [error["pointer"] for error in told[1]["problem"].get("errors", [])]
    assert errors == ([] if pointer is None else [pointer])


def test_a_line_above_its_limit_is_refused_and_the_rest_goes_on(api: Api) -> None:
    line = json.dumps(registration()).encode()
    told = bulk(api, line.ljust(MAX_BYTES), line.ljust(MAX_BYTES + 1), registration())
    assert [answer["status"] for answer in told] == [201, 413, 201]


def test_a_problem_is_told_in_the_language_asked_for(api: Api) -> None:
    [told] = bulk(api, fact(str(uuid4())), Accept_Language="zh-CN")
    assert told["problem"]["title"] == "投诉不存在" or not told["problem"]["title"].isascii()


# --- whole requests -------------------------------------------------------------------------


def footprint(api: Api) -> Any:
    with psycopg.connect(api.database.owner) as connection:
        return connection.execute("SELECT sum(position) FROM ledger.heads").fetchone()


def test_a_request_that_is_wrong_as_a_whole_changes_nothing(api: Api) -> None:
    before = footprint(api)
    line = ndjson([registration()])
    for response, status, code in (
        (send(api, line, media_type="application/json"), 415, "unsupported-media-type"),
        (send(api, line, media_type=f"{NDJSON}; charset=gb18030"), 415, "unsupported-media-type"),
        (send(api, line, Content_Encoding="gzip"), 415, "unsupported-media-type"),
        (send(api, line, query="?stop_on_error=1"), 400, "bad-query"),
        (send(api, line, query="?dry_run=true"), 400, "unknown-query"),
        (send(api, line, On_Behalf_Of="two words"), 400, "bad-header"),
        (send(api, line + b"\n" * 10_000), 413, "too-large"),
        (send(api, b" " * (16 * 2**20 + 1)), 413, "too-large"),
        (send(api, (b" " * 2**20 for _ in range(17))), 413, "too-large"),
        (api.http.post("/v1/commands", content=line), 401, "unauthenticated"),
    ):
        assert (response.status_code, response.json()["code"]) == (status, code)
    assert footprint(api) == before


def test_as_many_lines_as_are_allowed_are_answered_in_order(api: Api) -> None:
    lines = [b"{}"] * 9_998 + [registration(), fact(str(uuid4()))]
    told = bulk(api, *lines)
    assert [answer["line"] for answer in told] == list(range(1, 10_001))
    assert [answer["status"] for answer in told[-3:]] == [422, 201, 404]


@contextmanager
def sent_whole(api: Api, content: bytes) -> Iterator[socket.socket]:
    """A connection on which a request has been sent, and nothing read."""
    url = httpx.URL(api.url)
    head = [f"POST /v1/commands HTTP/1.1\r\nHost: test\r\nContent-Length: {len(content)}"]
    told = {**api.headers(), "Content-Type": NDJSON, "Connection": "close"}
    head += [f"{name}: {value}" for name, value in told.items()]
    with socket.create_connection((url.host, url.port), timeout=60) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + content)
        yield connection


def test_a_client_that_leaves_sends_the_same_again_and_nothing_is_done_twice(api: Api) -> None:
    before = footprint(api)
    lines = [registration() for _ in range(200)]
    for _ in range(3):
        with sent_whole(api, ndjson(lines)) as connection:
            assert connection.recv(12) == b"HTTP/1.1 200"
    told = bulk(api, *lines)
    assert {answer["status"] for answer in told} == {201}
    assert footprint(api)[0] - before[0] == 200


def test_a_client_that_sends_everything_before_it_reads_does_not_hang(api: Api) -> None:
    lines = [registration() for _ in range(400)]
    lines += [fact({"registration_key": line["idempotency_key"]}) for line in lines]
    with sent_whole(api, ndjson([*lines, *[b"{}"] * 5_000])) as connection:
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 200")
    assert received.count(b'"line":') == 5_800
    assert received.count(b'"status":201') == received.count(b'"status":200') == 400


def test_the_lines_of_a_request_count_for_the_rate_of_its_key(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.limited_key('integrator', 60)}"}
    content = ndjson(registration() for _ in range(90))
    sent = {**headers, "Content-Type": NDJSON}
    first = api.http.post("/v1/commands", content=content, headers=sent)
    assert {answer["status"] for answer in answers(first)} == {201}
    limited = api.http.post("/v1/commands", content=content, headers=sent)
    assert limited.status_code == 429
    assert int(limited.headers["Retry-After"]) > 20
