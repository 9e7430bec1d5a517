"""Processes of this machine: what a terminal's Ctrl-C makes of them while they start."""

import subprocess
import sys
from pathlib import Path

PROBE = """
import os, signal
with open("loaded", "a") as file:
    file.write(f"{os.getpid()} {signal.getsignal(signal.SIGINT) is signal.SIG_IGN}\\n")

def work(subject, number):
    return signal.getsignal(signal.SIGINT) is signal.SIG_DFL
"""
MAIN = """
import os, signal, probe
from simulations.places import Processes

if __name__ == "__main__":
    print(os.getpid(), list(Processes(1).results(probe.work, [None], [(0, 0)])))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""


def test_what_loads_for_the_workers_does_not_hear_ctrl_c(tmp_path: Path) -> None:
    """The command itself reports; a traceback of another process above its words would only frighten."""
    (tmp_path / "probe.py").write_text(PROBE)
    (tmp_path / "main.py").write_text(MAIN)
    ran = subprocess.run([sys.executable, "main.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    pid, _, told = ran.stdout.strip().partition(" ")
    assert told == "[True]", "a worker ends at once"
    loaded = dict(line.split() for line in (tmp_path / "loaded").read_text().splitlines())
    assert loaded.pop(pid) == "False", "the command hears it"
    assert set(loaded.values()) == {"True"}
