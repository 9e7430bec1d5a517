"""What an engine of speech synthesis is: one file in `ivr/speech/engines/` with one subclass of `Synthesiser`.

Each runs as a program of its own, whatever its licence; a fault in one is a message and not the end of ours. Voices are
cheap to name and engines cheap to make: nothing is started before something is to be said.
"""

import importlib
import pkgutil
import shutil
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

TIME_LIMIT_S = 120.0


class SynthesisFailed(Exception):
    """The engine said nothing usable; the message says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks: a voice of an engine (`name` as the engine calls it), and how fast (1: as it comes)."""

    engine: str
    name: str
    speed: float = 1.0

    def __str__(self) -> str:
        return f"{self.engine} {self.name}"


@dataclass(frozen=True, slots=True)
class Environment:
    """Where engines find what is not on the PATH. `program`: the command of the engine `program`. `cache`: where voices
    that Switchboard has installed are. `limit_s`: how long one text may take."""

    program: tuple[str, ...] = ()
    cache: Path = Path()
    limit_s: float = TIME_LIMIT_S


class Synthesiser(ABC):
    """An engine. Used as a context, so that one that is slow to start can go on from prompt to prompt."""

    name: ClassVar[str]
    licence: ClassVar[str]
    """Of the engine and its voices, as one would have to know who ships recordings."""
    languages: ClassVar[Mapping[str, str]] = {}
    """The voice that is taken for each language where none is named; empty: any language, the voice must be named."""

    def __init__(self, environment: Environment = Environment()) -> None:
        self.environment = environment

    @abstractmethod
    def missing(self) -> str:
        """What keeps it from speaking here and how to mend that; empty: nothing."""

    @abstractmethod
    def speak(self, text: str, voice: Voice) -> bytes:
        """The text as a sound file that `ivr.speech.audio.read_audio` understands. Raises SynthesisFailed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def spoken_by(command: Sequence[str], text: str, limit_s: float, out: str = "{out}") -> bytes:
    """What a program writes into the file that stands in its command for `{out}`, with the text as its input."""
    with tempfile.TemporaryDirectory(prefix="switchboard-speech-") as directory:
        file = Path(directory) / "spoken.wav"
        filled = [part.replace(out, str(file)) for part in command]
        try:
            done = subprocess.run(filled, input=text.encode(), capture_output=True, timeout=limit_s, check=False)
        except FileNotFoundError:
            raise SynthesisFailed(f"there is no program {command[0]!r}") from None
        except subprocess.TimeoutExpired:
            raise SynthesisFailed(f"{command[0]} was not done after {limit_s:.0f} s") from None
        except (OSError, ValueError) as error:
            raise SynthesisFailed(f"{command[0]} cannot be started: {error}") from None
        if done.returncode != 0 or not file.is_file():
            told = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise SynthesisFailed(f"{command[0]} failed (code {done.returncode}): {told[0][:200]}")
        return file.read_bytes()


def needs_program(program: str, package: str) -> str:
    """What is missing where a program of a Debian package is not there."""
    return "" if shutil.which(program) else f"{program} is not here: apt-get install {package}"


@cache
def engines() -> dict[str, type[Synthesiser]]:
    """Every engine by its name: whatever `ivr/speech/engines/` holds, one a file."""
    from ivr.speech import engines as package

    found: dict[str, type[Synthesiser]] = {}
    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        for value in vars(loaded).values():
            if isinstance(value, type) and issubclass(value, Synthesiser) and value.__module__ == loaded.__name__:
                found[value.name] = value
    return dict(sorted(found.items()))
