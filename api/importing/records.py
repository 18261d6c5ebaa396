"""The records of a CSV file (RFC 4180), one at a time; a broken one does not stop the others."""

import csv
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO

import msgspec

from api.importing.mapping import FileFormat

MAX_RECORD = 4 * 1024 * 1024
"""Characters of the longest record; no command is longer than 1 MiB."""

_ENDS = ("\n", "\r")


class FileProblem(Exception):
    """The file cannot be read at all; one line says why."""


class Record(msgspec.Struct, frozen=True):
    """One record: its cells, or what is wrong with it."""

    line: int  # of the file, the first that it stands on
    cells: list[str]
    problem: str | None = None


class _TooLong(Exception):
    pass


class Records:
    """The records of an open file, after its header."""

    def __init__(self, binary: IO[bytes], text: IO[str], size: int, delimiter: str) -> None:
        """Read the header. Raises `FileProblem`."""
        self._binary = binary
        self._size = max(size, 1)
        self._lines = _Lines(text)
        self._reader = csv.reader(self._lines, strict=True, delimiter=delimiter)
        header = next(self._raw(), None)
        if header is None:
            raise FileProblem("the file is empty")
        if header.problem is not None:
            raise FileProblem(f"the header cannot be read: {header.problem}")
        self.columns = header.cells

    @property
    def share(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        return min(self._binary.tell() / self._size, 1.0)

    def __iter__(self) -> Iterator[Record]:
        """Each record, in order; those with another number of columns have a problem."""
        width = len(self.columns)
        for record in self._raw():
            if record.problem is None and len(record.cells) != width:
                problem = f"{len(record.cells)} columns where the header has {width}"
                yield Record(record.line, record.cells, problem)
            else:
                yield record

    def _raw(self) -> Iterator[Record]:
        while True:
            self._lines.begin()
            line = self._lines.number + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except _TooLong:
                self._lines.give_back()
                yield Record(line, [], f"longer than {MAX_RECORD} characters")
            except csv.Error:
                self._lines.give_back()
                yield Record(line, [], "not CSV: a quotation mark is missing or out of place")
            else:
                if cells:  # an empty line is no record
                    yield Record(line, cells, _text_problem(cells))


def _text_problem(cells: list[str]) -> str | None:
    for cell in cells:
        if "\x00" in cell:
            return "contains a NUL character"
        if not cell.isascii() and any("\ud800" <= character <= "\udfff" for character in cell):
            return "contains bytes that are no text in the file's encoding"
    return None


class _Lines:
    """Physical lines, which can be handed back when the record they made proves broken.

    A stray quotation mark swallows lines until the next one; only the first is lost to it.
    """

    def __init__(self, stream: IO[str]) -> None:
        self.number = 0
        self._stream = stream
        self._returned: deque[str] = deque()
        self._taken: list[str] = []
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else self._read_line()
        if not line:
            raise StopIteration
        self.number += 1
        self._taken.append(line)
        self._size += len(line)
        if self._size >= MAX_RECORD:
            raise _TooLong
        return line

    def begin(self) -> None:
        """A new record begins here."""
        self._taken.clear()
        self._size = 0

    def give_back(self) -> None:
        """Hand back all lines of this record but its first."""
        later = self._taken[1:]
        self.number -= len(later)
        self._returned.extendleft(reversed(later))

    def _read_line(self) -> str:
        """The next line; of one that is too long (a file without line breaks), the beginning."""
        try:
            line = more = self._stream.readline(MAX_RECORD)
            while len(more) == MAX_RECORD and not more.endswith(_ENDS):
                more = self._stream.readline(MAX_RECORD)
        except OSError as error:
            raise FileProblem(error.strerror or "cannot be read") from error
        return line


@contextmanager
def open_records(path: Path, file: FileFormat) -> Iterator[Records]:
    """The records of the file at `path`. Raises `FileProblem`."""
    # The module's own limit is 128 KiB a cell, and one for the whole process.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD))
    try:
        binary = path.open("rb")
    except OSError as error:
        raise FileProblem(error.strerror or "cannot be read") from error
    with TextIOWrapper(
        binary,
        encoding="utf-8-sig" if file.encoding == "utf-8" else file.encoding,
        # Bytes that are no text come through as lone surrogates and spoil one record only.
        errors="surrogateescape",
        newline="",
    ) as text:
        yield Records(binary, text, path.stat().st_size, file.delimiter)
