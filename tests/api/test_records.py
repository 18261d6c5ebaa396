"""Reading CSV as RFC 4180 has it, and going on after what is broken."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.importing.mapping import FileFormat
from api.importing.records import MAX_RECORD, FileProblem, Record, open_records
from api.importing.rejects import Rejects

UTF_8 = FileFormat()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


def read(path: Path, content: bytes, file: FileFormat = UTF_8) -> list[Record]:
    path.write_bytes(content)
    with open_records(path, file) as records:
        return list(records)


def test_line_breaks_quotes_and_commas_stand_in_fields(file: Path) -> None:
    content = b'id,text\r\n1,"a ""b"",\r\nc"\r\n2,plain\r\n'
    assert read(file, content) == [Record(2, ["1", 'a "b",\r\nc']), Record(4, ["2", "plain"])]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_kind_of_line_end_ends_a_record(file: Path, end: bytes) -> None:
    content = end.join([b"id,text", b"1,x", b"", b"2,y"])  # an empty line is no record
    assert read(file, content) == [Record(2, ["1", "x"]), Record(4, ["2", "y"])]


def test_a_byte_order_mark_is_no_part_of_the_first_column(file: Path) -> None:
    file.write_bytes("\ufeffid,投诉\n1,热\n".encode())
    with open_records(file, UTF_8) as records:
        assert records.columns == ["id", "投诉"]
        assert [record.cells for record in records] == [["1", "热"]]
        assert records.share == 1.0


def test_other_delimiters_and_gb18030_are_read(file: Path) -> None:
    format_ = FileFormat(delimiter=";", encoding="gb18030")
    assert read(file, "id;文\n1;空调，坏了\n".encode("gb18030"), format_) == [
        Record(2, ["1", "空调，坏了"])
    ]


def test_rejected_rows_are_written_as_the_file_they_came_from(tmp_path: Path, file: Path) -> None:
    format_ = FileFormat(delimiter=";", encoding="gb18030")
    [record] = read(file, "号;文\n1;空调;坏了\n".encode("gb18030"), format_)
    kept = Record(2, ["1", "空调;坏了"], "why not")
    with Rejects(tmp_path / "rejects.csv", file, ["号", "文"], format_) as rejects:
        rejects.add(kept, "why not")
        rejects.add(record, record.problem or "")
    with open_records(rejects.path, format_) as records:
        assert records.columns == ["reject_line", "reject_reason", "号", "文"]
        assert [each.cells for each in records] == [
            ["2", "why not", "1", "空调;坏了"],
            ["2", "3 columns where the header has 2", "", ""],
        ]


def test_a_field_of_several_hundred_kilobytes_comes_through(file: Path) -> None:
    long = "投诉 😀\n" * 60_000
    [record] = read(file, f'id,text\n1,"{long}"\n'.encode())
    assert record.cells == ["1", long]


@pytest.mark.parametrize(
    ("bad", "lines", "problem"),
    [
        (b"1,2,3\n", 1, "3 columns where the header has 2"),
        (b"1\n", 1, "1 columns where the header has 2"),
        (b"1,a\x00b\n", 1, "contains a NUL character"),
        (b"1,caf\xe9\n", 1, "contains bytes that are no text in the file's encoding"),
        (b'1,"a\n\xff"\n', 2, "contains bytes that are no text in the file's encoding"),
        (b'1,"a" b\n', 1, "not CSV: a quotation mark is missing or out of place"),
        (b'1,"never closed\n', 1, "not CSV: a quotation mark is missing or out of place"),
        (b"1," + b"x" * MAX_RECORD + b"\n", 1, f"longer than {MAX_RECORD} characters"),
    ],
)
def test_a_broken_record_costs_itself_and_no_other(
    file: Path, bad: bytes, lines: int, problem: str
) -> None:
    content = b'id,text\n0,"be\nfore"\n' + bad + b'2,"af\nter"\n3,last\n'
    records = read(file, content)
    assert [(r.line, r.problem) for r in records if r.problem] == [(4, problem)]
    good = [Record(2, ["0", "be\nfore"])]
    good += [Record(4 + lines, ["2", "af\nter"]), Record(6 + lines, ["3", "last"])]
    assert [record for record in records if not record.problem] == good


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "the file is empty"), (b'"id\n', "the header cannot be read"), (None, "No such file")],
)
def test_a_file_that_is_none_is_refused(file: Path, content: bytes | None, problem: str) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(FileProblem, match=problem), open_records(file, UTF_8):
        pass


def test_a_quotation_mark_that_is_never_closed_does_not_swallow_the_file(file: Path) -> None:
    records = read(file, b'id,text\n1,"x\n2,y\n3,z\n')
    assert [record.cells for record in records] == [[], ["2", "y"], ["3", "z"]]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_to_the_end(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    records = read(path, b"id,text\n" + tail)
    assert [record.line for record in records] == sorted({record.line for record in records})
    assert all(record.problem or len(record.cells) == 2 for record in records)
