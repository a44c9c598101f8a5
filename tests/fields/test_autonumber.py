from __future__ import annotations

import pytest

from crm_kernel.fields.autonumber import Autonumber


@pytest.mark.parametrize(
    ("template", "number", "text"),
    [
        ("LV-{0000}", 17, "LV-0017"),
        ("LV-{0000}", 12345, "LV-12345"),
        ("{0}/2026", 3, "3/2026"),
        ("{000000}", 1, "000001"),
    ],
)
def test_numbers_follow_the_template(template: str, number: int, text: str) -> None:
    assert Autonumber(template).format(number) == text


@pytest.mark.parametrize("template", ["", "LV", "LV-{}", "LV-{1}", "{0}{0}", "{0", "{0}}"])
def test_a_template_has_one_group_of_zeros(template: str) -> None:
    with pytest.raises(ValueError, match="one group of zeros"):
        Autonumber(template)
