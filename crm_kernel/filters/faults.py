"""How the filter language words its refusals: what stands where, and what was expected."""

from __future__ import annotations

from collections.abc import Iterable

from crm_kernel.errors import Error, near


def bad(at: int, got: str, expected: str) -> Error:
    """`unexpected text 'abc' at 10: expected a number`, as `bad_filter` with the member `column`."""
    return Error("bad_filter", f"unexpected {got} at {at}: expected {expected}", column=at)


def too_much(at: int, what: str) -> Error:
    """A limit is passed: `more than 200 comparisons at 3120`."""
    return Error("bad_filter", f"{what} at {at}", column=at, hint="Split the filter, or write it shorter.")


def unknown_field(name: str, at: int, known: Iterable[str], *, prefix: str = "") -> Error:
    """`unknown field 'ammount' at 1: did you mean 'amount'?`; `known` must be names that the caller may read.

    `prefix` (`company.`) is the path that leads to the name.
    """
    hint = near(name, known).replace("'", f"'{prefix}", 1).replace("or '", f"or '{prefix}")
    text = f"unknown field {prefix + name!r} at {at}"
    return Error("unknown_field", f"{text}:{hint}" if hint else text, column=at)


def unknown(what: str, name: str, at: int, known: Iterable[str]) -> Error:
    """`unknown choice 'wonn' at 9: did you mean 'won'?`; where nothing is near, the first ten known names."""
    listed = list(known)
    text = _with_near(f"unknown {what} {name!r} at {at}", name, listed)
    if listed and not text.endswith("?"):
        text += ": expected " + ("one of " if len(listed) > 1 else "") + ", ".join(repr(k) for k in listed[:10])
        text += ", …" if len(listed) > 10 else ""
    return Error("bad_filter", text, column=at)


def _with_near(text: str, name: str, known: Iterable[str]) -> str:
    hint = near(name, known)
    return f"{text}:{hint}" if hint else text
