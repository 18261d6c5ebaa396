"""Complaints at every stage, worked over HTTP with the examples that the documentation shows."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from api.examples import EVIDENCE_ID, EXAMPLES
from api.problems import kebab
from tests.api.serving import Api

CLERK, HANDLER, HEAD = "agent-7", "engineer-3", "head-1"
KEY_OF = {CLERK: "agent", HANDLER: "admin", HEAD: "supervisor"}
"""Each has a key of their own: where a second person is asked for, the key has to be another's."""

REASON = {"reason_code": "recorded_late", "reason_text": "补录"}


class Case(msgspec.Struct):
    """A complaint under way, with the ids that commands on it may name."""

    api: Api
    complaint_id: str = ""
    tracking_number: str = ""
    version: int = 0
    stage: str = ""
    contact_id: str | None = None
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
        known = {"contact_id": self.contact_id, "remedy_id": remedy_id}
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


def registered(api: Api, at: datetime | None = None, **facts: Any) -> Case:
    """A complaint was received."""
    case = Case(api, at=at)
    answer = case.order("RegisterComplaint", **facts)
    case.complaint_id, case.tracking_number = answer["complaint_id"], answer["tracking_number"]
    return case


def assessed(api: Api, at: datetime | None = None) -> Case:
    """It was acknowledged and assessed."""
    case = registered(api, at)
    case.order("AcknowledgeComplaint", evidence_id=EVIDENCE_ID)
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
    "resolved": resolved,
    "answered": answered,
    "confirmed": confirmed,
    "closed": closed,
    "closed_unreachable": closed_unreachable,
    "declined": declined,
    "withdrawn": withdrawn,
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
    "AssessComplaint": ("registered", "closed"),
    "AcceptComplaint": ("assessed", "registered"),
    "DeclineComplaint": ("assessed", "accepted"),
    "AssignComplaint": ("accepted", "assessed"),
    "SignForAssignment": ("accepted", "resolved"),
    "ReturnAssignment": ("in_progress", "assessed"),
    "ConfirmProblem": ("in_progress", "accepted"),
    "ProposeRemedy": ("in_progress", "resolved"),
    "AcceptRemedy": ("in_progress", "accepted"),
    "FulfilRemedy": ("resolved", "registered"),
    "ResolveComplaint": ("in_progress", "confirmed"),
    "ConfirmResolution": ("answered", "in_progress"),
    "DisputeResolution": ("answered", "closed"),
    "RecordSatisfaction": ("resolved", "registered"),
    "CloseComplaint": ("confirmed", "in_progress"),
    "ReopenComplaint": ("closed", "resolved"),
    "WithdrawComplaint": ("in_progress", "declined"),
}
