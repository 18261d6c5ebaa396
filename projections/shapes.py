"""What a view comes to: code, rules, secret and tables. A rebuild that was begun with another shape
cannot be gone on with."""

import hashlib
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec

import domain
import ledger
from projections.aside import Aside
from projections.generations import names_of
from projections.reader import Connection
from projections.view import View

_encode = msgspec.json.Encoder(order="sorted").encode

_COLUMNS = """
SELECT a.attrelid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_attribute AS a JOIN unnest(%(names)s::text[]) AS name
    ON a.attrelid = format('views.%%I', name)::regclass
WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2"""


def shape_of(
    connection: Connection, view: View, asides: Mapping[int, Aside], *, parks: bool
) -> str:
    """A digest of all that decides the rows of a view, but for the events."""
    fold: Any = view.fold
    told = fold.keywords if isinstance(fold, partial) else {}  # secret, rules
    columns = connection.execute(_COLUMNS, {"names": names_of(view)}).fetchall()
    left_out = {
        str(partition): (
            sorted(aside.skipped),
            sorted((str(k), v) for k, v in aside.parked.items()),
        )
        for partition, aside in asides.items()
    }
    return hashlib.sha256(_encode([_code(), view.name, told, columns, left_out, parks])).hexdigest()


@cache
def _code() -> str:
    """A digest of the files that folds are written in."""
    sha = hashlib.sha256()
    for package in (domain, ledger):
        assert package.__file__ is not None
        for file in sorted(Path(package.__file__).parent.rglob("*.py")):
            sha.update(file.read_bytes())
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        sha.update(file.read_bytes())
    return sha.hexdigest()
