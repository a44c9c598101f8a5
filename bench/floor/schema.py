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

_LIVE = " WHERE deleted_at IS NULL"
_NEWEST = "created_at DESC, id"
INDEXES = [
    f"CREATE INDEX newest ON contact ({_NEWEST}){_LIVE}",
    f"CREATE INDEX newest_deleted ON contact ({_NEWEST}) WHERE deleted_at IS NOT NULL",
    *(f"CREATE INDEX by_{one} ON contact ({one}, {_NEWEST}){_LIVE}" for one in ("owner", "team", "company", "segment")),
    *(f"CREATE INDEX by_{one} ON contact ({one}, {_NEWEST}){_LIVE}" for one in ("name", "email", "phone")),
    *(f"CREATE INDEX sorted_{one} ON contact ({one}, {one}, id){_LIVE}" for one in ("name", "email", "phone")),
    f"CREATE INDEX by_score ON contact (score, id){_LIVE}",
    f"CREATE INDEX by_segment_score ON contact (segment, score, id){_LIVE}",
    f"CREATE UNIQUE INDEX by_external_id ON contact (external_id){_LIVE}",
    "CREATE INDEX of_company ON contact (company)",
]
"""What the framework makes of contact and its custom fields; a folded column's place is taken by the text itself."""


def schema(types: dict[str, str], text: str) -> str:
    """The statements that make the tables."""
    columns = ", ".join(f"{member} {types.get(member, text)}" for member in MEMBERS[1:])
    return f"""
CREATE TABLE person (id {text} PRIMARY KEY, login {text} UNIQUE, team {text});
CREATE TABLE team (id {text} PRIMARY KEY, name {text} UNIQUE);
CREATE TABLE contact (id {text} PRIMARY KEY, {columns});
{";".join(INDEXES)};
"""


SCHEMA = "PRAGMA journal_mode = WAL;" + schema(_TYPES, "TEXT")
PG_SCHEMA = schema({m: _PG_TYPES[t] for m, t in _TYPES.items()} | {"do_not_contact": "BOOLEAN"}, _PG_TEXT)
