"""Who may do what: the matrix of the plugin's roles, over records of one's own, of one's team and of others."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel import Change, Error

from .conftest import eur

VALUES: dict[str, dict[str, Any]] = {
    "lead": {"name": "Anna"},
    "deal": {"name": "Server", "amount": eur(10)},
    "product": {"code": "P", "name": "P"},
    "company": {"name": "Ābele"},
    "contact": {"name": "Anna"},
}
STAGE = {"lead": "working", "deal": "Proposal"}
CHANGED = {"product": {"series": "x"}, "company": {"industry": "x"}, "contact": {"job_title": "x"}}
REP_ANYWHERE = {"product": "r", "company": "r"}
"""What a representative may do with records of strangers; with his own and his team's he may do the rest."""
REP_NEAR = {"lead": "rum", "deal": "rum", "product": "r", "company": "ru", "contact": "ru"}


async def may(crm: Any, action: str, entity: str, id: str) -> bool:
    changed = CHANGED.get(entity, {"source": "x"})
    change = {
        "u": lambda: Change.update(entity, id, changed),
        "m": lambda: Change.move(entity, id, STAGE[entity]),
        "d": lambda: Change.delete(entity, id),
    }
    try:
        if action == "r":
            await crm.get(entity, id)
        else:
            await crm.write([change[action]()])
    except Error as error:
        return error.status not in (403, 404)
    return True


@pytest.mark.parametrize("entity", list(VALUES))
@pytest.mark.parametrize("role", ["sales_rep", "sales_manager", "nothing"])
async def test_the_matrix(office: Any, role: str, entity: str) -> None:
    near, far = [await office.create("team", name=name) for name in ("near", "far")]
    await office.crm.put({"kind": "role", "name": "nothing", "grants": []})
    caller = await office.crm.user("cat", role, team=near["id"])
    mate = await office.crm.user("mate", team=near["id"])
    other = await office.crm.user("other", team=far["id"])
    crm = office.crm.acting(caller)
    for owner, team, place in ((caller.id, near, "near"), (mate.id, near, "near"), (other.id, far, "far")):
        for action in "rumd" if entity in STAGE else "rud":
            values = VALUES[entity] | ({"code": f"{owner}{action}"} if entity == "product" else {})
            record = await office.create(entity, **values, owner=owner, team=team["id"])
            expected = {
                "sales_manager": "rumd",
                "sales_rep": REP_NEAR[entity] if place == "near" else REP_ANYWHERE.get(entity, ""),
                "nothing": "",
            }[role]
            assert await may(crm, action, entity, record["id"]) is (action in expected), (place, action)


async def test_a_rep_makes_leads_and_deals_of_his_own_and_no_products(office: Any) -> None:
    caller = await office.crm.user("cat", "sales_rep")
    crm = office.crm.acting(caller)
    for entity in ("lead", "deal", "company", "contact"):
        (record,) = await crm.write([Change.create(entity, VALUES[entity])])
        assert record["owner"] == caller.id
    with pytest.raises(Error) as refused:
        await crm.write([Change.create("product", VALUES["product"])])
    assert refused.value.status == 403
