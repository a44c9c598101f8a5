"""Several documents that are planned and applied as one: what a request about them says (floor 7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast, get_args

from crm_kernel.errors import Error, Fault
from crm_kernel.operations.answers import encode
from crm_kernel.operations.members import Members
from crm_kernel.operations.plan import OnInvalid, Proposed
from crm_kernel.source_json import MAX_BYTES
from crm_kernel.storage.documents import StoredDocument

MEMBERS = ("documents", "remove", "on_invalid", "digest")
_LONGEST = 200
_CHOICES: tuple[str, ...] = get_args(OnInvalid)


class DocumentSet(NamedTuple):
    """Documents to be put, (kind, name) of those to be removed, and how. `digest` is of the plan that was agreed to."""

    documents: Sequence[Mapping[str, Any]] = ()
    remove: Sequence[tuple[str, str]] = ()
    on_invalid: OnInvalid | None = None
    digest: str | None = None

    def proposed(
        self,
        stored: Iterable[StoredDocument],
        removed: Container[tuple[str, str]],
        files: Mapping[tuple[str, str], str],
    ) -> list[Proposed]:
        """What it proposes, beside the documents there are and those that were `removed` before.

        To remove one of these again is nothing, so that a set may be sent again; one that never was is a fault.
        `files`: hashes of the files of documents that were removed while these stay.
        """
        known = {(d.kind, d.name) for d in stored}
        hashes = {**{(d.kind, d.name): d.file_hash for d in stored}, **files}
        return [
            *(_put(body, (body["kind"], body["name"]) in known, hashes) for body in self.documents),
            *(_remove(*key, key in known) for key in self.remove if key in known or key not in removed),
        ]


def read_set(body: object) -> DocumentSet:
    """The set that the body of a request describes.

    Raises `Error("invalid")` for a body that is none: documents without kind and name, one that is named twice.
    """
    members = Members(body, MEMBERS)
    values = cast("dict[str, Any]", body)
    documents = _objects(members, values, "documents")
    remove = _objects(members, values, "remove")
    named = [(d["kind"], d["name"]) for d in (*documents, *remove)]
    for kind, name in sorted(key for key, times in Counter(named).items() if times > 1):
        members.fault(("documents",), "unique", f"The {kind} document {name!r} is named twice.")
    chosen = _choice(members, values.get("on_invalid"))
    digest = members.text("digest", _LONGEST) if "digest" in members else None
    if not documents and not remove and "documents" not in members and "remove" not in members:
        members.fault(("documents",), "required", "documents or remove is required.")
    members.check()
    for document in documents:
        if len(encode(document)) > MAX_BYTES:
            detail = f"The {document['kind'][:48]} document {document['name'][:48]!r} is larger than {MAX_BYTES} bytes."
            raise Error("too_large", detail)
    return DocumentSet(documents, [(d["kind"], d["name"]) for d in remove], chosen, digest)


def _objects(members: Members, values: Mapping[str, Any], member: Literal["documents", "remove"]) -> list[Any]:
    """The objects with `kind` and `name` in a list of the body."""
    listed: Any = values.get(member) or []
    if not isinstance(listed, list):
        members.fault((member,), "type", f"{member} must be a list of objects with kind and name.")
        return []
    found: list[Any] = []
    for number, item in enumerate(cast("list[Any]", listed)):
        if not isinstance(item, dict):
            members.fault((member, number), "type", "A document is a JSON object with kind and name.")
            continue
        document = cast("dict[str, Any]", item)
        missing = [name for name in ("kind", "name") if not isinstance(document.get(name), str)]
        for name in missing:
            code = "type" if document.get(name) is not None else "required"
            members.fault((member, number, name), code, f"{name} must be a text.")
        for name in document if member == "remove" else ():
            if name not in ("kind", "name"):
                members.fault((member, number, name), "unknown_field", "Only kind and name say what is removed.")
        if not missing:
            found.append(document)
    return found


def _choice(members: Members, value: Any) -> OnInvalid | None:
    if value is not None and value not in _CHOICES:
        members.fault(("on_invalid",), "enum", f"on_invalid is one of {', '.join(_CHOICES)}.")
        return None
    return value


def _put(body: Mapping[str, Any], there: bool, hashes: Mapping[tuple[str, str], str | None]) -> Proposed:
    return Proposed(
        kind=body["kind"],
        name=body["name"],
        body=body,
        change="change" if there else "add",
        file_hash=hashes.get((body["kind"], body["name"])),
    )


def _remove(kind: str, name: str, there: bool) -> Proposed:
    missing = Fault(pointer="", code="not_found", detail=f"There is no stored {kind} document {name!r}.")
    return Proposed(kind=kind, name=name, body=None, change="remove", errors=() if there else (missing,))
