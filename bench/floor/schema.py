"""The floor's one table, with the members, keys and indexes that the framework's contact has."""

from __future__ import annotations

MEMBERS = [
    *("id", "version", "created_at", "created_by", "updated_at", "updated_by", "owner", "team", "deleted_at"),
    *("name", "first_name", "last_name", "email", "emails", "phone", "phones", "job_title", "company", "address"),
    *("birthday", "language", "labels", "source", "external_id", "do_not_contact"),
    *("contact_type", "score", "segment", "budget", "rating"),
]
JSON_MEMBERS = {"emails", "phones", "address", "labels", "contact_type"}

_TYPES = {"version": "INTEGER", "do_not_contact": "INTEGER", "score": "REAL", "budget": "REAL", "rating": "INTEGER"}
_PG_TYPES = {"REAL": "DOUBLE PRECISION", "INTEGER": "BIGINT"}
_PG_TEXT = 'TEXT COLLATE "C"'

_SEGMENTS = (("segment",), ("owner", "segment"), ("team", "segment"))
_LIVE = " WHERE deleted_at IS NULL"
_NEWEST = "created_at DESC, id"
INDEXES = [
    f"CREATE INDEX newest ON contact ({_NEWEST}){_LIVE}",
    f"CREATE INDEX newest_deleted ON contact ({_NEWEST}) WHERE deleted_at IS NOT NULL",
    *(f"CREATE INDEX by_{one} ON contact ({one}, {_NEWEST}){_LIVE}" for one in ("owner", "team", "company", "segment")),
    *(f"CREATE INDEX by_{one} ON contact ({one}, {_NEWEST}){_LIVE}" for one in ("name", "email", "phone")),
    f"CREATE UNIQUE INDEX by_external_id ON contact (external_id){_LIVE}",
    "CREATE INDEX of_company ON contact (company)",
]
"""What the framework makes of contact and its custom fields; a folded column's place is taken by the text itself."""


def _sorted(descending: str = "") -> list[str]:
    """The indexes that lists are sorted by; PostgreSQL needs those of descending sorts beside."""
    sorts = [((), (one, one)) for one in ("name", "email", "phone")]
    sorts += [((), ("score",)), *((before, ("score",)) for before in _SEGMENTS)]
    columns = [", ".join([*before, *(one + descending for one in by), "id"]) for before, by in sorts]
    mark = "d" if descending else "a"
    return [f"CREATE INDEX sorted_{mark}{n} ON contact ({listed}){_LIVE}" for n, listed in enumerate(columns)]


def schema(types: dict[str, str], text: str, indexes: list[str]) -> str:
    """The statements that make the tables."""
    columns = ", ".join(f"{member} {types.get(member, text)}" for member in MEMBERS[1:])
    return f"""
CREATE TABLE person (id {text} PRIMARY KEY, login {text} UNIQUE, team {text});
CREATE TABLE team (id {text} PRIMARY KEY, name {text} UNIQUE);
CREATE TABLE contact (id {text} PRIMARY KEY, {columns});
{";".join([*INDEXES, *indexes])};
"""


SEARCHED = ("name", "email", "phone")
"""The members whose words are indexed; the name has first and last name."""
_WORDS = f"CREATE VIRTUAL TABLE words USING fts5({', '.join(SEARCHED)}, content=contact, detail=none, columnsize=0)"
_TEXT = " || ' ' || ".join(f"coalesce({one}, '')" for one in SEARCHED)
_PG_WORDS = [
    f"ALTER TABLE contact ADD words TSVECTOR GENERATED ALWAYS AS (to_tsvector('simple', {_TEXT})) STORED",
    "CREATE INDEX of_words ON contact USING gin (words)",
]

SCHEMA = "PRAGMA journal_mode = WAL;" + schema(_TYPES, "TEXT", [*_sorted(), _WORDS])
PG_SCHEMA = schema(
    {m: _PG_TYPES[t] for m, t in _TYPES.items()} | {"do_not_contact": "BOOLEAN"},
    _PG_TEXT,
    [*_sorted(), *_sorted(" DESC NULLS LAST"), *_PG_WORDS],
)
