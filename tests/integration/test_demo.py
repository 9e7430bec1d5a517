"""The demo in small: real calls through a private Asterisk, every one to a proper end, and the simulation beside it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.asterisk


def test_every_call_reaches_a_proper_end_and_the_simulation_stands_beside(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "switchboard.cli.entry", "demo", "--directory", str(tmp_path / "demo")]
    done = subprocess.run([*command, "--calls", "10", "--seconds", "15"], capture_output=True, text=True, timeout=150)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 agents have dialled *11 and their PIN" in done.stdout
    assert "10 of 10 calls reached a proper end" in done.stdout
    assert re.search(r"all queues +│ +\d+ │ +[\d.]+ % \(\d+-\d+\)", done.stdout), done.stdout
    assert "all identical" in done.stdout
    assert (tmp_path / "demo/report/report.html").stat().st_size > 10_000


def test_a_directory_that_is_no_centre_is_said_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "switchboard.cli.entry", "demo", "--directory", str(tmp_path / "demo")]
    done = subprocess.run([*command, "--centre", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "centre.yaml" in done.stderr
