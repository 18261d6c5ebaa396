"""Complaints at every stage, worked over HTTP with the examples that the documentation shows."""

# long: one table of stages and the complaints it names

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from api.examples import EXAMPLES
from api.problems import kebab
from tests.api.serving import Api

CLERK, HANDLER, HEAD = "agent-7", "engineer-3", "head-1"
BY_HEAD = {
    "ApproveRemedy", "DeclareFinalPosition", "DeclineComplaint", "EscalateComplaint",
    "MergeComplaint", "RejectRemedy", "ReopenComplaint", "UnmergeComplaint",
}  # fmt: skip
"""Commands of a supervisor; the others may be a clerk's."""
KEY_OF = {CLERK: "agent", HANDLER: "admin", HEAD: "supervisor"}
"""Each has a key of their own: where a second person is asked for, the key has to be another's."""

REASON = {"reason_code": "recorded_late", "reason_text": "补录"}

NAMED = ("contact_id", "evidence_id", "task_id", "request_id", "referral_id", "target_id")
"""What commands may name beside a remedy."""


class Case(msgspec.Struct):
    """A complaint under way, with the ids that commands on it may name."""

    api: Api
    complaint_id: str = ""
    tracking_number: str = ""
    version: int = 0
    stage: str = ""
    contact_id: str | None = None
    evidence_id: str | None = None
    task_id: str | None = None  # of a task under way
    request_id: str | None = None  # of a question not yet answered
    referral_id: str | None = None  # of what an outside body deals with
    target_id: str | None = None  # of another open complaint of the same customer
    proposed_id: str | None = None  # a remedy only offered
    accepted_id: str | None = None  # a remedy accepted and not carried out
    at: datetime | None = None  # when the next thing happened, if not now

    @property
    def path(self) -> str:
        """Where the complaint is."""
        return f"/v1/complaints/{self.complaint_id}"

    def body(self, command: str) -> dict[str, Any]:
        """The example of a command, about this complaint."""
        remedy_id = self.accepted_id if command == "FulfilRemedy" else self.proposed_id
        known = {name: getattr(self, name) for name in NAMED} | {"remedy_id": remedy_id}
        return {**EXAMPLES[command], **{k: v for k, v in known.items() if k in EXAMPLES[command]}}

    def order(self, command: str, by: str = CLERK, **changes: Any) -> dict[str, Any]:
        """Carry the example of a command out."""
        body = {**self.body(command), **changes}
        role = KEY_OF[by]
        if self.at is not None:
            role = "supervisor"  # who may tell of so long ago
            self.at += timedelta(minutes=1)
            body = {**REASON, **body, "occurred_at": self.at.isoformat()}
        path = (
            "/v1/complaints" if command == "RegisterComplaint" else f"{self.path}/{kebab(command)}"
        )
        response = self.api.post(path, body, by=by, role=role)
        assert response.is_success, f"{command}: {response.text}"
        answer: dict[str, Any] = response.json()
        self.version = answer["version"]
        return answer

    def remembered(self) -> "Case":
        """The same, with the stage it is at."""
        self.stage = self.read()["stage"]
        return self

    def read(self) -> dict[str, Any]:
        """The complaint as it stands."""
        document: dict[str, Any] = self.api.get(self.path).json()
        return document

    def last(self, event: str, name: str) -> str:
        """A field of the last event of this type."""
        events = self.api.get(f"{self.path}/history", limit=100).json()["events"]
        found: str = [each["data"][name] for each in events if each["type"] == event][-1]
        return found


def registered(api: Api, at: datetime | None = None, **facts: Any) -> Case:
    """A complaint was received, with a photo."""
    case = Case(api, at=at)
    answer = case.order("RegisterComplaint", **facts)
    case.complaint_id, case.tracking_number = answer["complaint_id"], answer["tracking_number"]
    case.order("AttachEvidence")
    case.evidence_id = case.last("EvidenceAttached", "evidence_id")
    return case


def assessed(api: Api, at: datetime | None = None) -> Case:
    """It was acknowledged and assessed."""
    case = registered(api, at)
    case.order("AcknowledgeComplaint", evidence_id=case.evidence_id)
    case.order("AssessComplaint")
    return case


def accepted(api: Api, at: datetime | None = None) -> Case:
    """It was taken on."""
    case = assessed(api, at)
    case.order("AcceptComplaint")
    return case


def in_progress(api: Api, at: datetime | None = None) -> Case:
    """Its problem was confirmed; one remedy was offered, another accepted."""
    case = accepted(api, at)
    case.order("AssignComplaint")
    case.order("SignForAssignment", by=HANDLER)
    reach(case, by=HANDLER)
    case.order("ConfirmProblem", by=HANDLER)
    case.order("ProposeRemedy", by=HANDLER)
    case.order("ProposeRemedy", by=HANDLER, kind="voucher", basis="goodwill")
    first, second = (remedy["remedy_id"] for remedy in case.read()["remedies"])
    case.proposed_id = first
    case.order("AcceptRemedy", by=HANDLER)
    case.proposed_id, case.accepted_id = second, first
    return case


def reach(case: Case, by: str = CLERK) -> None:
    """The customer was called and answered: what is said now rests on this contact."""
    case.order("RecordContact", by=by)
    case.contact_id = case.read()["contacts"][-1]["contact_id"]


def waiting(api: Api) -> Case:
    """A task was delegated, a question asked, and an outside body deals with it."""
    case = in_progress(api)
    for command in ("DelegateTask", "RequestInformation", "ReferComplaint"):
        case.order(command, by=HANDLER)
    case.task_id = case.last("TaskDelegated", "task_id")
    case.request_id = case.last("InformationRequested", "request_id")
    case.referral_id = case.last("ComplaintReferred", "referral_id")
    return case


def resolved(api: Api, at: datetime | None = None) -> Case:
    """It was resolved; the accepted remedy is still to be carried out."""
    case = in_progress(api, at)
    case.order("ResolveComplaint", by=HANDLER)
    return case


def answered(api: Api) -> Case:
    """It was resolved, and the customer was called about it."""
    case = resolved(api)
    reach(case)
    return case


def decided(api: Api) -> Case:
    """The customer was told the decision before it was resolved."""
    case = in_progress(api)
    case.order("CommunicateDecision", by=HANDLER)
    case.order("ResolveComplaint", by=HANDLER)
    return case


def final_position(api: Api) -> Case:
    """What was decided is the last word."""
    case = decided(api)
    case.order("DeclareFinalPosition", by=HEAD)
    return case


def confirmed(api: Api) -> Case:
    """The remedy was carried out and the customer confirmed the resolution."""
    case = answered(api)
    case.order("FulfilRemedy", by=HANDLER)
    case.order("ConfirmResolution")
    return case


def closed(api: Api) -> Case:
    """It was closed, both verifications standing."""
    case = confirmed(api)
    case.order("RecordSatisfaction")
    case.order("CloseComplaint")
    return case


def closed_unreachable(api: Api) -> Case:
    """The customer was tried three times by two channels on two days, and written to."""
    case = resolved(api, datetime.now(UTC) - timedelta(days=4))
    case.order("FulfilRemedy", by=HANDLER)
    for channel, later in (("phone", 1), ("sms", 1), ("phone", 24)):
        case.at = case.at and case.at + timedelta(hours=later)
        case.order("RecordContact", channel=channel, purpose="follow_up", outcome="no_answer")
    case.order("RecordContact", channel="mail", purpose="notice", outcome="no_answer")
    case.order("CloseComplaint", reason="unreachable")
    case.at = None
    return case


def declined(api: Api) -> Case:
    """It was not taken on."""
    case = assessed(api)
    case.order("DeclineComplaint", by=HEAD)
    return case


def withdrawn(api: Api) -> Case:
    """The customer took it back."""
    case = in_progress(api)
    case.order("WithdrawComplaint")
    return case


def registered_twice(api: Api) -> Case:
    """The same customer's complaint had been received before."""
    target = registered(api)
    case = registered(api)
    case.target_id = target.complaint_id
    return case


def merged(api: Api) -> Case:
    """It was closed as a duplicate."""
    case = registered_twice(api)
    case.order("MergeComplaint", by=HEAD)
    return case


def paused(api: Api) -> Case:
    """The customer is waited for, and the clock stands still."""
    case = registered(api)
    case.order("PauseClock")
    return case


def disputed(api: Api) -> Case:
    """The customer did not accept the resolution: the second cycle began."""
    case = answered(api)
    case.order("DisputeResolution")
    return case


def reopened(api: Api) -> Case:
    """It was closed and opened again."""
    case = closed(api)
    case.order("ReopenComplaint", by=HEAD)
    return case


AT_EVERY_STAGE: dict[str, Callable[[Api], Case]] = {
    "registered": registered,
    "assessed": assessed,
    "accepted": accepted,
    "in_progress": in_progress,
    "waiting": waiting,
    "resolved": resolved,
    "answered": answered,
    "decided": decided,
    "final_position": final_position,
    "confirmed": confirmed,
    "closed": closed,
    "closed_unreachable": closed_unreachable,
    "declined": declined,
    "withdrawn": withdrawn,
    "registered_twice": registered_twice,
    "merged": merged,
    "paused": paused,
    "disputed": disputed,
    "reopened": reopened,
}

# Where each command is allowed, and where it is not (or, if it is everywhere, another stage).
STAGES: dict[str, tuple[str, str]] = {
    "RegisterComplaint": ("registered", "closed"),
    "AcknowledgeComplaint": ("registered", "closed"),
    "AddDetail": ("registered", "closed"),
    "CorrectField": ("registered", "closed"),
    "RecordSourceFact": ("registered", "closed"),
    "RecordContact": ("registered", "closed"),
    "RecordChaser": ("registered", "closed"),
    "AttachEvidence": ("registered", "closed"),
    "WithdrawEvidence": ("registered", "closed"),
    "FlagEmergency": ("registered", "closed"),
    "RecordContainment": ("registered", "closed"),
    "AssessComplaint": ("registered", "closed"),
    "AcceptComplaint": ("assessed", "registered"),
    "DeclineComplaint": ("assessed", "accepted"),
    "AssignComplaint": ("accepted", "assessed"),
    "SignForAssignment": ("accepted", "resolved"),
    "ReturnAssignment": ("in_progress", "assessed"),
    "ConfirmProblem": ("in_progress", "accepted"),
    "DelegateTask": ("in_progress", "resolved"),
    "CompleteTask": ("waiting", "resolved"),
    "RecordFinding": ("in_progress", "accepted"),
    "RequestInformation": ("in_progress", "resolved"),
    "RecordInformation": ("waiting", "closed"),
    "ReferComplaint": ("in_progress", "accepted"),
    "RecordOutsideOutcome": ("waiting", "closed"),
    "ReportOutcomeToBody": ("waiting", "accepted"),
    "ProposeRemedy": ("in_progress", "resolved"),
    "ApproveRemedy": ("in_progress", "resolved"),
    "RejectRemedy": ("in_progress", "closed"),
    "DeclineRemedy": ("in_progress", "final_position"),
    "AcceptRemedy": ("in_progress", "accepted"),
    "FulfilRemedy": ("resolved", "registered"),
    "CommunicateDecision": ("in_progress", "resolved"),
    "DeclareFinalPosition": ("decided", "in_progress"),
    "ResolveComplaint": ("in_progress", "confirmed"),
    "ConfirmResolution": ("answered", "in_progress"),
    "DisputeResolution": ("answered", "closed"),
    "RecordSatisfaction": ("resolved", "registered"),
    "CloseComplaint": ("confirmed", "in_progress"),
    "ReopenComplaint": ("closed", "resolved"),
    "WithdrawComplaint": ("in_progress", "declined"),
    "MergeComplaint": ("registered_twice", "closed"),
    "UnmergeComplaint": ("merged", "resolved"),
    "ClassifyRepeat": ("registered", "closed"),
    "EscalateComplaint": ("registered", "closed"),
    "RemindHandler": ("registered", "closed"),
    "PauseClock": ("registered", "closed"),
    "ResumeClock": ("paused", "closed"),
    "LinkCustomer": ("in_progress", "closed"),
}
