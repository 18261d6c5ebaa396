"""Closing 结案, reopening 重开, withdrawal 撤诉: a complaint closes for a reason that is shown,
best of all because both verifications stand; it can always be opened again.
"""

from datetime import timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from domain.complaint.guards import refuse_handler, require_own_word, require_supervisor
from domain.complaint.state import OPEN, OURS, AllowedAt, Complaint, ComplaintClosed, end_waits
from domain.complaint.vocabulary import Stage
from domain.kernel import (
    Code,
    Command,
    Context,
    Event,
    NotAllowedAtStage,
    ReasonText,
    Recorded,
    Rejected,
    require_reason,
)

# --- commands -------------------------------------------------------------------------------


class CloseComplaint(Command, frozen=True, kw_only=True):
    """End the complaint for a reason that is shown; another act ends it for the other reasons."""

    reason: Literal["verified", "final_position", "unreachable", "settled_outside", "imported"]


class ReopenComplaint(Command, frozen=True, kw_only=True):
    """Open a closed complaint again, in a new cycle, with its last owner."""

    reason_code: Code
    reason_text: ReasonText


class WithdrawComplaint(Command, frozen=True, kw_only=True):
    """Record that the customer takes the complaint back, by their own statement."""

    reason_code: Code
    reason_text: ReasonText
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


# --- events ---------------------------------------------------------------------------------


class ComplaintReopened(Event, frozen=True, kw_only=True):
    """A closed complaint was opened again, in this cycle."""

    cycle: int
    reason_code: Code


class ComplaintWithdrawn(Event, frozen=True, kw_only=True):
    """The customer took the complaint back."""

    reason_code: Code
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


# --- rejections -----------------------------------------------------------------------------


class NotVerified(Rejected):
    """Closing as verified needs both verifications: of the problem and of this resolution."""

    title = "Not verified"
    title_zh = "未完成双重验证"
    detail = "Missing: {missing}."
    detail_zh = "缺少：{missing}。"


class RemedyOutstanding(Rejected):
    """A complaint stays open while an accepted remedy is not carried out."""

    title = "Remedy outstanding"
    title_zh = "仍有未执行的处理方案"
    detail = "The customer accepted the remedy {remedy_id} and it is not fulfilled."
    detail_zh = "客户已接受的处理方案 {remedy_id} 尚未执行。"


class NotTriedEnough(Rejected):
    """A customer is unreachable only after enough attempts and a written notice."""

    title = "Not tried often enough"
    title_zh = "联系尝试不足"
    detail = (
        "Since the resolution: {attempts} attempts (need {need_attempts}), {channels} channels"
        " (need {need_channels}), {days} days (need {need_days}), written notice: {notice}."
    )
    detail_zh = (
        "办结后：尝试 {attempts} 次（须 {need_attempts}），"
        "渠道 {channels} 个（须 {need_channels}），"
        "{days} 天（须 {need_days}），书面通知：{notice}。"
    )


class WasReached(Rejected):
    """Somebody who was reached since the resolution is not unreachable."""

    title = "The customer was reached"
    title_zh = "已联系到客户"
    detail = "A contact since the resolution reached somebody: ask, and record the answer."
    detail_zh = "办结后已联系到客户，请询问并记录其答复。"


class MayStillAnswer(Rejected):
    """The complainant has so many days to answer the last word of the organisation."""

    title = "The complainant may still answer"
    title_zh = "客户仍在答复期内"
    detail = "Unanswered for {days} days only from {until} on."
    detail_zh = "须满 {days} 天未获答复，即自 {until} 起。"


class OutsideOutcomeRequired(Rejected):
    """Nothing is settled outside before the outside body's result is recorded."""

    title = "The outside outcome is missing"
    title_zh = "缺少外部机构的处理结果"
    detail = "Record what the outside body decided first: use RecordOutsideOutcome."
    detail_zh = "请先执行 RecordOutsideOutcome，登记外部机构的处理结果。"


class UnmergeInstead(Rejected):
    """A duplicate comes back by undoing the merge, so that the survivor hears of it."""

    title = "Unmerge it instead"
    title_zh = "请取消合并"
    detail = "The complaint was merged into another one: use UnmergeComplaint."
    detail_zh = "该投诉已合并到另一件投诉，请使用 UnmergeComplaint。"


class ImportOnly(Rejected):
    """Only an import may say that the source had closed the complaint."""

    title = "For imports only"
    title_zh = "仅限导入"
    detail = "Only an import may close a complaint as imported."
    detail_zh = "只有导入程序可以以 imported 结案。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (ComplaintClosed, ComplaintReopened, ComplaintWithdrawn)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    CloseComplaint: ComplaintClosed,
    ReopenComplaint: ComplaintReopened,
    WithdrawComplaint: ComplaintWithdrawn,
}
ALLOWED: AllowedAt = {
    # imported: any stage but closed; the other reasons need `resolved` or later, see below
    CloseComplaint: frozenset({"resolved", "final_position"}),
    ReopenComplaint: frozenset({"closed"}),
    WithdrawComplaint: OPEN,
}


def forbidden(command: type, state: Complaint) -> Rejected | None:
    """The rule that forbids a command whatever its body says."""
    if command is ReopenComplaint and state.close_reason == "duplicate":
        return UnmergeInstead()
    return None


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case CloseComplaint(reason="imported"):
            if context.actor.kind != "import":
                raise ImportOnly
            return [ComplaintClosed(reason="imported")]
        case CloseComplaint():
            _refuse_outstanding(state)
            if command.reason != "verified":
                require_reason(command)
            match command.reason:
                case "verified":
                    _refuse_unverified(state)
                case "unreachable":
                    _refuse_untried(state, context)
                case "final_position":
                    _refuse_unless_last_word(command, state, context)
                case "settled_outside" if not state.has_outside_outcome:
                    raise OutsideOutcomeRequired
            return [ComplaintClosed(reason=command.reason)]
        case ReopenComplaint():
            return [ComplaintReopened(cycle=state.cycle + 1, reason_code=command.reason_code)]
        case WithdrawComplaint():
            require_own_word(command, state)
            return [
                ComplaintWithdrawn(
                    reason_code=command.reason_code,
                    contact_id=command.contact_id,
                    evidence_id=command.evidence_id,
                ),
                ComplaintClosed(reason="withdrawn"),
            ]
    raise TypeError(command)


def _refuse_outstanding(state: Complaint) -> None:
    for remedy in state.remedies:
        if remedy.status == "accepted":
            raise RemedyOutstanding(remedy_id=remedy.remedy_id)


def _refuse_unverified(state: Complaint) -> None:
    missing = []
    if state.problem_confirmed_in_cycle is None:
        missing.append("ProblemConfirmed")
    if not state.is_resolution_confirmed:
        missing.append("ResolutionConfirmed")
    if missing:
        raise NotVerified(missing=", ".join(missing))


def _refuse_untried(state: Complaint, context: Context) -> None:
    """Attempts count from the resolution of this cycle on; the notice is not one of them."""
    rule, resolved_at = context.rules.unreachable, state.resolved_at
    since = [c for c in state.contacts if resolved_at and c.occurred_at >= resolved_at]
    if any(contact.outcome == "reached" and contact.purpose != "notice" for contact in since):
        raise WasReached
    tried = [contact for contact in since if contact.direction == "outbound"]
    attempts = [c for c in tried if c.purpose != "notice" and c.outcome == "no_answer"]
    channels = {contact.channel for contact in attempts}
    days = {state.local_date(contact.occurred_at, context) for contact in attempts}
    has_notice = any(
        contact.purpose == "notice" and contact.channel not in context.rules.spoken_channels
        for contact in tried
    )
    if (
        len(attempts) < rule.attempts
        or len(channels) < rule.channels
        or len(days) < rule.working_days
        or not has_notice
    ):
        raise NotTriedEnough(
            attempts=len(attempts),
            need_attempts=rule.attempts,
            channels=len(channels),
            need_channels=rule.channels,
            days=len(days),
            need_days=rule.working_days,
            notice="yes" if has_notice else "no",
        )


def _refuse_unless_last_word(command: CloseComplaint, state: Complaint, context: Context) -> None:
    """A supervisor other than the handler, after days without a word of the complainant's."""
    if state.stage != "final_position" or state.final_position_at is None:
        raise NotAllowedAtStage(command="CloseComplaint", stage=state.stage)
    require_supervisor(command, context)
    refuse_handler(command, state, context, rule="final_position")
    since = max(state.final_position_at, state.last_heard_at or state.final_position_at)
    days = context.rules.final_position_days
    until = since.astimezone(ZoneInfo(context.rules.zone)) + timedelta(days=days)
    if context.occurred_at(command) < until:
        raise MayStillAnswer(days=days, until=until.isoformat())


def _back_to(state: Complaint) -> Stage:
    if state.is_accepted:
        return "in_progress"
    return "registered" if state.assessment is None else "assessed"


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case ComplaintClosed(reason=reason):
            # merged, the open work is only suspended: unmerged, it goes on
            return replace(
                state if reason == "duplicate" else end_waits(state, *OURS),
                stage="closed",
                close_reason=reason,
                closed_at=recorded.occurred_at,
            )
        case ComplaintReopened(cycle=cycle):
            return replace(
                state,
                stage=_back_to(state),
                cycle=cycle,
                close_reason=None,
                closed_at=None,
                is_resolution_confirmed=False,
            )
    return state
