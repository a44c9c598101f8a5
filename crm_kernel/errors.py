"""Every refusal the kernel can utter (floor 0).

An `Error` is one answer: a stable code with its HTTP status, a sentence, a hint, and the list of all `Fault`s found.
A `Fault` points at one value with a JSON Pointer. HTTP renders an `Error` as RFC 9457 `application/problem+json`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any, NamedTuple

import msgspec


class Code(NamedTuple):
    """One entry of the catalogue: HTTP status, title for people, what to do about it."""

    status: int
    title: str
    hint: str


CATALOGUE: Mapping[str, Code] = {
    "bad_json": Code(400, "The body is not JSON", "Send one JSON document in UTF-8, at most 64 levels deep."),
    "bad_filter": Code(400, "The filter cannot be read", "See docs/filters.md for the language."),
    "unknown_field": Code(400, "Unknown field", "GET /api/schema/{entity} lists the fields."),
    "unknown_parameter": Code(400, "Unknown parameter", "Remove it, or correct its name."),
    "bad_value": Code(400, "A value is out of range", "Correct the value."),
    "not_sortable": Code(400, "Not sortable", "Sort by a text, number, date, choice, money or reference field."),
    "bad_cursor": Code(400, "The cursor is not valid here", "Start again without a cursor."),
    "unauthenticated": Code(401, "Not signed in", "Send Authorization: Bearer <token>; `crm token create` makes one."),
    "forbidden": Code(403, "Not allowed", "Ask an administrator for a role that grants this."),
    "read_only_token": Code(403, "This token only reads", "Use a token made without --read-only."),
    "csrf": Code(403, "The CSRF token is missing or wrong", "Send X-CSRF-Token from GET /api/session."),
    "not_found": Code(404, "Not found", "Check the name and the id; it may be hidden from you."),
    "unique": Code(409, "The value is taken", "Choose another value, or update the record that has it."),
    "move_refused": Code(409, "The move is refused", "GET .../moves says what each move needs."),
    "conflict": Code(409, "Both sides changed", "Look at what was changed since, and decide which side holds."),
    "referenced": Code(409, "Other records refer to it", "Change or purge those records first."),
    "in_progress": Code(409, "The first request is still running", "Repeat the request a little later."),
    "plan_refused": Code(409, "The plan is refused", "The plan in this answer says which document and why."),
    "plan_changed": Code(409, "The plan has changed", "Ask for the plan again and apply that one."),
    "stale": Code(412, "The record has changed", "Read it again, then repeat with its new ETag."),
    "too_large": Code(413, "Too large", "Send less at once."),
    "invalid": Code(422, "Some values are not valid", "Each entry of errors points at one value."),
    "idempotency_key": Code(422, "The key was used for another request", "Use a new Idempotency-Key."),
    "rate_limited": Code(429, "Too many attempts", "Wait as long as Retry-After says."),
    "busy": Code(503, "Busy", "Repeat after the seconds in Retry-After."),
    "disk_full": Code(507, "The disk is full", "Free some space; nothing was written."),
}
"""The closed list of codes an answer as a whole can have."""

FAULT_CODES: Mapping[str, str] = {
    "unknown_field": "no field of this name",
    "redefined": "defined already",
    "reserved": "a reserved name",
    "keyword": "not allowed at this place of a schema",
    "limit": "over a limit of the kernel",
    "read_only": "may not be written",
    "hidden_field": "not valid in a field that you may not read",
    "reference": "refers to nothing",
    "scale": "too many decimals",
    "mixed_currency": "more than one currency",
    "plugin_fault": "a plugin failed",
    "hook_loop": "hooks kept adding changes",
    "nested_operation": "an operation inside a hook",
    "bad_filter": "an expression that cannot be read",
    "forbidden": "not allowed",
    "not_found": "not there",
    "stale": "has changed",
    "unique": "taken",
    "no_transition": "no such transition",
    "role": "not for this role",
    "guard": "a guard does not hold",
    "reason": "needs a reason",
    "stage": "no such stage",
    "referenced": "referred to",
    "cycle": "computed from itself",
    "conflict": "changed since",
    "convert": "cannot be converted",
    "backfill": "invalid with the default too",
}
"""Codes of single faults beside the JSON Schema keywords and the plugins' own (`plugin.code`)."""

_PRECEDENCE = {401: 0, 404: 1, 403: 2, 412: 3, 422: 4, 409: 5}


def _utf8(text: str) -> str:
    """A text as it can be answered: what was sent may have half of a surrogate pair, and a sentence may quote it."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def token(name: object) -> str:
    """One step of an RFC 6901 JSON Pointer."""
    return "/" + str(name).replace("~", "~0").replace("/", "~1")


class Told(NamedTuple):
    """What a sentence is made of, so that it can be said in other languages: its name and values."""

    name: str
    values: Mapping[str, Any] = {}


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing wrong with one value.

    `pointer` is an RFC 6901 JSON Pointer into the record (`/budget`), `code` a JSON Schema keyword or a code of
    `FAULT_CODES`, `detail` one sentence, `row` the 1-based row in a batch or file. `status` (default 422) decides
    which answer wins when several rows are at fault; it and `told` are not part of the answer.
    """

    pointer: str
    code: str
    detail: str
    row: int | None = None
    hint: str | None = None
    status: int = 422
    extra: dict[str, Any] | None = None
    told: Told | None = None

    def render(self) -> dict[str, Any]:
        """The member of `errors` that an answer shows."""
        out: dict[str, Any] = {"pointer": _utf8(self.pointer), "code": self.code, "detail": _utf8(self.detail)}
        if self.row is not None:
            out["row"] = self.row
        if self.hint is not None:
            out["hint"] = self.hint
        if self.extra:
            out.update(self.extra)
        return out

    def at(self, row: int | None = None, prefix: str = "") -> Fault:
        """The same fault seen from a batch (`row`) or from an enclosing value (`prefix`)."""
        return msgspec.structs.replace(self, row=self.row if row is None else row, pointer=prefix + self.pointer)


class Error(Exception):
    """A refusal: stable `code`, one sentence of `detail`, a `hint` and all `faults`.

    Raised anywhere below the doors, rendered once by HTTP and once by the CLI. `extra` are further members of the
    answer (for example `plan`). A code that is not in the catalogue is a programming error (`KeyError`).
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        hint: str | None = None,
        faults: Iterable[Fault] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        entry = CATALOGUE[code]
        self.code = code
        self.status = entry.status
        self.title = entry.title
        self.faults = sorted(faults, key=lambda f: (f.row or 0, f.pointer, f.code))
        self.detail = detail or (self.faults[0].detail if self.faults else entry.title + ".")
        self.hint = entry.hint if hint is None else hint
        self.headers = dict(headers or {})
        self.extra = extra
        super().__init__(self.detail)

    def render(self) -> dict[str, Any]:
        """The RFC 9457 problem document."""
        return {
            "type": f"urn:crm:error:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": _utf8(self.detail),
            "hint": self.hint,
            "errors": [fault.render() for fault in self.faults],
            **self.extra,
        }


class ConfigError(Exception):
    """The app cannot be composed: crm.toml, a plugin or a document is at fault.

    `problems` are whole sentences that say what, where, got, expected and hint; `usage` is true where a named file
    cannot be read at all (exit status 2 instead of 1).
    """

    def __init__(self, problems: list[str] | str, *, usage: bool = False) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        self.usage = usage
        super().__init__("; ".join(self.problems))


_WINNER = {404: "not_found", 403: "forbidden", 412: "stale", 422: "invalid"}
_CONFLICTS = ("unique", "referenced")


def winner(faults: list[Fault], detail: str = "") -> Error:
    """The one `Error` for all `faults` of an operation, by "which status wins" (404, 403, 412, 422, 409)."""
    status = min((f.status for f in faults), key=lambda s: _PRECEDENCE.get(s, 9))
    if status == 409:
        codes = {f.code for f in faults if f.status == 409}
        code = next((c for c in _CONFLICTS if codes == {c}), "unique" if "unique" in codes else "move_refused")
    else:
        code = _WINNER[status]
    shown = [f for f in faults if f.status == status] if status in (404, 403, 412) else faults
    return Error(code, detail, faults=shown)


_LONGEST = 100
"""Characters of a name that may be near another one; to compare longer ones takes seconds."""
_MOST = 100
"""How many unknown names of one object are told."""
HINTED_ROWS = 20
"""The first rows of many, whose unknown names are told with near ones."""
_LISTED = 20
"""How many of the names that there are a hint lists."""


def near(name: str, known: Iterable[str]) -> str:
    """` did you mean 'x'?` for the nearest of `known` names, or nothing: for hints after an unknown name."""
    if len(name) > _LONGEST:
        return ""
    found = get_close_matches(name, list(known), n=2, cutoff=0.6)
    return f" did you mean {' or '.join(repr(f) for f in found)}?" if found else ""


def unknown(names: Iterable[str], known: Collection[str], *, hints: bool = True) -> Iterator[tuple[str, str]]:
    """The first hundred of `names` that are not `known`, each with its hint of `near`, "" without `hints`.

    Whoever sends an object of a hundred thousand members learns enough from the first hundred, in no time.
    """
    for name in islice((name for name in names if name not in known), _MOST):
        yield name, near(name, known) if hints else ""


def missing(what: str, name: str, known: Collection[str], pointer: str, code: str = "not_found") -> Fault:
    """The fault of what names a `what` that is not there: with near names, and what there is in the hint."""
    listed = ", ".join(sorted(known)[:_LISTED])
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    guess = near(name, known)
    return Fault(
        pointer=pointer,
        code=code,
        detail=f"There is no {what} {name[:_LONGEST]!r}" + (f";{guess}" if guess else "."),
        hint=f"There are {listed}{more}." if known else f"There is no {what} yet.",
    )
