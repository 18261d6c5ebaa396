"""One complaint as one document: everything that was done, and nothing personal for analysts."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest

from api.client import Client
from api.document.reading import document, shown
from api.document.telling import TOLD_IN_PARTS
from api.examples import EXAMPLES
from domain.complaint import COMPLAINT
from domain.kernel import fold
from domain.personal import redact
from domain.rulebook.defaults import DEFAULT_RULES
from tests.api import cases
from tests.api.cases import CLERK, HANDLER, HEAD, Case
from tests.api.serving import Api
from tests.projections.histories import random_histories

SUPERVISOR = Client(principal="s", client_id="s", role="supervisor")
ANALYST = Client(principal="a", client_id="a", role="analyst")


def example(name: str, *fields: str) -> dict[str, Any]:
    """What the example of a command says, as far as these fields go."""
    return {field: EXAMPLES[name][field] for field in fields if field in EXAMPLES[name]}


def test_what_a_complaint_waits_for_is_told_with_its_answers(api: Api) -> None:
    case = cases.waiting(api)
    document = case.read()
    [task], [request] = document["tasks"], document["information_requests"]
    [referral] = document["referrals"]
    assert {task["task_id"], request["request_id"], referral["referral_id"]} == {
        case.task_id, case.request_id, case.referral_id,
    }  # fmt: skip
    assert task | example("DelegateTask", "kind", "unit_id", "instructions", "due_at") == task
    assert (request["from"], request["what"]) == (
        EXAMPLES["RequestInformation"]["from"],
        EXAMPLES["RequestInformation"]["what"],
    )
    assert referral["body"] == EXAMPLES["ReferComplaint"]["body"]
    assert {part["status"] for part in (task, request, referral)} == {"open"}

    for command in ("CompleteTask", "RecordInformation", "RecordOutsideOutcome"):
        case.order(command, by=HANDLER)
    case.order("RecordInformation", by=HANDLER)
    case.order("ReportOutcomeToBody", by=HANDLER)
    document = case.read()
    [task], [request] = document["tasks"], document["information_requests"]
    [referral] = document["referrals"]
    assert [part["status"] for part in (task, request, referral)] == ["done"] * 3
    assert (task["outcome"], task["completed_by"]) == (
        EXAMPLES["CompleteTask"]["outcome"],
        HANDLER,
    )
    assert len(request["answers"]) == 2, "every answer is kept"
    assert [each["outcome"] for each in referral["outcomes"]] == [
        EXAMPLES["RecordOutsideOutcome"]["outcome"]
    ]
    assert len(referral["reports"]) == 1


def test_a_task_nobody_waits_for_any_longer_is_not_done(api: Api) -> None:
    case = cases.waiting(api)
    case.order("WithdrawComplaint")
    document = case.read()
    assert [part["status"] for part in document["tasks"]] == ["ended"]
    assert "completed_at" not in document["tasks"][0]


def test_evidence_is_told_by_its_hash_and_stays_when_withdrawn(api: Api) -> None:
    case = cases.registered(api)
    case.order("WithdrawEvidence")
    [evidence] = case.read()["evidence"]
    facts = example("AttachEvidence", "kind", "media_type", "size", "sha256", "provided_by")
    assert evidence | facts == evidence
    assert evidence["evidence_id"] == case.evidence_id
    assert evidence["withdrawn_because"] == EXAMPLES["WithdrawEvidence"]["reason_code"]
    assert (evidence["by"], evidence["withdrawn_by"]) == (CLERK, CLERK)


def test_a_remedy_tells_who_approved_and_what_the_change_cost(api: Api) -> None:
    case = cases.in_progress(api)
    case.order("ApproveRemedy", by=HEAD)
    superseded = {**EXAMPLES["ProposeRemedy"], "supersedes": case.proposed_id, **cases.REASON}
    cost = {"minor": 3000, "currency": "CNY"}
    case.order("ProposeRemedy", by=HANDLER, **superseded, change_cost=cost)
    case.order("FulfilRemedy", by=HANDLER, payment_reference="pay/7", amount=cost)
    first, second, third = case.read()["remedies"]
    assert (first["status"], first["paid"]) == ("fulfilled", cost)
    assert {"accepted_at", "fulfilled_at"} <= set(first)
    assert first["payment_reference"] == "pay/7"
    assert (second["status"], second["approved_by"]) == ("superseded", HEAD)
    assert (second["superseded_by"], second["change_cost"]) == (third["remedy_id"], cost)
    assert (third["status"], third["supersedes"]) == ("proposed", second["remedy_id"])
    assert {remedy["by"] for remedy in (first, second, third)} == {HANDLER}


def test_each_cycle_tells_its_resolution_and_what_the_customer_said_of_it(api: Api) -> None:
    case = cases.disputed(api)
    case.order("ResolveComplaint", by=HANDLER)
    cases.reach(case)
    case.order("ConfirmResolution")
    case.order("RecordSatisfaction")
    case.order("RecordSatisfaction")
    document = case.read()
    first, second = document["resolutions"]
    assert (first["cycle"], second["cycle"]) == (1, 2)
    assert "disputed_at" in first
    assert "confirmed_at" not in first
    assert second["confirmed_by"] == EXAMPLES["ConfirmResolution"]["by"]
    assert [answer["cycle"] for answer in document["satisfaction"]] == [2, 2]
    assert document["satisfaction"][0]["score"] == EXAMPLES["RecordSatisfaction"]["score"]


def test_decisions_and_last_words_belong_to_their_cycle(api: Api) -> None:
    document = cases.final_position(api).read()
    [decision] = document["decisions"]
    assert (decision["cycle"], decision["decision"]) == (
        1,
        EXAMPLES["CommunicateDecision"]["decision"],
    )
    assert [(last["cycle"], last["by"]) for last in document["final_positions"]] == [(1, HEAD)]


def test_emergencies_chasers_and_classes_are_told(api: Api) -> None:
    case = cases.registered(api)
    for command in ("FlagEmergency", "RecordContainment", "RecordChaser", "AcknowledgeComplaint"):
        case.order(command)
    case.order("ClassifyRepeat", **{"class": "initial"}, earlier_id=None)
    document = case.read()
    assert document["is_emergency"]
    assert document["emergencies"][0]["cause"] == EXAMPLES["FlagEmergency"]["cause"]
    assert document["containments"][0]["kind"] == EXAMPLES["RecordContainment"]["kind"]
    assert len(document["chasers"]) == len(document["acknowledgements"]) == 1
    assert document["repeat"]["class"] == "initial"


def test_escalations_reminders_and_pauses_are_told(api: Api) -> None:
    case = cases.in_progress(api)
    case.order("EscalateComplaint", by=HEAD)
    for command in ("RemindHandler", "PauseClock", "ResumeClock"):
        case.order(command)
    case.order("PauseClock")
    document = case.read()
    [escalation], [reminder] = document["escalations"], document["reminders"]
    assert escalation["level"] == EXAMPLES["EscalateComplaint"]["level"]
    assert (reminder["about"], reminder["by"]) == (EXAMPLES["RemindHandler"]["about"], CLERK)
    first, second = document["pauses"]
    assert {first["clock"], second["clock"]} == {"resolve"}
    assert (first["resumed_by"], "resumed_at" in second) == (CLERK, False)


def test_links_to_customers_are_told_with_who_was_thought_before(api: Api) -> None:
    case = cases.registered(api, customer_id="c-1")
    link = {**EXAMPLES["LinkCustomer"], "customer_id": "c-2", "contact_id": None}
    link |= {"evidence_id": case.evidence_id, **cases.REASON}
    del link["by"]  # as in the example
    case.order("LinkCustomer", by=HEAD, **link)
    document = case.read()
    [told] = document["customer_links"]
    assert (told["customer_id"], told["previous_id"]) == ("c-2", "c-1")
    assert told["identified_by"] == EXAMPLES["LinkCustomer"]["by"]
    assert document["customer_id"] == "c-2"


def test_a_duplicate_names_its_survivor_until_it_stands_alone_again(api: Api) -> None:
    case = cases.merged(api)
    assert case.read()["merged_into"] == case.target_id
    case.order("UnmergeComplaint", by=HEAD)
    assert case.read()["merged_into"] is None


def test_a_decline_tells_its_notice(api: Api) -> None:
    declined = cases.declined(api).read()["declined"]
    notice = EXAMPLES["DeclineComplaint"]["notice"]
    assert (declined["recourse"], declined["by"]) == (notice["recourse"], HEAD)


# --- what is personal -----------------------------------------------------------------------


@pytest.mark.parametrize("make", [cases.waiting, cases.closed, cases.declined, cases.disputed])
def test_an_analyst_reads_the_whole_document_without_what_is_personal(
    make: Callable[[Api], Case], api: Api
) -> None:
    case = make(api)
    whole, partial = case.read(), api.get(case.path, role="analyst").json()
    assert set(partial) == set(whole)
    for name in ("contacts", "evidence", "remedies", "tasks", "resolutions", "referrals"):
        assert len(partial[name]) == len(whole[name])
    words = api.get(case.path, role="analyst").text
    for command, kind in COMMAND.items():
        for text in personal_texts(kind, EXAMPLES.get(command)):
            assert text not in words, f"{command} told an analyst: {text}"


COMMAND = {command.__name__: command for command in COMPLAINT.commands}


def personal_texts(kind: Any, body: dict[str, Any] | None) -> set[str]:
    """The personal texts of an example; what no key can give has none."""
    if body is None:
        return set()
    value = msgspec.convert(body, kind)
    return texts(msgspec.to_builtins(value)) - texts(redact(value))


def texts(tree: Any) -> set[str]:
    match tree:
        case dict():
            return {text for value in tree.values() for text in texts(value)}
        case list():
            return {text for value in tree for text in texts(value)}
        case str():
            return {tree}
    return set()


# --- without a server -----------------------------------------------------------------------

BY_WHERE_IT_STANDS = {
    "ComplaintRegistered", "DetailAdded", "FieldCorrected", "SourceFactRecorded",
    "ComplaintAssessed", "ComplaintAccepted", "ComplaintAssigned", "AssignmentSignedFor",
    "AssignmentReturned", "ComplaintClosed",
}  # fmt: skip
"""Events that show in facts, assessment, owner, stage and close of the document."""


def test_every_event_shows_in_the_document() -> None:
    """Whoever adds an event says where a client reads it: in a part, or where it stands."""
    told = {event.__name__ for event in TOLD_IN_PARTS}
    assert told | BY_WHERE_IT_STANDS == {event.__name__ for event in COMPLAINT.events}
    assert not told & BY_WHERE_IT_STANDS


@pytest.mark.parametrize("seed", range(5))
def test_the_document_and_the_state_of_decisions_agree(seed: int) -> None:
    streams: defaultdict[UUID, list[Any]] = defaultdict(list)
    for recorded in random_histories(seed, 20):
        streams[recorded.stream_id].append(recorded)
    for history in streams.values():
        state = fold(COMPLAINT, history)
        found = document(history, SUPERVISOR)
        assert [(part.remedy_id, part.status) for part in found.remedies] == [
            (remedy.remedy_id, remedy.status) for remedy in state.remedies
        ]
        waits = [*found.tasks, *found.information_requests, *found.referrals]
        assert sorted(part.status for part in waits) == sorted(w.status for w in state.waits)
        assert [part.contact_id for part in found.contacts] == [
            contact.contact_id for contact in state.contacts
        ]
        assert found.merged_into == (
            state.merged_into if state.close_reason == "duplicate" else None
        )
        last = max((part.cycle for part in found.resolutions), default=None)
        assert last == state.last_resolved_cycle
        assert isinstance(shown(found, ANALYST, DEFAULT_RULES), dict)
