"""Reads that a write needs: rows through row rules with the conditions of grants beside them, and related records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from crm_kernel.filters.environment import Environment
from crm_kernel.filters.expression import BEFORE, Expression, Need
from crm_kernel.filters.scope import NOTHING, Rows
from crm_kernel.filters.sql import Sql, compose, join
from crm_kernel.filters.to_sql import bind, to_sql
from crm_kernel.model import EntityModel, Model
from crm_kernel.storage.columns import quoted, table_name
from crm_kernel.storage.ports import EngineDialect, Reads, Tx
from crm_kernel.storage.records import Record, RecordStore
from crm_kernel.storage.select import ALIAS, LIVE, NO_ROW, columns, ids_in, select, with_ids


def conditions(rows: Rows, dialect: EngineDialect) -> list[Sql]:
    """Row rules as conditions on the alias `t`: [] for all rows."""
    if rows is None:
        return []
    return [NO_ROW] if rows is NOTHING else [to_sql(rows, dialect)]


class Lookups:
    """Compiled look-ups by id. Each is one statement, whatever the number of ids."""

    def __init__(self, records: RecordStore, dialect: EngineDialect) -> None:
        self._records = records
        self._dialect = dialect
        self._compiled: dict[Any, Any] = {}

    async def load_with_flags(
        self,
        reads: Reads,
        model: EntityModel,
        ids: Iterable[str],
        rows: Rows,
        expressions: Sequence[Expression],
        environment: Environment,
        *,
        hold: Tx | None = None,
    ) -> dict[str, tuple[Record, tuple[bool, ...]]]:
        """The rows with these ids that `rows` gives, deleted ones too: id → (record, whether each expression holds).

        With the transaction `hold` nobody else changes them until its COMMIT.
        """
        wanted = list(ids)
        key = ("flags", model, rows, tuple(expressions))
        if key not in self._compiled:
            names = [name for name in model.fields if name != "rotting"]
            flags = [compose("({})", to_sql(e, self._dialect)) for e in expressions]
            shown = columns(self._dialect, model, names, extra=flags)
            where = [ids_in(self._dialect), *conditions(rows, self._dialect)]
            self._compiled[key] = shown, select(model, shown.sqls, where=where)
        shown, sql = self._compiled[key]
        params = self._bind(sql, wanted, environment)
        one = len(wanted) == 1 and not model.rollups  # which change without a version that would tell
        found = await (hold.hold(sql.text, params, one=one) if hold else reads.read(sql.text, params))
        records: dict[str, tuple[Record, tuple[bool, ...]]] = {}
        for row in found:
            record = shown.decode(row)
            if "rotting" in model.fields:
                record["rotting"] = None
            records[record["id"]] = (record, tuple(bool(flag) for flag in row[shown.width :]))
        return records

    def _bind(self, sql: Sql, ids: Iterable[str], environment: Environment) -> list[Any]:
        return bind(with_ids(sql.params, self._dialect.encode_list(ids, "uuid")), environment)

    async def visible_ids(
        self, reads: Reads, model: EntityModel, ids: Iterable[str], rows: Rows, environment: Environment
    ) -> set[str]:
        """Those of `ids` that are live and that `rows` gives."""
        sql = self._ids_sql(model, rows)
        return {row[0] for row in await reads.read(sql.text, self._bind(sql, ids, environment))}

    def _ids_sql(self, model: EntityModel, rows: Rows) -> Sql:
        key = ("ids", model, rows)
        if key not in self._compiled:
            where = join(" AND ", [ids_in(self._dialect), LIVE, *conditions(rows, self._dialect)])
            table = quoted(table_name(model.name))
            self._compiled[key] = compose(f'SELECT {ALIAS}."id" FROM {table} AS {ALIAS} WHERE {{}}', where)
        return self._compiled[key]

    async def find_by_key(
        self,
        reads: Reads,
        model: EntityModel,
        on: Sequence[str],
        keys: Iterable[Sequence[Any]],
        rules: Iterable[Rows],
        environment: Environment,
    ) -> dict[tuple[Any, ...], str]:
        """The oldest live record of each key among those that all `rules` give: (values of the fields `on`) → id."""
        sqls = [sql for rule in dict.fromkeys(rules) for sql in conditions(rule, self._dialect)]
        params = [value for sql in sqls for value in bind(sql.params, environment)]
        among = [f"({sql.text})" for sql in sqls]
        return await self._records.find_by_key(reads, model, on, keys, among, params)

    async def find_anywhere(
        self, reads: Reads, reachable: Iterable[tuple[EntityModel, Rows]], ids: Iterable[str], environment: Environment
    ) -> dict[str, str]:
        """id → entity of those of `ids` that are live and given, over several entities in one statement."""
        wanted, among = list(ids), tuple((model, rows) for model, rows in reachable if rows is not NOTHING)
        if not among or not wanted:
            return {}
        key = ("anywhere", among)
        if key not in self._compiled:
            branches = [
                compose(f"SELECT id, '{model.name}' FROM ({{}}) AS found", self._ids_sql(model, rows))
                for model, rows in among
            ]
            self._compiled[key] = join(" UNION ALL ", branches)
        sql = self._compiled[key]
        return dict(await reads.read(sql.text, self._bind(sql, wanted, environment)))

    async def prefetch(
        self,
        reads: Reads,
        model: Model,
        expressions: Iterable[Expression],
        records: Sequence[Mapping[str, Any]],
        environment: Environment,
    ) -> Environment:
        """An environment whose `lookup` and `referring` answer for what the expressions ask of these records.

        One statement for each hop of each chain, for all records together.
        """
        related = Related()
        chains = sorted({need for e in expressions for need in e.needs}, key=len)
        before = [] if environment.before is None else [environment.before]
        reached: dict[Need, list[Mapping[str, Any]]] = {(): list(records), (BEFORE,): before}
        for chain in chains:
            for length in range(1, len(chain) + 1):
                if chain[:length] not in reached:
                    reached[chain[:length]] = await self._hop(
                        reads, model, related, chain[length - 1], reached[chain[: length - 1]]
                    )
        return related.into(environment)

    async def _hop(
        self, reads: Reads, model: Model, related: Related, hop: Any, rows: list[Mapping[str, Any]]
    ) -> list[Mapping[str, Any]]:
        target = model[hop.target]
        if hop.how == "lookup":
            ids = {row[hop.field] for row in rows if row.get(hop.field)}
            found = await self._records.load(reads, target, sorted(ids)) if ids else []
            related.looked_up.update({(hop.target, r["id"]): r for r in found})
            return list(found)
        ids = {row["id"] for row in rows if row.get("id")}
        found = await self._records.referring(reads, target, hop.field, sorted(ids)) if ids else []
        for record in found:
            related.refers.setdefault((hop.target, hop.field, record[hop.field]), []).append(record)
        return list(found)

    async def main_teams(self, reads: Reads, user: EntityModel, ids: Iterable[str]) -> dict[str, str | None]:
        """id → main team of some users."""
        return {r["id"]: r["team"] for r in await self._records.load(reads, user, sorted(ids))}


class Related:
    """Records that were loaded for the predicates of one batch."""

    def __init__(self) -> None:
        self.looked_up: dict[tuple[str, str], Record] = {}
        self.refers: dict[tuple[str, str, str], list[Record]] = {}

    def into(self, environment: Environment) -> Environment:
        """The environment with these records behind `lookup` and `referring`."""

        def lookup(entity: str, id: str) -> Record | None:
            return self.looked_up.get((entity, id))

        def referring(entity: str, field: str, id: str) -> Sequence[Record]:
            return self.refers.get((entity, field, id), ())

        return msgspec.structs.replace(environment, lookup=lookup, referring=referring)
