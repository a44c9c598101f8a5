"""Random entities, records, and questions to them: what both engines must answer alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hypothesis import strategies as st

ID = "01900000-0000-7000-8000-{:012x}".format
WORDS = [
    "",
    "Ann",
    "ann",
    "Čau bar",
    "čau",
    "straße",
    "STRASSE",
    "a_b%c",
    "мир Привет",
    "世界 x",
    "𝔸b",
    "O'Neil-Čau",
    "Ązuol",
    "zz",
]
DAYS = ["2025-12-31", "2026-01-01", "2026-03-28", "2026-03-29", "2026-03-30", "2026-10-25"]
MOMENTS = [
    "2026-03-28T21:59:59.9Z", "2026-03-28T22:00:00Z", "2026-03-29T00:59:59Z", "2026-03-29T01:00:00.25Z",
    "2026-10-25T00:30:00Z", "2026-01-01T00:00:00Z",
]  # fmt: skip
INTEGERS = [-(2**53) + 1, -3, 0, 1, 2, 5, 2**53 - 1]
NUMBERS = [-1.5, 0.0, 0.1, 0.30000000000000004, 2.5, 1e15, -7e-9]
DECIMALS = ["-1.25", "0", "0.1", "100", "100.55", "99999999999.99"]
MONEY = ["0", "-2", "100", "100.5", "0.01"]
CHOICES = ["big", "small", "Žluť"]


class Kind(NamedTuple):
    """A type of field: its schema, the values it takes and the literals it is compared with."""

    schema: Mapping[str, Any]
    values: st.SearchStrategy[Any]
    literals: st.SearchStrategy[str]
    ordered: bool = False
    searched: bool = False
    sorted: bool = True
    measured: bool = False


def quoted(values: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(values).map(lambda text: "'" + text.replace("'", "''") + "'")


def _number(values: list[Any]) -> st.SearchStrategy[str]:
    return st.sampled_from([*(format(v, "f") if isinstance(v, float) else str(v) for v in values), "2.5", "0.125"])


_money = st.builds(lambda a, c: {"amount": a, "currency": c}, st.sampled_from(MONEY), st.sampled_from(["EUR", "USD"]))
_ids = st.sampled_from([ID(n) for n in range(6)])
KINDS: Mapping[str, Kind] = {
    "text": Kind({"type": "string"}, st.sampled_from(WORDS), quoted(WORDS), searched=True),
    "integer": Kind({"type": "integer"}, st.sampled_from(INTEGERS), _number(INTEGERS), ordered=True, measured=True),
    "number": Kind({"type": "number"}, st.sampled_from(NUMBERS), _number(NUMBERS), ordered=True),
    "decimal": Kind(
        {"type": "number", "x-crm": {"decimal": 2}},
        st.sampled_from([float(d) for d in DECIMALS]), st.sampled_from([*DECIMALS, "0.125"]),
        ordered=True, measured=True,
    ),
    "money": Kind(
        {"type": "object", "x-crm": {"money": True}}, _money,
        st.builds("'{} {}'".format, st.sampled_from(["EUR", "USD"]), st.sampled_from([*MONEY, "0.001"])), ordered=True,
    ),
    "choice": Kind({"enum": CHOICES}, st.sampled_from(CHOICES), quoted(CHOICES), searched=True),
    "boolean": Kind({"type": "boolean"}, st.booleans(), st.sampled_from(["true", "false"])),
    "date": Kind(
        {"type": "string", "format": "date"}, st.sampled_from(DAYS),
        quoted(DAYS) | st.sampled_from(["@today", "@today - 3d", "@month_start", "@now"]), ordered=True,
    ),
    "moment": Kind(
        {"type": "string", "format": "date-time"}, st.sampled_from(MOMENTS),
        quoted([*MOMENTS, *DAYS, "2026-03-29T03:30"]) | st.sampled_from(["@today", "@now - 1h"]), ordered=True,
    ),
    "reference": Kind({"type": "string", "x-crm": {"reference": "*"}}, _ids, _ids.map("'{}'".format)),
    "texts": Kind(
        {"type": "array", "items": {"type": "string"}}, st.lists(st.sampled_from(WORDS), max_size=3), quoted(WORDS),
        sorted=False,
    ),
    "object": Kind(
        {"type": "object", "properties": {"city": {"type": "string"}, "floor": {"type": "integer"}}},
        st.fixed_dictionaries({}, optional={"city": st.sampled_from(WORDS), "floor": st.sampled_from([-1, 0, 3])}),
        quoted(WORDS), sorted=False,
    ),
}  # fmt: skip


class Case(NamedTuple):
    """An entity by the kinds of its fields, its records, and questions."""

    fields: dict[str, str]
    records: list[dict[str, Any]]
    queries: list[dict[str, Any]]
    reports: list[dict[str, Any]]

    def document(self, entity: str) -> dict[str, Any]:
        """The entity under a name."""
        properties = {name: dict(KINDS[kind].schema) for name, kind in self.fields.items()}
        for name, kind in self.fields.items():
            if kind == "reference":
                properties[name] = {"type": "string", "x-crm": {"reference": entity}}
        return {"kind": "entity", "name": entity, "schema": {"properties": properties}}


@st.composite
def cases(draw: Callable[..., Any], questions: int) -> Case:
    """Whole cases with so many list queries and half as many reports."""
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=2, max_size=7))
    fields = {f"f{n}": kind for n, kind in enumerate(kinds)}
    record = st.fixed_dictionaries({name: st.none() | KINDS[kind].values for name, kind in fields.items()})
    sent = draw(st.lists(record, min_size=1, max_size=6))
    # References lead to records of the same batch: who refers to one that is not there is refused on both engines.
    records = [{"id": ID(n), **{k: _there(v, len(sent)) for k, v in row.items()}} for n, row in enumerate(sent)]
    queries = [draw(_queries(fields)) for _ in range(questions)]
    return Case(fields, records, queries, [draw(_reports(fields)) for _ in range(questions // 2)])


def _there(value: Any, records: int) -> Any:
    return ID(int(value[-12:], 16) % records) if isinstance(value, str) and value.startswith("01900000-") else value


@st.composite
def _queries(draw: Callable[..., Any], fields: Mapping[str, str]) -> dict[str, Any]:
    keys = [name for name, kind in fields.items() if KINDS[kind].sorted]
    sort = draw(st.lists(st.sampled_from([*keys, "created_at", "id"]), max_size=3, unique=True))
    return {
        "filter": draw(st.none() | filters(fields)),
        "sort": ",".join(("-" if draw(st.booleans()) else "") + key for key in sort) or None,
        "limit": draw(st.integers(1, 4)),
    }


@st.composite
def filters(draw: Callable[..., Any], fields: Mapping[str, str], depth: int = 2) -> str:
    """Filters over the fields of an entity, and over the records they refer to."""
    match draw(st.sampled_from(["and", "or", "not", "plain", "plain"] if depth else ["plain"])):
        case "and" | "or" as word:
            parts = [draw(filters(fields, depth - 1)) for _ in range(2)]
            return "(" + f" {word} ".join(parts) + ")"
        case "not":
            return f"not ({draw(filters(fields, depth - 1))})"
        case _:
            return draw(_comparisons(fields))


@st.composite
def _comparisons(draw: Callable[..., Any], fields: Mapping[str, str]) -> str:
    name = draw(st.sampled_from(sorted(fields)))
    kind = fields[name]
    if kind == "reference" and draw(st.booleans()):
        other = draw(st.sampled_from(sorted(fields)))
        name, kind = f"{name}.{other}", fields[other]
    how = KINDS[kind]
    if kind == "texts":
        wanted = draw(how.literals)
        inside = "contains" if "." in name or draw(st.booleans()) else "any"
        return f"{name} contains {wanted}" if inside == "contains" else f"any({name}, value contains {wanted})"
    if kind == "object":
        return draw(st.sampled_from([f"{name}.city = {draw(how.literals)}", f"{name}.floor >= 0", f"{name} is null"]))
    forms = ["null", "equal", "in"]
    forms += ["order", "between"] if how.ordered else []
    forms += ["search"] if how.searched else []
    one = draw(how.literals)
    match draw(st.sampled_from(forms)):
        case "null":
            return f"{name} is {draw(st.sampled_from(['', 'not ']))}null"
        case "equal":
            return f"{name} {draw(st.sampled_from(['=', '!=']))} {one}"
        case "in":
            return f"{name} {draw(st.sampled_from(['in', 'not in']))} ({one}, {draw(how.literals)})"
        case "order":
            return f"{name} {draw(st.sampled_from(['<', '<=', '>', '>=']))} {one}"
        case "between":
            return f"{name} between {one} and {draw(how.literals)}"
        case _:
            how_searched = draw(st.sampled_from(["contains", "starts with", "ends with", "matches"]))
            return f"{name} {how_searched} {draw(quoted(WORDS))}"


@st.composite
def _reports(draw: Callable[..., Any], fields: Mapping[str, str]) -> dict[str, Any]:
    groups: list[Any] = []
    for name, kind in fields.items():
        if kind in ("text", "integer", "choice", "boolean", "decimal") and draw(st.booleans()):
            groups.append(name)
        elif kind in ("date", "moment") and draw(st.booleans()):
            groups.append({"field": name, "by": draw(st.sampled_from(["day", "week", "month", "quarter", "year"]))})
    measures: list[dict[str, Any]] = [{"count": "*", "as": "n"}]
    for name, kind in fields.items():
        if KINDS[kind].measured:
            measures += [{how: name, "as": f"{how}_{name}"} for how in ("sum", "avg", "median", "min", "max")]
        elif kind in ("text", "moment", "boolean"):
            measures.append({"count_distinct": name, "as": f"distinct_{name}"})
    filter = draw(st.none() | filters(fields, 1))
    return {"group_by": groups[:2], "measures": measures[:8], "filter": filter}
