"""Agents' phones that vanish, and callers who hang up at the wrong moment."""

from typing import Any

from tests.faults.frame import Fault
from tests.support.faults import Scene


async def vanishes_while_ringing(scene: Scene) -> None:
    """As after a power cut: Asterisk hears nothing of it."""
    _vanish(scene, "vic")


async def vanishes_in_talk(scene: Scene) -> None:
    _vanish(scene, "tom")


async def hangs_up_with_the_answer(scene: Scene) -> None:
    """The caller for whom vic's phone rings goes in the instant in which the engine hears of the answer."""
    ringing = await scene.centre.until(lambda state: _of_vic(state)["state"] == "ringing")
    caller = _of_vic(ringing)["contact"]
    await scene.centre.until(lambda state: _of_vic(state)["state"] != "ringing")
    await scene.exchange.hang_up_channel(caller)


def _of_vic(state: dict[str, Any]) -> dict[str, Any]:
    return next(agent for agent in state["agents"] if agent["name"] == "vic")


def _vanish(scene: Scene, agent: str) -> None:
    scene.phones[agent].kill()
    scene.vanished.append(agent)


PHONE_FAULTS = {
    "agent's phone vanishes while ringing": Fault(vanishes_while_ringing),
    "agent's phone vanishes in talk": Fault(vanishes_in_talk),
    "caller hangs up with the answer": Fault(hangs_up_with_the_answer),
}
