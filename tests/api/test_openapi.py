"""The OpenAPI document and the page that shows it: valid, complete, honest, from our own origin."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from api.app import all_routes
from api.desk import COMMANDS, CUSTOMER_COMMANDS
from api.examples import (
    CONTACT_ID,
    EARLIER_ID,
    EVIDENCE_ID,
    EXAMPLES,
    REFERRAL_ID,
    REMEDY_ID,
    REQUEST_ID,
    TASK_ID,
)
from api.problems import kebab
from api.roles import is_for_keys
from api.strict import decode
from tests.api.cases import KEY_OF
from tests.api.serving import Api

ALL = COMMANDS | CUSTOMER_COMMANDS
FOR_KEYS = [name for name in ALL if is_for_keys(name)]
PAGES = {"/openapi.json", "/docs", "/docs/{asset}", "/problems/{code}"}


@pytest.fixture(scope="module")
def document(api: Api) -> dict[str, Any]:
    answer = api.http.get("/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object in a tree of JSON."""
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for item in tree:
            yield from nodes(item)


def reached(document: dict[str, Any], schema: Any) -> dict[str, Any]:
    """The component schemas that a schema leads to, by name."""
    found: dict[str, Any] = {}
    waiting = [schema]
    while waiting:
        for node in nodes(waiting.pop()):
            _, _, name = str(node.get("$ref", "")).partition("#/components/schemas/")
            if name and name not in found:
                found[name] = document["components"]["schemas"][name]
                waiting.append(found[name])
    return found


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    errors = jsonschema_rs.validator_for(OPENAPI_31).iter_errors(document)
    assert [error.message[:200] for error in errors] == []
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for node in nodes(document):
        if isinstance(ref := node.get("$ref"), str):
            place: Any = document
            for step in ref.removeprefix("#/").split("/"):
                place = place[step]


def test_every_route_is_there_except_the_pages(document: dict[str, Any]) -> None:
    there = {(method.upper(), path) for path, method, _ in operations(document)}
    assert there == {(r.method, r.path) for r in all_routes() if r.path not in PAGES}
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))


def test_every_command_is_told_in_its_own_words(document: dict[str, Any]) -> None:
    told = {operation["operationId"]: operation for _, _, operation in operations(document)}
    for name in FOR_KEYS:
        sentence = " ".join((ALL[name].__doc__ or "").split())
        assert told[name]["description"].startswith(sentence)
        assert document["components"]["schemas"][name]["description"] == sentence


def test_what_is_sent_is_closed_and_what_is_answered_is_open(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        for schema in reached(document, operation.get("requestBody", {})).values():
            if "properties" in schema:
                assert schema["additionalProperties"] is False, schema["title"]
        for schema in reached(document, operation["responses"]).values():
            for node in nodes(schema):
                assert node.get("additionalProperties") is not False, schema["title"]


def test_every_answer_is_documented(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        answers = operation["responses"]
        assert operation["summary"]
        assert "500" in answers
        if operation.get("security") != []:
            assert {"401", "403", "503"} <= set(answers)
        if "{address}" in path:
            assert "404" in answers
        if operation["operationId"] in EXAMPLES:
            assert {"400", "409", "413", "415", "422"} <= set(answers)
            assert {"ETag", "Ledger-Position"} <= set(
                answers.get("201", answers.get("200"))["headers"]
            )
        for status, answer in answers.items():
            assert answer["description"]
            assert "X-Request-ID" in answer["headers"]
            if status >= "400":
                schema = answer["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}
                assert "Content-Language" in answer["headers"]
        for parameter in operation["parameters"]:
            assert parameter["description"]


# --- examples -------------------------------------------------------------------------------


def test_every_command_has_an_example(document: dict[str, Any]) -> None:
    assert set(EXAMPLES) == set(FOR_KEYS)
    for _, _, operation in operations(document):
        if operation["operationId"] in EXAMPLES:
            content = operation["requestBody"]["content"]["application/json"]
            assert content["example"] == EXAMPLES[operation["operationId"]]


@pytest.mark.parametrize("name", FOR_KEYS)
def test_an_example_is_its_command(name: str, document: dict[str, Any]) -> None:
    command = decode(ALL[name], json.dumps(EXAMPLES[name]).encode())
    assert type(command) is ALL[name]
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema_rs.validate(schema, EXAMPLES[name])


def test_the_examples_tell_a_story_that_can_be_lived(api: Api) -> None:
    """In this order, each example is carried out as it stands, but for the ids it names.

    A voucher out of goodwill is offered as well: what is owed by law nobody rejects.
    """
    # long: one story of every command, told in its order
    done: set[str] = set()
    ids: dict[str, str] = {}

    def order(name: str, by: str = "agent-7", path: str = "", **more: Any) -> dict[str, Any]:
        body = {key: ids.get(str(value), value) for key, value in EXAMPLES[name].items()} | more
        url = f"{path}/{kebab(name)}" if path else "/v1/complaints"
        answer = api.post(url, body, by=by, role=KEY_OF[by])
        assert answer.is_success, f"{name}: {answer.text}"
        done.add(name)
        told: dict[str, Any] = answer.json()
        assert told["events"], name
        return told

    def learn(path: str, event: str, name: str, example: str) -> None:
        """What an example calls by an invented id has this one in the story."""
        events = api.get(f"{path}/history", limit=100).json()["events"]
        ids[example] = [told["data"][name] for told in events if told["type"] == event][-1]

    def contact(path: str, by: str = "agent-7") -> None:
        order("RecordContact", by, path)
        learn(path, "ContactRecorded", "contact_id", CONTACT_ID)

    def offer(path: str, **what: Any) -> None:
        order("ProposeRemedy", "engineer-3", path, **what)
        learn(path, "RemedyProposed", "remedy_id", REMEDY_ID)

    earlier = order("RegisterComplaint")["complaint_id"]
    ids[EARLIER_ID] = earlier
    path = f"/v1/complaints/{order('RegisterComplaint')['complaint_id']}"
    for name in ("AcknowledgeComplaint", "AddDetail", "CorrectField", "RecordSourceFact"):
        order(name, path=path)
    for name in ("FlagEmergency", "RecordContainment", "ClassifyRepeat", "AttachEvidence"):
        order(name, path=path)
    for name in ("MergeComplaint", "UnmergeComplaint"):
        order(name, by="head-1", path=path)
    for name in ("AssessComplaint", "AcceptComplaint", "AssignComplaint"):
        order(name, path=path)
    for name in ("SignForAssignment", "ReturnAssignment", "SignForAssignment"):
        order(name, by="engineer-3", path=path)
    contact(path, by="engineer-3")
    for name in ("ConfirmProblem", "DelegateTask", "RequestInformation", "ReferComplaint"):
        order(name, by="engineer-3", path=path)
    learn(path, "TaskDelegated", "task_id", TASK_ID)
    learn(path, "InformationRequested", "request_id", REQUEST_ID)
    learn(path, "ComplaintReferred", "referral_id", REFERRAL_ID)
    learn(path, "EvidenceAttached", "evidence_id", EVIDENCE_ID)
    for name in ("RecordChaser", "RemindHandler", "PauseClock", "ResumeClock"):
        order(name, path=path)
    order("EscalateComplaint", by="head-1", path=path)
    for name in ("CompleteTask", "RecordInformation", "RecordFinding", "WithdrawEvidence"):
        order(name, by="engineer-3", path=path)
    offer(path, kind="voucher", basis="goodwill")
    order("RejectRemedy", by="head-1", path=path)
    offer(path)
    order("DeclineRemedy", by="engineer-3", path=path)
    offer(path)
    order("ApproveRemedy", by="head-1", path=path)
    for name in ("AcceptRemedy", "FulfilRemedy", "CommunicateDecision", "ResolveComplaint"):
        order(name, by="engineer-3", path=path)
    contact(path)
    for name in ("LinkCustomer", "DisputeResolution"):
        order(name, path=path)
    order("CommunicateDecision", by="engineer-3", path=path)
    order("ResolveComplaint", by="engineer-3", path=path)
    order("DeclareFinalPosition", by="head-1", path=path)
    for name in ("RecordOutsideOutcome", "ReportOutcomeToBody"):
        order(name, path=path)
    contact(path)
    for name in ("ConfirmResolution", "RecordSatisfaction", "CloseComplaint"):
        order(name, path=path)
    order("ReopenComplaint", by="head-1", path=path)
    order("WithdrawComplaint", path=path)
    other = f"/v1/complaints/{earlier}"
    order("DeclineComplaint", by="head-1", path=other)
    # of one who is merged nothing is recorded but the split
    for name in sorted(
        CUSTOMER_COMMANDS, key=lambda name: name in ("MergeCustomers", "SplitCustomer")
    ):
        order(name, by="head-1", path="/v1/customers/story-2")
    assert done == set(FOR_KEYS)


# --- the page -------------------------------------------------------------------------------


def test_the_page_needs_nothing_from_elsewhere(api: Api) -> None:
    page = api.http.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "*" not in policy
    assert "//" not in page.text
    assert "<style" not in page.text
    assert not re.search(r"<script(?! src=)|\son\w+=|style=", page.text)
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(assets) == 4
    for asset in assets:
        answer = api.http.get(asset)
        assert answer.status_code == 200, asset
        assert answer.headers["Content-Type"].partition(";")[0] in (
            "text/css",
            "text/javascript",
            "image/png",
        )
        assert answer.headers["Content-Security-Policy"] == policy
        assert answer.content


def test_the_page_tries_with_a_fresh_key(api: Api, document: dict[str, Any]) -> None:
    parameters = document["paths"]["/v1/complaints"]["post"]["parameters"]
    example = next(p["example"] for p in parameters if p["name"] == "Idempotency-Key")
    assert f'"{example}"' in api.http.get("/docs/start.js").text
