"""That an order was refused is kept, and nothing of what the order said."""

from typing import Any

import msgspec
import pytest

from domain.personal import personal_paths
from domain.refusal import REFUSAL, CommandRefused, RecordRefusal
from tests.spec import STREAM, given

REFUSED: dict[str, Any] = {
    "command": "DeclineComplaint",
    "rule": "SecondPersonRequired",
    "status": 409,
    "four_eyes": "decline",
    "complaint_id": STREAM,
}


def test_a_refusal_says_what_was_ordered_and_which_rule_forbade_it() -> None:
    outcome = given(decider=REFUSAL).when(RecordRefusal(**REFUSED))
    outcome.then(CommandRefused(**REFUSED))
    assert outcome.state.is_recorded


def test_a_refusal_of_an_order_for_a_customer_names_the_customer() -> None:
    told = {"command": "SplitCustomer", "rule": "CustomerNotMerged", "status": 409}
    named = {**told, "customer_id": "customer-1"}
    given(decider=REFUSAL).when(RecordRefusal(**named)).then(CommandRefused(**named))


def test_one_refusal_is_recorded_once() -> None:
    refusal = RecordRefusal(command="RegisterComplaint", rule="Forbidden", status=403)
    given(decider=REFUSAL).when(refusal).then(CommandRefused).when(refusal).silent()


def test_the_trace_of_an_order_has_no_place_for_what_it_said() -> None:
    """Beside the reason text of every event, which nobody fills in, there is no free text."""
    assert personal_paths(CommandRefused) == {("reason_text",)}
    texts = {"command": "王小明", "rule": "Forbidden", "status": 403}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(texts, RecordRefusal)
