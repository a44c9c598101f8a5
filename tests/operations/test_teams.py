from __future__ import annotations

from typing import Any

import pytest

from crm_kernel.operations.teams import own_teams, with_below


@pytest.mark.parametrize(
    ("membership", "holds"),
    [
        ({}, True),
        ({"since": "2026-03-01"}, True),
        ({"since": "2026-03-02"}, False),
        ({"until": "2026-03-01"}, True),
        ({"until": "2026-02-28"}, False),
        ({"since": "2026-02-01", "until": "2026-04-01"}, True),
    ],
)
def test_a_membership_holds_from_its_first_to_its_last_day(membership: dict[str, Any], holds: bool) -> None:
    user = {"team": "main", "teams": [{"team": "other", **membership}]}
    assert own_teams(user, "2026-03-01") == (["main", "other"] if holds else ["main"])


def test_a_user_may_have_no_team_and_names_none_twice() -> None:
    assert own_teams({"team": None, "teams": None}, "2026-03-01") == []
    assert own_teams({"team": "a", "teams": [{"team": "a"}]}, "2026-03-01") == ["a"]


def test_teams_below_count_and_circles_end() -> None:
    parents = {"a": None, "b": "a", "c": "b", "d": "c", "x": "y", "y": "x"}
    assert with_below(["a"], parents) == ("a", "b", "c", "d")
    assert with_below(["c", "gone"], parents) == ("c", "d")
    assert set(with_below(["x"], parents)) == {"x", "y"}
    assert with_below([], parents) == ()
