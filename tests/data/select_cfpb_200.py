"""Choose the 200 records of `cfpb_200.csv` from the whole sample; the same ones each time.

python tests/data/select_cfpb_200.py path/to/cfpb_sample.csv > tests/data/cfpb_200.csv
"""

import csv
import sys
from collections.abc import Iterator

WANTED = 200
RESPONSE, NARRATIVE = "Company response to consumer", "Consumer complaint narrative"
FIRST_OF_EACH = {"Submitted via": 12, "Product": 4, "Tags": 8, RESPONSE: 4}


def wanted(rows: list[dict[str, str]]) -> Iterator[int]:
    """The numbers of the rows to have, the rarest first; some more than once."""
    yield from (n for n, row in enumerate(rows) if row["Consumer disputed?"])
    yield from (n for n, row in enumerate(rows) if row["Timely response?"] == "No")
    yield from (n for n, row in enumerate(rows) if not row[RESPONSE].startswith("Closed "))
    yield from (n for n, row in enumerate(rows) if not row["Sub-product"])
    for column, count in FIRST_OF_EACH.items():
        for value in sorted({row[column] for row in rows}):
            yield from [n for n, row in enumerate(rows) if row[column] == value][:count]
    yield from [n for n, row in enumerate(rows) if "\n" in row[NARRATIVE]][:20]
    yield from [n for n, row in enumerate(rows) if '"' in row[NARRATIVE]][:5]
    yield from [n for n, row in enumerate(rows) if not row["State"]][:5]
    yield max(range(len(rows)), key=lambda n: len(rows[n][NARRATIVE]))
    yield from range(0, len(rows), 29)  # and from all over the rest
    yield from range(len(rows))


def main(path: str) -> None:
    """Write the chosen records in their order, as RFC 4180 has it."""
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns, rows = list(reader.fieldnames or []), list(reader)
    chosen: set[int] = set()
    for number in wanted(rows):
        if len(chosen) < WANTED:
            chosen.add(number)
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows[number] for number in sorted(chosen))


if __name__ == "__main__":
    main(sys.argv[1])
