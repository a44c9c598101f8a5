"""Which names plugins claim, and where two claim the same (floor 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from crm_kernel.plugin_declarations import Declared
from crm_kernel.plugin_fault import PluginFault
from crm_kernel.schema.names import RESERVED

KERNEL = "kernel"


class Claim(NamedTuple):
    """A name in a namespace: `("role", "agent")`, or a field or reverse name of an entity: `("contact.", "budget")`."""

    space: str
    name: str

    def __str__(self) -> str:
        return f"{self.space}{self.name}" if self.space.endswith(".") else f"{self.space} {self.name!r}"


_KERNEL_CLAIMS = {Claim("role", "admin"): KERNEL}


def claims_of(document: Declared) -> Iterator[Claim]:
    """The document's own name, and the fields and reverse names that it adds to entities."""
    yield Claim(document.kind, document.name)
    if document.kind not in ("entity", "fields"):
        return
    entity = document.name if document.kind == "entity" else document.body["entity"]
    for field, schema in document.body["schema"].get("properties", {}).items():
        yield Claim(f"{entity}.", field)
        options = schema.get("x-crm", {}) if isinstance(schema, dict) else {}
        target = options.get("reference")
        if target not in (None, "*"):
            yield Claim(f"{target}.", options.get("reverse") or f"{entity}_by_{field}")


def claim_fault(documents: Sequence[Declared], trusted: Sequence[Declared]) -> PluginFault | None:
    """What one plugin claims wrongly: a name of the kernel or of `base` (`trusted`), or one name twice."""
    owners = _KERNEL_CLAIMS | {claim: "base" for document in trusted for claim in claims_of(document)}
    own: set[Claim] = set()
    for document in documents:
        for claim in claims_of(document):
            if claim.space.endswith(".") and claim.name in RESERVED:
                return PluginFault(f"It claims {claim}, a reserved name.", hint="Choose another name.")
            if claim in owners:
                return PluginFault(f"It claims {claim}, a name of {owners[claim]}.", hint="Choose another name.")
            if claim in own:
                return PluginFault(f"It claims {claim} twice.", hint="Choose another name for one of them.")
            own.add(claim)
    return None


def clashes(documents: Sequence[Declared], names: Iterable[tuple[str, Claim]] = ()) -> list[str]:
    """A sentence for each name that two plugins claim, naming both; `names` are (plugin, claim) beside documents."""
    owners: dict[Claim, str] = {}
    found: list[str] = []
    claims = [(document.plugin, claim) for document in documents for claim in claims_of(document)]
    claims += names
    for plugin, claim in claims:
        owner = owners.setdefault(claim, plugin)
        if owner != plugin:
            hint = "Disable one of the plugins."
            found.append(f"The plugins {owner!r} and {plugin!r} both claim {claim}. Hint: {hint}")
    return found
