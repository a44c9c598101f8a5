"""Reports resolved against the entities that a caller may see: groups, measures, conditions as frozen data (floor 4).

The rows of a report are records of an entity of their own, whose fields are its columns: so `having` is a filter like
any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from crm_kernel.documents import GroupPart, MeasurePart, Report
from crm_kernel.errors import Error, Fault, near
from crm_kernel.fields import Boolean, Choice, Date, DecimalNumber, Integer, Moment, MoneyType, Number, Text
from crm_kernel.fields.base import FieldType, Kind, ValueContext
from crm_kernel.fields.reference import Id
from crm_kernel.filters.expression import Expression, Place
from crm_kernel.filters.path_sql import find_place
from crm_kernel.filters.resolver import resolve
from crm_kernel.filters.scope import SYSTEM_SCOPE, Scope
from crm_kernel.model import EntityModel, Field, Model, Source

How = Literal["count", "count_distinct", "sum", "avg", "min", "max", "median"]
MEASURES: tuple[How, ...] = get_args(How)

_NUMBERS = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL, Kind.MONEY})
_WHOLE = frozenset({Kind.LIST, Kind.OBJECT, Kind.JSON})
_DATES = frozenset({Kind.DATE, Kind.MOMENT})
_TAKES: Mapping[How, frozenset[Kind]] = MappingProxyType(
    {
        "sum": _NUMBERS,
        "avg": _NUMBERS,
        "median": _NUMBERS,
        "min": _NUMBERS | _DATES,
        "max": _NUMBERS | _DATES,
        "count_distinct": frozenset(Kind) - _WHOLE,
    }
)
FINER = 2
"""How many decimals more an average of decimals has than they."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A column to group by: the value at `place`, dates in buckets where `by` is given."""

    name: str
    label: str
    kind: Kind
    place: Place
    by: Literal["day", "week", "month", "quarter", "year"] | None = None


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A measure over the values at `place` (None: over the rows); `scale` are the decimals of a decimal result."""

    name: str
    label: str
    kind: Kind
    how: How
    pointer: str
    place: Place | None = None
    scale: int = 0

    @property
    def is_money(self) -> bool:
        """Whether the result is an amount of one currency."""
        return self.kind is Kind.MONEY


class Ordered(NamedTuple):
    """A sort key: the column's name and direction."""

    column: str
    descending: bool


class ResolvedReport(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A report whose names and types are known for one scope."""

    document: Report
    groups: tuple[Group, ...]
    measures: tuple[Measure, ...]
    filter: Expression | None
    having: Expression | None
    order: tuple[Ordered, ...]

    @property
    def columns(self) -> tuple[Group | Measure, ...]:
        """All columns in the order of the answer."""
        return (*self.groups, *self.measures)


def resolve_report(
    report: Report, model: Model, *, scope: Scope = SYSTEM_SCOPE, context: ValueContext | None = None
) -> ResolvedReport:
    """The report for a caller. Raises `Error("invalid")` with all faults, each at its pointer in the document."""
    resolver = _Resolver(report, model, scope, context or ValueContext())
    found = resolver.resolve()
    if found is None or resolver.faults:
        raise Error("invalid", faults=resolver.faults)
    return found


def report_faults(report: Report, model: Model, *, context: ValueContext | None = None) -> list[Fault]:
    """What does not fit in a report document: entity, fields, expressions, order; [] when all does."""
    resolver = _Resolver(report, model, SYSTEM_SCOPE, context or ValueContext())
    resolver.resolve()
    return resolver.faults


class _Resolver:
    def __init__(self, report: Report, model: Model, scope: Scope, context: ValueContext) -> None:
        self._report = report
        self._model = model
        self._scope = scope
        self._context = context
        self.faults: list[Fault] = []

    def resolve(self) -> ResolvedReport | None:
        report = self._report
        if report.entity not in self._model:
            detail = f"There is no entity {report.entity!r}.{near(report.entity, self._model)}"
            self._fault("/entity", "not_found", detail)
            return None
        groups = [g for i, part in enumerate(report.group_by) if (g := self._group(i, part)) is not None]
        measures = [m for i, part in enumerate(report.measures) if (m := self._measure(i, part)) is not None]
        self._check_names(groups, measures)
        return ResolvedReport(
            document=report,
            groups=tuple(groups),
            measures=tuple(measures),
            filter=self._expression("/filter", report.filter, report.entity, self._model, self._scope),
            having=self._having(groups, measures),
            order=tuple(self._order({c.name for c in (*groups, *measures)})),
        )

    def _fault(self, pointer: str, code: str, detail: str) -> None:
        self.faults.append(Fault(pointer=pointer, code=code, detail=detail))

    def _checked(self, pointer: str, find: Callable[[], Any]) -> Any:
        try:
            return find()
        except Error as error:
            self._fault(pointer, error.code, error.detail)
            return None

    def _expression(
        self, pointer: str, text: str | None, entity: str, model: Model, scope: Scope = SYSTEM_SCOPE
    ) -> Expression | None:
        if text is None:
            return None
        params = self._report.params
        return self._checked(
            pointer, lambda: resolve(text, entity, model, scope=scope, params=params, context=self._context)
        )

    def _place(self, pointer: str, path: str) -> Place | None:
        return self._checked(pointer, lambda: find_place(path, self._report.entity, self._model, self._scope))

    # ---- columns ------------------------------------------------------------------------------------------------
    def _group(self, index: int, part: str | GroupPart) -> Group | None:
        pointer = f"/group_by/{index}"
        given = GroupPart(field=part) if isinstance(part, str) else part
        place = self._place(pointer if isinstance(part, str) else f"{pointer}/field", given.field)
        if place is None:
            return None
        if place.kind in _WHOLE or place.kind is Kind.MONEY:
            hint = " Group by its currency." if place.kind is Kind.MONEY else ""
            self._fault(pointer, "type", f"Records cannot be grouped by {given.field!r}, a {place.kind}.{hint}")
            return None
        if given.by is not None and place.kind not in _DATES:
            self._fault(f"{pointer}/by", "type", f"Only dates come in buckets; {given.field!r} is a {place.kind}.")
            return None
        kind = Kind.DATE if given.by is not None else place.kind
        name = given.as_ or given.field
        label = _label(given.as_) if given.as_ else place.label
        return Group(name=name, label=label, kind=kind, place=place, by=given.by)

    def _measure(self, index: int, part: MeasurePart) -> Measure | None:
        pointer = f"/measures/{index}"
        asked: dict[How, str] = {how: getattr(part, how) for how in MEASURES if getattr(part, how) is not None}
        if len(asked) != 1:
            self._fault(pointer, "oneOf", f"A measure is one of {', '.join(MEASURES)}; got {len(asked)} of them.")
            return None
        ((how, path),) = asked.items()
        pointer, name = f"{pointer}/{how}", part.as_
        if how == "count":
            return Measure(name=name, label=_label(name), kind=Kind.INTEGER, how=how, pointer=pointer)
        place = self._place(pointer, path)
        if place is None:
            return None
        if place.money and place.member == ("amount",):
            place = msgspec.structs.replace(place, member=(), kind=Kind.MONEY)
        if place.member and place.kind is Kind.INTEGER:
            # In JSON 5.0 is an integer too, so integers there are summed as what they are stored as.
            place = msgspec.structs.replace(place, kind=Kind.NUMBER)
        if place.kind not in _TAKES[how]:
            self._fault(pointer, "type", f"{how} takes no {place.kind}; {path!r} is one.")
            return None
        kind, scale = _result(how, place)
        return Measure(name=name, label=_label(name), kind=kind, how=how, pointer=pointer, place=place, scale=scale)

    def _check_names(self, groups: list[Group], measures: list[Measure]) -> None:
        seen: set[str] = set()
        for column in (*groups, *measures):
            if column.name in seen:
                pointer = "/measures" if isinstance(column, Measure) else "/group_by"
                self._fault(pointer, "unique", f'Two columns are called {column.name!r}; name one with "as".')
            seen.add(column.name)

    def _having(self, groups: list[Group], measures: list[Measure]) -> Expression | None:
        rows = _rows_model([*groups, *measures])
        return self._expression("/having", self._report.having, rows.name, {rows.name: rows})

    def _order(self, names: set[str]) -> list[Ordered]:
        found: list[Ordered] = []
        for index, key in enumerate(self._report.order):
            name = key.removeprefix("-")
            if name in names:
                found.append(Ordered(name, key.startswith("-")))
            else:
                self._fault(f"/order/{index}", "unknown_field", f"There is no column {name!r}.{near(name, names)}")
        return found


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _result(how: How, place: Place) -> tuple[Kind, int]:
    """Kind and decimals of a measure."""
    if how == "count_distinct":
        return Kind.INTEGER, 0
    if how in ("avg", "median"):
        if place.kind is Kind.DECIMAL:
            return Kind.DECIMAL, place.scale + FINER
        return (Kind.MONEY if place.kind is Kind.MONEY else Kind.NUMBER), 0
    return place.kind, place.scale


def _rows_model(columns: list[Group | Measure]) -> EntityModel:
    """The rows of a report as an entity. Columns without a plain name are there but cannot be named in `having`."""
    source = Source("builtin", "report")
    return EntityModel(
        name="report",
        label="Report",
        plural="Reports",
        title="",
        icon=None,
        history=False,
        source=source,
        fields={c.name: Field(name=c.name, type=_type(c), schema={"title": c.label}, source=source) for c in columns},
        schema={},
        validate=_no_faults,
    )


def _type(column: Group | Measure) -> FieldType:
    place = column.place
    match column.kind:
        case Kind.CHOICE:
            return Choice(place.choices if place else ())
        case Kind.DECIMAL:
            scale = column.scale if isinstance(column, Measure) else column.place.scale
            return DecimalNumber(scale)
        case Kind.TEXT:
            return Text()
        case kind:
            return _TYPES[kind]()


_TYPES: Mapping[Kind, Callable[[], FieldType]] = MappingProxyType(
    {
        Kind.INTEGER: Integer,
        Kind.NUMBER: Number,
        Kind.BOOLEAN: Boolean,
        Kind.DATE: Date,
        Kind.MOMENT: Moment,
        Kind.MONEY: MoneyType,
        Kind.REFERENCE: Id,
    }
)


def _no_faults(record: Mapping[str, Any], *, only_known: bool = True, locale: str = "en") -> list[Fault]:  # noqa: ARG001
    return []
