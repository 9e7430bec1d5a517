"""The engine dies, is stopped, hangs, is started twice."""

import asyncio
import signal

from tests.faults.frame import Fault
from tests.support.faults import Scene


async def kill_9(scene: Scene) -> None:
    await scene.centre.kill()
    await scene.centre.start()


async def sigterm(scene: Scene) -> None:
    assert await scene.centre.terminate() == 0
    await scene.centre.start()


async def sigstop_10_s(scene: Scene) -> None:
    scene.centre.signal(signal.SIGSTOP)
    await asyncio.sleep(10)
    scene.centre.signal(signal.SIGCONT)


async def gone_for_8_s(scene: Scene) -> None:
    """FastAGI refuses: Asterisk plays music to everybody until an engine is there."""
    await scene.centre.kill()
    await asyncio.sleep(8)
    await scene.centre.start()


async def second_engine(scene: Scene) -> None:
    second = await scene.centre.spawn("run", scene.centre.directory / "centre")
    assert await asyncio.wait_for(second.wait(), 20) == 3
    assert f"another engine is at work here (process {scene.centre.pid})" in scene.centre.log.read_text()


ENGINE_FAULTS = {
    "engine kill -9": Fault(kill_9),
    "engine SIGTERM": Fault(sigterm),
    "engine SIGSTOP 10 s": Fault(sigstop_10_s),
    "engine gone for 8 s": Fault(gone_for_8_s),
    "second engine": Fault(second_engine),
}
