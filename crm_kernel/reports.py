"""Reports resolved against the entities that a caller may see: groups, measures, conditions as frozen data (floor 4).

The rows of a report are records of an entity of their own, whose fields are its columns: so `having` is a filter like
any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from crm_kernel.documents import GroupPart, MeasurePart, Report
from crm_kernel.errors import Error, Fault, missing, near
from crm_kernel.fields.base import Kind, ValueContext
from crm_kernel.filters.expression import Expression, Place
from crm_kernel.filters.path_sql import find_place
from crm_kernel.filters.resolver import resolve
from crm_kernel.filters.scope import SYSTEM_SCOPE, Scope
from crm_kernel.model import Model
from crm_kernel.report_columns import MEASURES, Derived, Group, How, Measure, derived, label_of, rows_model
from crm_kernel.schema.patterns import compiled

_KNOWN = ", ".join((*MEASURES, "formula"))

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
RESERVED_PARAMS = ("format",)
"""Names that the route of reports has for itself."""

FINER = 2
"""How many decimals more an average of decimals has than they."""


class Ordered(NamedTuple):
    """A sort key: the column's name and direction."""

    column: str
    descending: bool


class ResolvedReport(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A report whose names and types are known for one scope."""

    document: Report
    groups: tuple[Group, ...]
    measures: tuple[Measure, ...]
    derived: tuple[Derived, ...]
    filter: Expression | None
    having: Expression | None
    order: tuple[Ordered, ...]

    @property
    def columns(self) -> tuple[Group | Measure, ...]:
        """The columns that come of records, in their order."""
        return (*self.groups, *self.measures)

    @property
    def answered(self) -> tuple[Group | Measure | Derived, ...]:
        """All columns in the order of the answer."""
        by_name = {column.name: column for column in (*self.measures, *self.derived)}
        return (*self.groups, *(by_name[part.as_] for part in self.document.measures))


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
            self.faults.append(missing("entity", report.entity, self._model, "/entity"))
            return None
        self._check_params()
        groups = [g for i, part in enumerate(report.group_by) if (g := self._group(i, part)) is not None]
        counted = [(i, part) for i, part in enumerate(report.measures) if part.formula is None]
        measures = [m for i, part in counted if (m := self._measure(i, part)) is not None]
        derived = list(self._derived(groups, measures))
        self._check_names(groups, [*measures, *derived])
        return ResolvedReport(
            document=report,
            groups=tuple(groups),
            measures=tuple(measures),
            derived=tuple(derived),
            filter=self._expression("/filter", report.filter, report.entity, self._model, self._scope),
            having=self._having(groups, measures),
            order=tuple(self._order({c.name for c in (*groups, *measures)})),
        )

    def _check_params(self) -> None:
        """Parameters are asked for in the query string beside `format`; a default is a value like one that is sent."""
        for name, schema in self._report.params.items():
            if name in RESERVED_PARAMS:
                self._fault(f"/params/{name}", "reserved", f"{name!r} says how a report is answered.")
            if schema.get("default") is not None:
                for error in compiled(dict(schema)).iter_errors(schema["default"]):
                    self._fault(f"/params/{name}/default", str(error.schema_path[-1]), f"{error.message}.")

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
        label = label_of(given.as_) if given.as_ else place.label
        return Group(name=name, label=label, kind=kind, place=place, by=given.by)

    def _measure(self, index: int, part: MeasurePart) -> Measure | None:
        pointer = f"/measures/{index}"
        asked: dict[How, str] = {how: getattr(part, how) for how in MEASURES if getattr(part, how) is not None}
        if len(asked) != 1:
            self._fault(pointer, "oneOf", f"A measure is one of {_KNOWN}; got {len(asked)} of them.")
            return None
        ((how, path),) = asked.items()
        where = self._expression(f"{pointer}/where", part.where, self._report.entity, self._model, self._scope)
        pointer, name = f"{pointer}/{how}", part.as_
        if how == "count":
            return Measure(name=name, label=label_of(name), kind=Kind.INTEGER, how=how, pointer=pointer, where=where)
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
        return Measure(
            name=name, label=label_of(name), kind=kind, how=how, pointer=pointer, place=place, scale=scale, where=where
        )

    def _derived(self, groups: list[Group], measures: list[Measure]) -> Iterator[Derived]:
        """The columns that are computed of others: each may read those before it."""
        columns: list[Group | Measure | Derived] = [*groups]
        counted = {measure.name: measure for measure in measures}
        for index, part in enumerate(self._report.measures):
            pointer, text = f"/measures/{index}", part.formula
            if text is None:
                columns += [counted[part.as_]] if part.as_ in counted else []
                continue
            if part.where is not None or any(getattr(part, how) is not None for how in MEASURES):
                self._fault(pointer, "oneOf", f"A measure is one of {_KNOWN}; a formula stands alone.")
                continue
            found = self._checked(f"{pointer}/formula", partial(derived, part.as_, text, tuple(columns), self._context))
            if found is not None:
                columns.append(found)
                yield found

    def _check_names(self, groups: list[Group], measures: Sequence[Measure | Derived]) -> None:
        seen: set[str] = set()
        for column in (*groups, *measures):
            if column.name in seen:
                pointer = "/group_by" if isinstance(column, Group) else "/measures"
                self._fault(pointer, "unique", f'Two columns are called {column.name!r}; name one with "as".')
            seen.add(column.name)

    def _having(self, groups: list[Group], measures: list[Measure]) -> Expression | None:
        rows = rows_model([*groups, *measures])
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


def _result(how: How, place: Place) -> tuple[Kind, int]:
    """Kind and decimals of a measure."""
    if how == "count_distinct":
        return Kind.INTEGER, 0
    if how in ("avg", "median"):
        if place.kind is Kind.DECIMAL:
            return Kind.DECIMAL, place.scale + FINER
        return (Kind.MONEY if place.kind is Kind.MONEY else Kind.NUMBER), 0
    return place.kind, place.scale
