"""Runs reports: one statement each, under the row rules and field masks of the caller (floor 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

import msgspec

from crm_kernel.access import Access
from crm_kernel.callers import Caller
from crm_kernel.clock import Clock
from crm_kernel.document_check import document_faults
from crm_kernel.documents import Report
from crm_kernel.errors import Error, Fault, near
from crm_kernel.fields.base import Kind, ValueContext
from crm_kernel.fields.currencies import minor_digits
from crm_kernel.fields.moment import moment_text
from crm_kernel.filters.dialect import Dialect
from crm_kernel.filters.environment import Environment
from crm_kernel.filters.path_sql import find_place
from crm_kernel.filters.scope import Scope
from crm_kernel.filters.shapes import definitions_of, part_of
from crm_kernel.filters.to_sql import bind
from crm_kernel.model import Model
from crm_kernel.operations.answers import plain_json
from crm_kernel.registry import Registry
from crm_kernel.report_columns import Derived, Group, Measure
from crm_kernel.reports import ResolvedReport, resolve_report
from crm_kernel.schema.patterns import compiled
from crm_kernel.stage_reports import READ, StageReport, stays_model
from crm_kernel.storage.ports import Database
from crm_kernel.storage.report_sql import report_sql, stage_report_sql

_UNSAVED = "unsaved"
_TYPES = {Kind.MOMENT: "date-time"}
_FLAGS = {"true": True, "false": False, "1": True, "0": False}


class Reports:
    """The reports of one kernel."""

    def __init__(self, database: Database, dialect: Dialect, clock: Clock, registry: Callable[[], Registry]) -> None:
        self._database = database
        self._dialect = dialect
        self._clock = clock
        self._registry = registry

    async def run(
        self, report: str | Mapping[str, Any], parameters: Mapping[str, Any], caller: Caller
    ) -> dict[str, Any]:
        """The answer of a stored report (by name) or of a report document.

        `parameters` are JSON values, or texts as a query string holds them. Raises `Error`: not_found, forbidden,
        invalid (a document that does not fit, mixed_currency), unknown_parameter, bad_value, busy.
        """
        registry = self._registry()
        access = registry.access(caller)
        brought = self._brought(registry, access, report)
        document = brought.document if brought else self._document(registry, access, report)
        if not access.allows(document.entity, "read"):
            raise Error("forbidden", f"You may not read {document.entity} records.")
        environment = registry.environment(caller, self._clock.now(), params=report_parameters(document, parameters))
        if brought:
            return await self._run_over_stays(registry, access, brought, environment)
        return await run_report(
            self._database,
            self._dialect,
            document,
            model=registry.entities,
            scope=access,
            environment=environment,
            context=registry.value_context,
        )

    def _document(self, registry: Registry, access: Access, report: str | Mapping[str, Any]) -> Report:
        if isinstance(report, str):
            stored = registry.reports.get(report)
            if stored is None or not access.knows(stored.entity):
                raise _no_report(report)
            return stored
        document = unsaved_report(report)
        if not access.knows(document.entity):
            detail = f"There is no entity {document.entity!r} for you."
            raise Error("invalid", faults=[Fault(pointer="/entity", code="not_found", detail=detail)])
        return document

    def _brought(self, registry: Registry, access: Access, report: str | Mapping[str, Any]) -> StageReport | None:
        """The report of this name that a pipeline brings, if one does."""
        found = registry.stage_reports.get(report) if isinstance(report, str) else None
        if found and not (access.knows(found.document.entity) and found.is_known_to(access)):
            raise _no_report(found.document.name)
        return found

    async def _run_over_stays(
        self, registry: Registry, access: Access, brought: StageReport, environment: Environment
    ) -> dict[str, Any]:
        entity, pipeline = brought.document.entity, brought.pipeline
        resolved = resolve_report(brought.document, {entity: stays_model(pipeline)})
        told = [find_place(name, entity, registry.entities, access) for name in READ]
        found = stage_report_sql(resolved, self._dialect, pipeline, access.rows(entity), told, environment.zone)
        rows = await self._database.read_heavy(found.sql.text, bind(found.sql.params, environment))
        return answer(resolved, rows, environment)


def _no_report(name: str) -> Error:
    return Error("not_found", f"There is no report {name!r} for you.")


async def run_report(
    database: Database,
    dialect: Dialect,
    report: Report,
    *,
    model: Model,
    scope: Scope,
    environment: Environment,
    context: ValueContext | None = None,
) -> dict[str, Any]:
    """The answer of a report over the rows and fields that `scope` gives: columns, rows, totals, truncated, as_of.

    Raises `Error("invalid")`: with the faults of the report, or `mixed_currency` for amounts of several currencies.
    """
    resolved = resolve_report(report, model, scope=scope, context=context)
    rules = scope.rows(report.entity)
    statement = report_sql(resolved, dialect, model[report.entity], rules, environment.zone)
    rows = await database.read_heavy(statement.sql.text, bind(statement.sql.params, environment))
    return answer(resolved, rows, environment)


def answer(report: ResolvedReport, rows: Sequence[Sequence[Any]], environment: Environment) -> dict[str, Any]:
    """The answer made of a statement's rows: the totals, then at most one row more than the limit."""
    _check_currencies(report, rows)
    limit = report.document.limit
    totals, *shown = rows
    groups = {group.name for group in report.groups}
    total = _record(report, totals, environment)
    return {
        "report": None if report.document.name == _UNSAVED else report.document.name,
        "columns": [_column(column, total) for column in report.answered],
        "rows": [_plain(_record(report, row, environment)) for row in shown[:limit]],
        "totals": {name: value for name, value in _plain(total).items() if name not in groups},
        "truncated": len(shown) > limit,
        "as_of": moment_text(environment.now),
    }


# ---- parameters -----------------------------------------------------------------------------------------------------
def unsaved_report(body: Mapping[str, Any]) -> Report:
    """A report document whose `kind`, `name` and `label` may be left out. Raises `Error("invalid")`."""
    document = {"kind": "report", "name": _UNSAVED, "label": "Report", **plain_json(body)}
    faults = document_faults(document)
    if document["kind"] != "report":
        faults = [Fault(pointer="/kind", code="const", detail=f"Expected a report, got kind {document['kind']!r}.")]
    if faults:
        raise Error("invalid", faults=faults)
    return msgspec.convert(document, Report)


def report_parameters(report: Report, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a report's parameters: sent ones read by their schema, else their defaults.

    Raises `Error("unknown_parameter" | "bad_value")`.
    """
    for name in sent:
        if name not in report.params:
            raise Error("unknown_parameter", f"The report has no parameter {name!r}.{near(name, report.params)}")
    values: dict[str, Any] = {}
    for name, schema in report.params.items():
        value = _parameter(sent[name], schema) if name in sent else schema.get("default")
        if value is None:
            continue
        fault = next(iter(compiled(dict(schema)).iter_errors(value)), None)
        if fault is not None:
            raise Error("bad_value", f"Parameter {name!r}: {fault.message}.")
        values[name] = value
    return values


def _parameter(sent: Any, schema: Mapping[str, Any]) -> Any:
    """A parameter as JSON: texts of a query string are read as what the schema asks for."""
    if not isinstance(sent, str):
        return sent
    part = part_of(schema, definitions_of(schema))
    match part.kind:
        case Kind.LIST:
            return [_parameter(item.strip(), part.items) for item in sent.split(",")] if sent else []
        case Kind.BOOLEAN:
            return _FLAGS.get(sent.lower(), sent)
        case Kind.INTEGER | Kind.NUMBER:
            return _number(sent)
        case _:
            return sent or None


def _number(text: str) -> Any:
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return found if isinstance(found, int | float) else text


# ---- rows -----------------------------------------------------------------------------------------------------------
def _cells(report: ResolvedReport, row: Sequence[Any]) -> list[tuple[Group | Measure, Sequence[Any]]]:
    """Each column with its part of a row."""
    found: list[tuple[Group | Measure, Sequence[Any]]] = []
    position = 1
    for column in report.columns:
        width = 3 if isinstance(column, Measure) and column.is_money else 1
        found.append((column, row[position : position + width]))
        position += width
    return found


def _record(report: ResolvedReport, row: Sequence[Any], environment: Environment) -> dict[str, Any]:
    """A row as a record of canonical values: what comes of records, and what is computed of that."""
    record = {column.name: _value(column, cells) for column, cells in _cells(report, row)}
    for column in report.derived:
        record[column.name] = column.evaluate(record, environment)
    return {column.name: record[column.name] for column in report.answered}


def _value(column: Group | Measure, cells: Sequence[Any]) -> Any:
    value = cells[0]
    if value is None:
        return None
    match column.kind:
        case Kind.MONEY:
            _, first, last = cells
            return (
                {"amount": Decimal(round(value)).scaleb(-minor_digits(first)), "currency": first}
                if first == last
                else None
            )
        case Kind.DECIMAL:
            scale = column.scale if isinstance(column, Measure) else column.place.scale
            return Decimal(round(value)).scaleb(-scale)
        case Kind.BOOLEAN:
            return bool(value)
        case _:
            return value


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as rows answer it: of an amount of money the number, as its currency stands with the column."""
    return {name: value["amount"] if isinstance(value, dict) else value for name, value in record.items()}


def _column(column: Group | Measure | Derived, total: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": column.name,
        "kind": "group" if isinstance(column, Group) else "measure",
        "type": _TYPES.get(column.kind, str(column.kind)),
    }
    if shown["kind"] == "measure" and column.kind is Kind.MONEY:
        found = total[column.name]
        shown["currency"] = None if found is None else found["currency"]
    return shown | {"label": column.label}


def _check_currencies(report: ResolvedReport, rows: Sequence[Sequence[Any]]) -> None:
    """Amounts of several currencies are refused unless the report is grouped by that currency."""
    faults = [
        Fault(pointer=column.pointer, code="mixed_currency", detail=_mixed(column, cells))
        for column, cells in _cells(report, rows[0])
        if isinstance(column, Measure) and column.is_money and cells[1] != cells[2] and not _by_currency(report, column)
    ]
    if faults:
        raise Error("invalid", faults=faults)


def _mixed(column: Measure, cells: Sequence[Any]) -> str:
    first, last = cast("tuple[str, str]", tuple(cells[1:3]))
    return f"{column.name!r} would mix {first} with {last}: group or filter by the currency."


def _by_currency(report: ResolvedReport, measure: Measure) -> bool:
    wanted = measure.place
    return wanted is not None and any(
        group.place.field == wanted.field and group.place.steps == wanted.steps and group.place.member == ("currency",)
        for group in report.groups
    )
