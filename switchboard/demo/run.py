"""The demo itself: a private Asterisk, the engine, agents and callers as real SIP phones, and what came of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live

from asterisk_conf.names import CODE_SIGN_IN
from asterisk_conf.phones import AgentPhone, Callers, CallOutcome, feature_call
from asterisk_conf.ports import reserved_ports
from asterisk_conf.private import PrivateAsterisk
from asterisk_conf.render import render
from asterisk_conf.site import AsteriskSite, Phone, Trunk
from router.core.decisions import ContactFinished
from router.live.journal import Handled, read
from router.live.recovery import Replayed, replay
from switchboard.centre import Centre, load_centre
from switchboard.demo.day import PIN, Day, demo_centre, plan_day
from switchboard.engine import Engine
from switchboard.live_view import render_state
from switchboard.wallboard import state_of

CALLERS_HOST, AGENTS_HOST = "127.0.0.1", "127.0.0.2"
"""Callers come over the trunk, which Asterisk knows by its address; agents' phones have another one."""
_PLAIN_EVERY_S = 10.0


class DemoFailed(RuntimeError):
    """The demo could not be played to its end; says why and where to look."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of the day: the callers' own view, what is left in the engine, and the journal replayed."""

    outcomes: list[CallOutcome]
    left_over: tuple[str, ...]
    journal: Path
    replayed: Replayed
    longest_waiting: str

    @property
    def proper(self) -> bool:
        """Every call came to a proper end, nobody is left in the router, and the journal replays to the same."""
        ended = all(outcome.proper for outcome in self.outcomes)
        return ended and not self.left_over and self.replayed.divergence is None


async def play(directory: Path, example: Path, *, calls: int, seconds: float, seed: int, console: Console) -> Played:
    """Plays the day in the empty `directory` and returns what came of it."""
    example_centre = load_centre(example)
    async with AsyncExitStack() as stack:
        ports = stack.enter_context(reserved_ports())
        centre, secret = demo_centre(example_centre, directory, ports)
        agents = [agent.name for agent in centre.policy.agents]
        day = plan_day(agents, calls, seconds, seed)
        phones = [AgentPhone(directory / "phones", name, day.answers[name], host=AGENTS_HOST) for name in agents]
        site = AsteriskSite(
            numbers=tuple(centre.numbers),
            phones=tuple(Phone(phone.name, contact=phone.contact) for phone in phones),
            trunks=(Trunk("callers", (CALLERS_HOST,)),),
            ami_secret=secret,
            agi_port=centre.settings.engine.agi_port,
            ports=ports,
            languages=centre.languages,
            fallback=(agents[0],),
        )
        console.print(f"[bold]{centre.name}[/bold]: starting Asterisk, the engine and {len(phones)} agents' phones")
        recordings = centre.directory / "sounds"
        asterisk = await stack.enter_async_context(
            await PrivateAsterisk.start(directory / "asterisk", render(site), recordings=recordings)
        )
        engine = await stack.enter_async_context(_running_engine(centre, asterisk))
        for phone in phones:
            await stack.enter_async_context(phone)
        address = (CALLERS_HOST, ports.sip)
        await _sign_in(directory, agents, address, engine)
        console.print(
            f"{len(agents)} agents have dialled {CODE_SIGN_IN} and their PIN. {calls} callers over {seconds:.0f} s now."
        )
        callers = Callers(directory / "phones", day.calls, address, host=CALLERS_HOST)
        await stack.enter_async_context(callers)
        outcomes = await _watch(engine, callers, day, console)
        await _settled(engine)
        left_over = tuple(contact.id for contact in engine.live.router.contacts()) + tuple(engine.calls.contacts())
        journal = engine.journal.path
    return Played(outcomes, left_over, journal, replay(journal), _longest_waiting(journal))


@asynccontextmanager
async def _running_engine(centre: Centre, asterisk: PrivateAsterisk) -> AsyncIterator[Engine]:
    async with Engine(centre).running() as engine:
        try:
            await asyncio.wait_for(engine.until_ready(), 20)
        except TimeoutError:
            raise DemoFailed(f"the engine did not get in step with Asterisk\n{asterisk.log_tail()}") from None
        yield engine


async def _sign_in(directory: Path, agents: list[str], address: tuple[str, int], engine: Engine) -> None:
    """Every agent's phone dials the feature code and the PIN, all at once."""
    codes = [feature_call(directory / "phones", agent, CODE_SIGN_IN, address, pin=PIN) for agent in agents]
    async with AsyncExitStack() as stack:
        for code in codes:
            await stack.enter_async_context(code)
        await asyncio.gather(*(code.finished() for code in codes))
    offline = [agent.name for agent in engine.live.router.agents() if agent.state == "offline"]
    if offline:
        problems = "\n".join(code.problem() for code in codes if code.name.startswith(tuple(offline)))
        raise DemoFailed(f"{', '.join(offline)} could not sign in by phone\n{problems}")


async def _watch(engine: Engine, callers: Callers, day: Day, console: Console) -> list[CallOutcome]:
    """Shows the centre until the last call is over."""
    finished = asyncio.ensure_future(callers.finished())
    title = f"{engine.centre.name}: {len(day.calls)} calls"
    if console.is_terminal:
        with Live(console=console, auto_refresh=False, transient=True) as screen:
            while not finished.done():
                screen.update(render_state(state_of(engine).model_dump(), title), refresh=True)
                await asyncio.wait({finished}, timeout=0.5)
    else:
        while not finished.done():
            state = state_of(engine).model_dump()
            counts = "  ".join(f"{name} {number}" for name, number in state["calls"].items())
            busy = sum(agent["state"] in ("busy", "ringing", "wrap_up") for agent in state["agents"])
            console.print(f"  {counts}  agents at work {busy} of {len(state['agents'])}")
            await asyncio.wait({finished}, timeout=_PLAIN_EVERY_S)
    return await finished


async def _settled(engine: Engine) -> None:
    """Waits until the last wrap-up is over, so that agents' time is whole."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(30):
            while any(agent.state in ("busy", "ringing", "wrap_up") for agent in engine.live.router.agents()):
                await engine.live.next_event()


def _longest_waiting(journal: Path) -> str:
    """The contact with the longest story to tell."""
    finished = [
        decision
        for record in read(journal)
        if isinstance(record, Handled)
        for decision in record.decisions
        if isinstance(decision, ContactFinished)
    ]
    return max(finished, key=lambda contact: (contact.offers, contact.wait_ms)).contact if finished else "CONTACT"
