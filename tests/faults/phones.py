"""Agents' phones that vanish, and callers who hang up at the wrong moment."""

from tests.faults.frame import Fault
from tests.support.faults import Scene


async def vanishes_while_ringing(scene: Scene) -> None:
    """As after a power cut: Asterisk hears nothing of it."""
    _vanish(scene, "vic")


async def vanishes_in_talk(scene: Scene) -> None:
    _vanish(scene, "tom")


def _vanish(scene: Scene, agent: str) -> None:
    scene.phones[agent].kill()
    scene.vanished.append(agent)


PHONE_FAULTS = {
    "agent's phone vanishes while ringing": Fault(vanishes_while_ringing),
    "agent's phone vanishes in talk": Fault(vanishes_in_talk),
}
