"""What the kernel knows of an entity once classes, extensions and documents are merged: frozen data (floor 2)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import msgspec

from crm_kernel.errors import Fault
from crm_kernel.fields.autonumber import Autonumber
from crm_kernel.fields.base import FieldType, Kind, Options


class Source(NamedTuple):
    """Who declared something: `kind` is system, builtin, plugin or document; `name` the plugin's or document's."""

    kind: str
    name: str

    def __str__(self) -> str:
        return self.kind if self.kind == "system" else f"{self.kind} {self.name!r}"


SYSTEM = Source("system", "system")


def in_language(labels: Mapping[str, str], locale: str) -> str | None:
    """The label of a locale, of "pt-BR" that of "pt" too; None where there is none."""
    return labels.get(locale) or labels.get(locale.partition("-")[0])


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of an entity. `schema` is its JSON Schema property (with `x-crm`), `required` as declared.

    `read_only` fields are never taken from a caller (system fields, autonumber, formula, rollup).
    """

    name: str
    type: FieldType
    schema: dict[str, Any]
    source: Source
    required: bool = False
    default: Any = None
    options: Options = Options()
    read_only: bool = False

    @property
    def label(self) -> str:
        """The title, or the name in words."""
        return str(self.schema.get("title") or self.name.replace("_", " ").capitalize())

    def label_in(self, locale: str) -> str:
        """The label in the language of a locale, where it has one: of "pt-BR" that of "pt" too."""
        return in_language(self.options.labels, locale) or self.label

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a choice (or list of choices) field in declared order, else ()."""
        return tuple(getattr(self.type, "choices", ()))

    @property
    def item_reference(self) -> str | None:
        """The entity that the elements of a list of references refer to ("*" for any), None for other fields."""
        return getattr(getattr(self.type, "item", None), "target", None)

    @property
    def is_computed(self) -> bool:
        """Whether it is a formula or a rollup."""
        return self.options.formula is not None or self.options.rollup is not None

    @property
    def explicit(self) -> bool:
        """Whether only naming it in a grant gives it: `*` covers neither sensitive fields nor rollups."""
        return self.options.sensitive or self.options.rollup is not None


class Reverse(NamedTuple):
    """A reverse name: records of `entity` whose `field` refers to this record."""

    name: str
    entity: str
    field: str


class Validator(Protocol):
    """Runs the merged JSON Schema of an entity."""

    def __call__(self, record: Mapping[str, Any], *, only_known: bool = True, locale: str = "en") -> list[Fault]:
        """All faults of one record of canonical values (nulls allowed and left out), [] when it is valid; told with
        the labels of `locale`."""
        ...


class EntityModel(msgspec.Struct, frozen=True, kw_only=True, dict=True, eq=False):
    """One entity as merged: `fields` hold system fields first, then declared, extended and custom ones.

    `schema` is `allOf [declared, extensions, each fields document in name order]`; `pipelines` the names of its
    pipelines, default first; `cls` the plugin's typed class where there is one.
    """

    name: str
    label: str
    plural: str
    title: str
    icon: str | None
    history: bool
    source: Source
    fields: Mapping[str, Field]
    schema: dict[str, Any]
    validate: Validator
    reverses: Mapping[str, Reverse] = {}
    pipelines: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    plurals: Mapping[str, str] = {}
    cls: type | None = None
    inputs: Mapping[str, frozenset[str]] = {}
    """What each formula reads of its record, and what that is computed from in turn."""

    @cached_property
    def computed(self) -> frozenset[str]:
        """The formulas and rollups: the kernel alone sets them."""
        return frozenset(n for n, f in self.fields.items() if f.is_computed)

    @cached_property
    def rollups(self) -> frozenset[str]:
        """The fields that change when other records do, without a new version of this one."""
        return frozenset(n for n, f in self.fields.items() if f.options.rollup is not None)

    def without_hidden(self, names: frozenset[str]) -> frozenset[str]:
        """Those of `names` that may be read where only they may: a formula only with all its inputs."""
        hidden = {name for name, inputs in self.inputs.items() if name in names and not inputs <= names}
        return names - hidden if hidden else names

    @cached_property
    def references(self) -> tuple[Field, ...]:
        """The fields a caller may set to refer to records: references and lists of them."""
        return tuple(
            f
            for f in self.fields.values()
            if (f.type.kind is Kind.REFERENCE or f.item_reference is not None)
            and (f.source.kind != "system" or f.name in ("owner", "team"))
        )

    @cached_property
    def unique_fields(self) -> tuple[Field, ...]:
        """The fields whose values live records may not share."""
        return tuple(f for f in self.fields.values() if f.options.unique)

    @cached_property
    def sensitive(self) -> frozenset[str]:
        """The names of fields whose values stand in no history and no event."""
        return frozenset(name for name, f in self.fields.items() if f.options.sensitive)

    @cached_property
    def former(self) -> Mapping[str, str]:
        """The former names of renamed fields, with what they are called now: history knows the old ones."""
        was = {f.options.was: f.name for f in self.fields.values() if f.options.was}
        return {old: name for old, name in was.items() if old not in self.fields}

    @cached_property
    def autonumbers(self) -> Mapping[str, Autonumber]:
        """The fields that number new records."""
        return {name: f.type for name, f in self.fields.items() if isinstance(f.type, Autonumber)}

    @cached_property
    def defaults(self) -> tuple[Field, ...]:
        """The fields that are filled on create where they are absent."""
        return tuple(f for f in self.fields.values() if f.default is not None)

    @property
    def own_fields(self) -> list[Field]:
        """All fields but the system fields."""
        return [f for f in self.fields.values() if f.source.kind != "system"]


Model = Mapping[str, EntityModel]
"""All entities by name: what filters, access rules and storage are resolved against."""
