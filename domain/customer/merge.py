"""Two customers who are one: the one merged away names the survivor, and a split undoes it.

Complaints stay with the customer they were told of; whoever counts by customer follows the merges
to who the customer is now, so that a split leaves everything as it was.
"""

from typing import Any

from msgspec.structs import replace

from domain.customer.state import Customer
from domain.kernel import Code, Command, Context, Event, Identifier, ReasonText, Recorded, Rejected

# --- commands -------------------------------------------------------------------------------


class MergeCustomers(Command, frozen=True, kw_only=True):
    """Say that this customer is another one, who survives."""

    into_id: Identifier
    reason_code: Code
    reason_text: ReasonText


class SplitCustomer(Command, frozen=True, kw_only=True):
    """Undo a merge: they are two customers after all."""

    reason_code: Code
    reason_text: ReasonText


# --- events ---------------------------------------------------------------------------------


class CustomersMerged(Event, frozen=True, kw_only=True):
    """The customer is another one, who survives."""

    customer_id: Identifier
    into_id: Identifier
    reason_code: Code


class CustomersSplit(Event, frozen=True, kw_only=True):
    """The customer is not the one they had been merged into."""

    customer_id: Identifier
    from_id: Identifier
    reason_code: Code


# --- rejections -----------------------------------------------------------------------------


class CustomerMergedIntoItself(Rejected):
    """No customer is merged into themselves."""

    title = "Merged into themselves"
    title_zh = "不能合并到自身"
    detail = "A customer cannot be merged into themselves."
    detail_zh = "客户不能合并到其自身。"


class SurvivorWasMerged(Rejected):
    """Nobody is merged into a customer who was merged into another one, be it into themselves."""

    title = "The survivor was merged"
    title_zh = "目标客户已被合并"
    detail = "The customer {into_id} was merged and is {survivor_id} now."
    detail_zh = "客户 {into_id} 已被合并，现为 {survivor_id}。"


class CustomerNotMerged(Rejected):
    """Only a merge can be undone by splitting."""

    title = "Not merged"
    title_zh = "未被合并"
    detail = "The customer was not merged into another one."
    detail_zh = "该客户未被合并到其他客户。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (CustomersMerged, CustomersSplit)
COMMANDS: tuple[type[Any], ...] = (MergeCustomers, SplitCustomer)


def forbidden(command: type, state: Customer) -> Rejected | None:
    """The rule that forbids a command whatever its body says."""
    if command is SplitCustomer and state.merged_into is None:
        return CustomerNotMerged()
    return None


def decide(command: object, customer_id: str, state: Customer, context: Context) -> list[object]:
    """Decide on the commands of this file."""
    match command:
        case MergeCustomers(into_id=into_id):
            if into_id == customer_id:
                raise CustomerMergedIntoItself
            if (survivor_id := context.who(into_id)) != into_id:
                raise SurvivorWasMerged(into_id=into_id, survivor_id=survivor_id)
            return [
                CustomersMerged(
                    customer_id=customer_id, into_id=into_id, reason_code=command.reason_code
                )
            ]
        case SplitCustomer():
            if state.merged_into is None:
                raise CustomerNotMerged
            return [
                CustomersSplit(
                    customer_id=customer_id,
                    from_id=state.merged_into,
                    reason_code=command.reason_code,
                )
            ]
    raise TypeError(command)


def evolve(state: Customer, recorded: Recorded[object]) -> Customer:
    """What the events of this file leave."""
    match recorded.event:
        case CustomersMerged(into_id=into_id):
            return replace(state, merged_into=into_id)
        case CustomersSplit():
            return replace(state, merged_into=None)
    return state
