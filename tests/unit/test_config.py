"""The key that is made when none is given: one for all processes, whole, and nobody else's to read."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.config import SettingError, read


def test_processes_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    environ = {"TANDEM_VAR": str(tmp_path / "var")}
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _number: read(environ).secret_key, range(64)))
    assert len(keys) == 1
    assert len(keys.pop()) == 64
    files = list((tmp_path / "var").iterdir())
    assert [file.name for file in files] == ["secret.key"]
    assert files[0].stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("key", [b"", b"short"])
def test_a_key_that_is_cut_off_is_not_used(tmp_path: Path, key: bytes) -> None:
    (tmp_path / "secret.key").write_bytes(key)
    with pytest.raises(SettingError, match=r"secret\.key must have at least 32 bytes"):
        read({"TANDEM_VAR": str(tmp_path)})
