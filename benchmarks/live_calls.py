"""Real SIP calls through a real Asterisk and the engine, and the same calls through Asterisk's own `Queue` beside it.

SIPp brings calls at a steady rate, without RTP; agents' phones (SIPp too) ring, answer at once, talk for half a
second and hang up. Three loads, one after the other, on the same Asterisk with the same phones and no wrap-up:

* menu: a prompt, a menu with a key (sent in SIP INFO, as there is no RTP), the queue, an agent: eight AGI commands
  until the agent is there, and one more when the caller comes back from the talk and is said goodbye to;
* queue: the engine's queue at once;
* native: the dialplan's `Answer` and `Queue`, without the engine: what the load costs Asterisk by itself.

A call has failed when SIPp says so (a reply that is wrong or missing), or when no agent had it. Where calls fail, the
load is tried again at two thirds of the rate until none does, and every try is shown.

The response time is that from an AGI reply to the engine's next command. It is taken by a relay between the two
(`load/relay.py`), so it has in it what a reply waits for the engine's attention, and what the relay needs itself. The
"variable" columns are how long Asterisk takes for SET and GET VARIABLE. CPU shares are of one core; "others' CPU" is
what programs had that are no part of this: where they and this fill the machine, all times are too long.

    python benchmarks/live_calls.py [--rate 60] [--seconds 60] [--agents 90] [--short] [--json]
"""

import argparse
import asyncio
import csv
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import wave
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2
import yaml
from rich.console import Console
from rich.table import Table

from asterisk_conf.phones import PhoneError
from asterisk_conf.ports import free_udp_ports, reserved_ports, udp_port_is_bound
from asterisk_conf.private import AsteriskFailed, PrivateAsterisk
from asterisk_conf.processes import path_tail, spawn
from asterisk_conf.render import render
from asterisk_conf.root import SetupError, ensure_program
from asterisk_conf.site import AsteriskSite, Phone, Ports, Trunk
from switchboard.control import EngineUnreachable, ask

HERE = Path(__file__).parent / "load"
CALLERS_HOST, AGENTS_HOST = "127.0.0.1", "127.0.0.2"
TALK_MS = 500
"""Longer than the joining takes, or the agent would be gone before it."""
KEY_AFTER_MS = 1_200
"""After the answer. Without RTP, Asterisk waits 500 ms for some before it goes on (main/channel.c, `__ast_answer`)."""
REPLY_LIMIT_MS = 30_000
"""SIPp counts a call as failed when what it waits for has not come by then."""
SECRET = "secret-of-the-benchmark"
SLOWEST = 5.0
"""Calls a second; below this no lower rate is tried."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the callers do. `engine`: whether the engine has a part in it."""

    name: str
    number: str
    key_after_ms: int
    engine: bool


LOADS = (
    Load("menu", "5550001", KEY_AFTER_MS, True),
    Load("queue", "5550002", 0, True),
    Load("native", "5550003", 0, False),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One load at one rate. `by_agents` counts the talks: one more than calls where an agent answered and hung up
    before the two were joined, so that another one was rung. CPU in seconds, memory in MB."""

    load: str
    rate: float
    calls: int
    failed: int
    by_agents: int
    resent: int
    took_s: float
    asterisk_cpu_s: float
    engine_cpu_s: float | None
    sipp_and_relay_cpu_s: float
    others_cpu_s: float
    engine_mb: float | None
    agi: dict[str, Any] | None

    @property
    def proper(self) -> bool:
        return self.failed == 0 and self.by_agents >= self.calls


class Bench:
    """A private Asterisk, the engine and its relay, ready for calls."""

    def __init__(
        self,
        directory: Path,
        asterisk: PrivateAsterisk,
        sip_port: int,
        phones_port: int,
        engine: asyncio.subprocess.Process,
        relay: asyncio.subprocess.Process,
    ) -> None:
        self._directory = directory
        self._asterisk = asterisk
        self._sip_port = sip_port
        self._phones_port = phones_port
        self._engine = engine
        self._relay = relay
        self._runs = 0

    async def run(self, load: Load, rate: float, seconds: float) -> Measured:
        """Brings `rate` calls a second for so long, and waits for the last to end."""
        self._runs += 1
        directory = self._directory / f"run-{self._runs}-{load.name}"
        directory.mkdir()
        calls = round(rate * seconds)
        async with self._phones(directory) as phones:
            await self._seen_by_relay()
            began, before = time.monotonic(), self._cpu_s(phones)
            callers = await self._callers(directory, load, rate, calls)
            took_s, after = time.monotonic() - began, self._cpu_s(phones)
            cpu_s = {name: after[name] - before[name] for name in before}
            seen = await self._seen_by_relay()
        answered = _statistics(directory / "phones.stat")
        ours_s = cpu_s["phones"] + cpu_s["relay"] + cpu_s["callers and this"]
        return Measured(
            load=load.name,
            rate=rate,
            calls=calls,
            failed=calls - int(callers["SuccessfulCall(C)"]),
            by_agents=int(answered["SuccessfulCall(C)"]),
            resent=int(callers["Retransmissions(C)"]) + int(answered["Retransmissions(C)"]),
            took_s=took_s,
            asterisk_cpu_s=cpu_s["asterisk"],
            engine_cpu_s=cpu_s["engine"] if load.engine else None,
            sipp_and_relay_cpu_s=ours_s,
            others_cpu_s=cpu_s["machine"] - cpu_s["asterisk"] - cpu_s["engine"] - ours_s,
            engine_mb=_memory_mb(self._engine.pid) if load.engine else None,
            agi=seen if load.engine else None,
        )

    def _cpu_s(self, phones: int) -> dict[str, float]:
        """Processor time so far; that of the callers is known when they have ended."""
        return {
            "asterisk": _cpu_s(self._asterisk.pid),
            "engine": _cpu_s(self._engine.pid),
            "relay": _cpu_s(self._relay.pid),
            "phones": _cpu_s(phones),
            "callers and this": sum(os.times()[:4]),
            "machine": _machine_cpu_s(),
        }

    async def _seen_by_relay(self) -> dict[str, Any]:
        assert self._relay.stdin
        assert self._relay.stdout
        self._relay.stdin.write(b"\n")
        seen: dict[str, Any] = json.loads(await self._relay.stdout.readline())
        return seen

    async def _callers(self, directory: Path, load: Load, rate: float, calls: int) -> dict[str, str]:
        scenario = _scenario(directory, "caller", key_after_ms=load.key_after_ms)
        target = [f"{CALLERS_HOST}:{self._sip_port}", "-s", load.number]
        pace = ["-r", f"{rate:g}", "-m", str(calls), "-l", str(calls), "-recv_timeout", str(REPLY_LIMIT_MS)]
        process = await _sipp(directory, scenario, CALLERS_HOST, free_udp_ports(CALLERS_HOST), [*target, *pace])
        code = await process.wait()
        if code not in (0, 1):  # 1: calls have failed
            raise PhoneError(f"SIPp ended with code {code}\n{path_tail(directory / 'caller.screen', 15)}")
        return _statistics(directory / "caller.stat")

    @asynccontextmanager
    async def _phones(self, directory: Path) -> AsyncIterator[int]:
        """All agents' phones while the block runs, as a process id; their statistics are whole behind the block."""
        scenario = _scenario(directory, "phones", talk_ms=TALK_MS)
        ports = (self._phones_port, *free_udp_ports(AGENTS_HOST, 1))
        process = await _sipp(directory, scenario, AGENTS_HOST, ports, [])
        while not udp_port_is_bound(AGENTS_HOST, self._phones_port):
            if process.returncode is not None:
                raise PhoneError(f"the phones did not start\n{path_tail(directory / 'phones.screen', 15)}")
            await asyncio.sleep(0.01)
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGUSR1)  # SIPp lets the calls under way end
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()


@asynccontextmanager
async def bench(directory: Path, agents: int) -> AsyncIterator[Bench]:
    names = [f"agent{number}" for number in range(1, agents + 1)]
    async with AsyncExitStack() as stack:
        ports = stack.enter_context(reserved_ports())
        engine_port, relay_port = stack.enter_context(_free_tcp_ports(2))
        (phones_port,) = free_udp_ports(AGENTS_HOST, 1)
        centre = _write_centre(directory / "centre", names, engine_port, ports)
        site = AsteriskSite(
            numbers=tuple(load.number for load in LOADS if load.engine),
            phones=tuple(Phone(name, contact=f"sip:{name}@{AGENTS_HOST}:{phones_port}") for name in names),
            trunks=(Trunk("callers", (CALLERS_HOST,)),),
            ami_secret=SECRET,
            agi_port=relay_port,
            ports=ports,
            bench_number=LOADS[-1].number,
        )
        files = render(site)
        files["modules.conf"] += "load = res_pjsip_dtmf_info.so\n"
        files["queues.conf"] = files["queues.conf"].replace("wrapuptime = 5", "wrapuptime = 0")
        started = await PrivateAsterisk.start(directory / "asterisk", files, recordings=centre / "sounds")
        asterisk = await stack.enter_async_context(started)
        relay = await asyncio.create_subprocess_exec(
            *(sys.executable, str(HERE / "relay.py"), str(relay_port), str(engine_port)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        stack.push_async_callback(_end, relay)
        engine = await stack.enter_async_context(_engine(directory, centre))
        for name in names:
            await ask(directory / "engine", "sign_in", agent=name)
        yield Bench(directory, asterisk, ports.sip, phones_port, engine, relay)


@asynccontextmanager
async def _engine(directory: Path, centre: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`switchboard run` as anybody would run it, once it is in step with Asterisk."""
    with (directory / "engine.log").open("wb") as log:
        process = await spawn([str(Path(sys.executable).with_name("switchboard")), "run", str(centre)], log)
    try:
        async with asyncio.timeout(30):
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


def _write_centre(directory: Path, agents: Sequence[str], agi_port: int, ports: Ports) -> Path:
    shutil.copytree(HERE / "centre", directory)
    settings = {
        "engine": {"directory": str(directory.parent / "engine"), "agi_port": agi_port},
        "asterisk": {"ami_port": ports.ami, "ami_secret": {"secret_file": str(directory.parent / "secret")}},
    }
    (directory.parent / "secret").write_text(SECRET)
    (directory.parent / "secret").chmod(0o600)
    whole = {
        "name": "Benchmark",
        "time_zone": "UTC",
        "languages": ["en"],
        "numbers": {load.number: load.name for load in LOADS if load.engine},
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


def _scenario(directory: Path, name: str, **values: object) -> Path:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    path = directory / f"{name}.xml"
    path.write_text(environment.get_template(f"{name}.xml.j2").render(values))
    return path


async def _sipp(
    directory: Path, scenario: Path, host: str, ports: Sequence[int], options: Sequence[str]
) -> asyncio.subprocess.Process:
    name = scenario.stem
    command = [
        str(ensure_program("sipp", "sip-tester")),
        *("-sf", str(scenario), "-i", host, "-p", str(ports[0]), "-mp", str(ports[1])),
        *("-trace_stat", "-stf", str(directory / f"{name}.stat"), "-fd", "5"),
        *("-trace_err", "-error_file", str(directory / f"{name}.errors"), "-nostdin"),
        *options,
    ]
    with (directory / f"{name}.screen").open("wb") as screen:
        return await spawn(command, screen)


def _statistics(path: Path) -> dict[str, str]:
    """The last line of SIPp's statistics: what was counted from its start to its end."""
    with path.open(newline="") as file:
        *_, last = csv.DictReader(file, delimiter=";")
    return last


def _cpu_s(pid: int) -> float:
    """Processor time of a process: fields 14 and 15 of proc(5) `stat`, behind a name that may hold anything."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _machine_cpu_s() -> float:
    """Processor time that all processes of the machine have had."""
    user, nice, system, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1_024


@contextmanager
def _free_tcp_ports(count: int) -> Iterator[list[int]]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    yield ports


def _table(measured: Sequence[Measured]) -> Table:
    table = Table(title="Calls through Asterisk and the engine, and through Asterisk's own Queue")
    for heading in ("load", "calls/s", "calls", "failed", "talks", "resent"):
        table.add_column(heading, justify="left" if heading == "load" else "right")
    for heading in ("response p50", "p99", "max ms", "variable p50", "p99 ms"):
        table.add_column(heading, justify="right")
    for heading in ("Asterisk CPU", "engine CPU", "others' CPU", "ms CPU/call", "of native", "engine MB"):
        table.add_column(heading, justify="right")
    native = next((one for one in reversed(measured) if one.load == "native"), None)
    for one in measured:
        response, variable = ((one.agi or {}).get(name) or {} for name in ("response_ms", "variable_ms"))
        cost = _cost_ms(one)
        table.add_row(
            one.load,
            f"{one.rate:g}",
            str(one.calls),
            str(one.failed),
            str(one.by_agents),
            str(one.resent),
            *(_number(response.get(name)) for name in ("p50", "p99", "max")),
            *(_number(variable.get(name)) for name in ("p50", "p99")),
            f"{one.asterisk_cpu_s / one.took_s:.0%}",
            "" if one.engine_cpu_s is None else f"{one.engine_cpu_s / one.took_s:.0%}",
            f"{one.others_cpu_s / one.took_s:.0%}",
            f"{cost:.1f}",
            f"{cost / _cost_ms(native):.2f}" if native else "",
            "" if one.engine_mb is None else f"{one.engine_mb:.0f}",
        )
    return table


def _cost_ms(measured: Measured) -> float:
    return (measured.asterisk_cpu_s + (measured.engine_cpu_s or 0.0)) / measured.calls * 1_000


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


async def measure(
    directory: Path, loads: Iterable[Load], rate: float, seconds: float, agents: int, *, only_once: bool
) -> list[Measured]:
    measured: list[Measured] = []
    async with bench(directory, agents) as running:
        for load in loads:
            pace = rate
            while True:
                measured.append(one := await running.run(load, pace, seconds))
                if one.proper or only_once or pace * 2 / 3 < SLOWEST:
                    break
                pace = round(pace * 2 / 3, 1)
    return measured


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=60, help="calls a second")
    parser.add_argument("--seconds", type=float, default=60, help="for so long, each load")
    parser.add_argument("--agents", type=int, default=90)
    parser.add_argument("--loads", nargs="+", choices=[load.name for load in LOADS], help="only these")
    parser.add_argument("--short", action="store_true", help="five seconds at a third of the rate, for a quick look")
    parser.add_argument("--keep", action="store_true", help="keep all files, also when all went well")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rate, seconds = (options.rate / 3, 5.0) if options.short else (options.rate, options.seconds)
    loads = [load for load in LOADS if load.name in (options.loads or [load.name])]

    directory = Path(tempfile.mkdtemp(prefix="switchboard-bench-"))
    try:
        measured = await measure(directory, loads, rate, seconds, options.agents, only_once=options.short)
    except (AsteriskFailed, SetupError, PhoneError) as error:
        raise SystemExit(f"the benchmark cannot run: {error}\nsee {directory}") from None
    if options.json:
        print(json.dumps([asdict(one) for one in measured], indent=2))
    else:
        Console(width=170).print(_table(measured))
    if options.keep or not all(one.proper for one in measured):
        print(f"logs, SIPp's statistics and the journal are in {directory}", file=sys.stderr)
    else:
        shutil.rmtree(directory)


if __name__ == "__main__":
    asyncio.run(main())
