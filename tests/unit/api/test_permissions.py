"""What the engine writes is for its own user; its directory lets the group pass, where Asterisk may be."""

import stat
from pathlib import Path

import pytest

from switchboard.centre.secrets import SecretSource
from switchboard.engine import Engine


async def test_other_users_of_the_machine_can_read_nothing(engine: Engine) -> None:
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in engine.directory.rglob("*")}
    assert stat.S_IMODE(engine.directory.stat().st_mode) & 0o007 == 0
    assert {path.name for path, mode in modes.items() if path.is_file() and mode & 0o077} == set()
    assert {path.name for path, mode in modes.items() if path.is_dir() and mode & 0o007} == set()
    assert len(modes) > 4


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_secret_that_everybody_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, warned: bool
) -> None:
    (tmp_path / "secret").write_text("the secret itself")
    (tmp_path / "secret").chmod(mode)
    assert SecretSource(secret_file="secret").read(tmp_path) == "the secret itself"
    assert ("can be read by everybody" in caplog.text) is warned
    assert "the secret itself" not in caplog.text
