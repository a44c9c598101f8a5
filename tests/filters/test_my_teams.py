"""`@my_teams` as single values holds for the same rows as the list it stands for."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel.filters.expression import Some
from crm_kernel.filters.my_teams import MOST, spread
from crm_kernel.filters.resolver import resolve
from crm_kernel.filters.to_predicate import to_predicate
from crm_kernel.filters.to_sql import bind, to_sql
from tests.filters.conftest import uid

TEXTS = [
    "owner in @my_teams",
    "owner not in @my_teams",
    "not (owner in @my_teams or count = 2)",
    "count = 1 and owner in @my_teams",
    "owner.team in @my_teams",
    "any(visits, host in @my_teams)",
    "owner in (@me)",
]


@pytest.mark.parametrize("count", [0, 1, 3, MOST, MOST + 1])
@pytest.mark.parametrize("text", TEXTS)
def test_it_holds_for_the_same_rows(world: Any, text: str, count: int) -> None:
    owners = [uid(n) for n in (1, 2, 3)]
    deals = [{"id": uid(10 + n), "owner": owner, "count": n} for n, owner in enumerate([*owners, None])]
    people = [{"id": id, "team": id} for id in owners]
    visits = [{"id": uid(20), "deal": uid(10), "host": uid(1)}]
    world.fill({"deal": deals, "person": people, "visit": visits, "team": [{"id": id} for id in owners]})
    environment = world.environment(me=uid(2), my_teams=[uid(number) for number in range(1, count + 1)])
    expected = world.ask(text, environment=environment)
    changed = spread(resolve(text, "deal", world.model), count)
    holds = to_predicate(changed)
    assert {id for id, row in world.records["deal"].items() if holds(row, environment)} == expected
    sql = to_sql(changed, world.dialect)
    statement = f'SELECT t."id" FROM "e_deal" AS t WHERE {sql.text}'
    assert {row[0] for row in world.database(statement, bind(sql.params, environment))} == expected
    bound_as_list = "json_each" in sql.text or "= ANY" in sql.text
    assert bound_as_list == ("@my_teams" in text and (count > MOST or (count == 0 and "not in" in text)))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("owner = @me or owner in @my_teams", "owner = @me"),
        ("owner = @me or (count = 1 and (owner in @my_teams or owner in @my_teams))", "owner = @me"),
    ],
)
def test_who_has_no_team_has_no_branch_for_one(world: Any, text: str, same: str) -> None:
    without = spread(resolve(text, "deal", world.model), 0)
    assert to_sql(without, world.dialect).text == to_sql(resolve(same, "deal", world.model), world.dialect).text


def test_rules_of_teams_alone_give_nothing_without_one(world: Any) -> None:
    assert spread(resolve("owner in @my_teams and count = 1", "deal", world.model), 0).root == Some(())
