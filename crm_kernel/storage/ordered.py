"""Lists under row rules where an index holds the records of each key of the rules in the order of the list.

Each key gives its first records, the first of all of them are the page: whatever share of the records he may see, a
page reads at most its length for each key (1,000,000 contacts, 5,000 visible: 21 ms by the order alone, 1 ms so).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from crm_kernel.filters.branches import ID
from crm_kernel.filters.dialect import Dialect
from crm_kernel.filters.expression import Tree
from crm_kernel.filters.sql import Sql, compose, join
from crm_kernel.filters.sql_parts import Cursor
from crm_kernel.filters.to_sql import Compiler
from crm_kernel.model import EntityModel
from crm_kernel.storage.columns import quoted, table_name
from crm_kernel.storage.indexes import entity_indexes
from crm_kernel.storage.select import ALIAS, LIVE, PAGE, OrderBy, order_clause

MOST = 40
"""Keys of the rules, enough for those of the most teams that are single values: more read more than they spare."""


def are_ordered(model: EntityModel, keys: Collection[str], equal: frozenset[str], order: Sequence[OrderBy]) -> bool:
    """Whether an index holds the live records of each of `keys`, with one value of each of `equal`, in this order.

    Records by their ids are few enough to be sorted.
    """
    wanted = tuple(key.sql.text for key in order)
    if any(key.sql.params for key in order):
        return False
    served = {
        (index.columns[0], frozenset(index.columns[1 : 1 + len(equal)]), _names(index.columns[1 + len(equal) :]))
        for index in entity_indexes(model)
        if index.live
    }
    return all((key, equal, wanted) in served for key in keys if key != ID)


def _names(columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{ALIAS}.{quoted(column.partition(' ')[0])}" for column in columns)


def branches(dialect: Dialect, trees: Sequence[Tree]) -> tuple[Sql, ...]:
    """The conditions of the keys."""
    compiler = Compiler(dialect)
    return tuple(compiler.condition(tree, Cursor(ALIAS)) for tree in trees)


def first_ids(model: EntityModel, branches: Sequence[Sql], where: Sequence[Sql], order: Sequence[OrderBy]) -> Sql:
    """A SELECT of the ids of a page, `where` being what holds beside the branches."""
    names = [f"k{place}" for place in range(len(order))]
    shown = join(", ", [compose(f"{{}} AS {name}", key.sql) for name, key in zip(names, order, strict=True)])
    sorted_by = order_clause(order)
    table = f"{quoted(table_name(model.name))} AS {ALIAS}"
    found = [
        compose(
            f"SELECT * FROM (SELECT {{}} FROM {table} WHERE {{}} ORDER BY {{}} LIMIT {PAGE}) AS b{place}",
            shown, join(" AND ", [LIVE, branch, *where]), sorted_by,
        )
        for place, branch in enumerate(branches)
    ]  # fmt: skip
    outer = order_clause([key._replace(sql=Sql(name)) for name, key in zip(names, order, strict=True)])
    template = f'SELECT {names[-1]} AS "id" FROM ({{}}) AS firsts ORDER BY {{}} LIMIT {PAGE}'
    return compose(template, join(" UNION ", found), outer)
