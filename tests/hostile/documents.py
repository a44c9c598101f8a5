"""Documents that are hostile or mistaken, each of at most 256 KiB: none may be taken, none may make anybody wait."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

KIB_256 = 256 * 1024


def fields(property: Any, **schema: Any) -> dict[str, Any]:
    """A document with one field of contacts."""
    return {"kind": "fields", "name": "odd", "entity": "contact", "schema": {"properties": {"odd": property}, **schema}}


def several(properties: Mapping[str, Any], **schema: Any) -> dict[str, Any]:
    return {"kind": "fields", "name": "odd", "entity": "contact", "schema": {"properties": properties, **schema}}


def nested(levels: int, keyword: str = "items", leaf: Any = None) -> Any:
    found: Any = {} if leaf is None else leaf
    for _ in range(levels):
        found = {keyword: found if keyword != "allOf" else [found]}
    return found


def full(piece: str, *, around: int = 400) -> int:
    """How many of a piece of JSON a document of 256 KiB holds."""
    return (KIB_256 - around) // (len(piece) + 2)


def doubling(levels: int, keyword: str = "allOf") -> dict[str, Any]:
    """`$defs` in which each asks twice for the next."""
    found: dict[str, Any] = {
        f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]} for n in range(levels)
    }
    return {**found, f"d{levels}": {"type": "integer"}}


def view(**members: Any) -> dict[str, Any]:
    return {"kind": "view", "name": "odd", "entity": "contact", "label": "Odd", "columns": ["name"], **members}


def report(**members: Any) -> dict[str, Any]:
    count = [{"count": "*", "as": "n"}]
    return {"kind": "report", "name": "odd", "label": "Odd", "entity": "contact", "measures": count, **members}


def role(*grants: Any) -> dict[str, Any]:
    return {"kind": "role", "name": "odd", "grants": list(grants)}


def pipeline(**members: Any) -> dict[str, Any]:
    stages = [{"name": "one", "type": "open"}, {"name": "two", "type": "won"}]
    return {"kind": "pipeline", "name": "odd", "entity": "lease", "label": "Odd", "stages": stages, **members}


def document(**members: Any) -> dict[str, Any]:
    return {"kind": "fields", "name": "odd", "entity": "contact", "schema": {}, **members}


REFERENCES: dict[str, Any] = {
    "a remote $ref": fields({"$ref": "https://example.org/x.json"}),
    "a $ref to a file": fields({"$ref": "file:///etc/passwd"}),
    "a remote $dynamicRef": fields({"$dynamicRef": "https://example.org/x.json#a"}),
    "a $ref to nothing": fields({"$ref": "#/$defs/nothing"}),
    "a $ref to no part of the metaschema": fields({"$ref": "https://json-schema.org/draft/2020-12/schema#/nothing"}),
    "a $ref to itself": fields({"$ref": "#/properties/odd"}),
    "a $ref to itself by name": fields({"$id": "urn:a", "$ref": "urn:a"}),
    "a $ref round two corners": fields(
        {"$ref": "#/$defs/a"},
        **{
            "$defs": {
                "a": {"allOf": [{"$ref": "#/$defs/b"}]},
                "b": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/a"}]},
            }
        },
    ),
    "a rule that refers to itself": several({"odd": {}}, **{"$ref": "#"}),
    "a $dynamicRef to itself": fields({"$dynamicAnchor": "a", "$dynamicRef": "#a"}),
    "5,000 $ref to one another": fields(
        {"$ref": "#/$defs/d0"}, **{"$defs": {f"d{n}": {"$ref": f"#/$defs/d{(n + 1) % 5000}"} for n in range(5000)}}
    ),
    "exponential allOf": fields({"$ref": "#/$defs/d0"}, **{"$defs": doubling(40)}),
    "exponential allOf, long": fields({"$ref": "#/$defs/d0"}, **{"$defs": doubling(2500)}),
    "exponential anyOf": fields({"$ref": "#/$defs/d0"}, **{"$defs": doubling(40, "anyOf")}),
    "exponential in depth": fields(
        {"$ref": "#/$defs/d"},
        **{"$defs": {"d": {"allOf": [{"items": {"$ref": "#/$defs/d"}}, {"items": {"$ref": "#/$defs/d"}}]}}},
    ),
    "exponential rules of the record": several({"odd": {}}, **{"$ref": "#/$defs/d0", "$defs": doubling(40)}),
    "3,000 $id and $ref": fields(
        {"$ref": "urn:x"},
        **{"$defs": {f"d{n}": {"$id": f"urn:{n}", "not": {"$ref": f"urn:{n + 1}"}} for n in range(3000)}},
    ),
    "4,000 anchors": fields(
        {"$ref": "#nothing"},
        **{"$defs": {f"d{n}": {"$anchor": f"a{n}", "not": {"$ref": f"#a{n + 1}"}} for n in range(4000)}},
    ),
}

PATTERNS: dict[str, Any] = {
    "a pattern that backtracks": fields({"type": "string", "pattern": r"^(a+)+\1$"}),
    "a pattern that looks ahead": fields({"type": "string", "pattern": "^(?=(a+)+$)b"}),
    "a pattern that is too large": fields({"type": "string", "pattern": "((a{1000}){1000}){1000}"}),
    "a pattern of 200,000 brackets": fields({"type": "string", "pattern": "(" * 200_000}),
    "a pattern of large counts": fields({"type": "string", "pattern": r"(\p{L}{500}|x{900}){999}"}),
    "1,000 large patterns": fields({"patternProperties": {rf"\p{{L}}{{30}}x{n}": {} for n in range(1000)}}),
    "a pattern in a list that is none": fields({"items": {"pattern": "("}}),
    "a pattern with a $ref beside": fields({"patternProperties": {"(": {"$ref": "#"}}}),
}

SIZES: dict[str, Any] = {
    "10,000 keywords": fields({f"k{n}": n for n in range(10_000)}),
    "10,000 keywords in branches": fields({"allOf": [{"minLength": n} for n in range(10_000)]}),
    "10,000 members of a value": fields({"properties": {f"p{n}": {} for n in range(10_000)}}),
    "empty branches": fields({"allOf": [{}] * full("{}")}),
    "501 fields": several({f"f{n}": {} for n in range(501)}),
    "10,000 fields": several({f"f{n}": {"type": "string"} for n in range(8_000)}),
    "10,000 wrong types": several({f"f{n}": {"type": "strin"} for n in range(9_000)}),
    "10,000 wrong parts of a value": fields({"properties": {f"f{n}": 5 for n in range(20_000)}}),
    "10,000 names that are none": several({}, required=[f"n{n}" for n in range(20_000)]),
    "20,000 names twice": several({"odd": {}}, required=["odd"] * 20_000),
    "17 levels": fields(nested(16)),
    "30 levels": fields(nested(25, "allOf")),
    "65 levels of a value": fields({"const": nested(62, "a")}),
    "a name of 200,000 letters": several({"a" * 200_000: {}}),
    "a name of 200,000 letters that must be there": several({"odd": {}}, required=["a" * 200_000]),
    "10,000 unknown members": document(**{f"m{n}": n for n in range(10_000)}),
    "10,000 near members": document(**{f"schemas{n}": n for n in range(10_000)}),
    "a kind of 200,000 letters": {"kind": "f" * 200_000, "name": "odd"},
    "10,000 grants that are none": role(*[{"entity": "contact", "action": ["read"]}] * 5_000),
    "10,000 grants on nothing": role(*[{"entity": "nothing", "actions": ["read"]}] * 5_000),
    "6,000 grants, the last wrong": role(*[{"entity": "contact", "actions": ["read"]}] * 5_000, {"entity": 5}),
    "2,000 wrong stages": pipeline(stages=[{"name": f"s{n}", "type": "nothing"} for n in range(6_000)]),
    "5,000 stages, one twice": pipeline(stages=[{"name": f"s{n % 4_999}", "type": "open"} for n in range(5_000)]),
    "10,000 transitions to nowhere": pipeline(transitions=[{"from": "*", "to": "nowhere"}] * 8_000),
    "20,000 columns that are none": view(columns=[f"c{n}" for n in range(20_000)]),
    "a column of 20,000 parts": view(columns=[".".join(["company"] * 20_000)]),
    "a filter of 10,000 brackets": view(filter="(" * 10_000 + "id is null" + ")" * 10_000),
    "a filter of 20,000 parts": view(filter=" and ".join(["nothing = 1"] * 15_000)),
    "a filter of 200,000 letters": view(filter="a" * 200_000),
    "10,000 measures of nothing": report(measures=[{"sum": "nothing", "as": f"m{n}"} for n in range(5_000)]),
    "10,000 groups": report(group_by=["nothing"] * 10_000),
    "a label of 250,000 letters": view(label="x" * 250_000),
}

MISTAKES: dict[str, Any] = {
    "a taken name": several({"email": {"type": "string"}}),
    "a reserved name": several({"between": {}}),
    "a system field": several({"owner": {"type": "string"}}),
    "a name of a place beside": several({"bank__fold": {}}),
    "__proto__": several({"__proto__": {}}),
    "constructor of Python": several({"__class__": {}, "__init__": {}}),
    "an empty name": several({"": {}}),
    "an unknown entity": document(entity="nothing"),
    "a reference to nothing": fields({"x-crm": {"reference": "nothing"}}),
    "a type that is none": fields({"type": "text"}),
    "unknown x-crm": fields({"x-crm": {"indexed": True}}),
    "a closed record": several({"odd": {}}, additionalProperties=False),
    "$schema": several({"odd": {}}, **{"$schema": "https://json-schema.org/draft/2020-12/schema"}),
    "$id": several({"odd": {}}, **{"$id": "urn:x"}),
    "a default that does not fit": fields({"type": "string", "format": "date", "default": "soon"}),
    "a schema that is a list": document(schema=[]),
    "no schema": {"kind": "fields", "name": "odd", "entity": "contact"},
    "a guard on an unknown path": pipeline(
        transitions=[{"from": ["one"], "to": "two", "guard": "nothing.stage = 'x'"}]
    ),
    "a guard that is none": pipeline(transitions=[{"from": ["one"], "to": "two", "guard": "stage ="}]),
    "thousands of roles that are none": pipeline(
        transitions=[{"from": ["one"], "to": "two", "roles": [f"role{n:020}" for n in range(full("r" * 26))]}]
    ),
    "a view for thousands of roles that are none": view(roles=[f"role{n:020}" for n in range(full("r" * 26))]),
    "thousands of grants on nothing": role(
        *(
            {"entity": f"leaze{n}", "actions": ["read"]}
            for n in range(full('{"entity": "leaze1000", "actions": ["read"]}'))
        )
    ),
    "hundreds of references to nothing": several(
        {f"odd{n}": {"x-crm": {"reference": f"contct{n}"}} for n in range(500)}
    ),
    "requires that names thousands of fields that are none": pipeline(
        stages=[{"name": "one", "type": "open", "requires": {"required": [f"numbr{n}" for n in range(7_000)]}}]
    ),
    "requires that is no schema": pipeline(stages=[{"name": "one", "type": "open", "requires": {"required": "a"}}]),
    "requires of an unknown field": pipeline(stages=[{"name": "one", "type": "open", "requires": {"required": ["x"]}}]),
    "requires with a remote $ref": pipeline(
        stages=[{"name": "one", "type": "open", "requires": {"$ref": "https://example.org/x"}}]
    ),
    "requires with a pattern that backtracks": pipeline(
        stages=[{"name": "one", "type": "open", "requires": {"properties": {"number": {"pattern": "(?=a)"}}}}]
    ),
    "requires that refers to itself": pipeline(stages=[{"name": "one", "type": "open", "requires": {"$ref": "#"}}]),
    "a stage twice": pipeline(stages=[{"name": "one", "type": "open"}, {"name": "one", "type": "won"}]),
    "a parameter with a remote $ref": report(params={"a": {"$ref": "https://example.org/x"}}),
    "a parameter with a wrong pattern": report(params={"a": {"pattern": "("}}),
    "a rule of a role that is none": role({"entity": "contact", "actions": ["read"], "where": "nothing = 1"}),
    "a limit that is infinite": fields({"type": "number", "maximum": "Infinity"}),
    "a multiple of nothing": fields({"multipleOf": 0}),
    "a negative length": fields({"minLength": -1}),
    "an enum that is none": fields({"enum": "abc"}),
    "an autonumber that is none": fields({"x-crm": {"autonumber": "LV"}}),
    "too many decimals": fields({"x-crm": {"decimal": 99}}),
}

DOCUMENTS: dict[str, Any] = {**REFERENCES, **PATTERNS, **SIZES, **MISTAKES}

START = '{"kind": "fields", "name": "odd", "entity": "contact", "schema": {"properties": {"odd": '
TEXTS: dict[str, bytes] = {
    "no JSON": b"{",
    "nothing": b"",
    "a number": b"5",
    "invalid UTF-8": (START + '{"title": "').encode() + b"\xff\xfe" + b'"}}}}',
    "half of a surrogate pair": (START + r'{"title": "\ud800"}}}}').encode(),
    "half of a surrogate pair as a name": (START + r'{"\ud800": 1}}}}').encode(),
    "NaN": (START + '{"minimum": NaN}}}}').encode(),
    "a number of 200,000 digits": (START + '{"minimum": ' + "9" * 200_000 + "}}}}").encode(),
    "a number of a huge exponent": (START + '{"minimum": 1e999999999}}}}').encode(),
    "100,000 brackets": (START + "[" * 100_000 + "]" * 100_000 + "}}}").encode(),
    "100,000 objects": (START + '{"a":' * 40_000 + "1" + "}" * 40_000 + "}}}").encode(),
    "two roots": json.dumps(document()).encode() * 2,
    "UTF-16": json.dumps(document()).encode("utf-16"),
}
"""What is no JSON, or not JSON that can be kept."""

LARGE: dict[str, bytes] = {
    "a text": json.dumps(fields({"title": "x" * KIB_256})).encode(),
    "many fields": json.dumps(several({f"f{n}": {"type": "string"} for n in range(12_000)})).encode(),
    "blanks": json.dumps(document()).encode() + b" " * KIB_256,
}
"""Documents of more than 256 KiB."""
