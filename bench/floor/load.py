"""CSV into the floor's table: `python -m bench.floor.load FILE DATABASE`, csv -> executemany and nothing else."""

from __future__ import annotations

import csv
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from uuid_utils import uuid7

from bench.data import TEAMS, USERS
from bench.floor.schema import MEMBERS, SCHEMA

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


def load(file: Path, database: Path) -> None:
    """Makes the database and fills it in one transaction."""
    db = sqlite3.connect(database)
    db.executescript(SCHEMA)
    teams = {name: str(uuid7()) for name in TEAMS}
    people = {login: str(uuid7()) for login, _ in USERS}
    with db:
        db.executemany("INSERT INTO team (name, id) VALUES (?, ?)", teams.items())
        members = [(people[login], login, teams[team]) for login, team in USERS]
        db.executemany("INSERT INTO person (id, login, team) VALUES (?, ?, ?)", members)
        marks = ", ".join("?" * len(MEMBERS))
        db.executemany(f"INSERT INTO contact ({', '.join(MEMBERS)}) VALUES ({marks})", rows(file, people, teams))
    db.close()


if __name__ == "__main__":
    load(Path(sys.argv[1]), Path(sys.argv[2]))
