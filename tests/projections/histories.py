"""Histories for the views: random ones that the decider itself allowed, and how they get stored."""

# long: one table of everything that may happen to a complaint

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import psycopg
from msgspec.structs import replace

from api.registry import registry
from domain.complaint import COMPLAINT
from domain.complaint.assessment import AcceptComplaint, AssessComplaint, DeclineComplaint
from domain.complaint.closure import CloseComplaint, ReopenComplaint, WithdrawComplaint
from domain.complaint.contact import ContactRecorded, RecordChaser, RecordContact
from domain.complaint.decision import CommunicateDecision, DeclareFinalPosition
from domain.complaint.evidence import AttachEvidence, EvidenceAttached
from domain.complaint.handling import (
    AssignComplaint,
    ConfirmProblem,
    ReturnAssignment,
    SignForAssignment,
)
from domain.complaint.identity import LinkCustomer
from domain.complaint.intake import (
    AcknowledgeComplaint,
    AddDetail,
    CorrectField,
    RecordSourceFact,
    RegisterComplaint,
)
from domain.complaint.investigation import RecordInformation, RequestInformation
from domain.complaint.merge import (
    MergeComplaint,
    RecordMergeReceived,
    RecordMergeReverted,
    UnmergeComplaint,
)
from domain.complaint.pausing import PauseClock, ResumeClock
from domain.complaint.referral import RecordOutsideOutcome, ReferComplaint
from domain.complaint.remedy import AcceptRemedy, FulfilRemedy, ProposeRemedy, RemedyProposed
from domain.complaint.resolution import (
    ConfirmResolution,
    DisputeResolution,
    RecordSatisfaction,
    ResolveComplaint,
)
from domain.complaint.state import Complaint
from domain.complaint.tasks import CompleteTask, DelegateTask
from domain.complaint.vocabulary import Category, Complainant, DecidedBy, Facts, Product
from domain.kernel import Actor, Context, Handle, Money, Other, Recorded, Rejected, Source
from domain.rulebook.defaults import DEFAULT_RULES
from ledger.ids import partition_of
from tests.world import EVIDENCE_ID, NOTICE, POLICY, SHA256, SURVIVOR_ID, WAITED

REGISTRY = registry()
SECRET = b"a secret of the tests"
SOURCE_FACTS = ("disputed", "their_note")  # one that is published, one that is not
CUSTOMERS = ("customer-1", "customer-2")
HANDLE = Handle(kind="phone", value="+86 139-1111-2222")
BEGIN = datetime(2026, 1, 30, 6, 0, tzinfo=UTC)
WHY: dict[str, Any] = {"reason_code": "because", "reason_text": "客户 said so"}

PEOPLE = [
    Actor(id=f"agent-{i}", kind="person", role="supervisor", unit_id=f"unit-{i % 2}")
    for i in range(4)
]
SOURCES = [UUID(f"01957a6e-0000-7000-8000-00000000fff{n}") for n in range(2)]
BOT = Actor(id="bot-1", kind="bot", role="agent")
ADAPTER = Actor(id="shop", kind="system", role="integrator")
IMPORTER = Actor(id="cfpb", kind="import", role="import")
DECISION: dict[str, Any] = {"decision": "x", "reasons": "x", "recourse": "y", "language": "zh"}
OTHER = Other(stage="in_progress", customer_id="customer-1")

INSERT = """
INSERT INTO ledger.events (partition, position, stream_id, version, type, schema_version,
                           recorded_at, data, metadata)
VALUES (%(partition)s, %(position)s, %(stream_id)s, %(version)s, %(type)s, %(schema_version)s,
        %(recorded_at)s, %(data)s, %(metadata)s)"""


def store(uri: str, events: Iterable[Recorded[Any]]) -> None:
    """Put recorded events into the ledger as they are, after what is there."""
    with psycopg.connect(uri) as connection:
        select = "SELECT partition, position FROM ledger.heads ORDER BY partition FOR UPDATE"
        heads: dict[int, int] = dict(connection.execute(select).fetchall())
        rows = []
        for item in events:
            partition = partition_of(item.stream_id, len(heads))
            heads[partition] += 1
            rows.append(
                {
                    **REGISTRY.encode(item.event, item.metadata)._asdict(),
                    "partition": partition,
                    "position": heads[partition],
                    "stream_id": item.stream_id,
                    "version": item.version,
                    "recorded_at": item.recorded_at,
                }
            )
        connection.cursor().executemany(INSERT, rows)
        connection.cursor().executemany(
            "UPDATE ledger.heads SET position = %s, recorded_at = %s WHERE partition = %s",
            [(head, rows[-1]["recorded_at"], partition) for partition, head in heads.items()],
        )


def in_stream(number: int, events: Iterable[Recorded[Any]]) -> list[Recorded[Any]]:
    """A history made for some stream, as that of another."""
    stream = UUID(f"01957a6e-0000-7000-8000-{number:012x}")
    return [replace(item, stream_id=stream) for item in events]


def woven(*histories: list[Recorded[Any]]) -> list[Recorded[Any]]:
    """Histories in the order in which they were recorded, with their places in the ledger."""
    together = sorted((item for history in histories for item in history), key=_recorded)
    return [replace(item, position=place) for place, item in enumerate(together, 1)]


def _recorded(item: Recorded[Any]) -> tuple[datetime, UUID, int]:
    return item.recorded_at, item.stream_id, item.version


def random_histories(seed: int, complaints: int, acts: int = 25) -> list[Recorded[Any]]:
    """Complaints worked on in any way the rules allow: late, corrected, reopened, imported."""
    chance = random.Random(seed)
    return woven(*(_one(chance, seed * 100_000 + n, acts) for n in range(complaints)))


def _one(chance: random.Random, number: int, acts: int) -> list[Recorded[Any]]:
    is_import = chance.random() < 0.1
    zone = timezone(timedelta(hours=chance.choice([-5, 0, 8])))
    now = BEGIN + timedelta(minutes=chance.randrange(60 * 24 * 60), seconds=chance.randrange(60))
    state = COMPLAINT.initial
    history: list[Recorded[Any]] = []
    for act in range(acts):
        actor, on_behalf_of = _actor(chance, is_import)
        context = Context(
            now=now,
            actor=actor,
            client_id="client",
            command_id=UUID(int=chance.getrandbits(128)),
            rules=DEFAULT_RULES,
            on_behalf_of=on_behalf_of,
            source=chance.choice(_SOURCES),
            precision=chance.choice(["day", "unknown"]) if is_import else "instant",
            facts_of_others={SURVIVOR_ID: OTHER},
        )
        told = now - timedelta(
            minutes=chance.choice([0, 1, 4, 14, 90]), seconds=chance.randrange(2)
        )
        occurred_at = told.astimezone(zone) if chance.random() < 0.5 or is_import else None
        command = _register(chance, number) if act == 0 else _command(chance, history, state)
        command = replace(command, occurred_at=occurred_at)
        try:
            events = COMPLAINT.decide(command, state, context)
        except Rejected:
            continue
        for event in events:
            item = Recorded(
                partition=0,
                position=0,
                stream_id=UUID(f"01957a6e-0000-7000-8000-{number:012x}"),
                version=len(history) + 1,
                recorded_at=now,
                event=event,
                metadata=context.metadata(command),
            )
            history.append(item)
            state = COMPLAINT.evolve(state, item)
        pause = chance.choice([timedelta(seconds=40), timedelta(minutes=4), timedelta(hours=9)])
        now += pause * chance.random() + timedelta(seconds=1)
    return history


_SOURCES: list[Source] = ["caller", "provider"]


def _actor(chance: random.Random, is_import: bool) -> tuple[Actor, str | None]:
    if is_import:
        return IMPORTER, None
    kind = chance.random()
    if kind < 0.8:
        return chance.choice(PEOPLE), None
    if kind < 0.88:
        return BOT, None
    if kind < 0.93:
        return POLICY, None
    return ADAPTER, chance.choice([None, "agent-1"])


def _register(chance: random.Random, number: int) -> RegisterComplaint:
    return RegisterComplaint(
        channel=chance.choice(["phone", "web", "wechat"]),
        source_system="tests",
        nature="complaint" if chance.random() < 0.9 else "enquiry",
        origin="person",
        customer_id=chance.choice([None, "customer-1"]),
        joint_customer_ids=chance.choice([None, None, ["customer-2", "customer-3"]]),
        complainant=chance.choice([None, Complainant(role="customer", handle=HANDLE)]),
        external_ref=f"REF-{number}",
        received_unit=chance.choice([None, "hotline"]),
        narrative="空调不制冷 😡",
        product=chance.choice([None, Product(sku="AC-1", model="冷风 3000", serial_no="S-1")]),
        disputed_amount=chance.choice([None, Money(minor=12_345, currency="CNY")]),
    )


def _command(chance: random.Random, history: list[Recorded[Any]], state: Complaint) -> Any:
    remedies = [i.event.remedy_id for i in history if isinstance(i.event, RemedyProposed)]
    contacts = [i.event.contact_id for i in history if isinstance(i.event, ContactRecorded)]
    attached = [i.event.evidence_id for i in history if isinstance(i.event, EvidenceAttached)]
    proof: dict[str, Any] = (
        {"contact_id": contacts[-1]} if contacts else {"evidence_id": [EVIDENCE_ID, *attached][-1]}
    )
    remedy = remedies[-1] if remedies else EVIDENCE_ID
    make: list[Callable[[], Any]] = [
        lambda: _assessment(chance),
        lambda: _assessment(chance),
        lambda: AcceptComplaint(unit_id=chance.choice(["unit-0", "unit-1"])),
        lambda: AssignComplaint(unit_id="unit-1", person_id=chance.choice([None, "agent-1"])),
        SignForAssignment,
        lambda: ReturnAssignment(**WHY),
        lambda: ConfirmProblem(by="customer", how="link", **proof),
        lambda: ConfirmProblem(by="customer", how="callback", **proof),
        lambda: _contact(chance),
        lambda: AttachEvidence(kind="photo", media_type="image/png", size=1, sha256=SHA256),
        lambda: AcknowledgeComplaint(
            by=chance.choice(["person", "bot", "automatic"]),
            accepted_by_complainant=chance.choice([None, True, False]),
            **proof,
        ),
        lambda: ProposeRemedy(kind="refund", basis="goodwill"),
        lambda: AcceptRemedy(remedy_id=remedy),
        lambda: FulfilRemedy(remedy_id=remedy),
        ResolveComplaint,
        ResolveComplaint,
        lambda: ConfirmResolution(by="customer", how="link", **proof),
        lambda: DisputeResolution(explanation="坏了", **proof),
        lambda: RecordSatisfaction(score=chance.randint(1, 5), by="customer", channel="link"),
        lambda: CloseComplaint(reason=chance.choice(["verified", "imported"])),
        lambda: ReopenComplaint(**WHY),
        lambda: RecordSourceFact(name=chance.choice(SOURCE_FACTS), value=str(chance.random())),
        lambda: AddDetail(details=Facts(region="310000", received_unit="hotline-2")),
        lambda: CorrectField(new=Facts(received_unit="front-desk"), **WHY),
        lambda: LinkCustomer(customer_id=chance.choice(CUSTOMERS), by="rule", **WHY),
        lambda: CorrectField(new=Facts(nature=chance.choice(["complaint", "enquiry"])), **WHY),
    ]
    make += _waiting_and_ending(chance, state, (contacts or [EVIDENCE_ID])[-1])
    rare: list[Callable[[], Any]] = [
        lambda: WithdrawComplaint(**WHY, **proof),
        lambda: DeclineComplaint(notice=NOTICE, **WHY),
    ]
    onward: dict[str, Callable[[], Any]] = {
        "registered": make[0],
        "assessed": make[2],
        "accepted": make[3],
        "in_progress": ResolveComplaint if state.problem_confirmed_in_cycle else make[6],
        "resolved": chance.choice([make[17], make[17], lambda: CloseComplaint(reason="verified")]),
        "final_position": make[17],
        "closed": make[20],
    }
    if chance.random() < 0.4:
        return onward[state.stage or "registered"]()
    return chance.choice(rare if chance.random() < 0.02 else make)()


def _waiting_and_ending(
    chance: random.Random, state: Complaint, contact_id: UUID
) -> list[Callable[[], Any]]:
    wait_id, on = chance.choice([(w.id, w.on) for w in state.waits] or [(EVIDENCE_ID, "task")])
    answers: dict[str, Callable[[], Any]] = {
        "task": lambda: CompleteTask(task_id=wait_id),
        "customer": lambda: RecordInformation(request_id=wait_id),
        "supplier": lambda: RecordInformation(request_id=wait_id),
        "external_body": lambda: RecordOutsideOutcome(referral_id=wait_id, outcome="upheld"),
    }
    return [
        answers[on],
        answers[on],
        lambda: DelegateTask(kind="inspection", unit_id="unit-1"),
        lambda: RequestInformation(asked=chance.choice(["customer", "supplier"]), what="发票"),
        lambda: ReferComplaint(body="12315", reply_due_at=chance.choice([None, BEGIN])),
        lambda: MergeComplaint(target_id=SURVIVOR_ID, **WHY),
        lambda: UnmergeComplaint(**WHY),
        lambda: UnmergeComplaint(**WHY),
        lambda: RecordMergeReceived(
            source_id=chance.choice(SOURCES),
            source_received_at=state.received_at
            and state.received_at + timedelta(minutes=chance.randrange(-300, 60)),
        ),
        lambda: RecordMergeReverted(source_id=chance.choice(SOURCES)),
        lambda: RecordChaser(channel="phone", party="customer"),
        lambda: PauseClock(clock="resolve", **WAITED),
        lambda: ResumeClock(clock="resolve"),
        DeclareFinalPosition,
        lambda: CommunicateDecision(**DECISION, contact_id=contact_id),
    ]


def _assessment(chance: random.Random) -> AssessComplaint:
    return AssessComplaint(
        category=Category(path=["产品质量", "空调"], taxonomy_version="2026-01"),
        decided_by=DecidedBy(kind="person", id="agent-1"),
        severity=chance.choice([None, "general", "important", "major"]),
        nature=chance.choice([None] * 8 + ["complaint", "suggestion"]),
        tags=chance.choice([[], ["退款"]]),
        **WHY,
    )


def _contact(chance: random.Random) -> RecordContact:
    return RecordContact(
        direction="outbound",
        channel=chance.choice(["phone", "sms"]),
        party="customer",
        purpose="answer",
        outcome=chance.choice(["reached", "no_answer"]),
        summary="打电话",
    )
