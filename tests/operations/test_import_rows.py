"""Reading CSV: encodings, delimiters, faults of the file as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crm_kernel.errors import ConfigError, Error
from crm_kernel.mappings import ImportMapping
from crm_kernel.operations.import_rows import CsvFile

SPECTRUM = Path(__file__).resolve().parents[3] / "shared" / "data" / "csv" / "csv-spectrum"


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def make(content: bytes, **options: Any) -> CsvFile:
        path = tmp_path / "in.csv"
        path.write_bytes(content)
        return CsvFile(path, ImportMapping(**options))

    return make


def refused(file: CsvFile) -> str:
    with pytest.raises(Error) as caught:
        file.survey()
    assert caught.value.code == "bad_value"
    return caught.value.detail


@pytest.mark.contract("documents.md#rows-from-one")
def test_rows_count_from_one_without_the_header(file: Any) -> None:
    rows = file(b'a,b\r\n1,2\r\n\r\n3,"x\ny"\r\n')
    survey = rows.survey()
    assert (survey.header, survey.rows) == (["a", "b"], 2)
    assert list(rows.rows()) == [(1, ["1", "2"]), (2, ["3", "x\ny"])]
    assert list(rows.rows(start=1)) == [(2, ["3", "x\ny"])]


def test_equal_bytes_have_an_equal_digest(file: Any) -> None:
    first, second, other = (file(b).survey().digest for b in (b"a\n1\n", b"a\n1\n", b"a\n2\n"))
    assert first == second != other


@pytest.mark.contract("documents.md#map-file")
@pytest.mark.parametrize(
    ("text", "encoding", "delimiter"),
    [
        ("vārds;ž", "utf-8", ";"),
        ("\ufeffvārds;ž", "utf-8", ";"),
        ("\ufeffvārds;ž", "UTF8", ";"),
        ("vārds\tž", "utf-16", "\t"),
        ("vārds|ž", "cp1257", "|"),
        ("имя,ж", "koi8-r", ","),
        ("имя,ж", "iso-8859-5", ","),
    ],
)
def test_encoding_and_delimiter_are_those_of_the_mapping(file: Any, text: str, encoding: str, delimiter: str) -> None:
    rows = file(f"{text}\n{text}\n".encode(encoding), encoding=encoding, delimiter=delimiter)
    first, second = text.removeprefix("\ufeff").split(delimiter)
    assert rows.survey().header == [first, second]
    assert [cells[1] for _, cells in rows.rows()] == [second]


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        (b"a,b\n1,2\n3,\xe9\n", {}, "in.csv, row 2, byte 11: 0xE9 is not utf-8, the encoding expected."),
        (b"a,b\n1,2\n\xe9,3\n", {}, "in.csv, row 2, byte 9: 0xE9 is not utf-8, the encoding expected."),
        (b"a,\xe9\n", {}, "in.csv, header, byte 3: 0xE9 is not utf-8, the encoding expected."),
        (b"a\n" + b'"x\ny"\n' * 9000 + b'"u\n\xe9', {}, "in.csv, row 9001, byte 54006: 0xE9 is not utf-8"),
        (b"a\n1\xff\n", {"encoding": "ascii"}, "in.csv, row 1, byte 4: 0xFF is not ascii"),
        ("a\nž".encode("utf-16")[:-1], {"encoding": "utf-16"}, "in.csv, row 1, byte 7: 0x7E is not utf-16"),
        (b"", {}, "in.csv is empty; expected a line of column names first."),
        (b"\n\r\n", {}, "in.csv is empty"),
        (b'a,b\n1,"2\n3,4\n', {}, "in.csv, row 1 is not CSV: unexpected end of data."),
        (b'a,b\n1,2\n1,"2"x\n', {}, "in.csv, row 2 is not CSV: ',' expected after '\"'."),
        (b'a,"b\n', {}, "in.csv, header is not CSV: unexpected end of data."),
        (b'a\n"' + b"x" * 200_000 + b'"\n', {}, "in.csv, row 1 is not CSV: field larger than field limit (131072)."),
    ],
)
def test_a_file_that_cannot_be_read_to_its_end_is_refused(
    file: Any, content: bytes, options: dict[str, str], sentence: str
) -> None:
    assert refused(file(content, **options)).startswith(sentence)


def test_a_file_that_is_not_there_is_a_wrong_command_line(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none.csv", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigError, match=why) as caught:
            CsvFile(path, ImportMapping()).survey()
        assert caught.value.usage


@pytest.mark.skipif(not SPECTRUM.is_dir(), reason="the shared data is not there")
def test_quirks_of_csv_in_the_wild() -> None:
    for path in sorted(SPECTRUM.glob("csvs/*.csv")):
        file = CsvFile(path, ImportMapping())
        header = file.survey().header
        read = [dict(zip(header, cells, strict=True)) for _, cells in file.rows()]
        expected = json.loads((SPECTRUM / "json" / f"{path.stem}.json").read_text("utf-8").replace("\\r\\n", "\\n"))
        assert read == expected, path.name  # line ends within cells are those of the file
