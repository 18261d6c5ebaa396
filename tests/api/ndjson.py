"""Orders as lines of JSON, sent in bulk, and what is answered."""

import json
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any
from uuid import uuid4

import httpx

from api.examples import EXAMPLES
from tests.api.serving import Api

NDJSON = "application/x-ndjson"
_numbers = count(1)


def fresh(name: str = "key") -> str:
    return f"{name}-{next(_numbers)}-{uuid4().hex[:6]}"


def registration(key: str | None = None, **facts: Any) -> dict[str, Any]:
    told = {"channel": "web", "source_system": "shop", "nature": "complaint", "origin": "person"}
    key = key or fresh("register")
    return {"command": "RegisterComplaint", "idempotency_key": key, "body": {**told, **facts}}


def fact(complaint: Any, value: str = "1", **more: Any) -> dict[str, Any]:
    """An order that is allowed at every stage and tells a fact of its own."""
    body = {"name": "fact", "value": value}
    line = {"command": "RecordSourceFact", "complaint": complaint, "body": body}
    return {"idempotency_key": fresh("fact"), **line, **more}


def order(command: str, complaint: Any, **more: Any) -> dict[str, Any]:
    line = {"command": command, "complaint": complaint, "body": EXAMPLES[command]}
    return {"idempotency_key": fresh(command), **line, **more}


def ndjson(lines: Iterable[Any]) -> bytes:
    return b"".join(
        (line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode()) + b"\n"
        for line in lines
    )


def send(
    api: Api,
    content: Any,
    *,
    role: str = "supervisor",
    query: str = "",
    media_type: str = NDJSON,
    **headers: str,
) -> httpx.Response:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    content = content if isinstance(content, bytes | Iterator) else ndjson(content)
    sent = api.headers(role, **{"Content-Type": media_type, **headers})
    return api.http.post(f"/v1/commands{query}", content=content, headers=sent)


def answers(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"].startswith(NDJSON)
    return [json.loads(line) for line in response.text.splitlines()]


def bulk(api: Api, *lines: Any, **options: Any) -> list[dict[str, Any]]:
    told = answers(send(api, lines, **options))
    assert [answer["line"] for answer in told] == sorted(answer["line"] for answer in told)
    return told


def outcomes(told: list[dict[str, Any]]) -> list[Any]:
    """Of each line the events, or the code of the problem."""
    return [a["receipt"]["events"] if "receipt" in a else a["problem"]["code"] for a in told]


def events_of(api: Api, complaint_id: str) -> list[str]:
    events = api.get(f"/v1/complaints/{complaint_id}/history", limit=200).json()["events"]
    return [event["data"].get("value", event["type"]) for event in events]
