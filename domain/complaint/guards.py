"""Rules that several acts share: what they name is this complaint's own, and who may not act."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.complaint.state import Complaint, Contact, Remedy, Wait, wait_named
from domain.kernel import Context, Money, Rejected, SecondPersonRequired


class UnknownRemedy(Rejected):
    """The remedy named is none of this complaint."""

    title = "Unknown remedy"
    title_zh = "处理方案不存在"
    detail = "This complaint has no remedy {remedy_id}."
    detail_zh = "该投诉没有处理方案 {remedy_id}。"


class RemedyNotOpen(Rejected):
    """What became of the remedy leaves nothing to decide about it in this way."""

    title = "Remedy no longer open"
    title_zh = "处理方案已有结果"
    detail = "{command} is not possible: the remedy {remedy_id} is {status}."
    detail_zh = "无法执行 {command}：处理方案 {remedy_id} 的状态为 {status}。"


def known_remedy(state: Complaint, remedy_id: UUID) -> Remedy:
    """The remedy with this id."""
    for remedy in state.remedies:
        if remedy.remedy_id == remedy_id:
            return remedy
    raise UnknownRemedy(remedy_id=remedy_id)


def open_remedy(state: Complaint, command: Any, *statuses: str) -> Remedy:
    """The remedy a command names, refused unless it stands at one of these."""
    remedy = known_remedy(state, command.remedy_id)
    if remedy.status not in statuses:
        raise RemedyNotOpen(
            command=type(command).__name__, remedy_id=remedy.remedy_id, status=remedy.status
        )
    return remedy


GRANTED = frozenset({"proposed", "approved", "accepted", "fulfilled"})


def needs_approval(command: Any, state: Complaint, context: Context) -> bool:
    """Whether the goodwill of this complaint and customer goes beyond the threshold with this.

    Offers not yet answered count as granted: split into small ones, they may all be taken.
    """
    rule = context.rules.approval
    limit = rule.limits.get(state.severity)
    if command.basis != "goodwill" or command.amount is None or limit is None:
        return False
    others = [remedy for remedy in state.remedies if remedy.remedy_id != command.supersedes]
    amounts: list[Money] = [command.amount, *goodwill(others), *context.other_goodwill]
    if any(amount.currency != rule.currency for amount in amounts):
        return True  # what cannot be compared is not waved through
    return sum(max(amount.minor, 0) for amount in amounts) > limit


def goodwill(remedies: Iterable[Remedy], since: datetime | None = None) -> list[Money]:
    """What was granted out of goodwill, as far as it stands: all of it, or since a time."""
    return [
        remedy.amount
        for remedy in remedies
        if remedy.basis == "goodwill"
        and remedy.amount is not None
        and remedy.status in GRANTED
        and (since is None or (remedy.proposed_at is not None and remedy.proposed_at >= since))
    ]


class UnknownTask(Rejected):
    """The task named is none of this complaint."""

    title = "Unknown task"
    title_zh = "任务不存在"
    detail = "This complaint has no task {task_id}."
    detail_zh = "该投诉没有任务 {task_id}。"


def known_task(state: Complaint, task_id: UUID) -> Wait:
    """The task with this id."""
    task = wait_named(state, task_id, "task")
    if task is None:
        raise UnknownTask(task_id=task_id)
    return task


class UnknownContact(Rejected):
    """The contact named is none of this complaint."""

    title = "Unknown contact"
    title_zh = "沟通记录不存在"
    detail = "This complaint has no contact {contact_id}."
    detail_zh = "该投诉没有沟通记录 {contact_id}。"


class UnknownEvidence(Rejected):
    """The evidence named is none of this complaint, or was withdrawn."""

    title = "Unknown evidence"
    title_zh = "证据材料不存在"
    detail = "This complaint has no evidence {evidence_id}, or it was withdrawn."
    detail_zh = "该投诉没有证据材料 {evidence_id}，或该材料已撤回。"


def known_contact(state: Complaint, contact_id: UUID) -> Contact:
    """The contact with this id."""
    for contact in state.contacts:
        if contact.contact_id == contact_id:
            return contact
    raise UnknownContact(contact_id=contact_id)


def require_contact(state: Complaint, contact_id: UUID | None) -> None:
    """Refuse a contact that this complaint does not have."""
    if contact_id is not None:
        known_contact(state, contact_id)


class NobodysWord(Rejected):
    """A contact that reached nobody, or came before what it is to confirm, shows nobody's word."""

    title = "The contact shows nobody's word"
    title_zh = "该沟通记录不能作为凭证"
    detail = "The contact {contact_id} reached nobody, or came before what it is to confirm."
    detail_zh = "沟通记录 {contact_id} 未联系到对方，或早于所确认的事项。"


def require_word(state: Complaint, contact_id: UUID | None, since: datetime | None = None) -> None:
    """Silence never confirms: the contact named has to have reached somebody, since then."""
    if contact_id is None:
        return
    contact = known_contact(state, contact_id)
    if contact.outcome != "reached" or (since is not None and contact.occurred_at < since):
        raise NobodysWord(contact_id=contact_id)


def require_evidence(state: Complaint, *evidence_ids: UUID | None) -> None:
    """Refuse evidence that this complaint does not have, or has no longer."""
    for evidence_id in evidence_ids:
        if evidence_id is not None and all(
            item.evidence_id != evidence_id or item.is_withdrawn for item in state.evidence
        ):
            raise UnknownEvidence(evidence_id=evidence_id)


def require_sources(state: Complaint, command: Any) -> None:
    """Refuse a contact or a piece of evidence that is none of this complaint."""
    require_contact(state, command.contact_id)
    require_evidence(state, command.evidence_id)


class ProofRequired(Rejected):
    """Somebody's own word has to be shown by a contact or a piece of evidence."""

    title = "Proof is required"
    title_zh = "需要凭证"
    detail = "{command} needs the contact_id or the evidence_id it rests on."
    detail_zh = "{command} 须注明所依据的 contact_id 或 evidence_id。"


def require_proof(state: Complaint, command: Any, since: datetime | None = None) -> None:
    """Refuse a statement of somebody else's that no contact and no evidence shows."""
    if command.contact_id is None and command.evidence_id is None:
        raise ProofRequired(command=type(command).__name__)
    require_sources(state, command)
    require_word(state, command.contact_id, since)


class ReporterConfirmsNothing(Rejected):
    """An outside body or the media learns of the outcome and confirms nothing."""

    title = "A reporter confirms nothing"
    title_zh = "举报方不得确认"
    detail = "{command} is for the customer or a representative; this is the word of a reporter."
    detail_zh = "{command} 须由客户或其代表作出；此处仅有举报方的陈述。"


class AuthorityRequired(Rejected):
    """A representative speaks for the customer only with evidence of the authority to do so."""

    title = "Authority is required"
    title_zh = "须有授权证明"
    detail = "{command} by a representative needs authority_evidence_id, attached to the complaint."
    detail_zh = "代表执行 {command} 须有 authority_evidence_id，且该材料已附于投诉。"


class TrackingLinkOnly(Rejected):
    """Who complains anonymously is known by the tracking link alone: only there is it confirmed."""

    title = "By the tracking link only"
    title_zh = "仅可通过追踪链接"
    detail = "Nobody is known behind this complaint: {command} is possible by the link only."
    detail_zh = "该投诉为匿名投诉：{command} 只能通过追踪链接完成。"


def refuse_reporters_word(command: Any, state: Complaint) -> None:
    """Refuse what is the customer's to say where it rests on what a reporter said."""
    contact_id = getattr(command, "contact_id", None)
    if any(
        contact.contact_id == contact_id and contact.party == "reporter"
        for contact in state.contacts
    ):
        raise ReporterConfirmsNothing(command=type(command).__name__)


def require_own_word(command: Any, state: Complaint) -> None:
    """Refuse a statement of the customer's that nothing shows, or only the word of a reporter."""
    require_proof(state, command)
    refuse_reporters_word(command, state)


def require_voice(command: Any, state: Complaint, *, by_link: bool) -> None:
    """Refuse a confirmation or an answer of somebody who cannot give it (section 10, parties)."""
    name = type(command).__name__
    speaker, authority = state.facts.complainant, state.facts.authority_evidence_id
    is_reported = speaker is not None and speaker.role == "reporter" and not state.is_customer_known
    if is_reported:
        raise ReporterConfirmsNothing(command=name)
    refuse_reporters_word(command, state)
    if command.by == "representative" and not any(
        item.evidence_id == authority and not item.is_withdrawn for item in state.evidence
    ):
        raise AuthorityRequired(command=name)
    if state.is_anonymous and not by_link:
        raise TrackingLinkOnly(command=name)


class SupervisorRequired(Rejected):
    """Only a supervisor speaks the last word."""

    title = "A supervisor is required"
    title_zh = "须由主管办理"
    detail = "{command} is for supervisors; the role here is {role}."
    detail_zh = "{command} 仅限主管办理；当前角色为 {role}。"


def require_supervisor(command: object, context: Context) -> None:
    """Refuse whoever does not act in a role that supervises."""
    if context.actor.role not in context.rules.supervising_roles:
        raise SupervisorRequired(command=type(command).__name__, role=context.actor.role)


def refuse_handler(command: object, state: Complaint, context: Context, *, rule: str) -> None:
    """Four eyes: neither who holds the complaint nor who resolved it."""
    involved = {state.owner_person, state.resolved_by}
    if rule in context.rules.four_eyes and not involved.isdisjoint(context.people):
        raise SecondPersonRequired(command=type(command).__name__, rule=rule)


def refuse_involved(command: object, state: Complaint, context: Context, *, rule: str) -> None:
    """Four eyes: neither the holder nor who registered or last assessed the complaint."""
    if rule not in context.rules.four_eyes:
        return
    involved = {state.owner_person, state.registered_by, state.assessed_by}
    if not involved.isdisjoint(context.people):
        raise SecondPersonRequired(command=type(command).__name__, rule=rule)
