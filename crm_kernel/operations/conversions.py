"""Stored values that become values of another type, as `"x-crm": {"convert": …}` says (floor 7).

The way is that of an import: a value as the text of its old type, read as the new type reads a cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from crm_kernel.errors import Fault
from crm_kernel.fields.base import Convert, Faulty, Kind, ValueContext
from crm_kernel.fields.plugin_type import PluginType
from crm_kernel.model import EntityModel, Field
from crm_kernel.operations.import_mapping import Read, formatted
from crm_kernel.registry import Registry
from crm_kernel.storage.converting import retired_values, store_values
from crm_kernel.storage.ddl import DdlPlan
from crm_kernel.storage.future import Pair
from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.store import Store

_FORMS: Mapping[Kind, tuple[type, ...]] = MappingProxyType(
    {
        Kind.INTEGER: (int,),
        Kind.NUMBER: (float,),
        Kind.DECIMAL: (Decimal,),
        Kind.BOOLEAN: (bool,),
        Kind.MONEY: (dict,),
        Kind.LIST: (list,),
        Kind.OBJECT: (dict,),
        Kind.JSON: (object,),
    }
)
"""What a canonical value is; a text where nothing else is said."""


class Conversion:
    """The change of one field's type."""

    def __init__(self, entity: str, old: Field, new: Field, how: Convert, registry: Registry, store: Store) -> None:
        context = registry.value_context
        zone, currency = how.timezone or context.timezone, how.currency or context.currency
        self.entity = entity
        self.name = new.name
        self.old = old
        self.new = new
        self._how = how
        self._context: ValueContext = context._replace(timezone=zone, currency=currency)
        self._target = registry.entities.get(getattr(new.type, "target", ""))
        self._store = store
        self._read = self._reader()

    def faults(self) -> list[Fault]:
        """What is stated and cannot be meant."""
        kind, how, at = self.new.type.kind, self._how, f"/{self.entity}/{self.name}/x-crm/convert"
        found: list[Fault] = []
        money = Kind.MONEY in (kind, self.old.type.kind)
        for member, is_meant, meant in (
            ("format", kind in (Kind.DATE, Kind.MOMENT), "dates and times"),
            ("match", kind is Kind.REFERENCE, "references"),
            ("currency", money, "money"),
        ):
            if getattr(how, member) is not None and not is_meant:
                found.append(Fault(pointer=f"{at}/{member}", code="type", detail=f"{member} is for {meant}."))
        if kind is Kind.REFERENCE:
            match = None if self._target is None else self._target.fields.get(how.match or "id")
            if match is None or (how.match is not None and not match.options.unique):
                detail = f"{how.match!r} is no unique field of one entity, so nothing can be found by it."
                found.append(Fault(pointer=f"{at}/match", code="unknown_field", detail=detail))
        if not self.new.type.columns() or not self.old.type.columns():
            found.append(Fault(pointer=at, code="type", detail="A computed field is converted neither from nor to."))
        return found

    async def run(self, reads: Reads, values: Sequence[Any]) -> list[Any]:
        """The converted values in their order; a `Fault` for each that does not convert."""
        found = [self._one(value) for value in values]
        if self._target is None or self.new.type.kind is not Kind.REFERENCE:
            return found
        keys = {value for value in found if value is not None and not isinstance(value, Fault)}
        there = await self._there(reads, self._target, keys)
        missing = f"there is no such {self._target.name}"
        return [there.get(v, self._fault(str(v), missing)) if v in keys else v for v in found]

    async def fill(self, tx: Tx, model: EntityModel, ddl: DdlPlan) -> None:
        """Store what the retired columns convert to. What does not stays empty, and stays in them."""
        async for page in retired_values(tx, model, self.old, ddl):
            values = await self.run(tx, [value for _, value in page])
            kept = [
                (id, value)
                for (id, _), value in zip(page, values, strict=True)
                if value is not None and not isinstance(value, Fault)
            ]
            await store_values(tx, model, self.new, kept)

    def _one(self, value: Any) -> Any:
        if value is None:
            return None
        text = _text(value, self.old)
        try:
            found = self._read(text)
            if self._match is None:
                found = self.new.type.canonical(found, self._context)
        except Faulty as faulty:
            return self._fault(text, faulty.faults[0].detail)
        if found is not None and not _fits(found, self.new.type.kind):
            return self._fault(text, f"it cannot be read as {self.new.type.name}")
        return found

    def _fault(self, text: str, why: str) -> Fault:
        shown = "the value" if self.old.options.sensitive or self.new.options.sensitive else repr(text[:40])
        detail = f"{self.new.label}: {shown} is not converted: {why.rstrip('.')}."
        return Fault(pointer=f"/{self.name}", code="convert", detail=detail)

    @property
    def _match(self) -> Field | None:
        return None if self._target is None or self._how.match is None else self._target.fields.get(self._how.match)

    def _reader(self) -> Read:
        how, new, old = self._how, self.new.type, self.old.type
        match = self._match
        read: Read
        if match is not None:
            read = lambda text: match.type.canonical(match.type.parse(text, self._context), self._context)  # noqa: E731
        elif how.format is not None:
            read = formatted(how.format, new, self._context)
        elif old.kind is Kind.MOMENT and new.kind is Kind.DATE:
            zone = ZoneInfo(self._context.timezone)
            read = lambda text: datetime.fromisoformat(text).astimezone(zone).date().isoformat()  # noqa: E731
        elif old.kind is Kind.MONEY and new.kind is not Kind.MONEY and how.currency is not None:
            read = self._amount
        elif new.kind is Kind.LIST and old.kind is not Kind.JSON:
            read = lambda text: [text]  # noqa: E731
        else:
            read = lambda text: new.parse(text, self._context)  # noqa: E731
        if how.values is None:
            return read
        values = how.values
        return lambda text: values[text] if text in values else read(text)

    def _amount(self, text: str) -> Any:
        """The number of an amount in the one currency that is kept."""
        currency, _, amount = text.partition(" ")
        if currency != self._context.currency:
            raise Faulty("convert", f"its currency is not {self._context.currency}")
        return self.new.type.parse(amount, self._context)

    async def _there(self, reads: Reads, target: EntityModel, values: set[Any]) -> dict[Any, str]:
        """What was read → id of the live record that it names."""
        match = self._match
        if match is None:
            return {id: id for id in await self._store.records.existing_ids(reads, target, values, live=True)}
        return await self._store.records.taken(reads, target, match.name, values)


async def converted(reads: Reads, conversions: Sequence[Conversion], page: Sequence[Pair]) -> dict[str, list[Fault]]:
    """Put converted values into the future records of a page; by id what does not convert."""
    faults: dict[str, list[Fault]] = {}
    for conversion in conversions:
        values = await conversion.run(reads, [pair.now[conversion.old.name] for pair in page])
        for pair, value in zip(page, values, strict=True):
            if isinstance(value, Fault):
                faults.setdefault(pair.id, []).append(value)
            else:
                pair.then[conversion.name] = value
    return faults


class TypeChanges(NamedTuple):
    """Fields of another type: those whose values are converted, all of them as (entity, field, its new name), and a
    fault `/entity/field` for each that does not say how."""

    conversions: list[Conversion]
    changed: list[tuple[str, str, str]]
    faults: list[Fault]


def type_changes(before: Registry, after: Registry, store: Store) -> TypeChanges:
    """What changes its type. Of a computed field no value is converted: all are computed anew."""
    found = TypeChanges([], [], [])
    for entity, model in after.entities.items():
        old = before.entities[entity].fields if entity in before.entities else {}
        for name, field in model.fields.items():
            was = old.get(name) or (None if field.options.was in model.fields else old.get(field.options.was or ""))
            if was is None or not differ(was, field) or _is_taken_back(was, field):
                continue
            found.changed.append((entity, was.name, name))
            if field.options.formula or field.options.rollup:
                continue
            if field.options.convert is None:
                found.faults.append(_unstated(entity, was, field))
                continue
            conversion = Conversion(entity, was, field, field.options.convert, after, store)
            found.conversions.append(conversion)
            found.faults.extend(conversion.faults())
    return found


def _unstated(entity: str, old: Field, new: Field) -> Fault:
    return Fault(
        pointer=f"/{entity}/{new.name}",
        code="type",
        detail=f"{new.name!r} is stored as {old.type.name}; it cannot become {new.type.name} by itself.",
        hint='Say how: "x-crm": {"convert": {}}, or give the new field another name and remove this one.',
    )


def differ(old: Field, new: Field) -> bool:
    """Whether stored values of one field are not what they would be in the other."""
    if old.type.name == "choice" and new.type.name == "choice":
        return False
    return _stored_as(old) != _stored_as(new)


def _is_taken_back(old: Field, new: Field) -> bool:
    """Whether a plugin is back whose field a document stood for: without the code its type was the plain one.

    What was written meanwhile is judged by the plugin with its next change.
    """
    back = (old.source.kind, new.source.kind) == ("document", "plugin") and isinstance(new.type, PluginType)
    return back and old.type.kind is new.type.kind and old.type.columns() == new.type.columns()


_SAME_TEXT = frozenset({"text", "email", "url"})
"""What differs in its rules only: the values stay."""


def _stored_as(field: Field) -> Any:
    name = "text" if field.type.name in _SAME_TEXT else field.type.name
    return name, field.type.columns(), field.options.decimal, field.options.reference


def _text(value: Any, field: Field) -> str:
    """A value as the text that it would be typed as."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return field.type.text(value)


def _fits(value: Any, kind: Kind) -> bool:
    if kind is Kind.INTEGER and isinstance(value, bool):
        return False
    if kind is Kind.MONEY:
        return isinstance(value, dict) and isinstance(cast("dict[str, Any]", value).get("amount"), Decimal)
    return isinstance(value, _FORMS.get(kind, (str,)))
