"""A live centre that rings customers back: a trunk to an outside world, which is one more SIP phone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asterisk_conf.phones import AgentPhone, Answer
from asterisk_conf.ports import free_udp_ports
from asterisk_conf.site import Trunk
from router.live.journal import Fact, read
from tests.support.asterisk import CALLERS_HOST
from tests.support.live import Exchange, LiveCentre, running_exchange

WORLD_HOST = "127.0.0.3"
CUSTOMER, OTHER, PREMIUM = "+34911234567", "+34922222222", "+34803123456"


@asynccontextmanager
async def running_world(directory: Path, **site: Any) -> AsyncIterator[Exchange]:
    """Asterisk with the trunk `world` besides that of the callers."""
    (port,) = free_udp_ports(WORLD_HOST, 1)
    trunks = (Trunk("callers", (CALLERS_HOST,)), Trunk("world", (WORLD_HOST,), server=f"sip:{WORLD_HOST}:{port}"))
    async with running_exchange(directory, trunks=trunks, **site) as exchange:
        exchange.lines["world"] = port
        yield exchange


_OFFERING = """\
schema: 2
name: queue
start: help
on_error: end
nodes:
  help:
    type: enqueue
    queue: help
    keys: {"1": {to: offer, keeps_place: true}}
    answered: end
    exits: {nobody: end}
    otherwise: end
  offer:
    type: callback
    queue: help
    say: [beep]
    confirm: [beep]
    ask_number: [beep]
    next: booked
    refused: help
    no_input: {retries: 0, to: help}
    no_match: {retries: 0, to: help}
  booked: {type: play, say: [bye], next: end}
  end: {type: hangup}
"""
_MESSAGE = """\
schema: 2
name: prompt
start: take
on_error: end
nodes:
  take:
    type: voicemail
    say: [beep]
    mailbox: sales
    queue: help
    min_s: 1
    next: thanks
    too_short: end
  thanks: {type: play, say: [long], next: end}
  end: {type: hangup}
"""


@dataclass(slots=True)
class CallbackCentre(LiveCentre):
    """Its queue `help` rings customers back; `outbound` and `queue` are added to the settings and the queue. Who waits
    (QUEUE) may press 1 for a callback; who calls PROMPT leaves a message for the queue."""

    tries: int = 2
    retry_s: float = 1.5
    customer_ring_s: float = 3
    outbound: str = "country_code: '34', allow: ['+34'], deny: ['+34803']"
    queue: str = ""

    def write(self, changes: dict[str, str] | None = None) -> None:
        flows = {"flows/queue.yaml": _OFFERING, "flows/prompt.yaml": _MESSAGE}
        LiveCentre.write(self, flows | (changes or {}))
        server = f"sip:{WORLD_HOST}:{self.exchange.lines['world']}"
        trunks = f"{{callers: {{match: [{CALLERS_HOST}]}}, world: {{match: [{WORLD_HOST}], server: '{server}'}}}}"
        centre = self.directory / "centre/centre.yaml"
        text = centre.read_text().replace("  asterisk: {", f"  asterisk: {{trunks: {trunks}, ")
        centre.write_text(f"{text}  outbound: {{trunk: world, caller_id: '+34900100200', {self.outbound}}}\n")
        queues = self.directory / "centre/queues.yaml"
        rules = f"{{tries: {self.tries}, retry_s: {self.retry_s}, ring_s: {self.customer_ring_s}}}"
        queues.write_text(f"{queues.read_text()}    callback: {rules}\n{self.queue}")

    async def world(self, *answers: Answer) -> AgentPhone:
        """The outside world, which answers the calls to it one after the other so."""
        self._count += 1
        phone = AgentPhone(self.directory / f"world{self._count}", "world", answers, host=WORLD_HOST)
        phone.port = self.exchange.lines["world"]
        return await self._stack.enter_async_context(phone)

    async def book(self, number: str = CUSTOMER, **more: Any) -> str:
        """Books a callback in the queue `help`; the contact."""
        booked = await self.ask("book_callback", queue="help", number=number, **more)
        return str(booked["contact"])

    async def callback_states(self) -> list[str]:
        return [callback["state"] for callback in await self.ask("list_callbacks")]

    def facts(self, kind: str) -> list[Fact]:
        """Every fact of this kind that was written, by any engine."""
        records = [record for path in self.journals for record in read(path)]
        return [record for record in records if isinstance(record, Fact) and record.kind == kind]
