"""The machine under the engine: its disk, its clock, the database."""

import asyncio
import sqlite3
import subprocess
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp

from asterisk_conf.root import ensure_program
from switchboard.control import SOCKET_NAME
from tests.faults.frame import Fault
from tests.support.faults import Scene, records_file

FULL_S = LOCKED_S = 6


async def database_locked(scene: Scene) -> None:
    """Another program has the database to itself for a while."""
    other = sqlite3.connect(records_file(scene), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    await asyncio.sleep(LOCKED_S)
    other.execute("ROLLBACK")
    other.close()


async def database_read_only(scene: Scene) -> None:
    """An engine starts with a database that it may not write, and may after a while."""
    await scene.centre.kill()
    file = records_file(scene)
    await _run("mount", "--bind", str(file), str(file))
    await _run("mount", "-o", "remount,bind,ro", str(file))
    await scene.centre.start()
    await asyncio.sleep(LOCKED_S)
    await _run("umount", "--lazy", str(file))


async def database_gone(scene: Scene) -> None:
    """Somebody deletes the file."""
    for path in records_file(scene).parent.glob("records.db*"):
        path.unlink()


async def disk_full(scene: Scene) -> None:
    """Nothing more can be written, the journal least of all; then there is room again."""
    scene.journal_has_gap = True
    filler = scene.centre.engine_directory / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    await scene.centre.until(lambda state: not state["ready"], timeout_s=20)
    await asyncio.sleep(FULL_S)
    filler.unlink()
    await scene.centre.until(lambda state: state["ready"], timeout_s=20)
    await scene.centre.kill()  # and now a crash: the new journal has everybody
    await scene.centre.start()


async def clock_forth_and_back(scene: Scene) -> None:
    for offset_s in (3600, -3600, 0):
        (scene.centre.directory / "clock").write_text(f"{offset_s:+}")
        async with asyncio.timeout(10):
            while abs(await _clock_is_off_by_s(scene) - offset_s) > 60:
                await asyncio.sleep(0.1)
        await asyncio.sleep(1)


async def _clock_is_off_by_s(scene: Scene) -> float:
    """How far the engine's wall clock is from ours, by what it writes into the headers of an answer."""
    connector = aiohttp.UnixConnector(str(scene.centre.engine_directory / SOCKET_NAME))
    async with aiohttp.ClientSession(connector=connector) as http, http.post("http://engine/state", data="{}") as said:
        return parsedate_to_datetime(said.headers["Date"]).timestamp() - time.time()


def faked_clock(directory: Path) -> dict[str, str]:
    """The environment of a process whose wall clock is moved by what stands in the file `clock` of `directory`."""
    ensure_program("faketime", "faketime")
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    clock = directory / "clock"
    clock.write_text("+0")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",  # s; without it, each look at the clock reads the file
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


async def small_file_system(directory: Path, size: str) -> None:
    """`directory` becomes a file system of its own, of this size. Takes root, as the phones of these tests do."""
    directory.mkdir(parents=True, exist_ok=True)
    await _run("mount", "-o", f"size={size}", "-t", "tmpfs", "tmpfs", str(directory))


async def unmount(directory: Path) -> None:
    await _run("umount", "--lazy", str(directory))


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE)
    _, error = await process.communicate()
    assert process.returncode == 0, f"{' '.join(command)}: {error.decode()}; these tests want root"


_UNSTORED = "the records cannot be kept; they follow when it is mended"

MACHINE_FAULTS = {
    "database locked": Fault(database_locked, expected_errors=(_UNSTORED,)),
    "database read-only": Fault(database_read_only, expected_errors=(_UNSTORED,)),
    "database gone": Fault(database_gone, expected_errors=(_UNSTORED,)),
    "disk full": Fault(disk_full, disk="2M", expected_errors=(_UNSTORED, "cannot write")),
    "clock an hour forth and back": Fault(clock_forth_and_back, environment=faked_clock),
}
