"""The documents of an app folder, as `check`, `apply` and `serve` tell of them (floor 10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from crm_kernel.document_files import read_documents
from crm_kernel.errors import Fault
from crm_kernel.operations.plan import Plan
from crm_kernel.settings import Settings

_SIGNS = {"add": "+", "change": "~", "remove": "-", "drift": "=", "conflict": "!", "broken": "!"}
_DRIFT = "was changed in the database; its file is older and stays unused"
_CONFLICT = "was changed in its file and in the database. Hint: --take files or --take database decides."


def plan_lines(plan: Mapping[str, Any]) -> Iterator[str]:
    """What a plan does, a line each: documents, columns, records that become invalid or are computed anew."""
    for document in plan["documents"]:
        told = {"drift": f" ({_DRIFT})", "conflict": f" {_CONFLICT}"}.get(document["change"], "")
        yield f"{_SIGNS[document['change']]} {document['kind']} {document['name']}{told}"
    new = {step["entity"] for step in plan["ddl"] if step["change"] == "create_table"}
    for step in plan["ddl"]:
        if step["entity"] in new and step["change"] != "create_table":
            continue  # columns and indexes of a new table go without saying
        yield f"  {step['change'].replace('_', ' ')} {step['name']} of {step['entity']}"
    for impact in plan["impact"]:
        if impact["invalid"]:
            share = f"{impact['invalid']:,} of {impact['total']:,} {impact['entity']} records"
            yield f"  {impact['kind']} {impact['name']} makes {share} invalid: {impact['chosen']}"
    for found in plan["recomputed"]:
        share = f"{found['changed']:,} of {found['total']:,} {found['entity']} records"
        yield f"  {', '.join(found['fields'])} will be another value in {share}"
    for change in plan["access"]:
        records = f"{change['records_gained']:,} records gained, {change['records_lost']:,} lost"
        yield f"  role {change['role']}: {change['action']} {change['entity']}: {records}, {change['users']:,} users"
    for plugin in plan["plugins"]:
        since = f", {plugin['from']} before" if plugin["from"] else ""
        yield f"  plugin {plugin['name']} {plugin['to']}{since}"
        yield from (f"  migration {name} of plugin {plugin['name']}" for name in plugin["migrations"])


def is_nothing(plan: Mapping[str, Any]) -> bool:
    """Whether applying a plan would change nothing: neither documents nor plugins' records."""
    return plan["status"] == "clean" and not plan["plugins"]


def plan_faults(settings: Settings, plan: Plan) -> list[str]:
    """What stands against a plan: faults of documents with their place, conflicts, what would no longer resolve."""
    files, _ = read_documents(settings.documents, settings.folder)
    by_name = {(file.kind, file.name): file for file in files}
    found: list[str] = []
    told: set[str] = set()
    for document in plan.answer["documents"]:
        name = (document["kind"], document["name"])
        for error in document["errors"]:
            fault = Fault(pointer=error["pointer"], code=error["code"], detail=error["detail"], hint=error.get("hint"))
            file = by_name.get(name)
            told.add(fault.detail)
            found.append(f"{' '.join(name)}: {fault.detail}" if file is None else file.problem(fault).sentence())
        if document["change"] == "conflict":
            found.append(f"The {' '.join(name)} {_CONFLICT}")
    found += [f"The {d['kind']} {d['name']} would no longer fit: {d['detail']}" for d in plan.answer["dependants"]]
    found += [f"The database, {fault.pointer}: {fault.detail}" for fault in plan.ddl.faults if fault.detail not in told]
    return found + list(impact_faults(plan.answer["impact"]))


def impact_faults(impacts: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Records that a plan makes invalid and for which nothing was decided, with an example."""
    for impact in impacts:
        if impact["invalid"] and impact["chosen"] == "reject":
            first = impact["sample"][0]
            error = first["errors"][0]
            yield (
                f"The {impact['kind']} {impact['name']} makes {impact['invalid']:,} of {impact['total']:,}"
                f" {impact['entity']} records invalid, such as {first['id']} ({error['pointer']}: {error['detail']})."
                " Hint: --on-invalid keep or --on-invalid backfill, or mend the records first."
            )


def removals(plan: Mapping[str, Any]) -> list[str]:
    """What a plan takes away: documents whose files are gone, columns that are hidden."""
    documents = [f"{d['kind']} {d['name']}" for d in plan["documents"] if d["change"] == "remove"]
    return documents + [f"{s['name']} of {s['entity']}" for s in plan["ddl"] if s["change"] == "hide_column"]
