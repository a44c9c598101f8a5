"""A fault that jsonschema found, said in one sentence (floor 4)."""

from __future__ import annotations

import json
from typing import Any

from jsonschema.exceptions import ValidationError

from crm_kernel.errors import token

_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


def pointer_of(error: ValidationError) -> str:
    """The pointer of what is wrong: the missing member itself, the member whose name is wrong."""
    at = "".join(token(step) for step in error.absolute_path)
    if error.validator == "required":
        return at + token(_missing(error))
    return at + token(error.instance) if "propertyNames" in error.absolute_schema_path else at


def code_of(error: ValidationError) -> str:
    """The code of the fault: the last keyword of the schema path."""
    return "propertyNames" if "propertyNames" in error.absolute_schema_path else str(error.validator)


def detail_of(error: ValidationError) -> str:
    """What was got and what is expected."""
    got, expected, value = shown(error.instance), _expected(error), _instance(error)
    if "propertyNames" in error.absolute_schema_path:
        return _name_detail(error, got)
    match error.validator:
        case "required":
            return f"{_missing(error)!r} is missing."
        case "type":
            return f"Got {got}, expected {_type_words(expected)}."
        case "enum":
            return f"Got {got}, expected {'one of ' if len(expected) > 1 else ''}{', '.join(map(shown, expected))}."
        case "pattern":
            return f"Got {got}, expected {_form(error)}."
        case "minLength" | "minItems" | "minProperties":
            return "It is empty." if expected == 1 else f"Got {got}, expected at least {expected}."
        case "maxLength" | "maxItems" | "maxProperties":
            return f"It has {len(value)}, at most {expected} are allowed."
        case "minimum" | "maximum":
            return f"Got {got}, expected at {'least' if error.validator == 'minimum' else 'most'} {expected}."
        case "oneOf":
            names = ", ".join(str(branch["required"][0]) for branch in expected)
            return f"Exactly one of {names} is expected."
        case "anyOf":
            return f"Got {got}, expected {' or '.join(_branch_words(b) for b in expected)}."
        case _:
            return f"Got {got}: {error.message}."


def shown(value: Any) -> str:
    """A value as JSON, cut at 60 characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _form(error: ValidationError) -> str:
    described = error.schema.get("description") if isinstance(error.schema, dict) else None
    return described or f"a text that matches {error.validator_value}"


def _expected(error: ValidationError) -> Any:
    return error.validator_value


def _instance(error: ValidationError) -> Any:
    return error.instance


def _missing(error: ValidationError) -> str:
    # jsonschema names the member in the message only: `'name' is a required property`.
    return next(name for name in _expected(error) if error.message.startswith(repr(name) + " "))


def _type_words(expected: str | list[str]) -> str:
    names = [expected] if isinstance(expected, str) else expected
    return " or ".join(_TYPES[name] for name in names)


def _branch_words(branch: dict[str, Any]) -> str:
    if "enum" in branch:
        return ", ".join(map(shown, branch["enum"]))
    return _type_words(branch.get("type", "object"))


def _name_detail(error: ValidationError, got: str) -> str:
    match error.validator:
        case "not":
            return f"{got} is not allowed at the top level of a schema."
        case "maxLength":
            return f"The name {got} is longer than {error.validator_value} characters."
        case _:
            return f"The name {got} is not allowed, expected {_form(error)}."
