"""First steps of a write: find the rows through the caller's row rules, merge what was sent, check its fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from crm_kernel.access import MOVE_FIELDS, Grant
from crm_kernel.errors import HINTED_ROWS, Told, unknown
from crm_kernel.fields.base import Faulty, Kind
from crm_kernel.filters.expression import Expression
from crm_kernel.model import EntityModel, Field
from crm_kernel.operations.changes import STAGE_FIELDS, AnyChange, Merged
from crm_kernel.operations.work import Work, WriteWork
from crm_kernel.schema.sentences import labelled, translated
from crm_kernel.schema.walk import pointer

ACTIONS = {
    "create": "create",
    "update": "update",
    "move": "move",
    "delete": "delete",
    "restore": "delete",
    "merge": "merge",
}
"""The action each kind of change needs (purge needs `admin`)."""

PURGE_ACTION = "admin"

_NAMED = frozenset({Kind.REFERENCE, Kind.CHOICE})

_KEYS: Mapping[Kind, type | tuple[type, ...]] = {
    **dict.fromkeys((Kind.TEXT, Kind.CHOICE, Kind.DATE, Kind.MOMENT, Kind.REFERENCE), str),
    Kind.INTEGER: int,
    Kind.NUMBER: (int, float),
    Kind.DECIMAL: Decimal,
    Kind.BOOLEAN: bool,
}
"""What kinds of fields records can be found by, and what their canonical values are."""


def wheres(grants: Iterable[Grant]) -> list[Expression]:
    """The distinct `where` expressions of some grants, in order."""
    return list({g.where.text: g.where for g in grants if g.where is not None}.values())


async def load(work: WriteWork, changes: list[AnyChange]) -> None:
    """Fill `old` of every change that names a record; a row he may not see is a 404 fault."""
    by_entity: dict[str, list[AnyChange]] = {}
    for change in changes:
        by_entity.setdefault(change.entity, []).append(change)
    for entity, group in by_entity.items():
        model = work.model(entity)
        for change in group:
            change.model = model
            change.context = work.values
        if upserts := [c for c in group if c.kind == "upsert"]:
            await _match_upserts(work, model, upserts)
        named = [c for c in group if c.id is not None and c.kind != "create"]
        if not named:
            continue
        await _load_named(work, model, [c for c in named if c.trusted], trusted=True)
        await _load_named(work, model, [c for c in named if not c.trusted], trusted=False)


async def _match_upserts(work: WriteWork, model: EntityModel, upserts: list[AnyChange]) -> None:
    """Turn each upsert into the update of the record it matches, or a create."""
    by_key: dict[tuple[tuple[str, ...], bool], list[AnyChange]] = {}
    for change in upserts:
        usable = [_can_be_key(work, change, name) for name in change.on]  # all faults, not just the first
        if all(usable):
            by_key.setdefault((change.on, change.trusted), []).append(change)
    for (on, trusted), group in by_key.items():
        keys = [tuple(_key_value(model.fields[name], change) for name in on) for change in group]
        access = work.system_access if trusted else work.access  # what is hidden is no match, so a key tells nothing
        rules = access.key_rows(model.name, on)
        found = await work.store.lookups.find_by_key(work.tx, model, on, keys, rules, work.environment)
        for change, key in zip(group, keys, strict=True):
            _settle_upsert(change, found.get(key))


def _settle_upsert(change: AnyChange, id: str | None) -> None:
    """Make of an upsert what it is to be, now that the record it matches is known."""
    change.id = id
    change.kind = "create" if id is None else "update"
    if id is None:
        if change.sparse:
            change.values = {name: value for name, value in change.values.items() if value is not None}
    elif change.found == "skip":
        change.skipped, change.values = True, {}
    elif change.found == "refuse":
        told, named = Told("exists"), " and ".join(change.on)
        labels = ", ".join(map(change.label, change.on))
        detail = translated(labels, told, f"There is a {change.entity} with this {named} already.", change.locale)
        change.fault(f"/{change.on[0]}", "unique", detail, status=409)


def _can_be_key(work: WriteWork, change: AnyChange, name: str) -> bool:
    """Whether records can be found by a field; a fault where the caller does not know it or it has no single value."""
    field = change.model.fields.get(name)
    if field is None or not (change.trusted or _exists(work, change, name)):
        _unknown(work, change, (name,), "on")
        return False
    if field.type.kind not in _KEYS or not field.type.columns():
        detail = f"Records are not found by {name}: it has no single stored value."
        change.fault(pointer(("on", name)), "type", detail)
        return False
    return True


def _key_value(field: Field, change: AnyChange) -> Any:
    """The canonical value of one key field; a faulty one matches nothing (and is named as a fault later)."""
    value = change.values.get(field.name)
    try:
        found = None if value is None else field.type.canonical(value, change.context)
    except Faulty:
        return None
    return found if isinstance(found, _KEYS[field.type.kind]) else None


async def _load_named(work: WriteWork, model: EntityModel, changes: list[AnyChange], *, trusted: bool) -> None:
    if not changes:
        return
    access = work.system_access if trusted else work.access
    actions = [*dict.fromkeys(_action(c.kind) for c in changes), "update"]
    if any(not MOVE_FIELDS.isdisjoint(c.values) for c in changes):  # an update of the stage is a move
        actions.append("move")
    expressions = wheres(g for action in actions for g in access.grants(model.name, action) or ())
    masks = [rule for _, rule in access.reading(model.name).masked if isinstance(rule, Expression)]
    expressions = list({e.text: e for e in [*expressions, *masks]}.values())
    rows = await work.select_for_change(model, [c.id for c in changes], access, expressions)
    for change in changes:
        row, flags = rows.get(str(change.id), (None, ()))
        if row is None or ((row["deleted_at"] is not None) != (change.kind == "restore") and change.kind != "purge"):
            change.fault("", "not_found", f"There is no {model.name} {change.id} for you.", status=404)
            continue
        change.old = row
        change.given = {e.text: bool(flag) for e, flag in zip(expressions, flags, strict=True)}


def _action(kind: str) -> str:
    return PURGE_ACTION if kind == "purge" else ACTIONS[kind]


def holding(work: Work, change: AnyChange, action: str) -> tuple[Grant, ...] | None:
    """The grants of `action` whose `where` holds on the stored image; None where nothing limits him."""
    if change.trusted:
        return None
    grants = work.access.grants(change.entity, action)
    if grants is None or change.old is None:
        return grants
    return tuple(g for g in grants if g.where is None or change.given.get(g.where.text))


def writable_by(grants: Sequence[Grant]) -> frozenset[str]:
    """The fields that some of these grants let him write."""
    return grants[0].writable if len(grants) == 1 else frozenset[str]().union(*(g.writable for g in grants))


def check_action(work: WriteWork, change: AnyChange) -> None:
    """403 where no grant gives the action on the stored row (for a create: on any row)."""
    action = _action(change.kind)
    if change.skipped:
        return
    if change.kind in ("update", "move"):
        sent = set(change.values)
        wanted = [a for a, names in (("move", sent & MOVE_FIELDS), ("update", sent - MOVE_FIELDS)) if names]
    else:
        wanted = [action]
    for name in wanted or [action]:
        if holding(work, change, name) == () and not _only_repeats(work, change, name):
            change.fault("", "forbidden", f"You may not {name} this {change.entity}.", status=403)


def _only_repeats(work: Work, change: AnyChange, action: str) -> bool:
    """Whether what was sent for `action` only repeats what is stored (then nothing happens, so nothing is refused)."""
    if change.old is None or not change.values:
        return False
    names = [n for n in change.values if (n in MOVE_FIELDS) == (action == "move")]
    return bool(names) and all(sees(work, change, name) and _same(change, name) for name in names)


def sees(work: Work, change: AnyChange, name: str) -> bool:
    """Whether he may read a field on the stored row: else an answer to "is it this value?" would tell it to him."""
    if change.trusted:
        return True
    if name not in work.access.readable(change.entity):
        return False
    rule = work.access.field_rows(change.entity, name)
    return rule is None or (isinstance(rule, Expression) and change.given.get(rule.text, False))


def _same(change: AnyChange, name: str) -> bool:
    field = change.model.fields.get(name)
    if field is None or change.old is None:
        return False
    try:
        return bool(_canonical(field, change.values[name], change) == change.old.get(name))
    except Faulty:
        return False


def check_version(change: AnyChange) -> None:
    """412 where the caller saw another version."""
    if change.version is not None and change.old is not None and change.old["version"] != change.version:
        detail = f"The record has version {change.old['version']}, not {change.version}."
        change.fault("", "stale", detail, status=412)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396: members of `patch` replace those of `target`, null removes one."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def _patched(field: Field, sent: Any, change: AnyChange) -> Any:
    """What was sent with what is stored: only the values that have members are patched."""
    patched = change.old is not None and field.type.kind in (Kind.OBJECT, Kind.MONEY, Kind.JSON)
    return merge_patch((change.old or {}).get(field.name), sent) if patched else sent


def _canonical(field: Field, sent: Any, change: AnyChange) -> Any:
    return None if sent is None else field.type.canonical(_patched(field, sent, change), change.context)


def merge_ahead(work: Work, change: AnyChange) -> None:
    """Do for a create what `merge` does, without a transaction: it is kept and taken once there is one."""
    change.model, change.context = work.model(change.entity), work.values
    merge(work, change)
    change.merged = Merged(change.model, work.access, change.new, change.faults, change.images)
    change.new, change.faults, change.images = {}, [], {}


def merge(work: Work, change: AnyChange) -> None:
    """Build the new image from the stored one and what was sent: unknown and unwritable fields, values, defaults."""
    done = change.merged
    if done is not None and done.model is change.model and done.access is work.access:
        change.new = dict(done.new)
        change.faults += done.faults
        change.images = done.images
        return
    if change.old is None:
        change.new = dict.fromkeys(change.model.fields)
    else:
        change.new = dict(change.old)
    action = "create" if change.old is None else "merge" if change.kind == "merge" else "update"
    grants = holding(work, change, action)
    writable = None if grants is None else writable_by(grants)
    existing = None if change.trusted else work.access.existing(change.entity)
    fields, context, new, is_new = change.model.fields, change.context, change.new, change.old is None
    others: list[str] = []
    for name, sent in change.values.items():
        field = fields.get(name)
        if field is None or (existing is not None and name not in existing):
            others.append(name)
            continue
        try:
            if is_new:
                value = None if sent is None else field.type.canonical(sent, context)
            else:
                value = _canonical(field, sent, change)
        except Faulty as faulty:
            for fault in faulty.faults:
                change.faults.append(labelled(change.label(name), fault, change.locale).at(change.row, f"/{name}"))
            _keep_image(change, name, field.type.sent_image(_patched(field, sent, change)))
            continue
        if change.old is not None and value == change.old.get(name) and sees(work, change, name):
            continue
        given = not field.read_only and (writable is None or name in writable)
        if not given and not _may_write(change, field, writable):
            change.fault(f"/{name}", "read_only", f"{change.label(name)} may not be written.")
            continue
        is_text = value is None or isinstance(value, str)
        if not is_text and (field.type.kind in _NAMED or name in STAGE_FIELDS):
            _keep_image(change, name, value)  # what follows looks these up by name, long before the JSON Schema is run
            if field.source.kind == "system":
                change.fault(f"/{name}", "type", f"{change.label(name)} is a text.")  # no schema speaks of these
            continue
        new[name] = value
    if others:
        _unknown(work, change, others)
    if is_new:
        _defaults(change)


def _keep_image(change: AnyChange, name: str, image: Any) -> None:
    """Store nothing of a value that cannot be stored, but let the JSON Schema name all that is wrong with it."""
    change.new[name] = None
    if image is not None:
        change.images[name] = image


def _unknown(work: Work, change: AnyChange, names: Iterable[str], *within: str) -> None:
    """Faults for names that are no fields, or none for the caller."""
    known = [n for n in change.model.fields if change.trusted or _exists(work, change, n)]
    for name, hint in unknown(names, known, hints=(change.row or 1) <= HINTED_ROWS):
        change.fault(pointer((*within, name)), "unknown_field", f"unknown field {name!r}:{hint}")


def _exists(work: Work, change: AnyChange, name: str) -> bool:
    return name in work.access.existing(change.entity)


def _may_write(change: AnyChange, field: Field, writable: frozenset[str] | None) -> bool:
    if field.read_only:
        return field.name == "id" and change.old is None
    if field.name in STAGE_FIELDS:
        return True  # the action `move` is checked as a whole
    return writable is None or field.name in writable


def _defaults(change: AnyChange) -> None:
    for field in change.model.defaults:
        if field.name not in change.values:
            change.new[field.name] = field.type.canonical(field.default, change.context)
