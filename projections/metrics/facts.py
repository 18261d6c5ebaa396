"""What metrics count: queries over `bi` whose rows are single clocks, complaints or answers.

Each row says what it is an item of, when and whose it is, and why it counts in no rate, if so.
"""

from typing import NamedTuple


class Facts(NamedTuple):
    """A kind of items: the query that finds them, and the views it waits for."""

    item: str  # what a row is
    views: tuple[str, ...]
    sql: str


# Of the complaint an item belongs to.
_ABOUT = (
    "c.complaint_id, c.tracking_number, c.channel, c.region,\n"
    "       c.category_level_1 AS category, c.source_system"
)
_OUT_OF_RATES = "bi.out_of_rates(c.nature, c.close_reason)"

CLOCKS = Facts(
    "clock",
    ("sla", "complaints"),
    f"""
SELECT s.clock_id AS item_id, {_ABOUT}, s.severity, s.due_date AS item_date,
       s.holder_unit AS unit, s.holder_person AS person, s.clock, s.verdict,
       s.is_disputed_later, true AS is_mature,
       CASE WHEN NOT s.is_in_rates THEN coalesce(nullif({_OUT_OF_RATES}, 'none'), 'unknown')
            WHEN s.verdict = 'open' THEN 'not_due'
            WHEN s.verdict = 'cancelled' THEN 'cancelled'
            ELSE 'none' END AS excluded_for
FROM bi.sla_clocks AS s
JOIN bi.complaints AS c ON c.complaint_id = s.complaint_id
WHERE s.due_at IS NOT NULL""",
)

CLASSES = Facts(
    "complaint",
    ("repeats", "complaints"),
    f"""
SELECT p.complaint_id AS item_id, {_ABOUT}, c.severity, p.received_date AS item_date,
       p.received_unit AS unit, 'unknown' AS person, p.repeat_class, true AS is_mature,
       p.excluded_for
FROM bi.repeats AS p
JOIN bi.complaints AS c ON c.complaint_id = p.complaint_id""",
)

CLOSINGS = Facts(
    "closing",
    ("repeats", "complaints"),
    f"""
SELECT k.closing_id AS item_id, {_ABOUT}, c.severity, k.closed_date AS item_date,
       k.holder_unit AS unit, k.holder_person AS person,
       f.closing_id IS NOT NULL AS is_returned, k.is_mature, k.excluded_for
FROM bi.closings AS k
JOIN bi.complaints AS c ON c.complaint_id = k.complaint_id
LEFT JOIN bi.returns AS f ON f.closing_id = k.closing_id AND f.is_first_counted""",
)

ANSWERS = Facts(
    "answer",
    ("satisfaction", "complaints"),
    f"""
SELECT a.survey_id AS item_id, {_ABOUT}, c.severity,
       coalesce(a.resolved_date, a.answered_date) AS item_date,
       a.holder_unit AS unit, a.holder_person AS person, a.score, true AS is_mature,
       a.excluded_for
FROM bi.surveys AS a
JOIN bi.complaints AS c ON c.complaint_id = a.complaint_id""",
)

ACCEPTED = Facts(
    "complaint",
    ("complaints",),
    f"""
SELECT c.complaint_id AS item_id, {_ABOUT}, c.severity, c.received_date AS item_date,
       c.owner_unit AS unit, c.owner_person AS person, c.is_resolved, c.close_reason,
       true AS is_mature,
       CASE WHEN {_OUT_OF_RATES} <> 'none' THEN {_OUT_OF_RATES}
            WHEN NOT c.is_accepted THEN 'not_accepted'
            ELSE 'none' END AS excluded_for
FROM bi.complaints AS c""",
)

# Dated by the close; what is open still waits in the month in which it was accepted.
CLOSED_OR_OPEN = Facts(
    "complaint",
    ("complaints",),
    f"""
SELECT c.complaint_id AS item_id, {_ABOUT}, c.severity,
       coalesce(c.closed_date, c.accepted_date, c.received_date) AS item_date,
       c.owner_unit AS unit, c.owner_person AS person, c.is_open, true AS is_mature,
       CASE WHEN {_OUT_OF_RATES} <> 'none' THEN {_OUT_OF_RATES}
            WHEN NOT c.is_accepted THEN 'not_accepted'
            ELSE 'none' END AS excluded_for
FROM bi.complaints AS c""",
)

CLOSED = Facts(
    "complaint",
    ("complaints",),
    f"""
SELECT c.complaint_id AS item_id, {_ABOUT}, c.severity, c.closed_date AS item_date,
       c.owner_unit AS unit, c.owner_person AS person, c.is_verified, true AS is_mature,
       {_OUT_OF_RATES} AS excluded_for
FROM bi.complaints AS c
WHERE NOT c.is_open""",
)

RESOLVED = Facts(
    "complaint",
    ("satisfaction", "repeats", "complaints"),
    f"""
SELECT s.complaint_id AS item_id, {_ABOUT}, c.severity, s.resolved_date AS item_date,
       s.holder_unit AS unit, s.holder_person AS person,
       s.cycle = 1 AND c.dispute_count = 0 AND coalesce(k.is_returned, false) = false
           AS is_settled_at_once,
       coalesce(k.is_mature, false) AS is_mature, s.excluded_for
FROM (SELECT s.complaint_id, s.cycle, s.resolved_date, s.holder_unit, s.holder_person,
             s.excluded_for,
             row_number() OVER (PARTITION BY s.complaint_id ORDER BY s.cycle) AS place
      FROM bi.resolutions AS s) AS s
JOIN bi.complaints AS c ON c.complaint_id = s.complaint_id
LEFT JOIN (
    SELECT k.complaint_id, bool_and(k.is_mature) AS is_mature,
           bool_or(f.closing_id IS NOT NULL) AS is_returned
    FROM bi.closings AS k
    LEFT JOIN bi.returns AS f ON f.closing_id = k.closing_id AND f.is_first_counted
    GROUP BY k.complaint_id
) AS k ON k.complaint_id = s.complaint_id
WHERE s.place = 1""",
)

DECIDED = Facts(
    "complaint",
    ("complaints",),
    f"""
SELECT c.complaint_id AS item_id, {_ABOUT}, c.severity, c.received_date AS item_date,
       c.received_unit AS unit, 'unknown' AS person, c.close_reason, true AS is_mature,
       CASE WHEN c.nature <> 'complaint' THEN 'non_complaint'
            WHEN c.close_reason = 'declined' THEN 'none'
            WHEN c.close_reason = 'withdrawn' THEN 'withdrawn'
            WHEN c.close_reason = 'duplicate' THEN 'merged'
            WHEN NOT c.is_accepted THEN 'undecided'
            ELSE 'none' END AS excluded_for
FROM bi.complaints AS c""",
)
