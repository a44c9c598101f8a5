"""Cases of single values: types, limits, texts, formats, dates, money, choices."""

# One line a case:
# fmt: off
from __future__ import annotations

from typing import Any

from tests.conformance.table import Stored, one, whole

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
MONEY: dict[str, Any] = {"x-crm": {"money": True}}
EUR = {"currency": "EUR"}
LARGEST = 2**53 - 1

TYPES = [
    one("string", TEXT, ("a",), (5, "type"), (True, "type"), (["a"], "type"), ({"a": 1}, "type"), (None,)),
    one("integer", {"type": "integer"}, (5,), (5.0,), (-5,), (5.5, "type"), ("five", "type"), (True, "type")),
    one("integer_range", {"type": "integer"}, (LARGEST,), (-LARGEST,), (LARGEST + 1, "maximum"), (-(2**53), "minimum")),
    one("number", NUMBER, (5,), (5.5,), (1e300,), ("many", "type"), (False, "type"), ([5], "type")),
    one("number_range", NUMBER, (10**400, "maximum"), (-(10**400), "minimum")),
    one("boolean", {"type": "boolean"}, (True,), (False,), (2, "type"), ("maybe", "type"), ([], "type")),
    one("array", {"type": "array"}, ([],), ([1, "a", None, {"b": []}],), ("a", "type"), ({"a": 1}, "type")),
    one("object", {"type": "object"}, ({},), ({"a": {"b": [1]}},), ("a", "type"), ([1], "type"), (5, "type")),
    one("any", {}, (5,), ("a",), ([None],), ({"a": 1.5},), (True,)),
    one("any_true", True, (5,), ("a",), ([],)),
    one("never", False, (5, "properties"), ("a", "properties"), (None,)),
    one("only_null", {"type": "null"}, (5, "type"), ("a", "type"), ([], "type"), (None,)),
    one("two_types", {"type": ["string", "integer"]}, ("a",), (5,), (5.5, "type"), (["a"], "type")),
    one("or_null", {"type": ["string", "null"], "maxLength": 2}, ("ab",), (None,), (5, "type"), ("abc", "maxLength")),
    one("number_or_null", {"type": ["number", "null"], "minimum": 3}, (3.5,), (None,), ("a", "type"), (2, "minimum")),
]

NUMBERS = [
    one("minimum", {**NUMBER, "minimum": 5}, (5,), (5.5,), (4.999, "minimum"), (-5, "minimum")),
    one("maximum", {**NUMBER, "maximum": 5}, (5,), (-1e10,), (5.001, "maximum")),
    one("exclusive", {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 3}, (1,), (2,),
        (0, "exclusiveMinimum"), (3, "exclusiveMaximum")),
    one("multiple", {**NUMBER, "multipleOf": 0.01}, (4.35,), (19.99,), (0.07,), (1.1,), (0.075, "multipleOf"),
        (0.001, "multipleOf")),
    one("multiple_of_tenths", {**NUMBER, "multipleOf": 0.1}, (0.3,), (1e15,), (0.35, "multipleOf")),
    one("multiple_whole", {"type": "integer", "multipleOf": 7}, (49,), (0,), (-7,), (50, "multipleOf")),
    one("two_limits", {**NUMBER, "maximum": 1, "multipleOf": 2, "minimum": -1}, (0,), (3, "maximum", "multipleOf"),
        (-3, "minimum", "multipleOf")),
    one("limits_beyond", {"type": "integer", "maximum": 9, "multipleOf": 10}, (2**60, "maximum", "multipleOf")),
    one("untyped_limit", {"minimum": 5}, ("a",), (5,), (4, "minimum"), ([1],), (True,)),
    one("decimal", {"x-crm": {"decimal": 2}}, (1.25,), (5,), (-0.01,), (1.255, "scale"), ("a", "type"), (True, "type")),
    one("decimal_limits", {"x-crm": {"decimal": 4}, "minimum": 0, "multipleOf": 0.0005}, (0.0005,), (-1, "minimum"),
        (0.0003, "multipleOf"), (-0.00005, "minimum", "multipleOf", "scale"), (10**30, "maximum")),
]

TEXTS = [
    one("min_length", {**TEXT, "minLength": 3}, ("abc",), ("ab", "minLength"), ("  ab  ", "minLength")),
    one("max_length", {**TEXT, "maxLength": 3}, ("abc",), ("   abc   ",), ("abcd", "maxLength")),
    one("length_in_signs", {**TEXT, "minLength": 2, "maxLength": 2}, ("žą",), ("Ққ",), ("🏠🏡",), ("ж", "minLength"),
        ("łódź", "maxLength")),
    one("nfc", {**TEXT, "maxLength": 4}, ("ze\u0301le",), ("ze\u0301less", "maxLength")),
    one("nfc_const", {"const": "ā"}, ("a\u0304",), ("ā",), ("a", "const")),
    one("pattern", {**TEXT, "pattern": "^[A-Z]{2}[0-9]+$"}, ("LV12",), (" LV12 ",), ("lv12", "pattern"), (5, "type")),
    one("pattern_found", {**TEXT, "pattern": "b"}, ("abc",), ("ac", "pattern")),
    one("pattern_letters", {**TEXT, "pattern": r"^\p{L}+$"}, ("Žagariņš",), ("Łukasz",), ("Әсел",), ("Ёжик",),
        ("a1", "pattern")),
    one("pattern_lines", {**TEXT, "pattern": "^ab$"}, ("ab",), ("ab\nab", "pattern")),
    one("pattern_heavy", {**TEXT, "pattern": "^(a+)+$"}, ("a" * 5000,), ("a" * 5000 + "!", "pattern")),
    one("two_of_text", {**TEXT, "maxLength": 2, "pattern": "^a", "not": {"const": "bcd"}}, ("ab",),
        ("bcd", "maxLength", "not", "pattern")),
    one("letters_of_four", {"enum": ["Rīga", "Łódź", "Қостанай", "Йошкар-Ола"]}, ("Rīga",), ("Қостанай",),
        ("Йошкар-Ола",), ("riga", "enum")),
    one("nul", {**TEXT, "maxLength": 3}, ("a\0b", "format"), ("a\0bcd", "format", "maxLength")),
    one("half", TEXT, ("a\ud800", "format")),
    one("nul_within", {"type": "object"}, ({"a": ["b\0"]}, "/a/0 format"), ({"a": [{"b": "c"}]},)),
    whole("empty_text", {"properties": {"v": TEXT, "w": TEXT}, "required": ["v"]}, ({"v": "a"},), ({}, "/v required"),
          ({"v": ""}, "/v required"), ({"v": " \t "}, "/v required"), ({"v": None, "w": "x"}, "/v required")),
    whole("empty_others", {"properties": {"d": {**TEXT, "format": "date"}, "c": {"enum": ["x"]}, "j": {}}},
          ({"d": "", "c": "", "j": ""},)),
]

FORMATS = [
    one("email", {**TEXT, "format": "email"}, ("anna@example.lv",), ("Anna@EXAMPLE.LV",), ("anna", "format")),
    one("email_long", {**TEXT, "format": "email", "maxLength": 9}, ("a@b.lv",), ("no address", "format", "maxLength")),
    one("uri", {**TEXT, "format": "uri"}, ("https://example.org/a?b=c#d",), ("example", "format")),
    one("uuid", {**TEXT, "format": "uuid"}, ("0192d7a0-0000-7000-8000-00000000000a",), ("0192", "format")),
    one("time", {**TEXT, "format": "time"}, ("10:00:00Z",), ("10 o'clock", "format")),
    one("duration", {**TEXT, "format": "duration"}, ("P3D",), ("3 days", "format")),
    one("ipv4", {**TEXT, "format": "ipv4"}, ("10.0.0.1",), ("10.0.0", "format")),
    one("hostname", {**TEXT, "format": "hostname"}, ("example.lv",), ("-x-", "format")),
    one("regex", {**TEXT, "format": "regex"}, ("^a+$",), ("(", "format")),
    one("unknown_format", {**TEXT, "format": "colour"}, ("green",)),
    one("format_of_any", {"format": "date"}, (5,), ("2026-03-01",), ("soon", "format")),
    one("phone", {"x-crm": {"phone": True}}, ("+37121234567",), ("21234567",), ("12", "format"), ("call me", "format")),
    one("phone_pattern", {"x-crm": {"phone": True}, "pattern": "^[+]371"}, ("21234567",), ("+48221234567", "pattern")),
    one("date", {**TEXT, "format": "date"}, ("2026-02-28",), ("2026-02-30", "format"), ("28.02.2026", "format"),
        ("2026-02-28T00:00:00Z", "format"), (20260228, "type")),
    one("date_within", {**TEXT, "format": "date", "pattern": "^2026", "maxLength": 10}, ("2026-02-28",),
        ("2025-02-28", "pattern"), ("27th of May 2026", "format", "maxLength", "pattern")),
    one("date_time", {**TEXT, "format": "date-time"}, ("2026-03-01T10:00:00Z",), ("2026-03-01T10:00:00+02:00",),
        ("2026-03-01T10:00:00.25-05:00",), ("2026-13-01T10:00:00Z", "format"), ("soon", "format")),
    one("date_time_utc", {**TEXT, "format": "date-time", "pattern": "Z$"}, ("2026-03-01T10:00:00+02:00",)),
    one("dates_nested", {"type": "array", "items": {"format": "date"}}, (["2026-02-28"],),
        (["2026-02-30", "2026-02-28", "x"], "/0 format", "/2 format")),
]

MONIES = [
    one("money", MONEY, ({"amount": 12.5, **EUR},), ({"amount": -3, "currency": "USD"},), (5, "type"),
        ("twelve", "type"), ({"amount": 1, "currency": "XXY"}, "/currency enum")),
    one("money_scale", MONEY, ({"amount": 0.01, **EUR},), ({"amount": 0.001, **EUR}, "/amount scale"),
        ({"amount": 1.5, "currency": "JPY"}, "/amount scale"), ({"amount": 1.125, "currency": "KWD"},)),
    one("money_text", MONEY, ({"amount": "250000.50", **EUR},), ({"amount": "1.005", **EUR}, "/amount scale"),
        ({"amount": "many", **EUR}, "/amount type")),
    one("money_limits", {**MONEY, "minimum": 10, "multipleOf": 0.5}, ({"amount": 10.5, **EUR},),
        ({"amount": 9, **EUR}, "/amount minimum"), ({"amount": 1.25, **EUR}, "/amount minimum", "/amount multipleOf"),
        ({"amount": 0.001, **EUR}, "/amount minimum", "/amount multipleOf", "/amount scale")),
    one("money_shape", MONEY, ({"amount": 1, **EUR, "vat": 2}, "/vat additionalProperties"),
        ({**EUR}, "/amount required")),
    one("money_of_currency", {**MONEY, "properties": {"currency": {"enum": ["EUR", "PLN", "KZT"]}}},
        ({"amount": 5, "currency": "KZT"},), ({"amount": 5, "currency": "USD"}, "/currency enum")),
    whole("money_rule", {"properties": {"price": MONEY, "note": TEXT},
                         "if": {"properties": {"price": {"minimum": 1000}}, "required": ["price"]},
                         "then": {"required": ["note"]}},
          ({"price": {"amount": 999.99, **EUR}},), ({"price": {"amount": 1000, **EUR}}, "/note required"),
          ({"price": {"amount": 1000, **EUR}, "note": "dear"},)),
]

CHOICES = [
    one("enum", {"enum": ["cash", "mortgage"]}, ("cash",), (" cash ",), ("barter", "enum"), (5, "enum"),
        (["cash"], "enum"), (True, "enum")),
    one("enum_typed", {**TEXT, "enum": ["cash", "mortgage"]}, ("cash",), (5, "enum", "type"), ("card", "enum")),
    one("enum_length", {"enum": ["a", "bcd"], "maxLength": 2}, ("a",), ("bcd", "maxLength"),
        ("efg", "enum", "maxLength")),
    one("enum_numbers", {"enum": [1, 2.5]}, (1,), (1.0,), (2.5,), (3, "enum"), ("a", "enum")),
    one("enum_mixed", {"enum": ["a", 1, None, [2], {"b": 3}]}, ("a",), (1,), ([2],), ({"b": 3},), (None,),
        ([3], "enum"), (True, "enum")),
    one("enum_booleans", {"enum": [True]}, (True,), (False, "enum"), ("x", "enum")),
    one("const", {"const": "agreed"}, ("agreed",), ("refused", "const"), ([1], "const")),
    one("const_number", {"const": 5}, (5,), (5.0,), (6, "const"), ("x", "const")),
    one("const_object", {"const": {"a": [1]}}, ({"a": [1]},), ({"a": [1.0]},), ({"a": [2]}, "const"), ("a", "const")),
    one("const_large", {"const": 2**53}, (2**53,), (2**53 - 2, "const")),
    one("choices", {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True}, (["b", "a"],), ([],),
        (["a", "c", 5], "/1 enum", "/2 enum"), (["a", "a"], "uniqueItems")),
    whole("choice_rule", {"properties": {"how": {"enum": ["cash", "loan"]}, "bank": TEXT, "v": {"enum": ["x"]}},
                          "if": {"properties": {"how": {"const": "loan"}}, "required": ["how"]},
                          "then": {"required": ["bank"]}},
          ({"how": "loan", "v": 5}, "/bank required", "/v enum"), ({"how": "cash"},), ({},),
          ({"how": ["loan"]}, "/how enum")),
]

DEFAULTS = [
    whole("default", {"properties": {"v": {"type": "integer", "default": 3}, "w": TEXT}, "required": ["v"]},
          ({"v": 5},), ({"w": "x"}, Stored(["/v required"])), ({"v": None, "w": "x"}, "/v required")),
    whole("default_of_rule", {"properties": {"v": {"enum": ["a", "b"], "default": "a"}, "w": TEXT},
                              "if": {"properties": {"v": {"const": "a"}}, "required": ["v"]},
                              "then": {"required": ["w"]}},
          ({"v": "b"},), ({"w": "x"},), ({}, "/w required", Stored()), ({"v": None},)),
]

VALUES = [*TYPES, *NUMBERS, *TEXTS, *FORMATS, *MONIES, *CHOICES, *DEFAULTS]
