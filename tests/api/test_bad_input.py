"""Bad input gets a clear problem and changes nothing: each mistake is sent to each route."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest
import structlog

from api.app import all_routes
from api.desk import CUSTOMER_COMMANDS, REGISTER
from api.examples import EXAMPLES
from api.http import Route
from api.problems import Problem, catalogue
from tests.api import cases
from tests.api.attempts import PERSON, Attempt, Mistake, Wrong
from tests.api.cases import AT_EVERY_STAGE, BY_HEAD, CLERK, HEAD, STAGES, Case
from tests.api.mistakes import MISTAKES
from tests.api.serving import Api

ROUTES = all_routes()
FOR_KEYS = [route.operation for route in ROUTES if route.body is not None]


class World(NamedTuple):
    """A served database with a complaint at every stage."""

    api: Api
    cases: dict[str, Case]
    keys: dict[str, str]
    used: str  # an idempotency key
    log: list[dict[str, Any]]
    database: psycopg.Connection[Any]

    def footprint(self) -> Any:
        """What no refused request may change; a rule that refuses leaves its trace beside it."""
        return self.database.execute(
            "SELECT h.position - t.count, (SELECT count(*) FROM ledger.events) - t.count,"
            " (SELECT count(*) FROM ledger.commands) - t.count, (SELECT count(*) FROM ledger.keys)"
            " FROM (SELECT max(position) AS position FROM ledger.heads) AS h,"
            " (SELECT count(*) AS count FROM ledger.events WHERE type = 'CommandRefused') AS t"
        ).fetchone()


@pytest.fixture(scope="module")
def log() -> Iterator[list[dict[str, Any]]]:
    """Everything that is logged, by whichever thread."""
    told: list[dict[str, Any]] = []

    def keep(logger: Any, method: str, event: Any) -> Any:
        told.append({"level": method, **event})
        raise structlog.DropEvent

    structlog.configure(processors=[keep])
    yield told
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def world(api: Api, log: list[dict[str, Any]]) -> Iterator[World]:
    known = {name: make(api).remembered() for name, make in AT_EVERY_STAGE.items()}
    used = "used-for-something-else"
    known["registered"].api.post(
        f"{known['registered'].path}/record-contact",
        known["registered"].body("RecordContact"),
        key=used,
    ).raise_for_status()
    merge = EXAMPLES["MergeCustomers"]
    api.post("/v1/customers/for-SplitCustomer/merge-customers", merge).raise_for_status()
    identify = EXAMPLES["IdentifyCustomer"]
    api.post("/v1/customers/for-ReleaseHandle/identify-customer", identify).raise_for_status()
    keys = {**api.keys, "revoked": api.revoked_key()}
    api.settle()
    with psycopg.connect(api.database.owner, autocommit=True) as connection:
        for case in known.values():  # policies have had their word in it
            case.version = case.read()["version"]
        yield World(api, known, keys, used, log, connection)


def attempt_at(route: Route, world: World, case: Case | None = None) -> Attempt:
    """A request to this route that would be carried out."""
    name = route.operation
    allowed, forbidden = STAGES.get(name, ("registered", "closed"))
    case = case or world.cases[allowed]
    path = route.path.replace("{address}", case.complaint_id)
    path = path.replace("{customer_id}", f"for-{name}")
    path = path.replace("{asset}", "start.js").replace("{code}", "invalid")
    path = path.replace("{metric}", "return_rate").replace("{view}", "repeat_rate")
    headers: dict[str, str | list[str]] = {}
    if route.roles is not None:
        headers["Authorization"] = f"Bearer {world.keys['supervisor']}"
    body = None
    if route.body is not None:
        headers |= {"Content-Type": "application/json", "Idempotency-Key": f"new-for-{name}"}
        headers["On-Behalf-Of"] = HEAD if name in BY_HEAD else CLERK
        body = {"reason_code": "test", **case.body(name), "reason_text": PERSON}
        if name == REGISTER:
            body["narrative"] = PERSON
    return Attempt(
        route=route,
        case=case,
        elsewhere=world.cases[forbidden],
        keys=world.keys,
        used=world.used,
        path=path,
        headers=headers,
        body=body,
    )


def send(api: Api, attempt: Attempt) -> httpx.Response:
    """Send a request as it is, mistakes included."""
    content = attempt.content
    if content is None and attempt.body is not None:
        content = json.dumps(attempt.body).encode()
    headers = [
        (name.encode(), value.encode())
        for name, values in attempt.headers.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    url = f"{attempt.path}?{attempt.query}" if attempt.query else attempt.path
    return api.http.request(attempt.route.method, url, content=content, headers=headers)


def check(response: httpx.Response, mistake: Mistake, wrong: Wrong) -> None:
    """The answer is this problem, in the form of RFC 9457, and quotes nothing."""
    assert response.status_code == mistake.status, f"{response.text} to {str(wrong)[:2000]}"
    assert response.headers["Content-Type"] == "application/problem+json"
    told = response.json()
    assert set(told) <= set(Problem.__struct_fields__)
    problem = catalogue()[mistake.code]
    assert told["type"] == f"/problems/{mistake.code}"
    assert (told["code"], told["status"], told["title"], told["retryable"]) == (
        mistake.code,
        mistake.status,
        problem.title,
        False,
    )
    assert told["detail"]
    assert "{" not in told["detail"]
    assert told["request_id"] == response.headers["X-Request-ID"]
    errors = [(error["pointer"], error["code"]) for error in told.get("errors", [])]
    expected = [] if wrong.error is None else [(wrong.pointer, wrong.error)]
    assert errors == expected, str(wrong)[:2000]
    said = response.text + str(response.headers)
    for private in (PERSON, "Xiaoming", "13800138000"):
        assert private not in said
    match mistake.status:
        case 401:
            assert response.headers["WWW-Authenticate"].startswith("Bearer ")
        case 409:
            assert told["stage"] == wrong.attempt.elsewhere.stage
            assert told["command"] == wrong.attempt.route.operation
            assert told["complaint_id"] == wrong.attempt.elsewhere.complaint_id
        case 412:
            assert told["version"] == wrong.attempt.case.version
            assert response.headers["ETag"] == f'"{told["version"]}"'


PAIRS = [(mistake, route) for mistake in MISTAKES for route in ROUTES if mistake.where(route)]


@pytest.mark.parametrize(
    ("mistake", "route"), PAIRS, ids=[f"{m.name}-{r.operation}" for m, r in PAIRS]
)
def test_a_mistake_is_told_clearly_and_changes_nothing(
    mistake: Mistake, route: Route, world: World
) -> None:
    before = world.footprint()
    world.log.clear()
    wrongs = list(mistake.make(attempt_at(route, world)))
    assert wrongs
    for wrong in wrongs:
        check(send(world.api, wrong.attempt), mistake, wrong)
    assert world.footprint() == before
    requests = [line for line in world.log if line["event"] == "request"]
    assert len(requests) == len(world.log), "nothing but a line for each request"
    assert len(requests) == len(wrongs)
    assert {line["problem"] for line in requests} == {mistake.code}
    assert {line["route"] for line in requests} == {route.path}
    for private in (PERSON, "Xiaoming", "13800138000"):
        assert private not in str(world.log)


def test_a_client_that_goes_before_the_end_of_its_command_leaves_nothing(world: World) -> None:
    before = world.footprint()
    world.log.clear()
    attempt = attempt_at(ROUTES[0], world)
    lines = [f"POST {attempt.path} HTTP/1.1", "Host: test", "Content-Length: 9000"]
    lines += [f"{name}: {value}" for name, value in attempt.headers.items()]
    url = httpx.URL(world.api.url)
    with socket.create_connection((url.host, url.port)) as connection:
        connection.sendall("\r\n".join([*lines, "", json.dumps(attempt.body)]).encode())
    for _ in range(1000):  # each a moment in which the server can notice
        if any(line.get("problem") == "not-json" for line in world.log):
            break
        world.api.http.get("/health/live")
    assert {line["level"] for line in world.log} == {"info"}, "nobody's fault is no error"
    assert any(line.get("problem") == "not-json" for line in world.log)
    assert world.footprint() == before


def test_every_command_is_in_the_table() -> None:
    assert set(STAGES) | set(CUSTOMER_COMMANDS) == set(FOR_KEYS)


@pytest.mark.parametrize("name", FOR_KEYS)
def test_without_a_mistake_it_is_carried_out(name: str, world: World) -> None:
    """What the mistakes above were made in was right, up to half a minute ahead."""
    stage = STAGES[name][0] if name in STAGES else "registered"
    case = getattr(cases, stage)(world.api)
    route = next(route for route in ROUTES if route.operation == name)
    ahead = attempt_at(route, world, case).saying(occurred_at=in_half_a_minute())
    response = send(world.api, ahead)
    assert response.status_code == route.status, response.text
    assert response.json()["events"]


def in_half_a_minute() -> str:
    return (datetime.now(UTC) + timedelta(seconds=30)).isoformat()


@pytest.mark.parametrize("given", ["13800138000", "a b", "x" * 65, "张三".encode()])
def test_a_request_id_that_may_be_personal_is_replaced(given: str | bytes, api: Api) -> None:
    answer = api.http.get("/health/live", headers={"X-Request-ID": given})
    assert len(answer.headers["X-Request-ID"]) == 32
    kept = api.http.get("/health/live", headers={"X-Request-ID": "call-4711.a_b"})
    assert kept.headers["X-Request-ID"] == "call-4711.a_b"
