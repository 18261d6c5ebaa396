"""What a metric is, and the two statements it is read by: its value, and what lies behind it."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from projections.metrics.facts import Facts

DIMENSIONS = (
    "month",
    "channel",
    "severity",
    "region",
    "category",
    "unit",
    "person",
    "source_system",
)
"""What every metric can be grouped and filtered by; the month as YYYY-MM."""

MONTH = "to_char(item_date, 'YYYY-MM')"
Part = Literal["numerator", "denominator", "excluded"]


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One rate, told once: its words, what it counts, and whom it is charged to."""

    id: str
    name_en: str
    name_zh: str
    question_en: str
    question_zh: str
    numerator: str
    denominator: str
    date: str
    attribution: str
    facts: Facts
    counted_if: str  # of the items in the denominator, those in the numerator: SQL
    only: str = "true"  # which of the facts it is about: SQL
    counts: str = "1"  # what each of those adds to the numerator: SQL
    unit: Literal["share", "score"] = "share"
    window: str | None = None
    beside: tuple[str, ...]  # the reasons for which items are counted beside it

    @staticmethod
    def condition(dimension: str) -> str:
        """The condition that an item is in one of the members named by the parameter."""
        column = MONTH if dimension == "month" else dimension
        return f"{column} = ANY(%({dimension})s)"

    def value_sql(self, group_by: Sequence[str], filters: str) -> str:
        """Numerator, denominator and what is beside them, by group, in pages."""
        names = "".join(f"{name}, " for name in group_by)
        grouping = f"GROUP BY {', '.join(group_by)}" if group_by else ""
        return f"""
{self._items(filters)},
parts AS (
    SELECT {names}excluded_for, count(*) AS item_count, bool_and(is_mature) AS is_mature,
           coalesce(sum(counts) FILTER (WHERE is_in_numerator), 0) AS numerator
    FROM items GROUP BY {names}excluded_for
),
groups AS (
    SELECT jsonb_build_array({", ".join(group_by)}) AS members,
           coalesce(sum(numerator), 0)::bigint AS numerator,
           coalesce(sum(item_count) FILTER (WHERE excluded_for = 'none'), 0)::bigint
               AS denominator,
           coalesce(jsonb_object_agg(excluded_for, item_count)
                        FILTER (WHERE excluded_for <> 'none'), '{{}}') AS excluded,
           coalesce(bool_and(is_mature) FILTER (WHERE excluded_for = 'none'), true) AS is_mature
    FROM parts {grouping}
)
SELECT members::text, numerator, denominator, excluded, is_mature FROM groups
WHERE members::text COLLATE "C" > %(after)s
ORDER BY members::text COLLATE "C" LIMIT %(limit)s"""

    def evidence_sql(self, part: Part, filters: str) -> str:
        """The items behind a part of it, in pages."""
        condition = {
            "numerator": "is_in_numerator",
            "denominator": "excluded_for = 'none'",
            "excluded": "excluded_for <> 'none'",
        }[part]
        return f"""
{self._items(filters)}
SELECT item_id, complaint_id, tracking_number, item_date, excluded_for,
       CASE WHEN is_in_numerator THEN counts ELSE 0 END AS counts
FROM items
WHERE {condition} AND item_id COLLATE "C" > %(after)s
ORDER BY item_id COLLATE "C" LIMIT %(limit)s"""

    def _items(self, filters: str) -> str:
        return f"""WITH facts AS ({self.facts.sql}
),
items AS (
    SELECT item_id, complaint_id, tracking_number, item_date,
           {MONTH} AS month, channel, severity, region, category, unit,
           person, source_system, excluded_for, is_mature, ({self.counts})::bigint AS counts,
           excluded_for = 'none' AND ({self.counted_if}) AS is_in_numerator
    FROM facts WHERE {self.only} AND {filters}
)"""
