"""What an import leaves out: the file of rejected rows, and the memory of rows seen before."""

import csv
import os
import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from api.importing.mapping import FileFormat
from api.importing.records import FileProblem, Record

HEADER = ("reject_line", "reject_reason")
"""Before the file's own columns, so that rejected rows can be mended and imported again."""


def default_rejects(path: Path) -> Path:
    """Beside the file, or in the current folder where one may not write beside it."""
    name = f"{path.stem}.rejects.csv"
    return path.with_name(name) if os.access(path.parent, os.W_OK) else Path(name)


class Rejects:
    """The file of rejected rows; there is none while no row is rejected."""

    def __init__(
        self, path: Path, source: Path, columns: Sequence[str], format_: FileFormat
    ) -> None:
        """Take the place of an earlier file of rejects, and of no other file."""
        self.path = path
        self._format = format_  # as the input's, so that the same mapping reads it
        self._columns = columns
        self._file: IO[str] | None = None
        if path.exists():
            if path.samefile(source):
                raise FileProblem("the file of rejected rows cannot be the file itself")
            if not _is_ours(path):
                raise FileProblem(f"{path} exists and is no file of rejected rows")
            path.unlink()

    def __enter__(self) -> "Rejects":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, record: Record, reason: str) -> None:
        """Keep a rejected row: its line, the reason and, if they fit, its cells."""
        if self._file is None:
            self._file = self._open()
            self._writer = csv.writer(self._file, delimiter=self._format.delimiter)
            self._writer.writerow([*HEADER, *self._columns])
        fits = len(record.cells) == len(self._columns)
        cells = record.cells if fits else [""] * len(self._columns)
        self._writer.writerow([record.line, reason, *cells])
        self._file.flush()  # what is rejected is known even if the import is killed

    def _open(self) -> IO[str]:
        try:
            # It holds what the rows hold: for the owner's eyes only.
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise FileProblem(f"{self.path}: {error.strerror}") from error
        encoding = self._format.encoding
        return os.fdopen(handle, "w", encoding=encoding, errors="surrogateescape", newline="")


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(64).startswith(HEADER[0].encode())
    except OSError as error:
        raise FileProblem(f"{path}: {error.strerror}") from error


class Seen:
    """Which outside references the file has had so far, on disk, so that memory stays bounded."""

    def __init__(self) -> None:
        """Begin with none; the database is a temporary file without a name."""
        self._rows: Any = sqlite3.connect("", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute(
            "CREATE TABLE seen (ref BLOB PRIMARY KEY, content BLOB, line INTEGER) WITHOUT ROWID"
        )

    def __enter__(self) -> "Seen":
        return self

    def __exit__(self, *_: object) -> None:
        self._rows.close()

    def before(self, ref: str, record: Record) -> tuple[int, bool] | None:
        """Which line had this reference before and whether it said the same; else remembers it."""
        key, content = _hash(ref), _hash(*record.cells)
        row = self._rows.execute("SELECT line, content FROM seen WHERE ref = ?", (key,)).fetchone()
        if row is not None:
            return row[0], row[1] == content
        self._rows.execute("INSERT INTO seen VALUES (?, ?, ?)", (key, content, record.line))
        return None


def _hash(*parts: str) -> bytes:
    state = blake2b(digest_size=16)
    for part in parts:
        raw = part.encode("utf-8", "surrogateescape")
        state.update(len(raw).to_bytes(8, "big") + raw)
    return state.digest()
