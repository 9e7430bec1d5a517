"""A private Asterisk with a plain `Queue`, the engine beside it, and agents who are signed in to both."""

import asyncio
import json
import shutil
import sys
import time
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from asterisk_conf.names import CONTEXT_IN, SOUNDS_DIRECTORY
from asterisk_conf.ports import free_udp_ports, reserved_ports
from asterisk_conf.private import PrivateAsterisk
from asterisk_conf.processes import path_tail, spawn
from asterisk_conf.render import render
from asterisk_conf.root import SetupError
from asterisk_conf.site import AsteriskSite, Phone, Ports, Trunk
from load.machine import allow_open_files
from load.sipp import AGENTS_HOST, CALLERS_HOST
from switchboard.control import EngineUnreachable, ask

HERE = Path(__file__).parent
SECRET = "secret-of-the-benchmark"
OPEN_FILES = 20_000
RTP_PORTS = (61_000, 65_535)
"""Above Linux's ephemeral range: two for each leg of a call, enough for 2,200 callers."""
NUMBERS = {"menu": "5550001", "queue": "5550002", "dialogue": "5550004"}
"""The engine's numbers by the name of their flow."""
NATIVE_NUMBER = "5550003"
NATIVE_DIALOGUE = "5550005"
_DIALOGUE = f"""
; The flow `dialogue` in Asterisk's own dialplan, to compare with: the same sounds, the same key.
[{CONTEXT_IN}](+)
exten => {NATIVE_DIALOGUE},1,Set(CHANNEL(language)=en)
 same => n,Answer()
 same => n,Playback({SOUNDS_DIRECTORY}/welcome)
 same => n,Read(KEY,{SOUNDS_DIRECTORY}/menu,1,,1,5)
 same => n,GotoIf($["${{KEY}}" = "1"]?served)
 same => n,Hangup(17)
 same => n(served),Playback({SOUNDS_DIRECTORY}/welcome)
 same => n,Hangup()
"""


@dataclass
class Bench:
    """What runs. `engine_directory` has the journal; the relay is there only if it was asked for."""

    directory: Path
    asterisk: PrivateAsterisk
    engine: asyncio.subprocess.Process
    relay: asyncio.subprocess.Process | None
    sip_port: int
    phones_port: int
    agents: Sequence[str]
    runs: int = 0

    @property
    def engine_directory(self) -> Path:
        return self.directory / "engine"

    def new_run(self, name: str) -> Path:
        """A directory for what one run writes."""
        self.runs += 1
        made = self.directory / f"run-{self.runs}-{name}"
        made.mkdir()
        return made

    async def seen_by_relay(self) -> dict[str, Any]:
        """What the relay has measured since it was last asked."""
        assert self.relay
        assert self.relay.stdin
        assert self.relay.stdout
        self.relay.stdin.write(b"\n")
        seen: dict[str, Any] = json.loads(await self.relay.stdout.readline())
        return seen

    async def sign_in(self) -> None:
        for agent in self.agents:
            await ask(self.engine_directory, "sign_in", agent=agent)

    async def state(self) -> tuple[dict[str, Any], float]:
        """What the engine answers to `switchboard state`, and how many seconds it took."""
        began = time.perf_counter()
        return await ask(self.engine_directory, "state"), time.perf_counter() - began


@asynccontextmanager
async def bench(directory: Path, agents: int, *, relay: bool, silent: bool = False) -> AsyncIterator[Bench]:
    """Starts all of it. `silent`: nobody who waits hears anything, so that Asterisk sends no RTP; neither music nor
    announcements nor the silence that Asterisk sends while it waits for keys."""
    allow_open_files(OPEN_FILES)
    names = [f"agent{number}" for number in range(1, agents + 1)]
    async with AsyncExitStack() as stack:
        ports = stack.enter_context(reserved_ports())
        engine_port, relay_port = ports.ami + 1, ports.ami + 2
        (phones_port,) = free_udp_ports(AGENTS_HOST, 1)
        centre = _write_centre(directory / "centre", names, engine_port, ports, silent=silent)
        site = AsteriskSite(
            numbers=tuple(NUMBERS.values()),
            phones=tuple(Phone(name, contact=f"sip:{name}@{AGENTS_HOST}:{phones_port}") for name in names),
            trunks=(Trunk("callers", (CALLERS_HOST,)),),
            ami_secret=SECRET,
            agi_port=relay_port if relay else engine_port,
            ports=replace(ports, rtp_first=RTP_PORTS[0], rtp_last=RTP_PORTS[1]),
            bench_number=NATIVE_NUMBER,
        )
        files = _as_fast_as_it_goes(render(site))
        if silent:
            files["musiconhold.conf"] = ""
            files["asterisk.conf"] = files["asterisk.conf"].replace("transmit_silence = yes", "transmit_silence = no")
        started = await PrivateAsterisk.start(directory / "asterisk", files, recordings=centre / "sounds")
        asterisk = await stack.enter_async_context(started)
        between = await stack.enter_async_context(_relay(relay_port, engine_port)) if relay else None
        engine = await stack.enter_async_context(_engine(directory, centre))
        yield Bench(directory, asterisk, engine, between, ports.sip, phones_port, names)


def _as_fast_as_it_goes(files: dict[str, str]) -> dict[str, str]:
    """The native queue without wrap-up, and with the shortest pause that it knows before it tries agents again."""
    queues = files["queues.conf"].replace("wrapuptime = 5", "wrapuptime = 0").replace("retry = 2", "retry = 1")
    modules = files["modules.conf"] + "load = res_pjsip_dtmf_info.so\n"
    dialplan = files["extensions.conf"] + _DIALOGUE
    return files | {"queues.conf": queues, "modules.conf": modules, "extensions.conf": dialplan}


@asynccontextmanager
async def _relay(port: int, engine_port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(HERE / "relay.py"), str(port), str(engine_port)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        await _end(process)


@asynccontextmanager
async def _engine(directory: Path, centre: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`switchboard run` as anybody would run it, once it is in step with Asterisk."""
    with (directory / "engine.log").open("wb") as log:
        process = await spawn([str(Path(sys.executable).with_name("switchboard")), "run", str(centre)], log)
    try:
        async with asyncio.timeout(60):
            while not await _is_ready(directory / "engine"):
                if process.returncode is not None:
                    raise TimeoutError
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise SetupError(f"the engine did not start\n{path_tail(directory / 'engine.log', 20)}") from None
    try:
        yield process
    finally:
        await _end(process)


async def _is_ready(engine: Path) -> bool:
    try:
        return bool((await ask(engine, "state"))["ready"])
    except EngineUnreachable:
        return False


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


def _write_centre(directory: Path, agents: Sequence[str], agi_port: int, ports: Ports, *, silent: bool) -> Path:
    shutil.copytree(HERE / "centre", directory)
    settings: dict[str, Any] = {
        "engine": {"directory": str(directory.parent / "engine"), "agi_port": agi_port},
        "asterisk": {"ami_port": ports.ami, "ami_secret": {"secret_file": str(directory.parent / "secret")}},
        "api": {"port": None},
    }
    if silent:
        settings["announcements"] = {"every_s": 86_400}
    (directory.parent / "secret").write_text(SECRET)
    (directory.parent / "secret").chmod(0o600)
    whole = {
        "name": "Benchmark",
        "time_zone": "UTC",
        "languages": ["en"],
        "numbers": {number: flow for flow, number in NUMBERS.items()},
        "settings": settings,
    }
    people = {name: {"skills": {"service": 5}} for name in agents}
    (directory / "centre.yaml").write_text(yaml.safe_dump(whole))
    (directory / "agents.yaml").write_text(yaml.safe_dump({"agents": people}))
    sounds = directory / "sounds/en"
    sounds.mkdir(parents=True)
    for name, tenths in (("welcome", 1), ("menu", 50)):
        with wave.open(str(sounds / f"{name}.wav"), "wb") as sound:
            sound.setparams((1, 2, 8_000, 0, "NONE", ""))
            sound.writeframes(bytes(1_600 * tenths))
    return directory
