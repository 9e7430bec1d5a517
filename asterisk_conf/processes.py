"""Child processes that do not outlive us: Asterisk and the SIP phones of the demo and the tests."""

import asyncio
import atexit
import contextlib
import os
import shutil
import signal
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO

_children: weakref.WeakSet[asyncio.subprocess.Process] = weakref.WeakSet()


async def spawn(command: Sequence[str], output: int | IO[bytes]) -> asyncio.subprocess.Process:
    """Starts `command` without input, standard output and error both going to `output`.

    It leads a process group and session of its own: Ctrl-C at the terminal reaches only us, who then end it in order.
    The kernel kills it when the thread that started it ends without having done so, even by SIGKILL.
    """
    # util-linux, so every Linux, has setpriv; without it a child survives only our own SIGKILL.
    with_us = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    process = await asyncio.create_subprocess_exec(
        *with_us,
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    _children.add(process)
    return process


def kill(process: asyncio.subprocess.Process) -> None:
    """SIGKILL to the process and its group, if it still runs."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def path_tail(path: Path, lines: int) -> str:
    """The path of a log file and its last lines; empty when it has none."""
    if not path.is_file() or not (text := path.read_text(errors="replace").strip()):
        return ""
    return f"{path}:\n" + "\n".join(f"  {line}" for line in text.splitlines()[-lines:])


@atexit.register
def _kill_all() -> None:
    for process in list(_children):
        kill(process)
