"""A whole live centre for tests: real Asterisk, real SIP phones, and the engine as a process that can be killed.

One `Exchange` (Asterisk, ports, the agents' telephone lines) serves all tests of a module. Each test makes its own
`LiveCentre` on it: its own documents, journal and engine. `LiveCentre.over` at the end of a test asserts what must
hold after whatever has happened: nothing left over, every journal replays to the same decisions, no error logged.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from asterisk_conf.names import CODE_SIGN_IN
from asterisk_conf.phones import AgentPhone, Answer, Callers, CallOutcome, PlannedCall, feature_call
from asterisk_conf.ports import free_udp_ports, reserved_ports
from asterisk_conf.private import PrivateAsterisk
from asterisk_conf.processes import path_tail
from asterisk_conf.render import render
from asterisk_conf.site import AsteriskSite, Phone, Trunk
from router.ami.client import AmiAddress, AmiClient
from router.core.events import AnyEvent
from router.live.journal import Handled, Note, read
from router.live.recovery import replay
from switchboard.control import EngineUnreachable, ask, watch
from switchboard.wallboard import state_from
from tests.support.asterisk import AGENTS_HOST, AMI_SECRET, CALLERS_HOST

MENU, QUEUE, COLLECT, PROMPT, NOWHERE = "5551000", "5552000", "5553000", "5554000", "5555000"
"""The numbers: a menu, a queue at once, a question for digits, a long prompt, and a queue that does not exist."""
AGENTS = ("anna", "ben")
PIN = "2468"
_PIN_HASH = "scrypt:8f1d2c3b4a5968778695a4b3c2d1e0f0:b944c5b45aa963956a5d2560c83158826da7cc1f06a31c3591cc447ae1b5a54a"
_COMMAND = (sys.executable, "-m", "switchboard.cli.entry")
_POLL_S = 0.02

_CENTRE = """\
name: Live test
time_zone: Etc/UTC
languages: [en]
numbers: {{"{MENU}": menu, "{QUEUE}": queue, "{COLLECT}": collect, "{PROMPT}": prompt, "{NOWHERE}": nowhere}}
settings:
  engine: {{directory: "{directory}", agi_port: {agi_port}}}
  asterisk: {{ami_port: {ami_port}, ami_secret: {{secret_file: ami-secret}}}}
  announcements: {{every_s: {announce_every_s}}}
  api: {{port: {api_port}}}
"""
_AGENTS = f"""\
pause_reasons: [break, lunch]
agents:
  anna: {{skills: {{help: 9}}, pin: {{hash: "{_PIN_HASH}"}}}}
  ben: {{skills: {{help: 5}}, pin: {{hash: "{_PIN_HASH}"}}}}
"""
_QUEUES = """\
busy_retry_s: 1
queues:
  help:
    goal: {{answered_within_s: 20, share: 0.8}}
    skills: {{help: 1}}
    steps: [{{name: all}}]
    longest_wait_s: {longest_wait_s}
    last_action: {{exit: nobody}}
    ring_s: {ring_s}
    wrap_up_s: {wrap_up_s}
    agent_ranking: [best_fit]
"""
_PROMPTS = """\
prompts:
  beep: {text: {en: Beep.}, sounds: {en: [beep]}}
  long: {text: {en: A long prompt.}, sounds: {en: [vm-intro]}}
  bye: {text: {en: Goodbye.}, sounds: {en: [vm-goodbye]}}
"""
_FLOWS = {
    "menu": """\
schema: 2
name: menu
start: menu
on_error: end
nodes:
  menu:
    type: menu
    say: [beep]
    choices: {"1": help, "*": bye}
    first_digit_s: 3
    no_input: {retries: 1, to: silent}
    no_match: {retries: 1, to: wrong}
  help: {type: enqueue, queue: help, exits: {nobody: bye}, otherwise: bye}
  silent: {type: play, say: [beep], next: bye}
  wrong: {type: play, say: [beep], next: bye}
  bye: {type: play, say: [bye], next: end}
  end: {type: hangup}
""",
    "queue": """\
schema: 2
name: queue
start: help
on_error: end
nodes:
  help: {type: enqueue, queue: help, answered: after, exits: {nobody: end}, otherwise: end}
  after: {type: play, say: [beep], next: end}
  end: {type: hangup}
""",
    "collect": """\
schema: 2
name: collect
start: ask
on_error: end
nodes:
  ask:
    type: collect
    say: [beep]
    into: code
    min_digits: 4
    max_digits: 4
    first_digit_s: 3
    inter_digit_s: 1
    next: right
    no_input: {retries: 0, to: silent}
    no_match: {retries: 1, to: wrong}
  right: {type: play, say: [beep], next: end}
  silent: {type: play, say: [beep], next: end}
  wrong: {type: play, say: [beep], next: end}
  end: {type: hangup}
""",
    "prompt": """\
schema: 2
name: prompt
start: long
on_error: end
nodes:
  long: {type: play, say: [long, long], next: end}
  end: {type: hangup}
""",
    "nowhere": """\
schema: 2
name: nowhere
start: help
on_error: end
nodes:
  help: {type: enqueue, queue_from: "'no' + 'where'", otherwise: end, error: to-help}
  to-help: {type: enqueue, queue: help, answered: end, otherwise: end}
  end: {type: hangup}
""",
}


@dataclass(slots=True)
class Exchange:
    """Asterisk and the lines of the agents' phones, with numbers for names."""

    asterisk: PrivateAsterisk
    site: AsteriskSite
    lines: dict[str, int]

    @property
    def sip(self) -> tuple[str, int]:
        return ("127.0.0.1", self.site.ports.sip)

    async def channels(self) -> dict[str, str]:
        """The application that each channel is in, by the channel's name."""
        lines = (await self.asterisk.cli("core show channels concise")).splitlines()
        return {cells[0]: cells[5] for line in lines if len(cells := line.split("!")) > 5}

    async def until_bridged(self, timeout_s: float = 5) -> None:
        """Waits until Asterisk itself has joined two channels."""
        async with asyncio.timeout(timeout_s):
            while " 2 " not in await self.asterisk.cli("bridge show all"):
                await asyncio.sleep(_POLL_S)

    async def hang_up_channel(self, unique: str) -> None:
        """Hangs up the channel with this Uniqueid, if it is there yet."""
        for line in (await self.asterisk.cli("core show channels concise")).splitlines():
            if (cells := line.split("!"))[-1] == unique:
                await self.asterisk.cli(f"channel request hangup {cells[0]}")

    async def hang_up(self, endpoint: str) -> None:
        """Hangs up the channels of an agent's phone or of the trunk `callers`."""
        for name in await self.channels():
            if name.startswith(f"PJSIP/{endpoint}-"):
                await self.asterisk.cli(f"channel request hangup {name}")


@asynccontextmanager
async def running_exchange(directory: Path, agents: Sequence[str] = AGENTS, **site: Any) -> AsyncIterator[Exchange]:
    """Asterisk for centres of tests with these agents; `site` changes fields of its `AsteriskSite`."""
    with reserved_ports() as ports:
        host = AGENTS_HOST
        lines = dict(zip(agents, free_udp_ports(host, len(agents)), strict=True))
        described = AsteriskSite(
            **{
                "numbers": (MENU, QUEUE, COLLECT, PROMPT, NOWHERE),
                "phones": tuple(Phone(name, contact=f"sip:{name}@{host}:{port}") for name, port in lines.items()),
                "trunks": (Trunk("callers", (CALLERS_HOST,)),),
                "ami_secret": AMI_SECRET,
                "agi_port": ports.ami + 1,
                "ports": ports,
            }
            | site
        )
        async with await PrivateAsterisk.start(directory, render(described)) as asterisk:
            yield Exchange(asterisk, described, lines)


@dataclass(slots=True)
class LiveCentre:
    """A centre in `directory` with its engine as a process, and whoever calls it. Leaving it ends them all."""

    exchange: Exchange
    directory: Path
    ami_port: int | None = None
    ring_s: float = 5
    wrap_up_s: float = 0.5
    longest_wait_s: float = 120
    announce_every_s: float = 60
    _engine: asyncio.subprocess.Process | None = None
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    _count: int = 0

    # The centre and its engine

    async def __aenter__(self) -> Self:
        self.write()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            print(path_tail(self.log, 60), file=sys.stderr)
        if self._engine and self._engine.returncode is None:
            self._engine.kill()
            await self._engine.wait()
        if error is not None and self.exchange.asterisk.running:
            await self.exchange.asterisk.cli("channel request hangup all")  # the next test shall not inherit them
        await self._stack.aclose()

    @property
    def engine_directory(self) -> Path:
        return self.directory / "engine"

    @property
    def api_port(self) -> int:
        return self.exchange.site.agi_port + 1

    @property
    def log(self) -> Path:
        return self.directory / "engine.log"

    def write(self, changes: dict[str, str] | None = None) -> None:
        """Writes the centre's documents, with these files instead."""
        values = {
            "directory": self.engine_directory,
            "agi_port": self.exchange.site.agi_port,
            "api_port": self.api_port,
            "ami_port": self.ami_port or self.exchange.site.ports.ami,
            "announce_every_s": self.announce_every_s,
            "ring_s": self.ring_s,
            "wrap_up_s": self.wrap_up_s,
            "longest_wait_s": self.longest_wait_s,
        }
        numbers = {"MENU": MENU, "QUEUE": QUEUE, "COLLECT": COLLECT, "PROMPT": PROMPT, "NOWHERE": NOWHERE}
        files = {
            "centre.yaml": _CENTRE.format(**values, **numbers),
            "skills.yaml": "skills: {help: Help}\n",
            "agents.yaml": _AGENTS,
            "queues.yaml": _QUEUES.format(**values),
            "prompts.yaml": _PROMPTS,
            "ami-secret": AMI_SECRET,
        } | {f"flows/{name}.yaml": text for name, text in _FLOWS.items()}
        for name, text in (files | (changes or {})).items():
            path = self.directory / "centre" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    async def spawn(self, *arguments: str | Path) -> asyncio.subprocess.Process:
        """Runs `switchboard ARGUMENTS` with its output in the log."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *_COMMAND, *map(str, arguments), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )

    async def start(self, *, ready: bool = True) -> None:
        """Starts the engine and waits until its state can be asked, and is ready."""
        self._engine = await self.spawn("run", self.directory / "centre")
        # Long, for it is not the start that is tested: with both cores busy Python alone took 20 s to load.
        await self.until(lambda state: state["ready"] or not ready, timeout_s=60)

    async def kill(self) -> None:
        """As a crash would: `kill -9`."""
        self.signal(signal.SIGKILL)
        assert self._engine
        await self._engine.wait()

    async def terminate(self) -> int:
        """SIGTERM, and the exit code."""
        self.signal(signal.SIGTERM)
        assert self._engine
        return await asyncio.wait_for(self._engine.wait(), 10)

    @property
    def pid(self) -> int:
        assert self._engine
        return self._engine.pid

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    async def ask(self, operation: str, **arguments: Any) -> Any:
        return await ask(self.engine_directory, operation, **arguments)

    async def until(self, condition: Callable[[dict[str, Any]], Any], timeout_s: float = 10) -> dict[str, Any]:
        """The engine's state, once `condition` holds of it."""
        state: dict[str, Any] | None = None
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    with contextlib.suppress(EngineUnreachable):
                        async with contextlib.aclosing(watch(self.engine_directory)) as messages:
                            async for mirror in messages:
                                state = state_from(mirror.document, mirror.at_ms).model_dump()
                                if condition(state):
                                    return state
                    assert self._engine
                    assert self._engine.returncode is None, f"the engine ended with {self._engine.returncode}"
                    await asyncio.sleep(_POLL_S)  # until it listens; nothing else tells
        except TimeoutError:
            raise AssertionError(f"not so within {timeout_s} s; the state is {state}") from None

    async def until_calls(self, timeout_s: float = 10, **counts: int) -> dict[str, Any]:
        """Waits for so many calls in `ivr`, `waiting`, `talking`."""
        return await self.until(lambda state: counts.items() <= state["calls"].items(), timeout_s)

    async def until_agent(self, name: str, state: str, reason: str = "", timeout_s: float = 10) -> None:
        def so(whole: dict[str, Any]) -> bool:
            agent = next(agent for agent in whole["agents"] if agent["name"] == name)
            return agent["state"] == state and (not reason or agent["reason"] == reason)

        await self.until(so, timeout_s)

    # Who calls

    async def phone(self, name: str, *answers: Answer, sign_in: bool = True) -> AgentPhone:
        """The agent's phone, which does these one after the other; signed in by the control socket."""
        self._count += 1
        phone = AgentPhone(self.directory / f"phone{self._count}", name, answers or (Answer(ring_s=0.2),))
        phone.port = self.exchange.lines[name]
        await self._stack.enter_async_context(phone)
        if sign_in:
            await self.ask("sign_in", agent=name)
        return phone

    async def call(self, *plans: PlannedCall) -> Callers:
        """Begins these calls."""
        self._count += 1
        callers = Callers(self.directory / f"calls{self._count}", plans, self.exchange.sip, host=CALLERS_HOST)
        return await self._stack.enter_async_context(callers)

    async def dial(self, agent: str, code: str, pin: str = "") -> CallOutcome:
        """The agent's phone dials a feature code; what became of the call."""
        self._count += 1
        directory = self.directory / f"code{self._count}"
        async with feature_call(directory, agent, code, self.exchange.sip, pin=pin) as call:
            return (await asyncio.wait_for(call.finished(), 30))[0]

    # What came of it

    @property
    def journals(self) -> list[Path]:
        return sorted(self.engine_directory.glob("journal-*.jsonl"))

    def events(self, kind: type[AnyEvent]) -> list[Any]:
        """Every event of this kind that the router was given, by any engine."""
        records = [record for path in self.journals for record in read(path)]
        return [record.event for record in records if isinstance(record, Handled) and isinstance(record.event, kind)]

    def decisions(self, kind: type[Any]) -> list[Any]:
        records = [record for path in self.journals for record in read(path) if isinstance(record, Handled)]
        return [decision for record in records for decision in record.decisions if isinstance(decision, kind)]

    def notes(self) -> list[str]:
        return [record.text for path in self.journals for record in read(path) if isinstance(record, Note)]

    async def over(self, *, expected_errors: Sequence[str] = ()) -> None:
        """All is over: nobody is left, nobody is stuck, and every journal says the same when it is replayed."""
        free = ("ready", "paused", "offline")
        await self.until(lambda state: all(agent["state"] in free for agent in state["agents"]))
        await self.until_calls(ivr=0, waiting=0, talking=0)
        assert await self.terminate() == 0
        for path in self.journals:
            replayed = replay(path)
            assert replayed.divergence is None, f"{path}: {replayed.divergence}"
            replayed.router.check()
        assert replayed.router.contacts() == ()
        assert replayed.router.offers() == ()
        assert replayed.sessions == {}
        log = self.log.read_text()
        bad = [line for line in log.splitlines() if "ERROR" in line or "CRITICAL" in line or "Traceback" in line]
        assert [line for line in bad if not any(expected in line for expected in expected_errors)] == []


@asynccontextmanager
async def manager(exchange: Exchange) -> AsyncIterator[AmiClient]:
    """A second AMI connection, for tests that meddle."""
    up = asyncio.Event()

    async def on_up() -> None:
        up.set()

    client = AmiClient(
        AmiAddress("127.0.0.1", exchange.site.ports.ami, "switchboard", AMI_SECRET),
        on_event=lambda event: None,
        on_up=on_up,
        on_down=lambda reason: None,
    )
    await client.start()
    try:
        await asyncio.wait_for(up.wait(), 10)
        yield client
    finally:
        await client.stop()


_SLOW_BYTES, _SLOW_S = 64, 0.1


class Wire:
    """A TCP relay between engine and manager: `cut` ends what is connected, `mute` lets nothing more through while
    everything stays connected, `slow` takes from the far side no more than some bytes a second, as a reader does that
    cannot keep up, `mend` lets everything through again."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._closed = False
        self._slow = False
        self.port = 0

    async def __aenter__(self) -> Self:
        self._open.set()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        self._open.set()
        self._abort()
        await self._server.wait_closed()

    def cut(self) -> None:
        """Ends all connections; new ones are refused until `mend`."""
        self._closed = True
        self._abort()

    def mute(self) -> None:
        self._open.clear()

    def slow(self) -> None:
        self._slow = True

    def mend(self) -> None:
        self._closed = self._slow = False
        self._open.set()

    def _abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closed:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._target_port, limit=_SLOW_BYTES)
        self._writers |= {writer, back}
        try:
            await asyncio.gather(self._relay(reader, back), self._relay(there, writer))
        finally:
            self._writers -= {writer, back}

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(_SLOW_BYTES if self._slow else 4096):
                await self._open.wait()
                if self._slow:
                    await asyncio.sleep(_SLOW_S)
                writer.write(chunk)
        writer.close()


__all__ = [
    "AGENTS",
    "CODE_SIGN_IN",
    "COLLECT",
    "MENU",
    "NOWHERE",
    "PIN",
    "PROMPT",
    "QUEUE",
    "Exchange",
    "LiveCentre",
    "Wire",
    "manager",
    "running_exchange",
]
