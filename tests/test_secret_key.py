"""The key of cursors, sessions and stored secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_kernel.errors import ConfigError
from crm_kernel.secret_key import secret_key
from crm_kernel.settings import Settings, load_settings


def app(folder: Path, **environ: str) -> Settings:
    (folder / "crm.toml").touch()
    return load_settings(folder, environ)


def test_the_environment_comes_first(tmp_path: Path) -> None:
    assert secret_key(app(tmp_path, CRM_SECRET="0123456789abcdef")) == "0123456789abcdef"
    assert not (tmp_path / "data").exists()


def test_a_key_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    key = secret_key(app(tmp_path))
    file = tmp_path / "data" / "secret.key"
    assert len(key) >= 43
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret_key(app(tmp_path)) == key
    assert [f.name for f in file.parent.iterdir()] == ["secret.key"]


def test_two_apps_have_two_keys(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert secret_key(app(tmp_path / "a")) != secret_key(app(tmp_path / "b"))


def test_the_first_of_two_makers_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_there_yet(_: Path) -> bool:
        return False

    first = secret_key(app(tmp_path))
    monkeypatch.setattr(Path, "exists", not_there_yet)
    assert secret_key(app(tmp_path)) == first


def test_a_key_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(ConfigError, match=r"secret\.key cannot be read or made: .*CRM_SECRET"):
        secret_key(app(tmp_path))


def test_a_cut_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret.key").write_text("abc")
    with pytest.raises(ConfigError, match="fewer than 16 characters"):
        secret_key(app(tmp_path))
