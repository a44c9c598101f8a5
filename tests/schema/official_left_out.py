"""The cases of the official suite that a field cannot pass, and why: file, reason, group, cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class LeftOut(NamedTuple):
    """Why the cases of a file are not passed, and which: by the description of their group."""

    reason: str
    groups: Mapping[str, Sequence[str]]


LEFT_OUT: Mapping[str, LeftOut] = {
    "dynamicRef": LeftOut(
        "Schemas of other documents, found by `$dynamicRef` or holding one: nothing is ever fetched.",
        {
            "strict-tree schema, guards against misspelled properties": [
                "instance with misspelled field",
                "instance with correct field",
            ],
            "tests for implementation dynamic anchor and reference link": [
                "incorrect parent schema",
                "incorrect extended schema",
                "correct extended schema",
            ],
            "$ref and $dynamicAnchor are independent of order - $defs first": [
                "incorrect parent schema",
                "incorrect extended schema",
                "correct extended schema",
            ],
            "$ref and $dynamicAnchor are independent of order - $ref first": [
                "incorrect parent schema",
                "incorrect extended schema",
                "correct extended schema",
            ],
            "$ref to $dynamicRef finds detached $dynamicAnchor": ["number is valid", "non-number is invalid"],
        },
    ),
    "format": LeftOut(
        "A format is asserted here; the suite takes it for an annotation.",
        {
            "email format": ["invalid email string is only an annotation by default"],
            "idn-email format": ["invalid idn-email string is only an annotation by default"],
            "regex format": ["invalid regex string is only an annotation by default"],
            "ipv4 format": ["invalid ipv4 string is only an annotation by default"],
            "ipv6 format": ["invalid ipv6 string is only an annotation by default"],
            "idn-hostname format": ["invalid idn-hostname string is only an annotation by default"],
            "hostname format": ["invalid hostname string is only an annotation by default"],
            "date format": ["invalid date string is only an annotation by default"],
            "date-time format": ["invalid date-time string is only an annotation by default"],
            "time format": ["invalid time string is only an annotation by default"],
            "json-pointer format": ["invalid json-pointer string is only an annotation by default"],
            "relative-json-pointer format": ["invalid relative-json-pointer string is only an annotation by default"],
            "iri format": ["invalid iri string is only an annotation by default"],
            "iri-reference format": ["invalid iri-reference string is only an annotation by default"],
            "uri format": ["invalid uri string is only an annotation by default"],
            "uri-reference format": ["invalid uri-reference string is only an annotation by default"],
            "uri-template format": ["invalid uri-template string is only an annotation by default"],
            "uuid format": ["invalid uuid string is only an annotation by default"],
            "duration format": ["invalid duration string is only an annotation by default"],
        },
    ),
    "refRemote": LeftOut(
        "Schemas of other documents: nothing is ever fetched.",
        {
            "remote ref": ["remote ref valid", "remote ref invalid"],
            "fragment within remote ref": ["remote fragment valid", "remote fragment invalid"],
            "anchor within remote ref": ["remote anchor valid", "remote anchor invalid"],
            "ref within remote ref": ["ref within ref valid", "ref within ref invalid"],
            "base URI change": ["base URI change ref valid", "base URI change ref invalid"],
            "base URI change - change folder": ["number is valid", "string is invalid"],
            "base URI change - change folder in subschema": ["number is valid", "string is invalid"],
            "root ref in remote ref": ["string is valid", "null is valid", "object is invalid"],
            "remote ref with ref to defs": ["invalid", "valid"],
            "Location-independent identifier in remote ref": ["integer is valid", "string is invalid"],
            "retrieved nested refs resolve relative to their URI not $id": ["number is invalid", "string is valid"],
            "remote HTTP ref with different $id": ["number is invalid", "string is valid"],
            "remote HTTP ref with different URN $id": ["number is invalid", "string is valid"],
            "remote HTTP ref with nested absolute ref": ["number is invalid", "string is valid"],
            "$ref to $ref finds detached $anchor": ["number is valid", "non-number is invalid"],
        },
    ),
    "vocabulary": LeftOut(
        "Which keywords count is not for a document to say: `$schema` of another document is never fetched.",
        {
            "schema that uses custom metaschema with with no validation vocabulary": [
                "no validation: invalid number, but it still validates"
            ],
        },
    ),
}

CHANGED_FIRST: Mapping[tuple[str, str], Sequence[str]] = {
    ("const", "characters with the same visual representation, but different number of codepoints"): [
        "character looks the same but uses combining marks"
    ],
    ("const", "nul characters in strings"): ["match string with nul"],
    ("enum", "nul characters in strings"): ["match string with nul"],
    ("minItems", "minItems validation"): ["ignores non-arrays"],
    ("minProperties", "minProperties validation"): ["ignores strings"],
    ("required", "required validation"): ["ignores strings"],
    ("type", "string type matches strings"): ["an empty string is still a string"],
    ("type", "null type matches only the null object"): ["an empty string is not null"],
}
"""The eight texts that the rule of values changes before JSON Schema: by file and group. NFC, "" is null, no U+0000."""
