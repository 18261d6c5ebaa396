"""Evidence: kept by its hash and facts, named by whoever rests on it, void once withdrawn."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.complaint.closure import WithdrawComplaint
from domain.complaint.evidence import (
    AttachEvidence,
    EvidenceAttached,
    EvidenceWithdrawn,
    WithdrawEvidence,
)
from domain.complaint.guards import UnknownEvidence
from domain.complaint.handling import ConfirmProblem
from domain.complaint.intake import AcknowledgeComplaint, AddDetail, CorrectField
from domain.complaint.remedy import AcceptRemedy
from domain.complaint.resolution import ConfirmResolution, DisputeResolution
from domain.complaint.vocabulary import Facts
from tests import world
from tests.spec import ANY_ID, RECEIVED, given

ELSEWHERE = UUID("01957a6e-0000-7000-8000-0000000000ee")
PHOTO: dict[str, Any] = {
    "kind": "photo",
    "media_type": "image/jpeg",
    "size": 284_113,
    "sha256": world.SHA256,
}
WITHDRAW = WithdrawEvidence(evidence_id=world.EVIDENCE_ID, **world.WHY)


def resting(evidence_id: UUID) -> list[tuple[world.History, Any]]:
    """Every command that may rest on evidence, where it is allowed."""
    shown: dict[str, Any] = {"evidence_id": evidence_id}
    called: dict[str, Any] = {"by": "customer", "how": "in_writing"}
    authority = Facts(authority_evidence_id=evidence_id)
    earlier = world.registered(authority_evidence_id=ELSEWHERE)
    return [
        (world.registered(), AcknowledgeComplaint(by="person", **shown)),
        (world.registered(), AddDetail(details=authority)),
        (earlier, CorrectField(new=authority, **world.WHY)),
        (world.in_progress(), ConfirmProblem(**called, **shown)),
        (world.remedied(), AcceptRemedy(remedy_id=world.OFFER_ID, **shown)),
        (world.resolved(), ConfirmResolution(**called, **shown)),
        (world.resolved(), DisputeResolution(**shown)),
        (world.in_progress(), WithdrawComplaint(**shown, **world.WHY)),
    ]


NAMED: Any = {"ids": lambda part: type(part).__name__ if hasattr(part, "occurred_at") else ""}


def test_evidence_is_kept_by_its_kind_its_hash_and_where_it_comes_from() -> None:
    told = {**PHOTO, "captured_at": RECEIVED - timedelta(hours=2), "provided_by": "customer"}
    outcome = given(world.registered()).when(AttachEvidence(**told))
    outcome.then(EvidenceAttached(evidence_id=ANY_ID, **told))


def test_every_piece_of_evidence_gets_an_id_of_its_own() -> None:
    photo = AttachEvidence(**PHOTO)
    state = given(world.registered()).when(photo).when(photo).state
    assert len({item.evidence_id for item in state.evidence}) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"sha256": "ABC"},
        {"sha256": world.SHA256.upper()},
        {"media_type": "jpeg"},
        {"media_type": "text/plain; charset=utf-8"},
        {"size": -1},
        {"provided_by": "neighbour"},
    ],
    ids=str,
)
def test_what_is_no_hash_no_media_type_or_no_size_is_not_taken(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match=next(iter(wrong))):
        msgspec.convert({**PHOTO, **wrong}, AttachEvidence)


@pytest.mark.parametrize(("history", "command"), resting(world.EVIDENCE_ID), **NAMED)
def test_whatever_rests_on_evidence_rests_on_evidence_of_this_complaint(
    history: world.History, command: Any
) -> None:
    refused = given(history).when(command)
    refused.rejected(UnknownEvidence, evidence_id=world.EVIDENCE_ID)
    assert given(world.proven(history)).when(command).events


@pytest.mark.parametrize(("history", "command"), resting(world.EVIDENCE_ID), **NAMED)
def test_withdrawn_evidence_proves_nothing_any_more(history: world.History, command: Any) -> None:
    withdrawn = given(world.proven(history)).when(WITHDRAW)
    withdrawn.when(command).rejected(UnknownEvidence, evidence_id=world.EVIDENCE_ID)


def test_evidence_is_withdrawn_with_a_reason_and_stays_in_the_history() -> None:
    outcome = given(world.proven(world.registered())).when(WITHDRAW)
    outcome.then(EvidenceWithdrawn(evidence_id=world.EVIDENCE_ID, **world.WHY))
    assert [item.is_withdrawn for item in outcome.state.evidence] == [True]


def test_withdrawing_evidence_twice_is_silence() -> None:
    given(world.proven(world.registered())).when(WITHDRAW).when(WITHDRAW).silent()


def test_evidence_of_another_complaint_is_not_withdrawn_here() -> None:
    elsewhere = WithdrawEvidence(evidence_id=ELSEWHERE, **world.WHY)
    refused = given(world.proven(world.registered())).when(elsewhere)
    refused.rejected(UnknownEvidence, evidence_id=ELSEWHERE)


def test_what_rested_on_evidence_stands_when_the_evidence_is_withdrawn() -> None:
    """What was recorded is not rewritten: who doubts it disputes it or reopens the complaint."""
    confirm = ConfirmResolution(by="customer", how="link", evidence_id=world.EVIDENCE_ID)
    confirmed = given(world.proven(world.resolved())).when(confirm, by=world.CALLER)
    assert confirmed.when(WITHDRAW).state.is_resolution_confirmed
