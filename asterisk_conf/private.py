"""An Asterisk of our own, for the demo and the tests: its own directories and ports, gone when we are gone."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from asterisk_conf.names import SOUNDS_DIRECTORY
from asterisk_conf.processes import kill, path_tail, spawn
from asterisk_conf.render import write
from asterisk_conf.root import LANGUAGES, Installation, find_or_build

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0
READY = b"Asterisk Ready."

# What Asterisk's core asks for at its start; empty: the defaults, and no complaints.
EMPTY = ("acl", "ccss", "pjproject", "queuerules", "stasis", "udptl")
# A private Asterisk writes no call records: the engine's journal has more.
SWITCHED_OFF = {"cdr.conf": "[general]\nenable = no\n", "cel.conf": "[general]\nenable = no\n"}


class AsteriskFailed(RuntimeError):
    """Asterisk did not start, ended by itself or refused a command; the message has the end of its log."""


class PrivateAsterisk:
    """A running Asterisk. `directory` holds all it writes: `etc`, `log` (messages.log, console.log), `spool`, `lib`."""

    def __init__(self, installation: Installation, directory: Path) -> None:
        self.installation = installation
        self.directory = directory.absolute()
        self._process: asyncio.subprocess.Process | None = None
        self._console: asyncio.Task[None] | None = None
        # The path of a Unix socket has at most 107 characters, so it cannot be below `directory`.
        self._run = Path(tempfile.mkdtemp(prefix="switchboard-asterisk-"))

    @classmethod
    async def start(
        cls,
        directory: Path,
        files: Mapping[str, str],
        *,
        recordings: Path | None = None,
        installation: Installation | None = None,
    ) -> Self:
        """Starts Asterisk with the rendered `files` and returns once it is fully booted.

        `recordings` has a directory for each language with the centre's own sounds; the dialplan and AGI find them
        as `sb/NAME`. Raises SetupError when there is no Asterisk to start, AsteriskFailed when it does not start.
        """
        if installation is None:
            installation = await asyncio.to_thread(find_or_build)
        asterisk = cls(installation, directory)
        try:
            asterisk._lay_out(files, recordings)
            await asterisk._launch()
        except BaseException:
            asterisk.kill()
            await asterisk.stop()
            raise
        return asterisk

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        """The process id, for measuring and for signals."""
        if self._process is None:
            raise AsteriskFailed("Asterisk is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def cli(self, command: str) -> str:
        """What Asterisk's console answers to `command`."""
        process = await asyncio.create_subprocess_exec(
            *self._command("-r", "-x", command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        text = output.decode(errors="replace")
        if process.returncode != 0:
            raise AsteriskFailed(f"asterisk -rx {command!r}: {text.strip()}\n{self.log_tail()}")
        return text

    async def stop(self) -> None:
        """Ends Asterisk and every call in it, in order if it obeys."""
        if self.running and self._process:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
            except TimeoutError:
                self.kill()
        await self._reap()
        shutil.rmtree(self._run, ignore_errors=True)

    def kill(self) -> None:
        """Ends Asterisk at once (SIGKILL), as a crash would."""
        if self._process:
            kill(self._process)

    async def restart(self) -> None:
        """Ends Asterisk if it still runs, and starts it again with the same files and ports."""
        if self.running and self._process:
            self._process.terminate()
        await self._reap()
        self._run.mkdir(exist_ok=True)
        await self._launch()

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of Asterisk's logs with their paths, for people who look for a fault."""
        logs = (self.directory / "log/console.log", self.directory / "log/messages.log")
        return "\n".join(filter(None, (path_tail(path, lines) for path in logs)))

    def _command(self, *options: str) -> list[str]:
        return [*self.installation.command, "-C", str(self.directory / "etc/asterisk.conf"), *options]

    async def _launch(self) -> None:
        self._process = await spawn(self._command("-f"), asyncio.subprocess.PIPE)
        ready = asyncio.get_running_loop().create_future()
        self._console = asyncio.create_task(self._copy_console(self._process, ready))
        try:
            await asyncio.wait_for(ready, START_TIMEOUT_S)
        except TimeoutError:
            self.kill()
            raise AsteriskFailed(f"Asterisk was not ready after {START_TIMEOUT_S:.0f} s\n{self.log_tail()}") from None
        await self.cli("core waitfullybooted")

    async def _copy_console(self, process: asyncio.subprocess.Process, ready: asyncio.Future[None]) -> None:
        """Keeps what Asterisk prints, and tells when it says that it is ready, or that it is gone."""
        assert process.stdout
        with (self.directory / "log/console.log").open("ab") as log:
            while chunk := await process.stdout.readline():
                log.write(chunk)
                log.flush()
                if READY in chunk and not ready.done():
                    ready.set_result(None)
        code = await process.wait()
        if not ready.done():
            ready.set_exception(AsteriskFailed(f"Asterisk ended with code {code} while starting\n{self.log_tail()}"))

    async def _reap(self) -> None:
        if self._process:
            await self._process.wait()
        if self._console:
            await self._console

    def _lay_out(self, files: Mapping[str, str], recordings: Path | None) -> None:
        for name in ("etc", "log", "spool", "lib", "data"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        quiet = {f"{name}.conf": "" for name in EMPTY} | SWITCHED_OFF
        asterisk_conf = self._directories_section() + files.get("asterisk.conf", "")
        write({**quiet, **files, "asterisk.conf": asterisk_conf}, self.directory / "etc")
        self._link_data(recordings)

    def _directories_section(self) -> str:
        directories = {
            "astetcdir": self.directory / "etc",
            "astmoddir": self.installation.modules,
            "astvarlibdir": self.directory / "lib",
            "astdbdir": self.directory / "lib",
            "astkeydir": self.directory / "lib",
            "astdatadir": self.directory / "data",
            "astagidir": self.directory / "lib",
            "astspooldir": self.directory / "spool",
            "astcachedir": self.directory / "lib",
            "astrundir": self._run,
            "astlogdir": self.directory / "log",
        }
        return "[directories]\n" + "".join(f"{name} => {path}\n" for name, path in directories.items()) + "\n"

    def _link_data(self, recordings: Path | None) -> None:
        """A data directory of links: the installation's own, and the centre's recordings as `sb` in each language."""

        data = self.directory / "data"
        for path in self.installation.data.iterdir():
            if path.name != "sounds":
                _link(data / path.name, path)
        # Asterisk writes regions with an underscore: a channel that speaks es-MX has the language es_MX.
        own = (
            {path.name.replace("-", "_"): path for path in recordings.iterdir() if path.is_dir()} if recordings else {}
        )
        for language in {*LANGUAGES, *own}:
            directory = data / "sounds" / language
            directory.mkdir(parents=True, exist_ok=True)
            if core := self.installation.sounds(language):
                for path in core.iterdir():
                    _link(directory / path.name, path)
            if language in own:
                _link(directory / SOUNDS_DIRECTORY, own[language].absolute())


def _link(link: Path, target: Path) -> None:
    with contextlib.suppress(FileExistsError):
        link.symlink_to(target)
