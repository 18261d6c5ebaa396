"""The three reports at the first look: attainment, repeats, satisfaction, as small tables."""

from decimal import Decimal
from typing import Any

import psycopg
from rich.box import SIMPLE
from rich.table import Table

_MOST_ROWS = 60

_ATTAINMENT = """
SELECT clock_name_en || ' ' || clock_name_zh, sum(met_count), sum(missed_count), sum(overdue_count),
       sum(met_count)::numeric / nullif(sum(judged_count), 0),
       sum(met_count - disputed_later_count)::numeric / nullif(sum(judged_count), 0)
FROM bi.sla_attainment GROUP BY clock, clock_name_en, clock_name_zh ORDER BY clock
LIMIT %(most)s"""

_REPEATS = """
SELECT to_char(month_date, 'YYYY-MM'),
       sum(initial_count) FILTER (WHERE metric = 'repeat_share'),
       sum(escalated_count) FILTER (WHERE metric = 'repeat_share'),
       sum(repeat_count) FILTER (WHERE metric = 'repeat_share'),
       sum(numerator_count) FILTER (WHERE metric = 'repeat_share')::numeric
           / nullif(sum(denominator_count) FILTER (WHERE metric = 'repeat_share'), 0),
       sum(numerator_count) FILTER (WHERE metric = 'return_rate')::numeric
           / nullif(sum(denominator_count) FILTER (WHERE metric = 'return_rate'), 0)
FROM bi.repeat_rate GROUP BY month_date
HAVING sum(denominator_count) > 0 ORDER BY month_date DESC LIMIT %(most)s"""

_SATISFACTION = """
SELECT to_char(month_date, 'YYYY-MM'), sum(cycles_due_count), sum(valid_count),
       sum(satisfied_count), sum(satisfied_count)::numeric / sum(valid_count),
       round(sum(score_sum)::numeric / sum(valid_count), 2)
FROM bi.satisfaction GROUP BY month_date
HAVING sum(valid_count) > 0 ORDER BY month_date DESC LIMIT %(most)s"""

REPORTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "SLA attainment 时限达成率",
        _ATTAINMENT,
        ("clock", "met 达成", "missed 超时", "overdue 逾期", "gross 毛", "net 净"),
    ),
    (
        "Repeats 重复投诉率",
        _REPEATS,
        ("month", "initial 初次", "escalated 转化", "repeat 重复", "share 占比", "return 回流率"),
    ),
    (
        "Satisfaction 满意率",
        _SATISFACTION,
        ("month", "resolved 办结", "answers 评价", "satisfied 满意", "CSAT", "score 均分"),
    ),
)
"""Title, statement and columns of each."""
_SHARES = frozenset({"gross 毛", "net 净", "share 占比", "return 回流率", "CSAT"})


def tables(connection: psycopg.Connection[Any]) -> list[Table]:
    """The reports as a connection that may read `bi` finds them."""
    return [
        _table(title, columns, connection.execute(statement, {"most": _MOST_ROWS}).fetchall())
        for title, statement, columns in REPORTS
    ]


def _table(title: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE)
    for place, column in enumerate(columns):
        table.add_column(
            column.replace(" ", "\n"), justify="right" if place else "left", no_wrap=True
        )
    for row in rows:
        table.add_row(*(_cell(column, value) for column, value in zip(columns, row, strict=True)))
    return table


def _cell(column: str, value: Any) -> str:
    if value is None:
        return "-"
    if column in _SHARES:
        return f"{Decimal(value) * 100:.1f} %"
    return f"{value:,}" if isinstance(value, int | Decimal) else str(value)
