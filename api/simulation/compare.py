"""What a mix asks for beside what the reports (`bi`) say of it, kind by kind."""

from decimal import Decimal
from typing import Any

import msgspec
import psycopg

from api.simulation.mix import OTHERS, WHOLE, Mix
from api.simulation.mixed import counts

_MOST_KINDS = 1000

_KINDS = """
SELECT {kind} AS kind, count(*) FROM bi.complaints
WHERE source_system = %(name)s AND received_date BETWEEN %(begin)s AND %(end)s
GROUP BY kind ORDER BY kind LIMIT %(most)s"""

REPORTS: dict[str, str] = {
    "severity": _KINDS.format(kind="severity"),
    "channel": _KINDS.format(kind="channel"),
    "category": _KINDS.format(kind="category_level_1"),
    "region": _KINDS.format(kind="region"),
    "language": _KINDS.format(kind="language"),
    "repeat": """
SELECT CASE repeat_class WHEN 'related' THEN 'initial' ELSE repeat_class END AS kind, count(*)
FROM bi.repeats
WHERE source_system = %(name)s AND received_date BETWEEN %(begin)s AND %(end)s AND is_counted
GROUP BY kind ORDER BY kind LIMIT %(most)s""",
    "slot": _KINDS.format(kind="extract(isodow FROM received_date)::integer * 24 + received_hour"),
}
"""The statement that reports each dimension of a mix; `slot` is an hour of the week.

A related complaint counts as a first one (requirements, section 10)."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of complaints: the share asked for, what that makes, and what is reported."""

    dimension: str
    kind: str
    asked: Decimal  # of a hundred
    planned: int
    reported: int
    total: int  # reported of all kinds

    @property
    def is_equal(self) -> bool:
        """Whether the reports say just what was planned."""
        return self.planned == self.reported

    @property
    def share(self) -> Decimal:
        """The share reported, with as many digits as the one asked for."""
        digits = Decimal(1).scaleb(min(int(self.asked.as_tuple().exponent), 0))
        return (WHOLE * self.reported / max(self.total, 1)).quantize(digits)


def compare(mix: Mix, connection: psycopg.Connection[Any]) -> list[Line]:
    """Each kind of the mix beside what a connection that may read `bi` finds."""
    told = {"name": mix.name, "begin": mix.begin, "end": mix.end, "most": _MOST_KINDS}
    found = {
        dimension: {str(kind): count for kind, count in connection.execute(statement, told)}
        for dimension, statement in REPORTS.items()
    }
    found["language"] = {code.partition("-")[0]: n for code, n in found["language"].items()}
    found["area"] = {
        name: sum(found["region"].get(code, 0) for code in area.of)
        for name, area in mix.region.items()
    }
    slots = found.pop("slot")
    found["hours"] = {
        hours.label: sum(slots.get(str((day + 1) * 24 + hour), 0) for day, hour in hours.slots)
        for hours in mix.hours
    }
    found["hours"][OTHERS] = sum(slots.values()) - sum(found["hours"].values())
    planned = counts(mix)
    return [
        Line(
            dimension=dimension,
            kind=kind,
            asked=asked,
            planned=planned[dimension][kind],
            reported=found[dimension].get(kind, 0),
            total=sum(found[dimension].values()),
        )
        for dimension, shares in mix.shares().items()
        for kind, asked in shares.items()
    ]
