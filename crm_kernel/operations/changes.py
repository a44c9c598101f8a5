"""A change: what a caller asks for, and, once loaded, what hooks see of it (floor 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar, cast

from crm_kernel.access import Access
from crm_kernel.entities import Entity, entity_name
from crm_kernel.errors import Fault, near
from crm_kernel.fields.base import Faulty, ValueContext
from crm_kernel.hook_call import HookCall, Turn
from crm_kernel.model import EntityModel
from crm_kernel.operations.record_view import RecordView as RecordView
from crm_kernel.operations.record_view import plain as plain
from crm_kernel.schema.sentences import labelled

E = TypeVar("E", bound=Entity)

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    F = TypeVarWithDefault("F", bound=Entity, default=Any)
else:
    F = TypeVar("F", bound=Entity)
"""The class of the entity that a request names, any where it is named by a text."""

Found = Literal["update", "skip", "refuse"]
"""What an upsert does with the record it finds."""

STAGE_FIELDS = ("pipeline", "stage", "stage_reason")


_LATER: Any = None
"""What the write door fills in."""


class Journal(Turn):
    """What hooks do to the changes of one batch: whose turn it is, and which changes were touched."""

    __slots__ = ("touched",)

    def __init__(self) -> None:
        super().__init__()
        self.touched: dict[int, Change[Any]] = {}


class Merged(NamedTuple):
    """What a create sent, merged before its transaction began: the new image and its faults.

    It holds as long as `model` (of one state of all documents) does.
    """

    model: EntityModel
    access: Access
    new: dict[str, Any]
    faults: list[Fault]
    images: dict[str, Any]


class Cause(NamedTuple):
    """Why a hook added a change: for which other one, and where the faults of the added one are told of that."""

    change: Change[Any]
    pointer: str


class Change(Generic[E]):
    """One change of one record.

    As a request it is made by `Change.create`, `.update`, `.delete`, `.restore`, `.move`, `.upsert`, `.purge`.
    In hooks it has `kind` (create update move delete restore purge), `entity`, `before` and `after` (read like
    records), `changed` (names of fields), `amend(**)` and `refuse(pointer, message, code)`.
    """

    __slots__ = (
        "amended",
        "because",
        "cause",
        "changed",
        "context",
        "entity",
        "faults",
        "filled",
        "found",
        "given",
        "id",
        "images",
        "journal",
        "kind",
        "locale",
        "merged",
        "merging",
        "model",
        "move_record",
        "new",
        "old",
        "on",
        "plugin",
        "row",
        "skipped",
        "sources",
        "sparse",
        "targets",
        "trusted",
        "values",
        "version",
    )

    def __init__(
        self,
        kind: str,
        entity: str | type[E],
        *,
        id: str | None = None,
        values: Mapping[str, Any] | None = None,
        version: int | None = None,
        on: tuple[str, ...] = (),
        row: int | None = None,
        found: Found = "update",
        sparse: bool = False,
    ) -> None:
        self.kind = kind
        self.entity = entity if isinstance(entity, str) else entity_name(entity)
        self.id = id
        self.values: dict[str, Any] = dict(values or {})
        self.version = version
        self.on = on
        self.row = row
        self.found: Found = found
        self.sparse = sparse
        self.sources: tuple[str, ...] = ()  # of a merge: the records that are merged into this one
        # What the write door fills in:
        self.model: EntityModel = _LATER
        self.context: ValueContext = _LATER
        self.old: dict[str, Any] | None = None
        self.new: dict[str, Any] = {}
        self.merged: Merged | None = None
        self.given: dict[str, bool] = {}
        self.changed: list[str] = []
        self.faults: list[Fault] = []
        self.images: dict[str, Any] = {}  # of values that cannot be stored, for JSON Schema to look at
        self.locale = "en"  # of whoever asked: faults are told in it
        self.trusted = False
        self.skipped = False
        self.plugin: str | None = None
        self.cause: Cause | None = None
        self.amended: dict[str, list[str]] = {}
        self.journal: Journal = _LATER
        self.targets: dict[str, str] = {}  # entity of each reference to any, stored beside the id
        self.filled: tuple[str, ...] = ()  # owner, team, where the caller did not send them
        self.move_record: dict[str, Any] | None = None
        self.merging: list[dict[str, Any]] = []  # of a merge: the stored images of `sources`
        self.because: dict[str, Any] | None = None  # what it belongs to, for history

    # Requests ------------------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, entity: str | type[F], values: Mapping[str, Any] | None = None, /, **fields: Any) -> Change[F]:
        """A new record: `Change.create(Viewing, listing=…)` or `Change.create("viewing", {"listing": …})`."""
        return Change("create", entity, values={**plain(dict(values or {})), **plain(fields)})

    @classmethod
    def update(
        cls,
        entity: str | type[F],
        id: str,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        version: int | None = None,
        **fields: Any,
    ) -> Change[F]:
        """A merge patch (RFC 7396) of one record; `version` refuses (`stale`) where the record has another."""
        return Change("update", entity, id=id, version=version, values={**plain(dict(values or {})), **plain(fields)})

    @classmethod
    def upsert(
        cls,
        entity: str | type[F],
        on: tuple[str, ...],
        values: Mapping[str, Any],
        /,
        *,
        found: Found = "update",
        sparse: bool = False,
    ) -> Change[F]:
        """Update the live record that has the same values in the fields `on`, else create one.

        With `found="skip"` such a record stays as it is, with `"refuse"` the change is refused (`unique`). `sparse`:
        where a record is created, nulls count as not sent, so that defaults apply.
        """
        return Change("upsert", entity, on=tuple(on), values=plain(dict(values)), found=found, sparse=sparse)

    @classmethod
    def move(
        cls,
        entity: str | type[F],
        id: str,
        to: str,
        *,
        pipeline: str | None = None,
        reason: str | None = None,
        values: Mapping[str, Any] | None = None,
        version: int | None = None,
    ) -> Change[F]:
        """A move to the stage `to`, with further `values` written in the same change."""
        stage: dict[str, Any] = {"stage": to}
        if pipeline is not None:
            stage["pipeline"] = pipeline
        if reason is not None:
            stage["stage_reason"] = reason
        return Change("move", entity, id=id, version=version, values={**plain(dict(values or {})), **stage})

    @classmethod
    def delete(cls, entity: str | type[F], id: str, *, version: int | None = None) -> Change[F]:
        """A soft delete."""
        return Change("delete", entity, id=id, version=version)

    @classmethod
    def restore(cls, entity: str | type[F], id: str) -> Change[F]:
        """Take a soft delete back."""
        return Change("restore", entity, id=id)

    @classmethod
    def purge(cls, entity: str | type[F], id: str) -> Change[F]:
        """Remove a record for good."""
        return Change("purge", entity, id=id)

    @classmethod
    def merge(
        cls,
        entity: str | type[F],
        id: str,
        sources: Sequence[str],
        values: Mapping[str, Any] | None = None,
        /,
        *,
        version: int | None = None,
    ) -> Change[F]:
        """The record `id` takes in the records `sources` of its entity: it gets `values` and what it lacks of theirs,
        what refers to them refers to it, and they are deleted (softly)."""
        change: Change[F] = Change("merge", entity, id=id, version=version, values=plain(dict(values or {})))
        change.sources = tuple(sources)
        return change

    @property
    def amended_names(self) -> set[str]:
        """The fields that hooks set."""
        return {name for names in self.amended.values() for name in names}

    # What hooks see ------------------------------------------------------------------------------------------------

    @property
    def merged_records(self) -> list[E]:
        """Of a merge, the records that are merged into this one, as stored."""
        return [cast("E", RecordView(record, self.model.cls)) for record in self.merging]

    @property
    def before(self) -> E | None:
        """The record as stored, None for a create."""
        return None if self.old is None else cast("E", RecordView(self.old, self.model.cls))

    @property
    def after(self) -> E:
        """The record as it will be stored, with what earlier hooks amended."""
        return cast("E", RecordView(self.new, self.model.cls))

    def amend(self, **values: Any) -> None:
        """Set fields of the new image, with system rights; history names the plugin."""
        call = self.journal.taken("change.amend", amends=True)
        for name, value in plain(values).items():
            self._amend_one(call, name, value)

    def _amend_one(self, call: HookCall, name: str, value: Any) -> None:
        field = self.model.fields.get(name)
        if field is None:
            hint = near(name, self.model.fields)
            self._refuse(call, Fault(pointer=f"/{name}", code="unknown_field", detail=f"unknown field {name!r}:{hint}"))
            return
        if field.is_computed:
            detail = f"{field.label} is computed from other fields."
            self._refuse(call, Fault(pointer=f"/{name}", code="read_only", detail=detail))
            return
        try:
            self.new[name] = None if value is None else field.type.canonical(value, self.context)
        except Faulty as faulty:
            for fault in faulty.faults:
                self._refuse(call, labelled(self.label(name), fault, self.locale).at(prefix=f"/{name}"))
            return
        self.amended.setdefault(call.plugin, []).append(name)
        self.journal.touched[id(self)] = self

    def refuse(self, pointer: str, message: str, code: str = "plugin.refused") -> None:
        """Refuse this change: `pointer` names the field (`/starts_at`), `code` is `<plugin>.<what>`."""
        call = self.journal.taken("change.refuse")
        self._refuse(call, Fault(pointer=pointer, code=code, detail=message))

    def _refuse(self, call: HookCall, fault: Fault) -> None:
        self.faults.append(fault.at(row=self.row))
        call.refused = True

    def fault(self, pointer: str, code: str, detail: str, status: int = 422, **extra: Any) -> None:
        """Note one fault of this change, found by the kernel."""
        self.faults.append(
            Fault(pointer=pointer, code=code, detail=detail, row=self.row, status=status, extra=extra or None)
        )

    def label(self, name: str) -> str:
        """What a field is called in the language of whoever asked."""
        return self.model.fields[name].label_in(self.locale)

    def is_new(self) -> bool:
        """Whether it creates its record."""
        return self.old is None

    def __repr__(self) -> str:
        return f"Change({self.kind} {self.entity} {self.id})"


if TYPE_CHECKING:
    AnyChange = Change[Any]
else:
    AnyChange = Change
