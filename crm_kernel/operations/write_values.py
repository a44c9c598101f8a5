"""Value steps of a write: owner and team, references that exist and are visible, values that must be unique."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crm_kernel.access import Access
from crm_kernel.errors import Told
from crm_kernel.fields.base import Kind
from crm_kernel.fields.reference import ANY
from crm_kernel.model import Field
from crm_kernel.operations.changes import AnyChange
from crm_kernel.operations.work import WriteWork
from crm_kernel.operations.write_load import sees
from crm_kernel.schema.sentences import translated
from crm_kernel.storage.records import taken_sentence

_OWNER, _TEAM = ("owner",), ("team",)


def fill_owners(work: WriteWork, creates: list[AnyChange]) -> None:
    """Give new records `owner` = the caller unless it was sent."""
    for change in creates:
        if "owner" not in change.values and not change.trusted:
            change.new["owner"] = work.caller.id
            change.filled = _OWNER


async def fill_teams(work: WriteWork, creates: list[AnyChange]) -> None:
    """Give new records `team` = the owner's main team unless it was sent: that of an owner who is there for him."""
    others = {c.new["owner"] for c in creates if c.new["owner"] and "team" not in c.values} - {work.caller.id}
    teams = await work.store.lookups.main_teams(work.tx, work.model("user"), others) if others else {}
    if work.caller.id is not None:
        teams[work.caller.id] = work.caller.team
    for change in creates:
        if "team" not in change.values and change.new["owner"] is not None:
            change.new["team"] = teams.get(change.new["owner"])
            change.filled += _TEAM


def _references(work: WriteWork, change: AnyChange, *, amended: bool) -> Iterator[tuple[str, str, str]]:
    """(pointer, target entity, id) of each changed reference of the new image; `amended`: of those hooks set.

    One that he sent and may not read is changed whatever is stored: else "it refers to this one" could be guessed. One
    that was refused already is not: what is stored stays, and is not to be told of.
    """
    old = change.old or {}
    refused = {fault.pointer for fault in change.faults}
    names = change.amended_names if amended else None
    for field in change.model.references:
        name = field.name
        value = change.new[name]
        if value is None or (name in change.filled if names is None else name not in names):
            continue
        told = name in change.values and f"/{name}" not in refused
        if value == old.get(name) and (not told or sees(work, change, name)):
            continue
        if field.type.kind is Kind.REFERENCE:
            yield f"/{name}", str(field.options.reference or ANY), str(value)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield f"/{name}/{index}", str(field.item_reference), str(item)


async def check_references(work: WriteWork, changes: list[AnyChange], *, amended: bool = False) -> None:
    """422 `reference` for each changed reference to a record that is not there or hidden; it becomes null.

    `amended`: only those that hooks set, as the others were checked before.
    """
    for trusted in (False, True):
        wanted: dict[str, set[str]] = {}
        found: list[tuple[AnyChange, str, str, str]] = []
        for change in changes:
            if change.trusted is not trusted:
                continue
            for pointer, target, id in _references(work, change, amended=amended):
                found.append((change, pointer, target, id))
                wanted.setdefault(target, set()).add(id)
        if wanted:
            access = work.system_access if trusted else work.access
            _refuse_missing(found, await _existing(work, wanted, access, changes))


async def _existing(
    work: WriteWork, wanted: dict[str, set[str]], access: Access, changes: list[AnyChange]
) -> dict[tuple[str, str], str]:
    """(target, id) → entity of each wanted record that is live and visible; records of this batch count."""
    existing: dict[tuple[str, str], str] = {}
    created = work.added | {c.new["id"]: c.entity for c in changes if c.old is None and c.new.get("id")}
    others: dict[str, set[str]] = {}
    for target, ids in wanted.items():
        for id, entity in created.items():
            if id in ids and target in (entity, ANY):
                existing[target, id] = entity
        rest = {id for id in ids if (target, id) not in existing}
        if rest and target == ANY:
            existing.update({(ANY, id): entity for id, entity in (await work.find_anywhere(rest, access)).items()})
        elif rest and target in work.registry.entities:
            others[target] = rest
    if others:
        existing.update({(entity, id): entity for id, entity in (await work.find_among(others, access)).items()})
    return existing


def _refuse_missing(found: list[tuple[AnyChange, str, str, str]], existing: dict[tuple[str, str], str]) -> None:
    for change, pointer, target, id in found:
        entity = existing.get((target, id))
        if entity is not None and target != ANY:
            continue
        name = pointer.split("/")[1]
        if entity is not None:
            if pointer == f"/{name}":
                change.targets[f"{name}__entity"] = entity
            continue
        label = change.label(name)
        what = "record" if target == ANY else target
        english = f"{label} refers to {what} {id!r}, which is not there for you."
        detail = translated(label, Told("reference", {"got": repr(id)}), english, change.locale)
        change.fault(pointer, "reference", detail)
        change.new[name] = None


def changed_names(change: AnyChange) -> list[str]:
    """The fields whose value differs between the stored and the new image."""
    if change.old is None:
        return [name for name, value in change.new.items() if value is not None]
    return [name for name, value in change.new.items() if value != change.old.get(name)]


async def check_unique(work: WriteWork, changes: list[AnyChange]) -> None:
    """409 `unique` for each value that another live record has, hidden ones too, or another change of this batch."""
    by_entity: dict[str, list[AnyChange]] = {}
    for change in changes:
        if change.kind not in ("delete", "purge"):
            by_entity.setdefault(change.entity, []).append(change)
    for group in by_entity.values():
        model = group[0].model
        for field in model.unique_fields:
            await _check_unique_field(work, field, group)
        await _check_new_ids(work, [c for c in group if c.old is None and c.values.get("id")])


async def _check_unique_field(work: WriteWork, field: Field, group: list[AnyChange]) -> None:
    claims: dict[Any, str] = {}
    claiming: list[AnyChange] = []
    for change in group:
        value = change.new.get(field.name)
        restored = change.kind == "restore"
        changed = change.old is None or value != change.old.get(field.name)
        if value is None or not (restored or changed):
            continue
        if value in claims:
            _taken(change, field)
        claims.setdefault(value, change.new["id"])
        claiming.append(change)
    if not claiming:
        return
    holders = await work.store.records.taken(work.tx, group[0].model, field.name, list(claims))
    moving = {c.new["id"] for c in group if c.old is not None and c.new.get(field.name) != c.old.get(field.name)}
    for change in claiming:
        holder = holders.get(change.new[field.name])
        if holder is not None and holder != change.new["id"] and holder not in moving:
            _taken(change, field)


def _taken(change: AnyChange, field: Field) -> None:
    change.fault(f"/{field.name}", "unique", taken_sentence(field, change.locale), status=409)


async def _check_new_ids(work: WriteWork, creates: list[AnyChange]) -> None:
    if not creates:
        return
    model = creates[0].model
    taken = await work.store.records.existing_ids(work.tx, model, [c.new["id"] for c in creates])
    seen: set[str] = set()
    for change in creates:
        if change.new["id"] in taken or change.new["id"] in seen:
            _taken(change, model.fields["id"])
        seen.add(change.new["id"])
