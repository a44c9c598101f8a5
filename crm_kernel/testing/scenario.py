"""A test over HTTP that is declared rather than written (floor 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from crm_kernel.callers import ADMIN
from crm_kernel.storage import outbox
from crm_kernel.testing.client import Answer
from crm_kernel.testing.kit import TestCrm

Expected = int | str | Mapping[str, Any]
_MOST = 10_000


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One request and what must come of it: `await Scenario(method="GET", path="/api/records/desk").run(crm)`.

    `path` and `body` may name values given to `run`: `{desk}`. `role` is that of who asks, None: nobody. `expect` is a
    status, a text that the answer has, or members that its JSON has (objects may have more, lists are as long), or
    several of these; `not_expect` are texts that it must not have. `events`: how many of each type follow, `"*"` of
    all; of one entity as `"desk record.created"`. Types that are not named may occur.
    """

    method: str
    path: str
    body: Any = None
    role: str | None = ADMIN
    headers: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    expect: Expected | Sequence[Expected] = 200
    not_expect: str | Sequence[str] = ()
    events: Mapping[str, int] = {}
    name: str = ""

    async def run(self, crm: TestCrm, **values: Any) -> Answer:
        """Send it, and hold the answer to what is expected, and to what holds for every answer.

        Raises `AssertionError` that shows request and answer.
        """
        if self.role is not None:
            await crm.person(self.role)  # made before events are counted
        last = await outbox.last_seq(crm.kernel.database)
        path, body = str(_filled(self.path, values)), _filled(self.body, values)
        query = {key: str(_filled(text, values)) for key, text in self.query.items()}
        answer = await crm.send(self.method, path, body, role=self.role, headers=self.headers, query=query)
        what = f"{self.name or 'Scenario'}: {self.method} {path} as {self.role}: {answer.status} {answer.text[:2000]}"
        several = isinstance(self.expect, Sequence) and not isinstance(self.expect, str)
        for expected in cast("Sequence[Expected]", self.expect) if several else [cast("Expected", self.expect)]:
            _hold(expected, answer, values, what)
        for text in [self.not_expect] if isinstance(self.not_expect, str) else self.not_expect:
            assert str(_filled(text, values)) not in answer.text, f"expected no {text!r} in {what}"
        await self._count(crm, last, what)
        return answer

    async def _count(self, crm: TestCrm, last: int, what: str) -> None:
        if not self.events:
            return
        now = await outbox.newest(crm.kernel.database)
        came = await outbox.after(crm.kernel.database, last, _MOST, until=now)
        for name, count in self.events.items():
            entity, _, type = name.rpartition(" ")
            found = [e for e in came if type in ("*", e.type) and entity in ("", e.entity)]
            told = [f"{e.entity} {e.type}" for e in came]
            assert len(found) == count, f"expected {count} of {name!r}, got {told} after {what}"


def _hold(expected: Expected, answer: Answer, values: Mapping[str, Any], what: str) -> None:
    if isinstance(expected, int):
        assert answer.status == expected, f"expected {expected}, got {what}"
    elif isinstance(expected, str):
        assert str(_filled(expected, values)) in answer.text, f"expected {expected!r} in {what}"
    else:
        _has(answer.json(), _filled(expected, values), "", what)


def _has(got: Any, wanted: Any, at: str, what: str) -> None:
    if isinstance(wanted, Mapping) and isinstance(got, Mapping):
        for key, part in cast("Mapping[str, Any]", wanted).items():
            assert key in got, f"expected {at}/{key} in {what}"
            _has(got[key], part, f"{at}/{key}", what)
    elif isinstance(wanted, list) and isinstance(got, list):
        parts, found = cast("list[Any]", wanted), cast("list[Any]", got)
        assert len(parts) == len(found), f"expected {len(parts)} at {at or '/'}, got {len(found)} in {what}"
        for n, (one, part) in enumerate(zip(found, parts, strict=True)):
            _has(one, part, f"{at}/{n}", what)
    else:
        assert got == wanted, f"expected {wanted!r} at {at or '/'}, got {got!r} in {what}"


def _filled(part: Any, values: Mapping[str, Any]) -> Any:
    """A part of a request with the values that it names; a text that is nothing but a name becomes the value."""
    if isinstance(part, str):
        whole = part[1:-1]
        if part.startswith("{") and part.endswith("}") and whole in values:
            return values[whole]
        for name, value in values.items():
            part = part.replace(f"{{{name}}}", str(value))
        return part
    if isinstance(part, Mapping):
        return {key: _filled(value, values) for key, value in cast("Mapping[str, Any]", part).items()}
    if isinstance(part, list):
        return [_filled(value, values) for value in cast("list[Any]", part)]
    return part
