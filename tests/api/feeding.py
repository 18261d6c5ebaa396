"""Feeds generated requests with what they could not know: keys, and ids of real complaints."""

import itertools
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import CoveragePhaseData

from tests.api.cases import AT_EVERY_STAGE, CLERK, HANDLER, HEAD, NAMED, STAGES, Case, registered
from tests.api.serving import Api

ROLES = ("admin", "supervisor")
VIEWS_OF_BI = ("complaints", "repeat_rate", "satisfaction", "sla_attainment", "calendar_days")
MOVE_NOTHING = {
    "AcknowledgeComplaint", "AddDetail", "CorrectField", "RecordSourceFact", "RecordContact",
    "ConfirmProblem", "ProposeRemedy", "RecordSatisfaction", "RecordChaser", "AttachEvidence",
    "FlagEmergency", "RecordContainment", "RecordFinding", "CommunicateDecision", "ClassifyRepeat",
    "ReferComplaint", "EscalateComplaint", "RemindHandler",
}  # fmt: skip
"""Commands that leave a complaint where it can serve again."""


def is_spoiled(case: Any, header: str) -> bool:
    """Whether this header is wrong on purpose, or may be; those beside it are not then."""
    about = case.meta.phase.data
    if isinstance(about, CoveragePhaseData):
        is_about_headers = about.parameter_location is ParameterLocation.HEADER
        return is_about_headers and (about.parameter or "").lower() == header.lower()
    return bool(case.meta.is_negative_at(ParameterLocation.HEADER))


class Feeder:
    """Puts real ids into the valid parts of requests; what is wrong on purpose stays wrong.

    Complaints at every stage are kept at hand. One that a command has moved is not used for
    commands again, and another is made when it is needed.
    """

    def __init__(self, api: Api, chance: random.Random) -> None:
        self._api = api
        self._chance = chance
        self._run = chance.getrandbits(64)
        self._numbers = itertools.count(1)
        self._at: dict[str, list[Case]] = defaultdict(list)
        self._chosen: tuple[str, Case] | None = None
        self._survivor = registered(api).complaint_id  # of the customer of them all, and open
        for stage in AT_EVERY_STAGE:
            self._at[stage].append(AT_EVERY_STAGE[stage](api))

    def feed(self, case: Any) -> None:
        """Complete a request that is about to be sent."""
        operation = case.operation.definition.raw["operationId"]
        case.headers["Authorization"] = f"Bearer {self._api.keys[self._chance.choice(ROLES)]}"
        self._chosen = None
        if "address" in case.path_parameters:
            stage = self._stage(operation)
            if not self._at[stage]:
                self._at[stage].append(AT_EVERY_STAGE[stage](self._api))
            self._chosen = stage, self._chance.choice(self._at[stage])
            if not case.meta.is_negative_at(ParameterLocation.PATH):
                addresses = [self._chosen[1].complaint_id] * 3 + [self._chosen[1].tracking_number]
                case.path_parameters["address"] = self._chance.choice(addresses)
        if "view" in case.path_parameters and not case.meta.is_negative_at(ParameterLocation.PATH):
            case.path_parameters["view"] = self._chance.choice(VIEWS_OF_BI)
        if operation in STAGES:
            self._feed_headers(case)
        if not case.meta.is_negative_at(ParameterLocation.QUERY):
            self._feed_query(case)
        if not case.meta.is_negative_at(ParameterLocation.BODY) and isinstance(case.body, dict):
            self._feed_body(case.body, self._chosen[1] if self._chosen else None)

    def learn(self, case: Any, status: int) -> None:
        """Set a complaint aside that a command has changed."""
        operation = case.operation.definition.raw["operationId"]
        is_order = operation in STAGES and case.method == "POST" and status == 200
        if self._chosen is not None and is_order and operation not in MOVE_NOTHING:
            stage, moved = self._chosen
            self._at[stage].remove(moved)

    def _stage(self, operation: str) -> str:
        """Mostly a stage at which the command is allowed."""
        if operation in STAGES and self._chance.random() < 0.75:
            return STAGES[operation][0]
        return self._chance.choice(list(AT_EVERY_STAGE))

    def _feed_headers(self, case: Any) -> None:
        if not is_spoiled(case, "Idempotency-Key"):
            case.headers["Idempotency-Key"] = f"{self._run}-{next(self._numbers)}"
        if not is_spoiled(case, "If-Match") and self._chance.random() < 0.8:
            case.headers.pop("If-Match", None)
        if not is_spoiled(case, "On-Behalf-Of") and self._chance.random() < 0.8:
            case.headers["On-Behalf-Of"] = self._chance.choice((CLERK, HANDLER, HEAD))

    def _feed_query(self, case: Any) -> None:
        if "at_least" in case.query:
            case.query["at_least"] = f"0:{self._chance.randint(0, 9)}"
        for name in ("as_of", "occurred_by"):
            if name in case.query and self._chance.random() < 0.8:  # mostly not before the receipt
                case.query[name] = "2200-01-01T00:00:00Z"
        if self._chance.random() < 0.8:
            case.query.pop("cursor", None)

    def _known(self, about: Case, name: str) -> str | None:
        """What this complaint has under this name, if it has any."""
        if name == "target_id":
            return self._survivor
        found: str | None = getattr(about, name)
        return found

    def _feed_body(self, body: dict[str, Any], about: Case | None) -> None:
        if "occurred_at" in body and self._chance.random() < 0.8:
            ago = timedelta(seconds=self._chance.choice((-20, 0, 5, 30)))
            body["occurred_at"] = (datetime.now(UTC) - ago).isoformat()
        if about is None or self._chance.random() < 0.1:
            return
        for name in NAMED:
            if name in body and (known := self._known(about, name)):
                body[name] = known
        if "evidence_ids" in body:
            body["evidence_ids"] = [about.evidence_id] * min(len(body["evidence_ids"] or ()), 1)
        if "remedy_id" in body and (remedy_id := about.accepted_id or about.proposed_id):
            body["remedy_id"] = self._chance.choice((remedy_id, about.proposed_id or remedy_id))
