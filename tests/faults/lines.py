"""The lines between engine and Asterisk, and Asterisk itself."""

import asyncio

from tests.faults.frame import Fault
from tests.support.faults import Scene


async def ami_cut(scene: Scene) -> None:
    scene.ami.cut()
    await asyncio.sleep(3)
    scene.ami.mend()


async def ami_silent(scene: Scene) -> None:
    """Connected and dead: found out by pings."""
    scene.ami.mute()
    await scene.centre.until(lambda state: not state["ready"], timeout_s=20)
    scene.ami.mend()


async def ami_slow_reader(scene: Scene) -> None:
    """What Asterisk says comes 640 bytes a second, far less than it says."""
    scene.ami.slow()
    await asyncio.sleep(8)
    scene.ami.mend()


async def agi_refused(scene: Scene) -> None:
    """FastAGI connections break, and new ones are refused for a while."""
    scene.agi.cut()
    await asyncio.sleep(3)
    scene.agi.mend()


async def agi_hung(scene: Scene) -> None:
    """Nothing comes through, and nothing breaks."""
    scene.agi.mute()
    await asyncio.sleep(5)
    scene.agi.mend()


async def asterisk_restarted(scene: Scene) -> None:
    scene.asterisk_died = True
    scene.exchange.asterisk.kill()
    for process in (*scene.phones.values(), *scene.calls):
        process.kill()  # they would wait for answers to their BYE
    await scene.exchange.asterisk.restart()
    await scene.centre.until(lambda state: state["ready"] and not sum(list(state["calls"].values())[:3]), timeout_s=30)
    scene.vanished += scene.phones


async def asterisk_reloaded(scene: Scene) -> None:
    await scene.exchange.asterisk.cli("core reload")


LINE_FAULTS = {
    "AMI cut": Fault(ami_cut),
    "AMI silent": Fault(ami_silent),
    "AMI slow reader": Fault(ami_slow_reader),
    "FastAGI refused": Fault(agi_refused),
    "FastAGI hung": Fault(agi_hung),
    "Asterisk restarted": Fault(asterisk_restarted),
    "Asterisk reloaded": Fault(asterisk_reloaded),
}
