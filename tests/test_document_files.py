"""Documents as files: found anywhere below the folder, faults with line and column."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crm_kernel.document_files import read_document, read_documents
from crm_kernel.errors import Fault

VIEW = {"kind": "view", "name": "hot", "entity": "contact"}


def put(file: Path, text: str | bytes | dict[str, object]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    raw = json.dumps(text, indent=1) if isinstance(text, dict) else text
    file.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return file


@pytest.mark.contract("cli.md#document-folders")
def test_kind_and_name_inside_decide(tmp_path: Path) -> None:
    put(tmp_path / "documents/views/anything.json", VIEW)
    put(tmp_path / "documents/views/more/b.json", {**VIEW, "name": "cold"})
    put(tmp_path / "documents/roles/x.json", b'\xef\xbb\xbf{"kind": "role", "name": "agent"}')
    put(tmp_path / "documents/views/.draft.json", "{")
    put(tmp_path / "documents/views/README.md", "no document")
    found, problems = read_documents(tmp_path / "documents", tmp_path)
    assert problems == []
    assert [(d.kind, d.name, d.file) for d in found] == [
        ("role", "agent", "documents/roles/x.json"),
        ("view", "hot", "documents/views/anything.json"),
        ("view", "cold", "documents/views/more/b.json"),
    ]
    assert found[1].body == VIEW


def test_a_missing_folder_holds_no_documents(tmp_path: Path) -> None:
    assert read_documents(tmp_path / "none") == ([], [])


def test_two_files_of_one_name_are_a_problem_of_the_second(tmp_path: Path) -> None:
    put(tmp_path / "a.json", VIEW)
    put(tmp_path / "b.json", VIEW)
    found, [problem] = read_documents(tmp_path)
    assert [d.file for d in found] == ["a.json"]
    assert problem.sentence().startswith("b.json, line 3, column 10: The view 'hot' stands in a.json already.")


@pytest.mark.contract("cli.md#check")
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{\n  "kind": "view",\n  "name": oops\n}', "x.json, line 3, column 11: not JSON: Expecting value."),
        ("", "x.json, line 1, column 1: not JSON: Expecting value."),
        ('{"a": 1, "a": 2}', "x.json, line 1, column 10: the member 'a' stands twice in one object."),
        ('{"a": NaN}', "x.json, line 1, column 7: NaN is not JSON."),
        (b'{\n "a": "\xff"}', "x.json, line 2, column 8: not UTF-8."),
        ("[" * 300, "x.json, line 1, column 301: not JSON"),
        ("[" * 100 + "]" * 100, "x.json, line 1, column 1: more than 64 levels deep."),
        ("[" * 100_000 + "]" * 100_000, "x.json, line 1, column 1: more than 64 levels deep."),
        (" " * 300_000, "x.json, line 1, column 1: 300000 bytes, at most 262144 are read."),
        (
            '{\n  "kind": "view",\n  "name": "hot",\n  "entity": "contact",\n  "sort": [1]}',
            "x.json, line 5, column 12: Got 1, expected text.",
        ),
        ('{"kind": "view", "name": "hot"}', "x.json, line 1, column 1: 'entity' is missing."),
    ],
)
def test_a_fault_has_file_line_and_column(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    document, problems = read_document(put(tmp_path / "x.json", text), "x.json")
    assert document is None
    assert problems[0].sentence().startswith(sentence)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    document, [problem] = read_document(tmp_path / "x.json", "x.json")
    assert document is None
    assert problem.sentence() == "x.json: cannot be read: No such file or directory."


def test_a_later_fault_finds_its_place(tmp_path: Path) -> None:
    document, _ = read_document(put(tmp_path / "x.json", VIEW), "views/x.json")
    assert document is not None
    problem = document.problem(Fault(pointer="/entity", code="not_found", detail="There is no entity 'contact'."))
    assert problem.sentence() == "views/x.json, line 4, column 12: There is no entity 'contact'."
    assert (problem.pointer, problem.code) == ("/entity", "not_found")
