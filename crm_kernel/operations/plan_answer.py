"""How a plan is told: the differences of documents, steps of the database, invalid records (floor 7)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from crm_kernel.document_check import canonical
from crm_kernel.operations.answers import encode
from crm_kernel.operations.impact import Impact
from crm_kernel.storage.ddl import DdlPlan


def diff(old: Any, new: Any, pointer: str = "") -> list[dict[str, Any]]:
    """The differences of two JSON values: `{"pointer", "old"?, "new"?}` for each member that differs."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found: list[dict[str, Any]] = []
        for name in dict.fromkeys([*old, *new]):
            at = f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"
            if name not in new:
                found.append({"pointer": at, "old": old[name]})
            elif name not in old:
                found.append({"pointer": at, "new": new[name]})
            else:
                found += diff(old[name], new[name], at)
        return found
    if canonical(old) == canonical(new):
        return []
    entry: dict[str, Any] = {"pointer": pointer}
    if old is not None:
        entry["old"] = old
    if new is not None:
        entry["new"] = new
    return [entry]


def ddl_answer(ddl: DdlPlan) -> list[dict[str, Any]]:
    """The steps on tables of entities."""
    return [
        {"entity": step.entity, "change": step.change, "name": step.name, "sql": step.sql}
        for step in ddl.steps
        if step.entity is not None
    ]


def impact_answer(impact: Impact, chosen: str) -> dict[str, Any]:
    """The records that one document makes invalid, with the first of them."""
    return {
        "kind": impact.kind,
        "name": impact.name,
        "entity": impact.entity,
        "total": impact.total,
        "invalid": impact.invalid,
        "already_invalid": impact.already_invalid,
        "sample": [{"id": id, "errors": [f.render() for f in faults]} for id, faults in impact.sample],
        "chosen": chosen,
    }


def digest_of(answer: Mapping[str, Any]) -> str:
    """What tells whether applying would do the same: not how many records there are, nor what was chosen for them."""
    told = {
        "documents": [[d["kind"], d["name"], d["change"], d["diff"]] for d in answer["documents"]],
        "ddl": answer["ddl"],
        "dependants": answer["dependants"],
        "invalid": [[i["kind"], i["name"], i["invalid"]] for i in answer["impact"]],
    }
    return hashlib.sha256(encode(told)).hexdigest()[:32]
