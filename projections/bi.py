"""The public contract `bi` as data: its views and columns, and how they are read and grouped."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from psycopg import sql

COLUMNS = """
SELECT c.relname, obj_description(c.oid, 'pg_class'), a.attname,
       format_type(a.atttypid, NULL), col_description(c.oid, a.attnum)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'bi'::regnamespace AND c.relkind IN ('r', 'v', 'm')
ORDER BY c.relname, a.attnum"""
"""Relation, grain, column, type and meaning of everything in bi."""

_GROUPS = {"text", "integer", "bigint", "boolean", "date"}
_COUNTS = {"integer", "bigint"}
_SUMS = ("_count", "_sum")

RATIOS: dict[str, dict[str, tuple[str, str]]] = {
    "sla_attainment": {
        "gross_attainment": ("met_count", "judged_count"),
        "net_attainment": ("met_count - disputed_later_count", "judged_count"),
    },
    "repeat_rate": {"rate": ("numerator_count", "denominator_count")},
    "satisfaction": {
        "csat": ("satisfied_count", "valid_count"),
        "top_rate": ("top_count", "valid_count"),
        "mean_score": ("score_sum", "valid_count"),
        "mean_result_score": ("result_score_sum", "result_count"),
        "mean_process_score": ("process_score_sum", "process_count"),
    },
}
"""Ratios of reports with the counts they are worked out from: they are never averaged."""

NEVER_SUMMED_ACROSS = {"repeat_rate": ("metric",), "sla_attainment": ("clock",)}
"""Columns that every grouping keeps: what they tell apart is not of one kind."""


class Column(msgspec.Struct, frozen=True):
    """A column of a view."""

    name: str
    type: str
    meaning: str

    @property
    def is_group(self) -> bool:
        """Whether rows can be grouped and filtered by it."""
        return self.type in _GROUPS

    @property
    def is_count(self) -> bool:
        """Whether it adds up over rows."""
        return self.type in _COUNTS and self.name.endswith(_SUMS)


class View(msgspec.Struct, frozen=True):
    """A relation of `bi`."""

    name: str
    grain: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> str:
        """The column that is different in every row."""
        unique = (c.name for c in self.columns if c.meaning.startswith("Unique key"))
        return next(unique, self.columns[0].name)

    @property
    def groups(self) -> tuple[str, ...]:
        """The columns by which rows can be grouped."""
        return tuple(column.name for column in self.columns if column.is_group)


def view_of(rows: Iterable[Sequence[Any]]) -> dict[str, View]:
    """The views that the rows of `COLUMNS` tell of, by name."""
    grains: dict[str, str] = {}
    columns: dict[str, list[Column]] = {}
    for relation, grain, name, kind, meaning in rows:
        grains[relation] = grain or ""
        columns.setdefault(relation, []).append(Column(name, kind, meaning or ""))
    return {name: View(name, grains[name], tuple(columns[name])) for name in columns}


def rows_sql(
    view: View, group_by: Sequence[str], conditions: Sequence[sql.Composable]
) -> tuple[sql.Composed, list[str]]:
    """A page of rows in the order of their key, which comes first; and the names of the others."""
    statement = sql.SQL(
        "SELECT {key}, {columns} FROM {view} WHERE {conditions}"
        ' AND {key} COLLATE "C" > %(after)s ORDER BY {key} COLLATE "C" LIMIT %(limit)s'
    ).format(
        key=sql.Identifier(view.key),
        columns=sql.SQL(", ").join(_value(column) for column in view.columns),
        view=sql.Identifier("bi", view.name),
        conditions=_all(conditions),
    )
    return statement, [column.name for column in view.columns]


def grouped_sql(
    view: View, group_by: Sequence[str], conditions: Sequence[sql.Composable]
) -> tuple[sql.Composed, list[str]]:
    """A page of groups with what adds up in them, behind a key; and the names of the columns."""
    groups = list(dict.fromkeys([*NEVER_SUMMED_ACROSS.get(view.name, ()), *group_by]))
    told: dict[str, sql.Composable] = {name: sql.Identifier(name) for name in groups}
    told["row_count"] = sql.SQL("count(*)")
    for column in view.columns:
        if column.name in told:
            continue
        value = sql.Identifier(column.name)
        if column.is_count:
            told[column.name] = sql.SQL("coalesce(sum({}), 0)::bigint").format(value)
        elif column.name == "is_mature":
            told[column.name] = sql.SQL("coalesce(bool_and({}), true)").format(value)
    for ratio, (numerator, denominator) in RATIOS.get(view.name, {}).items():
        told[ratio] = sql.SQL(
            f"round(sum({numerator})::numeric / nullif(sum({denominator}), 0), 6)::float8"
        )
    statement = sql.SQL(
        "SELECT key, {names} FROM (SELECT jsonb_build_array({groups})::text AS key, {told}"
        " FROM {view} WHERE {conditions} GROUP BY {groups}) AS g"
        ' WHERE key COLLATE "C" > %(after)s ORDER BY key COLLATE "C" LIMIT %(limit)s'
    ).format(
        names=sql.SQL(", ").join(sql.Identifier(name) for name in told),
        groups=sql.SQL(", ").join(sql.Identifier(name) for name in groups),
        told=sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(value, sql.Identifier(name)) for name, value in told.items()
        ),
        view=sql.Identifier("bi", view.name),
        conditions=_all(conditions),
    )
    return statement, list(told)


def _value(column: Column) -> sql.Composable:
    """A number with a fraction as JSON has it."""
    name = sql.Identifier(column.name)
    return sql.SQL("{}::float8").format(name) if column.type == "numeric" else name


def _all(conditions: Sequence[sql.Composable]) -> sql.Composable:
    return sql.SQL(" AND ").join([sql.SQL("true"), *conditions])
