"""Imports: what becomes of rows, of duplicates, of references; and the counts."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crm_kernel import Change
from crm_kernel.errors import ConfigError, Error
from crm_kernel.mappings import ColumnMapping, ImportMapping, RowMapping
from crm_kernel.testing import TestCrm
from tests.operations.conftest import refusal
from tests.operations.importing import BY_NUMBER, PEOPLE, Importing, batches_of


@pytest.fixture
def crm_documents(crm_documents: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    return [*crm_documents, PEOPLE]


@pytest.fixture
def importing(crm: TestCrm, tmp_path: Path) -> Importing:
    return Importing(crm, tmp_path)


@pytest.mark.contract("documents.md#rows-add-up", "documents.md#rows-from-one", "cli.md#import-refused")
async def test_the_good_rows_stay_and_each_refused_one_is_named_and_why(importing: Importing) -> None:
    job = await importing.run("number,amount,kind_of,due\nA,1,small,\nB,-1,huge,2026-02-30\nC,x,large,\nD,4,large,\n")
    assert job["counts"] == {"created": 2, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 2}
    assert (job["rows"], job["state"], job["kind"], job["undo"]) == (4, "done", "import", "possible")
    assert [(e["row"], e["pointer"], e["code"]) for e in job["errors"]] == [
        (2, "/amount", "minimum"),
        (2, "/due", "format"),
        (2, "/kind_of", "enum"),
        (3, "/amount", "type"),
    ]
    assert [j["number"] for j in await importing.jobs()] == ["A", "D"]


@pytest.mark.contract("cli.md#import-errors")
async def test_refused_rows_are_written_as_they_came_with_what_is_wrong(importing: Importing) -> None:
    mapping = ImportMapping(columns={"Nr": "number", "A;m": "amount"}, delimiter=";", key=["number"])
    await importing.run('Nr;"A;m";note\n1;-5;x\n2;5;y\n3\n4;z;"a\nb";more\n5;-1;\n', mapping)
    text = importing.errors.read_text("utf-8")
    assert list(csv.reader(text.splitlines(keepends=True), delimiter=";")) == [
        ["Nr", "A;m", "note", "_row", "_pointer", "_code", "_detail"],
        ["1", "-5", "x", "1", "/amount", "minimum", "Amount must be at least 0, got -5.0."],
        ["3", "", "", "3", "", "minItems", "The row has 1 cells; the header has 3."],
        ["4", "z", "a\nb", "4", "", "maxItems", "The row has 4 cells; the header has 3."],
        ["5", "-1", "", "5", "/amount", "minimum", "Amount must be at least 0, got -1.0."],
    ]


async def test_refused_rows_can_be_mended_and_imported_with_the_same_mapping(importing: Importing) -> None:
    mapping = ImportMapping(columns={"Nr": "number", "Am": "amount"}, key=["number"])
    await importing.run("Nr,Am\nA,1\nB,-2\n", mapping)
    mended = importing.errors.read_text("utf-8").replace("-2", "2", 1)
    assert await importing.counts(mended, mapping) == {"created": 1}
    assert await importing.pairs() == [("A", 1.0), ("B", 2.0)]


@pytest.mark.contract("documents.md#duplicate-error", "documents.md#rows-in-order")
async def test_a_duplicate_is_refused_by_default_also_within_the_file(importing: Importing) -> None:
    await importing.run("number,amount\nA,1\n")
    assert await importing.counts("number,amount\nA,2\nB,1\nB,2\nC,-1\nC,1\n") == {"created": 2, "refused": 3}
    assert [(r["_row"], r["_pointer"], r["_code"]) for r in importing.refused()] == [
        ("1", "/number", "unique"),
        ("3", "/number", "unique"),
        ("4", "/amount", "minimum"),
    ]
    assert await importing.pairs() == [("A", 1.0), ("B", 1.0), ("C", 1.0)]


@pytest.mark.contract("documents.md#duplicate-skip")
async def test_duplicates_are_skipped(importing: Importing) -> None:
    await importing.run("number,amount\nA,1\n")
    assert await importing.counts("number,amount\nA,-2\nB,1\nB,2\n", on_duplicate="skip") == {
        "created": 1,
        "skipped": 2,
    }
    assert await importing.pairs() == [("A", 1.0), ("B", 1.0)]


@pytest.mark.contract("documents.md#duplicate-update", "documents.md#rows-in-order")
async def test_duplicates_are_updated_and_a_later_row_meets_the_earlier_one(importing: Importing) -> None:
    await importing.run("number,amount\nA,1\nB,1\n")
    text = "number,amount\nA,1\nB,2\nC,1\nC,3\nC,3\nD,-1\n"
    expected = {"created": 1, "updated": 2, "unchanged": 2, "refused": 1}
    assert await importing.counts(text, on_duplicate="update") == expected
    assert await importing.pairs() == [("A", 1.0), ("B", 2.0), ("C", 3.0)]
    changed = next(job for job in await importing.jobs() if job["number"] == "C")
    assert changed["version"] == 2


@pytest.mark.contract("documents.md#duplicate-create")
async def test_duplicates_are_second_records_but_unique_fields_still_refuse(importing: Importing) -> None:
    mapping = ImportMapping(key=["email"])
    text = "name,email\nAnna,a@x.lv\nAnna,a@x.lv\n"
    assert await importing.counts(text, mapping, entity="contact", on_duplicate="create") == {"created": 2}
    assert await importing.counts("number\nA\nA\n", on_duplicate="create") == {"created": 1, "refused": 1}


@pytest.mark.contract("documents.md#map-key")
async def test_without_a_key_nothing_is_a_duplicate(importing: Importing) -> None:
    text = "amount\n1\n1\n"
    for _ in range(2):
        assert await importing.counts(text, ImportMapping(), on_duplicate="update") == {"created": 2}


async def test_rows_with_an_empty_key_are_no_duplicates_of_each_other(importing: Importing) -> None:
    assert await importing.counts("number,amount\n,1\n ,1\n,2\n", on_duplicate="update") == {"created": 3}


async def test_keys_are_compared_in_their_normal_form(importing: Importing) -> None:
    mapping = ImportMapping(key=["email", "language"])
    text = "name,email,language\nA,a@X.lv,lv\nB, a@x.LV,lv\nC,a@x.lv,ru\nD,no mail,lv\n"
    counts = await importing.counts(text, mapping, entity="contact", on_duplicate="update")
    assert counts == {"created": 2, "updated": 1, "refused": 1}


async def test_a_blank_cell_is_absent_in_a_new_record_and_clears_a_stored_one(importing: Importing) -> None:
    text = "number,level,amount\nA,,5\n"
    await importing.run(text, on_duplicate="update")
    (job,) = await importing.jobs()
    assert (job["level"], job["amount"]) == (3, 5.0)  # the default
    await importing.run("number,level,amount\nA,,\n", on_duplicate="update")
    (job,) = await importing.jobs()
    assert (job["level"], job["amount"]) == (None, None)
    await importing.run("number,level\nB,\n", on_duplicate="create")
    assert (await importing.jobs())[1]["level"] == 3


@pytest.mark.contract("documents.md#map-options")
async def test_references_are_found_by_a_unique_field(importing: Importing) -> None:
    crm = importing.crm
    anna = await crm.user("anna")
    gone = await crm.user("gone")
    await crm.write([Change.delete("user", str(gone.id))])
    mapping = ImportMapping(columns={"Nr": "number", "Who": ColumnMapping(field="owner", match="login")})
    counts = await importing.counts("Nr,Who\n1,anna\n2,\n3,nobody\n4,gone\n5,\0\n6,anna\n", mapping)
    assert counts == {"created": 3, "refused": 3}
    assert [(j["number"], j["owner"]) for j in await importing.jobs()] == [("1", anna.id), ("2", None), ("6", anna.id)]
    assert [(r["_row"], r["_pointer"], r["_code"], r["_detail"]) for r in importing.refused()][:2] == [
        ("3", "/owner", "reference", "There is no user with login 'nobody' for you."),
        ("4", "/owner", "reference", "There is no user with login 'gone' for you."),
    ]


async def test_the_number_of_a_row_is_its_name_in_later_imports(importing: Importing) -> None:
    text = "level,amount,state\n1,10,ok\n2,20,test\n3,30,ok\n"
    mapping = ImportMapping(
        key=["number"],
        columns={"level": "level"},
        row=RowMapping(field="number", prefix="file-"),
        skip={"state": ["test", ""]},
    )
    assert await importing.counts(text, mapping) == {"created": 2, "skipped": 1}
    again = msgspec.structs.replace(mapping, columns={"amount": "amount"}, unmapped="ignore", skip={})
    assert await importing.counts(text, again, on_duplicate="update") == {"created": 1, "updated": 2}
    assert [(j["number"], j["level"], j["amount"]) for j in await importing.jobs()] == [
        ("file-1", 1, 10),
        ("file-2", 3, 20),  # the default: it was skipped before
        ("file-3", 3, 30),
    ]


async def test_a_row_refers_to_what_its_number_was_the_name_of(importing: Importing) -> None:
    await importing.crm.user("row-2")
    mapping = ImportMapping(columns={"Nr": "number"}, row=RowMapping(field="owner", match="login", prefix="row-"))
    assert await importing.counts("Nr\nA\nB\n", mapping) == {"created": 1, "refused": 1}
    assert [(r["Nr"], r["_row"], r["_pointer"], r["_code"]) for r in importing.refused()] == [
        ("A", "1", "/owner", "reference")
    ]


async def test_all_faults_of_a_row_are_told_those_of_the_file_in_its_words(importing: Importing) -> None:
    columns: dict[str, str | ColumnMapping] = {
        "Who": ColumnMapping(field="owner", match="login"),
        "Due": ColumnMapping(field="due", format="%Y%m%d"),
        "Am": "amount",
    }
    job = await importing.run("Who,Due,Am\nx,2026,-1\n", ImportMapping(columns=columns))
    assert [(e["pointer"], e["detail"]) for e in job["errors"]] == [
        ("/amount", "Amount must be at least 0, got -1.0."),
        ("/due", "'2026' is not of the format '%Y%m%d'."),
        ("/owner", "There is no user with login 'x' for you."),
    ]


async def test_a_row_may_refer_to_an_earlier_one_of_the_same_file(importing: Importing) -> None:
    mapping = ImportMapping(columns={"Nr": "number", "In": ColumnMapping(field="parent", match="number")})
    assert await importing.counts("Nr,In\nA,\nB,A\nC,B\nD,C\nE,Z\n", mapping) == {"created": 4, "refused": 1}
    ids = {job["id"]: job["number"] for job in await importing.jobs()}
    assert [(j["number"], ids.get(j["parent"])) for j in await importing.jobs()] == [
        ("A", None),
        ("B", "A"),
        ("C", "B"),
        ("D", "C"),
    ]


async def test_constants_and_stages_pass_the_rules_of_the_pipeline(importing: Importing) -> None:
    mapping = ImportMapping(constants={"stage": "done"})
    job = await importing.run("number,amount,due\nA,1,2026-01-01\nB,,2026-01-01\n", mapping)
    assert [(e["row"], e["pointer"], e["code"]) for e in job["errors"]] == [(2, "/amount", "required")]
    (stored,) = await importing.jobs()
    assert stored["stage"] == "done"


@pytest.mark.contract("documents.md#dry-run", "cli.md#import-dry-run")
@pytest.mark.parametrize("on_duplicate", ["error", "skip", "update", "create"])
async def test_a_dry_run_writes_nothing_and_shows_the_same_counts(
    importing: Importing, on_duplicate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches_of(2, monkeypatch)
    await importing.run("number,amount\nA,1\n")
    text = "number,amount\nA,1\nB,1\nC,1\nB,2\nC,1\nD,-1\nA,7\n"
    before = await importing.crm.kernel.database.read("SELECT count(*) FROM crm_history")
    dry = await importing.run(text, on_duplicate=on_duplicate, dry_run=True)
    refused = importing.refused()
    assert dry["id"] is None
    assert await importing.pairs() == [("A", 1.0)]
    assert await importing.crm.kernel.database.read("SELECT count(*) FROM crm_history") == before
    done = await importing.run(text, on_duplicate=on_duplicate)
    assert done["counts"] == dry["counts"]
    assert done["errors"] == dry["errors"]
    assert importing.refused() == refused


async def test_an_empty_file_is_done_at_once(importing: Importing) -> None:
    job = await importing.run("number\n")
    assert (job["rows"], job["state"], job["errors"]) == (0, "done", [])
    assert importing.refused() == []


async def test_a_batch_costs_a_constant_number_of_statements(importing: Importing) -> None:
    database = importing.crm.kernel.database

    async def cost(rows: int, start: int) -> int:
        text = "number,amount\n" + "".join(f"{n},1\n" for n in range(start, start + rows))
        before = database.statements
        assert await importing.counts(text, on_duplicate="update") == {"created": rows}
        return database.statements - before

    assert await cost(2, 0) == await cost(38, 2)


async def test_who_may_not_import_imports_nothing(importing: Importing) -> None:
    clerk = await importing.crm.user("ben", "clerk")
    assert (await refusal(importing.run("number\nA\n", caller=clerk))).code == "forbidden"
    assert (await refusal(importing.run("name\nA\n", entity="company", caller=clerk))).code == "not_found"
    assert (await refusal(importing.run("name\nA\n", entity="nix"))).code == "not_found"


async def test_a_person_imports_with_his_own_rights(importing: Importing) -> None:
    crm = importing.crm
    anna = await crm.user("anna", "importer")
    await crm.write([Change.create("job", {"number": "hidden"})])
    customers = [Change.create("contact", {"name": v, "external_id": v, "language": v}) for v in ("lv", "ru")]
    await crm.write(customers)
    columns: dict[str, str | ColumnMapping] = {
        "Nr": "number",
        "Who": ColumnMapping(field="customer", match="external_id"),
    }
    mapping = ImportMapping(columns=columns, key=["number"])
    text = "Nr,Who\nA,lv\nB,ru\nhidden,lv\nA,lv\n"
    job = await importing.run(text, mapping, caller=anna, on_duplicate="skip")
    assert job["counts"] == {"created": 1, "updated": 0, "unchanged": 0, "skipped": 1, "refused": 2}
    assert [(e["row"], e["pointer"], e["code"]) for e in job["errors"]] == [
        (2, "/customer", "reference"),
        (3, "/number", "unique"),
    ]
    assert (await importing.jobs())[0]["owner"] == anna.id


async def test_a_denied_field_does_not_exist_for_a_mapping(importing: Importing) -> None:
    anna = await importing.crm.user("anna", "importer")
    told: dict[str, set[str]] = {}
    for name in ("secret", "nowhere"):
        columns: dict[str, str | ColumnMapping] = {"A": name, "B": ColumnMapping(field="customer", match=name)}
        mapping = ImportMapping(columns=columns, key=[name], constants={f"{name}x": 1})
        refused = await refusal(importing.run("A,B\nx,y\n", mapping, caller=anna))
        told[name] = {f"{pointer} {code}".replace(name, "") for pointer, code in refused.faults}
    assert told["secret"] == told["nowhere"]
    assert "/columns/A unknown_field" in told["secret"]


@pytest.mark.contract("documents.md#map-columns")
async def test_without_a_mapping_every_header_is_a_field(importing: Importing) -> None:
    refused = await refusal(importing.run("number,amont\nA,1\n", None))
    assert refused.faults == [("/columns/amont", "unknown_field")]
    assert await importing.counts("number,amount\nA,1\n", None) == {"created": 1}


async def test_an_errors_file_that_cannot_be_written_is_said(importing: Importing, tmp_path: Path) -> None:
    importing.errors = tmp_path / "no" / "errors.csv"
    with pytest.raises(ConfigError, match=r"errors\.csv cannot be written: No such file or directory"):
        await importing.run("number\nA\n")
    assert await importing.crm.count("job") == 0


async def test_history_says_import_and_listeners_hear_of_it(importing: Importing) -> None:
    await importing.run("number\nA\n")
    rows = await importing.crm.kernel.database.read("SELECT channel, type FROM crm_outbox WHERE entity = 'job'")
    assert rows == [("import", "record.created")]


async def test_ids_may_be_given(importing: Importing) -> None:
    id = "018f0000-0000-7000-8000-00000000000a"
    mapping = ImportMapping(key=["id"])
    text = f"id,number\n{id.upper()},A\nno id,B\n"
    assert await importing.counts(text, mapping, on_duplicate="update") == {"created": 1, "refused": 1}
    assert await importing.counts(text, mapping, on_duplicate="update") == {"unchanged": 1, "refused": 1}
    assert [j["id"] for j in await importing.jobs()] == [id]


async def test_a_missing_file_and_a_wrong_encoding_change_nothing(importing: Importing) -> None:
    importing.file.write_bytes(b"number\nA\n\xff\n")
    with pytest.raises(Error, match="row 2, byte 10"):
        await importing.imports.run("job", importing.file, BY_NUMBER, caller=importing.caller)
    assert await importing.crm.count("job") == 0
