"""The one key that cursors, sessions and stored secrets need (floor 6)."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from crm_kernel.errors import ConfigError
from crm_kernel.settings import Settings
from crm_kernel.settings_rules import MIN_SECRET


def secret_key(settings: Settings) -> str:
    """CRM_SECRET, else the content of `data/secret.key`, which is made with mode 0600 where it is missing.

    Raises `ConfigError` where the file cannot be read or made, or holds too little.
    """
    if settings.secret:
        return settings.secret
    file = settings.folder / "data" / "secret.key"
    try:
        key = _read(file) or _make(file)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read or made: {error.strerror}. Hint: Set CRM_SECRET.") from error
    if len(key) < MIN_SECRET:
        detail = f"{file} holds fewer than {MIN_SECRET} characters."
        raise ConfigError(f"{detail} Hint: Put it back from a copy; without it all sessions and cursors end.")
    return key


def _read(file: Path) -> str | None:
    return file.read_text(encoding="ascii").strip() if file.exists() else None


def _make(file: Path) -> str:
    """Make the file; of two processes that do so at once both use the key of the first."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(secrets.token_urlsafe(48) + "\n")
    try:
        # A link appears whole or not at all, and never replaces a key that is there.
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return file.read_text(encoding="ascii").strip()
