"""A live centre whose agents transfer and consult: two levels, three agents, a hot desk and an outside world."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asterisk_conf.phones import Answer, CallOutcome, Keys, PlannedCall
from router.core.decisions import ContactFinished
from router.core.entities import Contact
from router.live.recovery import replay
from tests.support.callbacks import CallbackCentre, running_world
from tests.support.live import _PIN_HASH, _PROMPTS, QUEUE, Exchange

PATIENCE_S = 25
HELP_EXTENSION, EXPERT_EXTENSION, BEN_EXTENSION = "800", "801", "102"
_AGENTS = f"""\
pause_reasons: [break, lunch]
hold_reasons: [having a look, asking a colleague]
dispositions: {{solved: The matter is solved, open: There is more to do}}
phones: {{desk: {{contact: "sip:desk@127.0.0.2:5999"}}}}
agents:
  anna: {{skills: {{help: 9}}, extension: "101", pin: {{hash: "{_PIN_HASH}"}}}}
  ben: {{skills: {{help: 5}}, extension: "{BEN_EXTENSION}", pin: {{hash: "{_PIN_HASH}"}}}}
  eva: {{skills: {{expert: 9}}, extension: "103", pin: {{hash: "{_PIN_HASH}"}}}}
"""
_SECOND_LEVEL = f"""\
    extension: "{HELP_EXTENSION}"
    escalates_to: expert
  expert:
    extension: "{EXPERT_EXTENSION}"
    goal: {{answered_within_s: 20, share: 0.8}}
    skills: {{expert: 1}}
    steps: [{{name: all}}]
    longest_wait_s: 60
    last_action: {{exit: nobody}}
    ring_s: 5
"""
_FLOW = """\
schema: 2
name: queue
start: help
on_error: end
nodes:
  help:
    type: enqueue
    queue: help
    attributes: {topic: "'bill'"}
    answered: after
    exits: {nobody: end}
    otherwise: end
  after: {type: play, say: [beep], next: end}
  end: {type: hangup}
"""


_WHY_ON_HOLD = """\
  hold-asking-a-colleague: {text: {en: I ask a colleague.}, sounds: {en: [vm-intro]}}
"""


@asynccontextmanager
async def running_house(directory: Path) -> AsyncIterator[Exchange]:
    """Asterisk with the phones of all three, a hot desk and the outside world."""
    async with running_world(directory, agents=("anna", "ben", "eva", "desk")) as exchange:
        yield exchange


@dataclass(slots=True)
class TalkCentre(CallbackCentre):
    queue: str = _SECOND_LEVEL
    _anna_is_there: bool = False

    def write(self, changes: dict[str, str] | None = None) -> None:
        files = {
            "agents.yaml": _AGENTS,
            "skills.yaml": "skills: {help: Help, expert: The second level}\n",
            "flows/queue.yaml": _FLOW,
            "prompts.yaml": f"{_PROMPTS}{_WHY_ON_HOLD}",
        }
        CallbackCentre.write(self, files | (changes or {}))

    async def talk(self, *keys: Keys, others: tuple[str, ...] = (), **plan: Any) -> "asyncio.Task[list[CallOutcome]]":
        """A caller talks with anna, who presses these keys (in the first talk); `others` are signed in then."""
        if not self._anna_is_there:
            self._anna_is_there = True
            await self.phone("anna", Answer(ring_s=0.1, keys=keys), Answer(ring_s=0.1))
        callers = await self.call(PlannedCall(QUEUE, **plan))
        await self.joined("callers", "anna")
        for other in others:
            await self.phone(other, Answer(ring_s=1.0))
        return asyncio.create_task(callers.finished())

    async def bridges(self) -> dict[str, str]:
        """The bridge that each phone (by its endpoint) is in; empty while it is in none."""
        lines = (await self.exchange.asterisk.cli("core show channels concise")).splitlines()
        cells = [line.split("!") for line in lines if line.startswith("PJSIP/")]
        return {row[0].partition("/")[2].rpartition("-")[0]: row[12] for row in cells}

    async def joined(self, one: str, other: str) -> None:
        """Waits until Asterisk has joined these two."""
        await self.until_bridges(lambda found: bool(found.get(one)) and found[one] == found.get(other))

    async def apart(self, *phones: str) -> None:
        """Waits until each of these is there and talks with nobody."""
        await self.until_bridges(lambda found: all(found.get(phone) == "" for phone in phones))

    async def gone(self, *phones: str) -> None:
        """Waits until none of these has a call any more."""
        await self.until_bridges(lambda found: not set(phones) & set(found))

    async def until_bridges(self, condition: Any) -> None:
        found: dict[str, str] = {}
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition(found := await self.bridges()):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not so within {PATIENCE_S} s; joined are {found}") from None

    async def restart(self) -> None:
        """As a crash, and a new engine."""
        await self.kill()
        await self.start()

    def contact(self) -> Contact:
        """The contact as the newest journal leaves it."""
        (contact,) = [found for found in replay(self.journals[-1]).router.contacts() if found.consult_of is None]
        return contact

    def served(self) -> list[tuple[str, str | None, str | None]]:
        """The end of every contact that a caller had: queue, agent, and to which queue it was sent on."""
        ends = [end for end in self.decisions(ContactFinished) if not end.consult]
        return [(end.queue, end.agent, end.transferred_to) for end in ends]
