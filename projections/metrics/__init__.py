"""The metric catalogue: every rate defined once, for the API, the documentation and `bi`.

Section 10 of the requirements decides the meanings; where it leaves a choice, the words here say
what was chosen.
"""

from msgspec.structs import replace

from projections.metrics.definition import DIMENSIONS, Metric, Part
from projections.metrics.facts import (
    ACCEPTED,
    ANSWERS,
    CLASSES,
    CLOCKS,
    CLOSED,
    CLOSED_OR_OPEN,
    CLOSINGS,
    DECIDED,
    RESOLVED,
)

__all__ = ["BESIDE", "DIMENSIONS", "METRICS", "Metric", "Part"]

BESIDE = {
    "non_complaint": "what is an enquiry, a suggestion, a report or praise",
    "declined": "declined",
    "withdrawn": "withdrawn by the customer",
    "merged": "closed as a duplicate",
    "customer_unknown": "of no identified customer: nobody could see that they come back",
    "unclassified": "not classed against earlier ones yet",
    "undated": "nobody told on which day",
    "not_due": "not due yet",
    "cancelled": "the complaint ended before it was due",
    "not_accepted": "not accepted",
    "undecided": "neither accepted nor declined yet",
    "unresolved": "an answer about no resolution",
    "by_handler": "an answer collected by whoever held the complaint or resolved it",
    "expired": "an answer given when the question had expired",
    "superseded": "an answer after which a later one of its cycle counts",
    "unknown": "a view is behind another: ask again",
}
"""Why an item may be counted beside a metric."""

_OUT = ("non_complaint", "declined", "withdrawn", "merged")
_HOLDER = "the unit and person that held the complaint"

# --- SLA --------------------------------------------------------------------------------------


def _attainment(clock: str, name_en: str, name_zh: str) -> tuple[Metric, Metric]:
    """The share of promises kept for one clock: gross, and net of what was disputed later."""
    gross = Metric(
        id=f"{clock}_attainment",
        name_en=f"{name_en}: attainment, gross",
        name_zh=f"{name_zh}达标率（毛）",
        question_en="How many of the promises that fell due were kept?",
        question_zh="到期的时限承诺有多少按时完成？",
        numerator="clocks met",
        denominator="clocks met, missed, or running and overdue at the present",
        date="local date of the due",
        attribution=f"{_HOLDER} at the breach if missed, at the stop if met, now while it runs",
        facts=CLOCKS,
        counted_if="verdict = 'met'",
        only=f"clock = '{clock}'",
        beside=(*_OUT, "not_due", "cancelled", "unknown"),
    )
    net = replace(
        gross,
        id=f"{clock}_attainment_net",
        name_en=f"{name_en}: attainment, net",
        name_zh=f"{name_zh}达标率（净）",
        question_en="How many of the promises were kept by a result that stood?",
        question_zh="到期的时限承诺有多少按时完成且结果未被异议？",
        numerator="clocks met whose resolution was not disputed later",
        counted_if=f"{gross.counted_if} AND NOT is_disputed_later",
    )
    return gross, net


_CLOCKS = (
    *_attainment("first_response", "First response", "首次响应"),
    *_attainment("assess", "Initial assessment", "初步评审"),
    *_attainment("resolve", "Resolution", "办结"),
)

# --- repeats ----------------------------------------------------------------------------------

_REPEAT_SHARE = Metric(
    id="repeat_share",
    name_en="Repeat share",
    name_zh="重复投诉率",
    question_en="How many complaints are about a problem the customer had complained about before?",
    question_zh="有多少投诉是同一客户就同一问题的再次投诉？",
    numerator="complaints classed `repeat`, by the class last recorded",
    denominator="complaints classed `initial`, `related`, `escalated_recomplaint` or `repeat`",
    date="local date of the receipt",
    attribution="the unit that received the complaint",
    facts=CLASSES,
    counted_if="repeat_class = 'repeat'",
    beside=(*_OUT, "customer_unknown", "unclassified"),
)
_ESCALATED_SHARE = replace(
    _REPEAT_SHARE,
    id="escalated_share",
    name_en="Escalated share",
    name_zh="转化投诉占比",
    question_en="How many complaints are about how an earlier one was handled?",
    question_zh="有多少投诉是因对先前处理不满而再次投诉？",
    numerator="complaints classed `escalated_recomplaint`, by the class last recorded",
    counted_if="repeat_class = 'escalated_recomplaint'",
)
_RETURN_RATE = Metric(
    id="return_rate",
    name_en="Return rate",
    name_zh="回流率",
    question_en="How many closings did not hold?",
    question_zh="有多少结案后问题又回来了？",
    numerator="closings followed within the window by the reopening of the complaint, or by a"
    " complaint received after it and classed `repeat` or `escalated_recomplaint` that names it"
    " as the earlier one; several count once. What followed counts unless it is no complaint or"
    " came to be declined, withdrawn or merged: a later complaint by its close reason, a reopening"
    " by the reason of the complaint's next closing",
    denominator="closings, each by its own reason; a complaint closed twice has two. What comes"
    " back follows one closing: the last before it that is no withdrawal, decline or merge, of the"
    " complaint reopened or, at or before the receipt, of the one named; where that one came to be"
    " withdrawn, declined or merged itself, also of the one it names in turn. A merge that was"
    " undone is no closing",
    date="local date of the close",
    window="the days of the rulebook (90) after the local date of the close, the last one"
    " included; mature once it has passed for every closing counted",
    attribution=f"{_HOLDER} when the close was recorded",
    facts=CLOSINGS,
    counted_if="is_returned",
    beside=(*_OUT, "customer_unknown", "undated"),
)

# --- satisfaction -----------------------------------------------------------------------------

_CSAT = Metric(
    id="csat",
    name_en="Satisfaction (CSAT)",
    name_zh="满意率",
    question_en="How many of those who answered are satisfied?",
    question_zh="作答客户中有多少表示满意？",
    numerator="valid answers of 4 or 5",
    denominator="valid answers: the last of each resolved cycle that was given (as told) before"
    " the question expired, by complainant or representative, and not collected by whoever held"
    " the complaint then or resolved the cycle",
    date="local date of the resolution of the cycle; of an answer about none, of the answer",
    window="an answer counts before the end of the days of the rulebook (14, assumed) after the"
    " resolution of its cycle",
    attribution=f"{_HOLDER} when the resolution was recorded",
    facts=ANSWERS,
    counted_if="score >= 4",
    beside=(*_OUT, "unresolved", "undated", "by_handler", "expired", "superseded"),
)
_TOP_RATE = replace(
    _CSAT,
    id="top_rate",
    name_en="Share of top scores",
    name_zh="好评率",
    question_en="How many of those who answered could not be more satisfied?",
    question_zh="作答客户中有多少给出满分？",
    numerator="valid answers of 5",
    counted_if="score = 5",
)
_MEAN_SCORE = replace(
    _CSAT,
    id="mean_score",
    name_en="Mean score",
    name_zh="满意度均分",
    question_en="How satisfied are those who answered, from 1 to 5?",
    question_zh="作答客户的平均满意度（1 至 5 分）是多少？",
    numerator="sum of the scores of valid answers",
    counted_if="true",
    counts="score",
    unit="score",
)

# --- closing the loop -------------------------------------------------------------------------

_RESOLUTION_RATE = Metric(
    id="resolution_rate",
    name_en="Resolution rate",
    name_zh="解决率",
    question_en="How many of the complaints taken on are resolved?",
    question_zh="已受理的投诉有多少得到解决？",
    numerator="accepted complaints whose present cycle is resolved and not disputed, and which"
    " were not closed by a final position",
    denominator="accepted complaints",
    date="local date of the receipt",
    attribution="the unit and person that own the complaint now",
    facts=ACCEPTED,
    counted_if="is_resolved AND close_reason <> 'final_position'",
    beside=(*_OUT, "not_accepted"),
)
_CLOSURE_RATE = Metric(
    id="closure_rate",
    name_en="Closure rate",
    name_zh="关闭率",
    question_en="How many of the complaints taken on are closed?",
    question_zh="已受理的投诉有多少已结案？",
    numerator="accepted complaints that are closed",
    denominator="accepted complaints",
    date="local date of the close; while it is open, of the acceptance",
    attribution="the unit and person that own the complaint now",
    facts=CLOSED_OR_OPEN,
    counted_if="NOT is_open",
    beside=(*_OUT, "not_accepted"),
)
_VERIFICATION_RATE = Metric(
    id="verification_rate",
    name_en="Verification rate",
    name_zh="验证率",
    question_en="How many closed complaints did the customer confirm as resolved?",
    question_zh="已结案的投诉有多少经客户双重验证？",
    numerator="complaints closed as `verified`",
    denominator="closed complaints, each by its last close; an imported close is never verified",
    date="local date of the last close; the latest date told where nobody told the day",
    attribution="the unit and person that own the complaint now",
    facts=CLOSED,
    counted_if="is_verified",
    beside=_OUT,
)
_FIRST_TIME_RATE = Metric(
    id="first_time_resolution_rate",
    name_en="First-time resolution rate",
    name_zh="一次解决率",
    question_en="How many resolutions held at the first attempt?",
    question_zh="有多少投诉一次即解决且未再回来？",
    numerator="complaints resolved in their first cycle, never disputed, none of whose closings"
    " was followed by a return within the window (as in return_rate)",
    denominator="complaints resolved at least once",
    date="local date of the first resolution",
    window="as return_rate; mature once the window has passed for every closing of each complaint",
    attribution=f"{_HOLDER} when the first resolution was recorded",
    facts=RESOLVED,
    counted_if="is_settled_at_once",
    beside=(*_OUT, "undated"),
)
_DECLINE_RATE = Metric(
    id="decline_rate",
    name_en="Decline rate",
    name_zh="不予受理率",
    question_en="How many of the complaints decided on were not taken on?",
    question_zh="作出受理决定的投诉中有多少不予受理？",
    numerator="complaints closed as `declined`",
    denominator="complaints accepted or declined",
    date="local date of the receipt",
    attribution="the unit that received the complaint",
    facts=DECIDED,
    counted_if="close_reason = 'declined'",
    beside=("non_complaint", "withdrawn", "merged", "undecided"),
)

METRICS: dict[str, Metric] = {
    metric.id: metric
    for metric in (
        *_CLOCKS,
        _REPEAT_SHARE,
        _ESCALATED_SHARE,
        _RETURN_RATE,
        _CSAT,
        _TOP_RATE,
        _MEAN_SCORE,
        _RESOLUTION_RATE,
        _CLOSURE_RATE,
        _VERIFICATION_RATE,
        _FIRST_TIME_RATE,
        _DECLINE_RATE,
    )
}
"""Every metric, by its id."""
