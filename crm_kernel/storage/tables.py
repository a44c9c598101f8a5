"""Every table of the kernel, declared with Piccolo. Each name begins with `crm_`.

Moments are canonical texts with `Z`, ids are texts, JSON is text: what is stored is what is answered.
"""

from __future__ import annotations

from collections.abc import Mapping

from piccolo.columns import BigInt, Boolean, Text
from piccolo.table import Table

from crm_kernel.storage.binding import TABLES
from crm_kernel.storage.indexes import Index
from crm_kernel.storage.table_shapes import Sequence


class History(Table, tablename="crm_history", db=TABLES):
    """What changed in which record: one row per change."""

    seq = Sequence(primary_key=True)
    entity = Text()
    record = Text()
    version = BigInt()
    at = Text()
    action = Text()
    actor = Text(null=True, default=None)
    channel = Text()
    cause = Text(null=True, default=None, help_text="JSON: what made the change, if not a caller")
    changes = Text(null=True, default=None, help_text='JSON: {"field": [old, new]}')
    move = Text(null=True, default=None, help_text="JSON: from, to, reason, seconds")
    salt = Text(null=True, default=None, help_text="of the digest; goes with the values when they are erased")
    digest = Text(null=True, default=None, help_text="of salt, changes and move")
    hash = Text(null=True, default=None, help_text="of the entry with the digest in place of its values")


class Seal(Table, tablename="crm_seal", db=TABLES):
    """A stretch of history that may not change any more: a chain, each seal over the one before it."""

    after = BigInt(help_text="the last entry of the seal before")
    first = BigInt()
    last = BigInt()
    at = Text()
    marks = Text(help_text="the beginnings of the hashes of all its entries")
    hash = Text()


class Outbox(Table, tablename="crm_outbox", db=TABLES):
    """Events in the order of their commit, for listeners and the feed."""

    seq = Sequence(primary_key=True)
    id = Text()
    type = Text()
    entity = Text()
    record = Text()
    version = BigInt()
    at = Text()
    actor = Text(null=True, default=None)
    channel = Text()
    changed = Text(null=True, default=None, help_text="JSON: names of the changed fields")
    extra = Text(null=True, default=None, help_text="JSON: what this type of event carries beside")
    cause = Text(null=True, default=None)
    depth = BigInt()


class StageHistory(Table, tablename="crm_stage_history", db=TABLES):
    """How long each record was in which stage."""

    seq = Sequence(primary_key=True)
    entity = Text()
    record = Text()
    pipeline = Text()
    from_stage = Text(null=True, default=None)
    to_stage = Text()
    at = Text()
    by = Text(null=True, default=None)
    seconds = BigInt(null=True, default=None)
    reason = Text(null=True, default=None)


class Document(Table, tablename="crm_document", db=TABLES):
    """The running configuration."""

    kind = Text()
    name = Text()
    body = Text(help_text="JSON")
    file_hash = Text(null=True, default=None, help_text="SHA-256 of the file last applied")
    origin = Text(help_text="file, api or plugin")
    updated_at = Text()
    updated_by = Text(null=True, default=None)


class DocumentVersion(Table, tablename="crm_document_version", db=TABLES):
    """Every applied version of every document; body null where it was removed."""

    seq = Sequence(primary_key=True)
    kind = Text()
    name = Text()
    version = BigInt()
    body = Text(null=True, default=None, help_text="JSON")
    at = Text()
    by = Text(null=True, default=None)
    change = Text()


class Secret(Table, tablename="crm_secret", db=TABLES):
    """What is known of a user's secrets: hashes only."""

    user = Text()
    kind = Text()
    hash = Text()
    updated_at = Text()


class Token(Table, tablename="crm_token", db=TABLES):
    """API tokens, by the hash of what was shown once."""

    id = Text(primary_key=True)
    user = Text()
    name = Text()
    hash = Text()
    read_only = Boolean(default=False)
    entities = Text(null=True, default=None, help_text="JSON list, null = all")
    expires_at = Text(null=True, default=None)
    created_at = Text()
    last_used_at = Text(null=True, default=None)
    revoked_at = Text(null=True, default=None)


class Session(Table, tablename="crm_session", db=TABLES):
    """Signed-in browsers, by the hash of the cookie's value."""

    id = Text(primary_key=True)
    hash = Text()
    user = Text()
    created_at = Text()
    seen_at = Text()
    expires_at = Text()
    agent = Text(null=True, default=None)
    rights = Text(help_text="a digest of what its user might do when the hash was made")
    former = Text(null=True, default=None, help_text="the hash before, which still holds for some seconds")
    rotated_at = Text(null=True, default=None)


class Share(Table, tablename="crm_share", db=TABLES):
    """Single records that were shared with users."""

    id = Text(primary_key=True)
    entity = Text()
    record = Text()
    user = Text()
    actions = Text(help_text="JSON list")
    readable = Text(help_text='JSON list of fields, "*" for all that are not sensitive')
    writable = Text(help_text="the same")
    expires_at = Text(null=True, default=None)
    created_at = Text()
    created_by = Text(null=True, default=None)


class Attempt(Table, tablename="crm_attempt", db=TABLES):
    """How soon log-ins may be tried again, by a digest of account or peer."""

    key = Text(primary_key=True)
    clear_at = BigInt(help_text="milliseconds since 1970: from then on it is as if nothing had been tried")


class Key(Table, tablename="crm_key", db=TABLES):
    """Idempotency keys of requests and of listeners' writes, with the answer once there is one."""

    scope = Text(help_text="the user or listener")
    key = Text()
    fingerprint = Text(help_text="of method, path and body")
    at = Text()
    answer = Text(null=True, default=None, help_text="JSON; null while the first request runs")


class Counter(Table, tablename="crm_counter", db=TABLES):
    """The last number given out by each counter."""

    name = Text(primary_key=True)
    value = BigInt()


class Listener(Table, tablename="crm_listener", db=TABLES):
    """Up to which event each listener was served, but for its deliveries."""

    name = Text(primary_key=True)
    seq = BigInt()


class Delivery(Table, tablename="crm_delivery", db=TABLES):
    """Events that a listener has yet to get though its position is beyond them: failed, or held back behind one."""

    listener = Text()
    seq = BigInt()
    entity = Text()
    record = Text()
    state = Text(help_text="retry or dead")
    attempts = BigInt()
    next_at = Text()
    error = Text(null=True, default=None)


class Job(Table, tablename="crm_job", db=TABLES):
    """Imports and other long work, resumable."""

    id = Text(primary_key=True)
    kind = Text()
    state = Text()
    fingerprint = Text(null=True, default=None, help_text="the same import again is the same job")
    user = Text(null=True, default=None)
    body = Text(help_text="JSON: what to do, how far it is, counts")
    created_at = Text()
    updated_at = Text()


class JobFault(Table, tablename="crm_job_fault", db=TABLES):
    """Rows that an import refused."""

    seq = Sequence(primary_key=True)
    job = Text()
    row = BigInt()
    body = Text(help_text="JSON: the row and its faults")


class Schedule(Table, tablename="crm_schedule", db=TABLES):
    """The jobs of plugins that are due by the clock."""

    name = Text(primary_key=True, help_text="plugin.job")
    every = Text(help_text="cron expression and time zone that next_at is of")
    next_at = Text()
    last_at = Text(null=True, default=None)
    seconds = Text(null=True, default=None, help_text="what the last run took")
    error = Text(null=True, default=None, help_text="of the last run")


class Lease(Table, tablename="crm_lease", db=TABLES):
    """Work that one process has for itself, until a moment unless it says again that it is alive."""

    name = Text(primary_key=True)
    holder = Text()
    until = Text()


class Migration(Table, tablename="crm_migration", db=TABLES):
    """Data migrations of plugins."""

    plugin = Text()
    name = Text()
    at = Text()
    state = Text(help_text="running, done or failed")
    version = Text()
    progress = Text(null=True, default=None, help_text="JSON: how far each of its loops is")
    error = Text(null=True, default=None)


class PluginState(Table, tablename="crm_plugin", db=TABLES):
    """Which version of each plugin the records are of."""

    name = Text(primary_key=True)
    version = Text()
    at = Text()
    uninstalled = Text(null=True, default=None, help_text="JSON: what it has left, once it was taken out")


class ListUse(Table, tablename="crm_list_use", db=TABLES):
    """How often lists were asked for that no index serves."""

    entity = Text()
    fields = Text(help_text="of the filter, with commas")
    sort = Text()
    day = Text()
    times = BigInt()


class Meta(Table, tablename="crm_meta", db=TABLES):
    """Single values about the database, `epoch` among them."""

    key = Text(primary_key=True)
    value = Text()


def _index(table: str, *columns: str, unique: bool = False) -> Index:
    return Index(table, columns, unique=unique, live=None)


KERNEL_TABLES: Mapping[type[Table], tuple[Index, ...]] = {
    History: (_index("crm_history", "entity", "record", "seq"),),
    Seal: (_index("crm_seal", "after", unique=True),),
    Outbox: (),
    StageHistory: (_index("crm_stage_history", "entity", "record", "seq"),),
    Document: (_index("crm_document", "kind", "name", unique=True),),
    DocumentVersion: (_index("crm_document_version", "kind", "name", "version", unique=True),),
    Secret: (_index("crm_secret", "user", "kind", unique=True),),
    Token: (_index("crm_token", "hash", unique=True), _index("crm_token", "user")),
    Session: (
        _index("crm_session", "hash", unique=True),
        _index("crm_session", "former"),
        _index("crm_session", "user"),
    ),
    Share: (_index("crm_share", "entity", "record"), _index("crm_share", "user")),
    Attempt: (),
    Key: (_index("crm_key", "scope", "key", unique=True), _index("crm_key", "at")),
    Counter: (),
    Listener: (),
    Delivery: (
        _index("crm_delivery", "listener", "seq", unique=True),
        _index("crm_delivery", "listener", "entity", "record", "seq"),
    ),
    Job: (_index("crm_job", "fingerprint"),),
    JobFault: (_index("crm_job_fault", "job", "seq"),),
    Schedule: (),
    Lease: (),
    Migration: (_index("crm_migration", "plugin", "name", unique=True),),
    PluginState: (),
    ListUse: (_index("crm_list_use", "entity", "fields", "sort", "day", unique=True),),
    Meta: (),
}
"""All kernel tables with their indexes."""
