"""How many rows of a file go into one transaction."""

from __future__ import annotations

from math import inf

from crm_kernel.operations.import_changes import ALONE, QUIETLY, SHARED, Size, pace


def test_a_fast_transaction_takes_more_rows_the_next_time_a_slow_one_as_few_as_may_be() -> None:
    size = Size()
    sizes: list[int] = []
    for rows, seconds in ((500, 0.05), (800, 0.16), (500, 0.001), (3, 9.0), (1000, 0.1)):
        size.took(rows, seconds, QUIETLY)
        sizes.append(size.rows)
    assert sizes == [800, 500, 1000, 1000, 800]


def test_where_others_write_transactions_are_short() -> None:
    size = Size()
    sizes: list[int] = []
    for rows, seconds in ((500, 0.05), (120, 0.012), (120, 0.06), (40, 0.005), (39, 9.0)):
        size.took(rows, seconds, SHARED)
        sizes.append(size.rows)
    assert sizes == [120, 120, 40, 80, 80]
    for rows, seconds, expected in ((96, 0.01, 192), (192, 0.02, 384), (384, 0.05, 614), (614, 0.1, 500)):
        size.took(rows, seconds, QUIETLY)
        assert size.rows == expected


def test_where_nobody_can_wait_transactions_are_long() -> None:
    size = Size()
    sizes: list[int] = []
    for rows, seconds in ((500, 0.08), (1000, 0.16), (2000, 0.2), (3000, 0.8), (1500, 9.0)):
        size.took(rows, seconds, ALONE)
        sizes.append(size.rows)
    assert sizes == [1000, 2000, 3000, 1500, 500]
    size.took(1500, 0.16, QUIETLY)
    assert size.rows == 750


def test_transactions_are_long_only_where_nobody_wrote_lately_and_nobody_else_is_there() -> None:
    found = [pace(quiet, lambda alone=alone: alone) for quiet in (inf, 9.9) for alone in (True, False)]
    assert found == [ALONE, QUIETLY, SHARED, SHARED]
