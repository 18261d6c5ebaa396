"""The three reports and the repeat classes against what the raw events come to, worked out apart.

    python -m tests.projections.independent OWNER_URI BI_URI

compares a whole database, as `make accept` does with the demonstration and with 2025q3.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.projections import independent_repeat_rate as repeats
from tests.projections import independent_satisfaction as answers
from tests.projections import independent_sla as sla
from tests.projections.independent_classes import classes, is_by_a_person, recorded
from tests.projections.independent_reading import complaints
from tests.projections.raw_events import raw_events

ZONE = "Asia/Shanghai"
Rows = Sequence[tuple[Any, ...]]


def reports_differ(raw: Rows, bi: str, present: datetime) -> list[str]:
    """Where a report and the raw events disagree at some present; nowhere, it is hoped."""
    found: list[str] = []
    pairs: tuple[tuple[str, dict[Any, Any], dict[Any, Any]], ...] = (
        ("sla_attainment", sla.published(bi, present), sla.attainment(raw, present, ZONE)),
        ("repeat_rate", repeats.published(bi, present), repeats.repeat_rate(raw, present, ZONE)),
        ("satisfaction", answers.published(bi, present), answers.satisfaction(raw, ZONE)),
    )
    for report, said, expected in pairs:
        for key in sorted(said.keys() | expected.keys()):
            if said.get(key) != expected.get(key):
                found.append(f"{report} {key}: says {said.get(key)}, not {expected.get(key)}")
    return found


def classes_differ(raw: Rows) -> list[str]:
    """Where the policy judged otherwise than the raw events want it.

    A person's word may come before the policy has heard what happened earlier. Then fewer words
    of the policy may follow, but the last one is the same: unless the complaint is none any more,
    and nobody judges its class.
    """
    expected, said, told = classes(raw, ZONE), recorded(raw), complaints(raw)
    found = []
    for stream in sorted(expected.keys() | said.keys()):
        one, other = expected.get(stream, []), said.get(stream, [])
        if any(map(is_by_a_person, told[stream].events)):
            one, other = (one[-1:], other[-1:]) if told[stream].nature == "complaint" else ([], [])
        if one != other:
            found.append(f"class of {stream}: says {other}, not {one}")
    return found


def main(owner: str, bi: str) -> int:
    """Compare a database at several presents and say what was found."""
    raw = raw_events(owner)
    now = datetime.now(UTC)
    found = classes_differ(raw)
    for days in (0, 30, 120):
        found += reports_differ(raw, bi, now - timedelta(days=days))
    said = recorded(raw)
    print("\n".join(found[:20]), end="\n" if found else "")
    print(
        f"{len(raw):,} events, {len(complaints(raw)):,} complaints, {len(said):,} of them classed:"
        f" {len(found)} differences"
    )
    return 1 if found or not said else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
