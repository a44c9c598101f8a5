"""CSV into the floor's table: `python -m bench.floor.load FILE URL`, csv -> executemany and nothing else."""

from __future__ import annotations

import asyncio
import csv
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
from uuid_utils import uuid7

from bench.data import TEAMS, USERS
from bench.floor.schema import MEMBERS, PG_SCHEMA, SCHEMA

MOMENT = "2026-03-01T10:00:00Z"


def rows(file: Path, people: dict[str, str], teams: dict[str, str]) -> Iterator[tuple[Any, ...]]:
    """Each line as the values of MEMBERS."""
    with file.open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            values: dict[str, Any] = {key: value or None for key, value in row.items()}
            owner = people[row["owner"]]
            values.update(
                id=str(uuid7()),
                version=1,
                created_at=MOMENT,
                created_by=owner,
                updated_at=MOMENT,
                updated_by=owner,
                owner=owner,
                team=teams[row["team"]],
                name=f"{row['first_name']} {row['last_name']}",
                do_not_contact=row["do_not_contact"] == "true",
                score=float(row["score"]),
                budget=float(row["budget"]),
                rating=int(row["rating"]),
            )
            yield tuple(map(values.get, MEMBERS))


def keys() -> tuple[dict[str, str], dict[str, str]]:
    """Ids of people and teams."""
    return {login: str(uuid7()) for login, _ in USERS}, {name: str(uuid7()) for name in TEAMS}


def inserts(file: Path, mark: str) -> Iterator[tuple[str, Iterator[tuple[Any, ...]]]]:
    """The three statements with their rows; `mark` is a placeholder, its number in `{}`."""
    people, teams = keys()
    members = ((people[login], login, teams[team]) for login, team in USERS)

    def insert(table: str, columns: list[str]) -> str:
        marks = ", ".join(mark.format(at + 1) for at in range(len(columns)))
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"

    yield insert("team", ["name", "id"]), iter(teams.items())
    yield insert("person", ["id", "login", "team"]), members
    yield insert("contact", MEMBERS), rows(file, people, teams)


def load_sqlite(file: Path, database: Path) -> None:
    """Makes the database and fills it in one transaction."""
    db = sqlite3.connect(database)
    db.executescript(SCHEMA)
    with db:
        for sql, values in inserts(file, "?"):
            db.executemany(sql, values)
        db.execute("INSERT INTO words (words) VALUES ('rebuild')")
    db.close()


async def load_postgres(file: Path, url: str) -> None:
    """Makes the tables and fills them in one transaction."""
    connection = await asyncpg.connect(url)
    await connection.execute(PG_SCHEMA)
    async with connection.transaction():
        for sql, values in inserts(file, "${}"):
            await connection.executemany(sql, values)
    await connection.close()


def load(file: Path, url: str) -> None:
    """Fills the empty database of a URL."""
    if url.startswith("sqlite:///"):
        load_sqlite(file, Path(url.removeprefix("sqlite:///")))
    else:
        asyncio.run(load_postgres(file, url))


if __name__ == "__main__":
    load(Path(sys.argv[1]), sys.argv[2])
