"""Reading the members of a JSON object that is no record, and naming all that is wrong with them at once (floor 7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from crm_kernel.errors import Error, Fault, unknown
from crm_kernel.fields.moment import read_moment
from crm_kernel.schema.walk import pointer


class Members:
    """The members of one object, `known` ones only. Null is the same as absent.

    Each reader gives a value of its type, an empty one where the member is faulty; `check` raises in the end. What was
    sent is never repeated: it may be a password.
    """

    def __init__(
        self,
        body: object,
        known: Iterable[str],
        at: tuple[str | int, ...] = (),
        faults: list[Fault] | None = None,
    ) -> None:
        self._at = at
        self._faults: list[Fault] = [] if faults is None else faults
        self._values: dict[str, Any] = {}
        names = list(known)
        if not isinstance(body, dict):
            detail = f"The body is no object; expected an object with {', '.join(names)}."
            raise Error("invalid", detail, faults=[Fault(pointer=pointer(at), code="type", detail=detail)])
        members = cast("dict[str, Any]", body)
        for name, hint in unknown(members, names):
            self.fault((name,), "unknown_field", f"unknown member {name[:100]!r}:{hint}")
        self._values = {name: members[name] for name in names if members.get(name) is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def fault(self, path: tuple[str | int, ...], code: str, detail: str) -> None:
        """Note that something is wrong with a value."""
        self._faults.append(Fault(pointer=pointer((*self._at, *path)), code=code, detail=detail))

    def check(self) -> None:
        """Raises `Error("invalid")` with all faults, where there are any."""
        if self._faults:
            raise Error("invalid", faults=self._faults)

    def text(self, name: str, most: int) -> str:
        """A text that has to be there, of 1 to `most` characters."""
        if name not in self._values:
            self.fault((name,), "required", f"{name} is required.")
            return ""
        value: Any = self._values[name]
        if not isinstance(value, str):
            self.fault((name,), "type", f"{name} must be a text.")
            return ""
        if not value.strip() or "\0" in value:
            self.fault((name,), "minLength" if not value.strip() else "format", f"{name} must be a text.")
        elif len(value) > most:
            self.fault((name,), "maxLength", f"{name} must have at most {most} characters.")
        return value

    def inner(self, name: str, known: Iterable[str]) -> Members:
        """The members of an object in it, an empty one where it is absent: their faults are told with its own."""
        return Members(self._values.get(name, {}), known, (*self._at, name), self._faults)

    def flag(self, name: str) -> bool:
        """True or false, false where it is absent."""
        value: Any = self._values.get(name, False)
        if not isinstance(value, bool):
            self.fault((name,), "type", f"{name} must be true or false.")
        return value is True

    def texts(self, name: str) -> list[str] | None:
        """A list of texts, None where it is absent."""
        value: Any = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not value:
            self.fault((name,), "type" if not isinstance(value, list) else "minItems", f"{name} must be a list.")
            return []
        for number, item in enumerate(cast("list[Any]", value)):
            if not isinstance(item, str):
                self.fault((name, number), "type", f"{name} must be a list of texts.")
        return [item for item in cast("list[Any]", value) if isinstance(item, str)]

    def moment(self, name: str) -> datetime | None:
        """A moment with its offset, None where it is absent."""
        value: Any = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                return read_moment(value)
            except ValueError:
                self.fault((name,), "format", f"{name} must be a date-time with offset, such as 2027-01-31T00:00:00Z.")
        else:
            self.fault((name,), "type", f"{name} must be a date-time.")
        return None
