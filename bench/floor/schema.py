"""The floor's one table, with the members, keys and indexes that the framework's contact has."""

from __future__ import annotations

MEMBERS = [
    *("id", "version", "created_at", "created_by", "updated_at", "updated_by", "owner", "team", "deleted_at"),
    *("name", "first_name", "last_name", "email", "emails", "phone", "phones", "job_title", "company", "address"),
    *("birthday", "language", "labels", "source", "external_id", "do_not_contact"),
    *("score", "segment", "budget", "rating"),
]
JSON_MEMBERS = {"emails", "phones", "address", "labels"}

_TYPES = {"version": "INTEGER", "do_not_contact": "INTEGER", "score": "REAL", "budget": "REAL", "rating": "INTEGER"}
_COLUMNS = ", ".join(f"{member} {_TYPES.get(member, 'TEXT')}" for member in MEMBERS[1:])

INDEXES = [
    "CREATE UNIQUE INDEX contact_external_id ON contact (external_id) WHERE deleted_at IS NULL",
    "CREATE INDEX contact_email ON contact (email)",
    "CREATE INDEX contact_phone ON contact (phone)",
    "CREATE INDEX contact_owner ON contact (owner) WHERE deleted_at IS NULL",
    "CREATE INDEX contact_team ON contact (team) WHERE deleted_at IS NULL",
    "CREATE INDEX contact_created ON contact (created_at) WHERE deleted_at IS NULL",
    "CREATE INDEX contact_score ON contact (score) WHERE deleted_at IS NULL",
    "CREATE INDEX contact_segment ON contact (segment) WHERE deleted_at IS NULL",
]
SCHEMA = f"""
PRAGMA journal_mode = WAL;
CREATE TABLE person (id TEXT PRIMARY KEY, login TEXT UNIQUE, team TEXT) WITHOUT ROWID;
CREATE TABLE team (id TEXT PRIMARY KEY, name TEXT UNIQUE) WITHOUT ROWID;
CREATE TABLE contact (id TEXT PRIMARY KEY, {_COLUMNS}) WITHOUT ROWID;
{";".join(INDEXES)};
"""
