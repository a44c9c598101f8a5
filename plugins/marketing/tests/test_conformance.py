"""The contract of plugins, held by this one."""

from __future__ import annotations

from typing import Any, ClassVar

from crm_kernel.testing import PluginConformance, TestCrm


class TestConformance(PluginConformance):
    """A segment is chosen by a filter, a consent is never changed, and who is in a campaign agreed to that."""

    plugin = "marketing"
    samples: ClassVar = {
        "segment": {"kind": "dynamic", "filter": "do_not_contact = false"},
        "consent": {"at": None, "expires_at": None},
        "suppression": {"address_hash": None},
    }
    fixed = ("consent",)

    async def values(self, crm: TestCrm, entity: str, *, full: bool = False) -> dict[str, Any]:
        if entity != "campaign_member":
            return await super().values(crm, entity, full=full)
        person = await crm.make("contact", email="anna@example.com")
        await crm.make("consent", contact=person["id"], status="granted")
        return await crm.values(entity, full=full, contact=person["id"])
