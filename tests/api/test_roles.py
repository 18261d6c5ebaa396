"""Who may do what: the role × command table of the architecture, tried as a grid."""

import pytest

from api.app import all_routes
from api.desk import COMMANDS, CUSTOMER_COMMANDS
from api.examples import EXAMPLES
from api.http import Route
from api.problems import kebab
from tests.api.serving import Api

ROLES = ("agent", "supervisor", "integrator", "auditor", "analyst", "legal", "admin")

# Architecture 6, "Keys": agent every complaint command but those of the next line; supervisor
# also decline, approve and reject, final position, merge, unmerge and reopen; integrator register,
# correct (and add what it learned), information, facts of the source, satisfaction; admin all;
# auditor, analyst and legal no complaint command.
A, S, N, X = "agent", "supervisor", "integrator", "admin"
COMMANDS_OF: dict[str, set[str]] = {
    "RegisterComplaint": {A, S, N, X},
    "AcknowledgeComplaint": {A, S, X},
    "AddDetail": {A, S, N, X},
    "CorrectField": {A, S, N, X},
    "RecordSourceFact": {A, S, N, X},
    "RecordContact": {A, S, X},
    "AssessComplaint": {A, S, X},
    "AcceptComplaint": {A, S, X},
    "DeclineComplaint": {S, X},
    "AssignComplaint": {A, S, X},
    "SignForAssignment": {A, S, X},
    "ReturnAssignment": {A, S, X},
    "ConfirmProblem": {A, S, X},
    "ProposeRemedy": {A, S, X},
    "AcceptRemedy": {A, S, X},
    "FulfilRemedy": {A, S, X},
    "ResolveComplaint": {A, S, X},
    "ConfirmResolution": {A, S, X},
    "DisputeResolution": {A, S, X},
    "RecordSatisfaction": {A, S, N, X},
    "CloseComplaint": {A, S, X},
    "ReopenComplaint": {S, X},
    "WithdrawComplaint": {A, S, X},
    "RecordChaser": {A, S, X},
    "AttachEvidence": {A, S, X},
    "WithdrawEvidence": {A, S, X},
    "FlagEmergency": {A, S, X},
    "RecordContainment": {A, S, X},
    "DelegateTask": {A, S, X},
    "CompleteTask": {A, S, X},
    "RecordFinding": {A, S, X},
    "RequestInformation": {A, S, X},
    "RecordInformation": {A, S, N, X},
    "ReferComplaint": {A, S, X},
    "RecordOutsideOutcome": {A, S, X},
    "ReportOutcomeToBody": {A, S, X},
    "ApproveRemedy": {S, X},
    "RejectRemedy": {S, X},
    "DeclineRemedy": {A, S, X},
    "CommunicateDecision": {A, S, X},
    "DeclareFinalPosition": {S, X},
    "MergeComplaint": {S, X},
    "UnmergeComplaint": {S, X},
    "ClassifyRepeat": {A, S, X},
    "EscalateComplaint": {S, X},
    "RemindHandler": {A, S, X},
    "PauseClock": {A, S, X},
    "ResumeClock": {A, S, X},
    "LinkCustomer": {A, S, X},
}
CUSTOMER_COMMANDS_OF: dict[str, set[str]] = {
    "IdentifyCustomer": {A, S, N, X},
    "ReleaseHandle": {A, S, N, X},
    "VerifyCustomer": {A, S, X},
    "SetCustomerTier": {A, S, N, X},
    "AssignSegment": {A, S, N, X},
    "RecordSpecialGroups": {A, S, X},
    "MergeCustomers": {S, X},
    "SplitCustomer": {S, X},
}
"""Of customers: programs tell who somebody is, their tier and their segment."""
GIVEN_BY = COMMANDS_OF | CUSTOMER_COMMANDS_OF
NO_KEYS = {"RecordMergeReceived", "RecordMergeReverted"}
"""What only policies order."""
READS_OF: dict[str, set[str]] = {
    "ListComplaints": {"agent", "supervisor", "auditor", "analyst", "legal", "admin"},
    "GetComplaint": {"agent", "supervisor", "auditor", "analyst", "legal", "admin"},
    "GetHistory": {"agent", "supervisor", "auditor", "legal", "admin"},
    "ListMetrics": {"agent", "supervisor", "auditor", "analyst", "legal", "admin"},
    "GetMetric": {"agent", "supervisor", "auditor", "analyst", "legal", "admin"},
    "GetMetricEvidence": {"agent", "supervisor", "auditor", "analyst", "legal", "admin"},
    "ListViews": {"agent", "supervisor", "auditor", "analyst", "legal", "admin"},
    "GetView": {"agent", "supervisor", "auditor", "analyst", "legal", "admin"},
    "GetCustomer": {"agent", "supervisor", "auditor", "analyst", "legal", "admin"},
    "GetCustomerHistory": {"agent", "supervisor", "auditor", "legal", "admin"},
    "ListProblems": set(ROLES),
    "ReadEvents": {"agent", "supervisor", "integrator", "auditor", "legal", "admin"},
}
BULK_OF = {A, S, N, X}
"""Who may give any command may give many at once; each is checked as a single one is."""
PUBLIC = {
    "Live", "Ready", "Metrics", "OpenApiDocument", "Documentation", "DocumentationAsset",
    "ProblemPage",
}  # fmt: skip
ROUTES = {route.operation: route for route in all_routes()}


def test_the_table_covers_every_command_and_every_route() -> None:
    assert set(COMMANDS_OF) == set(COMMANDS) - NO_KEYS
    assert set(CUSTOMER_COMMANDS_OF) == set(CUSTOMER_COMMANDS)
    assert set(GIVEN_BY) | set(READS_OF) | PUBLIC | {"GiveCommands"} == set(ROUTES)
    assert ROUTES["GiveCommands"].roles == BULK_OF
    assert {name for name, route in ROUTES.items() if route.roles is None} == PUBLIC


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("command", sorted(NO_KEYS))
def test_what_only_policies_order_has_no_route(command: str, role: str, api: Api) -> None:
    path = f"/v1/complaints/{api.register()}/{kebab(command)}"
    response = api.post(path, EXAMPLES["ClassifyRepeat"], role=role)
    assert (response.status_code, response.json()["code"]) == (404, "not-found")


def path_of(route: Route) -> str:
    """A route at a complaint that does not exist: who gets as far as that was let in."""
    path = route.path.replace("{address}", "01957a6e-0000-7000-8000-00000000ffff")
    path = path.replace("{customer_id}", "nobody-1")
    return path.replace("{metric}", "return_rate").replace("{view}", "repeat_rate")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("command", GIVEN_BY)
def test_a_role_gives_the_commands_it_may_and_no_others(command: str, role: str, api: Api) -> None:
    response = api.post(path_of(ROUTES[command]), {"no_such_field": 1}, role=role)
    told = response.json()
    if role in GIVEN_BY[command]:
        assert (response.status_code, told["code"]) == (422, "invalid")
    else:
        assert (response.status_code, told["code"]) == (403, "forbidden")
        assert role in told["detail"]
        assert "errors" not in told, "who may not give it learns nothing of it"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", READS_OF)
def test_a_role_reads_what_it_may_and_nothing_else(name: str, role: str, api: Api) -> None:
    response = api.get(path_of(ROUTES[name]), role=role)
    if role in READS_OF[name]:
        assert response.status_code in (200, 404)
        unknown = {"unknown-complaint", "unknown-customer"}
        assert response.status_code == 200 or response.json()["code"] in unknown
    else:
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("role", sorted(READS_OF["GetComplaint"]))
def test_a_complaint_says_which_commands_this_role_may_give(role: str, api: Api) -> None:
    complaint_id = api.register()
    allowed = api.get(f"/v1/complaints/{complaint_id}", role=role).json()["allowed_commands"]
    assert set(allowed) == set(COMMANDS_OF)
    for command, told in allowed.items():
        is_refused_to_role = told.get("rule") == "forbidden"
        assert is_refused_to_role == (role not in COMMANDS_OF[command]), command
        if command != "RegisterComplaint" and told["is_allowed"]:
            attempt = api.post(
                f"/v1/complaints/{complaint_id}/{kebab(command)}", {"no_such_field": 1}, role=role
            )
            assert attempt.status_code == 422


def test_an_analyst_reads_no_personal_data(api: Api) -> None:
    person = "王小明 13800138000"
    facts = {"external_ref": "SO-77 王小明", "order_ref": person, "narrative": person}
    complaint_id = api.register(
        **facts,
        product={"model": "KFR-35", "serial_no": person},
        exposure={"is_public": True, "url": f"https://example.test/{person}"},
        special_groups={"values": ["老年人"], "source": "told"},
        requested_remedy={"kind": "refund", "text": person},
        reason_text=person,
    )
    path = f"/v1/complaints/{complaint_id}"
    api.post(f"{path}/add-detail", {"details": {"immediate_action": person}}).raise_for_status()
    assessment = {**EXAMPLES["AssessComplaint"], "reason_code": "r", "reason_text": person}
    api.post(f"{path}/assess-complaint", assessment).raise_for_status()
    for name, value in (("told_by_source", person), ("timely_response", "yes")):
        fact = {"name": name, "value": value}
        api.post(f"{path}/record-source-fact", fact).raise_for_status()
    told = api.get(path, role="analyst")
    assert told.status_code == 200
    for private in (person, "王小明", "13800138000", "SO-77", "老年人"):
        assert private not in told.text
    assert told.json()["facts"]["product"] == {"model": "KFR-35"}
    assert told.json()["source_facts"] == {"timely_response": "yes"}
    assert told.json()["assessment"] == EXAMPLES["AssessComplaint"]
    position = told.headers["Ledger-Position"]
    for role in ("analyst", "supervisor"):  # a list holds nothing personal for anybody
        listed = api.get("/v1/complaints", role=role, at_least=position)
        assert complaint_id in listed.text
        assert "王小明" not in listed.text
    for role in ("agent", "auditor", "legal", "admin"):
        assert api.get(path, role=role).json()["facts"]["narrative"] == person
        assert person in api.get(f"{path}/history", role=role).text
