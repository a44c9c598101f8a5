"""A plain value for a JSON Schema of the kernel's: what factories fill fields with (floor 11)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast

from crm_kernel.testing.patterns import matching

Schema = Mapping[str, Any]

FIRST_DAY = datetime(2030, 1, 7, 9, tzinfo=UTC)
"""When made-up moments begin: a Monday. Fields that are declared later get later moments of the same day."""
_DEEP = 8


class LeadsElsewhere(Exception):
    """A value would hold the id of another record."""


class Values:
    """Values of one record: `number` tells records apart, `place` is that of the field among the others."""

    def __init__(self, random: Random, number: int, currency: str, defs: Schema) -> None:
        self._random = random
        self._number = number
        self._currency = currency
        self._defs = defs

    def of(self, schema: Schema | bool, name: str, place: int = 0, depth: int = 0) -> Any:
        """A value that the schema takes, as JSON has it; None where the schema asks for what is not plain.

        Raises `LeadsElsewhere` where it needs a reference.
        """
        if isinstance(schema, bool) or depth > _DEEP:
            return None
        schema = self._resolved(schema)
        for given in ("const", "default"):
            if given in schema:
                return schema[given]
        for choices in ("examples", "enum"):
            if schema.get(choices):
                return self._random.choice([value for value in schema[choices] if value is not None])
        options = cast("dict[str, Any]", schema.get("x-crm", {}))
        if options.get("reference"):
            raise LeadsElsewhere(name)
        if options.get("choices"):
            return self._random.choice([c for c, said in options["choices"].items() if not said.get("archived")])
        if options.get("money"):
            amount = schema.get("properties", {}).get("amount", {})
            return {"amount": self.of({"type": "integer", **amount}, name), "currency": self._currency}
        if options.get("phone"):
            return f"+3712{self._number % 10_000_000:07d}"
        return self._plain(schema, name, place, depth)

    def _resolved(self, schema: Schema) -> Schema:
        """The schema with what it refers to and the first of what it offers put into it."""
        found: dict[str, Any] = dict(schema)
        for _ in range(_DEEP):
            more: list[Any] = [*found.pop("allOf", ())]
            if "$ref" in found:
                more.append(self._defs.get(str(found.pop("$ref")).rpartition("/")[2], {}))
            for offers in ("anyOf", "oneOf"):
                more += [s for s in found.pop(offers, ()) if isinstance(s, dict) and s.get("type") != "null"][:1]
            if not more:
                return found
            for part in more:
                found = {**part, **found} if isinstance(part, dict) else found
        return found

    def _plain(self, schema: Schema, name: str, place: int, depth: int) -> Any:
        types = schema.get("type") or ("object" if "properties" in schema else "array" if "items" in schema else None)
        kind = next((t for t in types if t != "null"), None) if isinstance(types, list) else types
        match kind:
            case "integer" | "number":
                return self._a_number(schema, whole=kind == "integer")
            case "boolean":
                return self._random.random() < 0.5
            case "array":
                size = max(int(schema.get("minItems", 0)), min(1, int(schema.get("maxItems", 1))))
                first = list(schema.get("prefixItems", ()))
                items = [*first, *[schema.get("items", {})] * (size - len(first))]
                return [self.of(item, f"{name} {n + 1}", place, depth + 1) for n, item in enumerate(items)]
            case "object":
                needed = set(schema.get("required", ()))
                parts = schema.get("properties", {}).items()
                return {key: self.of(part, key, place, depth + 1) for key, part in parts if key in needed}
            case "string":
                return self._a_text(schema, name, place)
            case _:
                return f"{name} {self._number}"

    def _a_number(self, schema: Schema, *, whole: bool) -> Any:
        step = schema.get("multipleOf") or (1 if whole else schema.get("x-crm", {}).get("decimal", 2) and 0.5)
        least = schema.get("minimum", schema.get("exclusiveMinimum"))
        most = schema.get("maximum", schema.get("exclusiveMaximum"))
        if least is None:
            least = 1 if most is None or most >= 1 else most - 100 * step
        if most is None:
            most = least + 100 * step
        low, high = math.ceil(least / step), math.floor(most / step)
        low += "exclusiveMinimum" in schema and low * step <= schema["exclusiveMinimum"]
        high -= "exclusiveMaximum" in schema and high * step >= schema["exclusiveMaximum"]
        value = self._random.randint(low, max(low, high)) * step
        return int(value) if whole else value

    def _a_text(self, schema: Schema, name: str, place: int) -> str | None:
        moment = FIRST_DAY + timedelta(days=self._number % 3000, minutes=30 * (place % 25))
        match schema.get("format"):
            case "date":
                return moment.date().isoformat()
            case "date-time":
                return moment.isoformat().replace("+00:00", "Z")
            case "time":
                return "09:00:00Z"
            case "email" | "idn-email":
                return f"{name.replace(' ', '.')}.{self._number}@example.com"
            case "uri" | "iri":
                return f"https://example.com/{name.replace(' ', '-')}/{self._number}"
            case "uuid":
                return f"00000000-0000-7000-8000-{self._number:012x}"
            case _:
                pass
        if "pattern" in schema:
            return matching(str(schema["pattern"]), self._random)
        text = f"{name.replace('_', ' ').capitalize()} {self._number}"
        most = int(schema.get("maxLength", len(text)))
        text = text[-most:].strip() if most else ""
        return text.ljust(int(schema.get("minLength", 0)), "x")
