"""Writes `docs/metrics.md` from the metric catalogue."""

from collections.abc import Iterator
from pathlib import Path

from projections.metrics import BESIDE, DIMENSIONS, METRICS, Metric

FILE = Path(__file__).parent / "metrics.md"

HEAD = f"""\
# Metrics

Written by `python -m docs.generate` from the metric catalogue (`projections/metrics`); do not edit.

**How to read it.** A metric counts *items*: clocks, complaints, closings or answers. Every item
either is in the denominator, and then perhaps in the numerator, or is counted beside the metric for
exactly one reason. `GET /v1/metrics/{{metric}}` answers numerator, denominator, their ratio and
what is beside them, by any of {", ".join(f"`{name}`" for name in DIMENSIONS)};
`GET /v1/metrics/{{metric}}/evidence?part=numerator` (`denominator`, `excluded`) lists the items
themselves, exactly as many as were counted (of a score, their `counts` add up to the numerator).

Ratios are never averaged: over several groups the counts are summed. Dates are local dates in the
reporting zone (`bi.reporting_zone()`); of what was told with a day only, that day. `from` is
included, `to` is not. What depends on the present is judged at `bi.present()`.

**In no rate** are complaints that are none by nature, and those that were declined, withdrawn or
merged; they stand beside. What is *merged* is closed as a duplicate now: an undone merge left no
trace in the rates. SLA alone keeps what a duplicate had missed before: merging hides no miss.

**A complaint that is reopened lives twice.** Each of its closings is an item of its own, as if the
reopened complaint were a new one; so choosing "reopen" or "new complaint" never changes the return
rate. The month of both is that of the close, the unit that of whoever held the complaint then.

**Not yet here:** response and coverage of surveys (invitations are not recorded yet; resolved
cycles stand in `bi.satisfaction` as `cycles_due_count`), 闭环率 (obligations), 群体占比
(incidents), and the measures of conversion.
"""


def write() -> str:
    """The whole page."""
    lines = [HEAD, "## Beside a metric", "", "| code | meaning |", "| --- | --- |"]
    lines += [f"| `{code}` | {meaning} |" for code, meaning in BESIDE.items()]
    lines += [""]
    for metric in METRICS.values():
        lines += _told(metric)
    return "\n".join(lines).rstrip() + "\n"


def _told(metric: Metric) -> Iterator[str]:
    yield from [f"## {metric.id}", "", f"**{metric.name_en} · {metric.name_zh}**", ""]
    yield from [f"{metric.question_en} {metric.question_zh}", "", "| | |", "| --- | --- |"]
    yield f"| items | {metric.facts.item}s |"
    yield f"| numerator | {metric.numerator} |"
    yield f"| denominator | {metric.denominator} |"
    yield f"| unit | {'numerator / denominator' if metric.unit == 'share' else '1 to 5'} |"
    yield f"| date | {metric.date} |"
    if metric.window is not None:
        yield f"| window | {metric.window} |"
    yield f"| charged to | {metric.attribution} |"
    yield f"| counted beside | {', '.join(f'`{code}`' for code in metric.beside)} |"
    about = "" if metric.only == "true" else f" of which `{metric.only}`"
    added = "" if metric.counts == "1" else f", each adding `{metric.counts}`"
    yield from ["", f"Items{about}; in the numerator if `{metric.counted_if}`{added}:", ""]
    yield from ["```sql", metric.facts.sql.strip(), "```", ""]
