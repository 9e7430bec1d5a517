"""The faults, each with what happens, by name, and how one is driven (`tests.support.faults` brings the calls)."""

from pathlib import Path

from tests.faults.engine import ENGINE_FAULTS
from tests.faults.frame import Fault
from tests.faults.lines import LINE_FAULTS
from tests.faults.machine import MACHINE_FAULTS, small_file_system, unmount
from tests.faults.phones import PHONE_FAULTS
from tests.support.faults import Counts, NotStaged, counts, staged

FAULTS: dict[str, Fault] = ENGINE_FAULTS | LINE_FAULTS | PHONE_FAULTS | MACHINE_FAULTS


async def drive(fault: Fault, directory: Path, *, after_s: float = 0.0) -> Counts:
    """The fault happens `after_s` after the calls have come into their stages; what was counted in the end. Calls that
    do not come there in time are brought there once more and given more time, before anything happens to them."""
    try:
        return await _drive(fault, directory, after_s)
    except NotStaged as error:
        print(f"staged anew: {error}")
    again = directory / "again"
    again.mkdir()
    return await _drive(fault, again, after_s, slowness=2.0)


async def _drive(fault: Fault, directory: Path, after_s: float, *, slowness: float = 1.0) -> Counts:
    environment = fault.environment(directory) if fault.environment else {}
    engine_directory = directory / "engine"
    if fault.disk:
        await small_file_system(engine_directory, fault.disk)
    try:
        async with staged(directory, slowness=slowness, environment=environment) as scene:
            scene.expected_errors += fault.expected_errors
            await scene.moment(after_s)
            await fault.happen(scene)
            return await counts(scene)
    finally:
        if fault.disk:
            await unmount(engine_directory)
