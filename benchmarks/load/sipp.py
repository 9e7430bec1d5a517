"""Callers and agents' phones, played by SIPp without RTP; both write down when what happened."""

import asyncio
import csv
import re
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import jinja2

from asterisk_conf.phones import PhoneError
from asterisk_conf.ports import free_udp_ports, udp_port_is_bound
from asterisk_conf.processes import path_tail, spawn
from asterisk_conf.root import ensure_program

HERE = Path(__file__).parent
CALLERS_HOST, AGENTS_HOST = "127.0.0.1", "127.0.0.2"
_LINE = re.compile(r"(\w+) \S+\s\S+\s([0-9.]+) (.*)")
"""What the scenarios log: what it is, SIPp's [timestamp] (date, time, Unix seconds), and whom it concerns."""
_NUMBER = re.compile(r"sips?:(\w+)@")


@dataclass(frozen=True, slots=True)
class Callers:
    """What SIPp counted, and when each caller was answered (Unix seconds)."""

    calls: int
    succeeded: int
    resent: int
    answered_at: dict[str, float]


@dataclass(frozen=True, slots=True)
class Phones:
    """What SIPp counted; when each agent's phone rang and for whom; when its agent hung up."""

    talks: int
    resent: int
    rang: list[tuple[float, str, str]]
    hung_up: list[tuple[float, str]]


@asynccontextmanager
async def calling(
    directory: Path,
    sip_port: int,
    number: str,
    rate: float,
    calls: int,
    *,
    key_after_ms: int = 0,
    stay_ms: int = 0,
    reply_limit_ms: int = 30_000,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """So many callers at this rate, as a process; `called` reads what it wrote. With `stay_ms` callers hang up after
    it, otherwise the centre does. A call has failed when what it waits for has not come within `reply_limit_ms`."""
    scenario = _scenario(directory, "caller", key_after_ms=key_after_ms, stay_ms=stay_ms)
    target = [f"{CALLERS_HOST}:{sip_port}", "-s", number, "-recv_timeout", str(reply_limit_ms)]
    pace = ["-r", f"{rate:g}", "-m", str(calls), "-l", str(calls)]
    process = await _sipp(directory, scenario, CALLERS_HOST, free_udp_ports(CALLERS_HOST, 4), [*target, *pace])
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def called(directory: Path, process: asyncio.subprocess.Process, calls: int) -> Callers:
    """Waits until the last call has ended. Raises PhoneError where SIPp itself failed."""
    if await process.wait() not in (0, 1):  # 1: calls have failed
        raise PhoneError(f"SIPp ended with code {process.returncode}\n{path_tail(directory / 'caller.screen', 15)}")
    counted = _statistics(directory / "caller.stat")
    answered = {_number(who): at for what, at, who in _logged(directory / "caller.log") if what == "answered"}
    return Callers(calls, int(counted["SuccessfulCall(C)"]), int(counted["Retransmissions(C)"]), answered)


@asynccontextmanager
async def phones(directory: Path, port: int, talk_ms: int) -> AsyncIterator[int]:
    """All agents' phones while the block runs, as a process id; behind the block `phones_did` reads what they wrote."""
    scenario = _scenario(directory, "phones", talk_ms=talk_ms)
    process = await _sipp(directory, scenario, AGENTS_HOST, (port, *free_udp_ports(AGENTS_HOST, 3)), [])
    while not udp_port_is_bound(AGENTS_HOST, port):
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


def phones_did(directory: Path) -> Phones:
    counted = _statistics(directory / "phones.stat")
    rang, hung_up = [], []
    for what, at, who in _logged(directory / "phones.log"):
        agent, _, caller = who.partition(" ")
        if what == "rings":
            rang.append((at, agent, _number(caller)))
        elif what == "free":
            hung_up.append((at, agent))
    return Phones(int(counted["SuccessfulCall(C)"]), int(counted["Retransmissions(C)"]), rang, hung_up)


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
    """`ports`: SIP, media and, for SIPp binds it too, the second above the media's."""
    name = scenario.stem
    command = [
        str(ensure_program("sipp", "sip-tester")),
        *("-sf", str(scenario), "-i", host, "-p", str(ports[0]), "-mp", str(ports[1])),
        *("-trace_stat", "-stf", str(directory / f"{name}.stat"), "-fd", "5"),
        *("-trace_err", "-error_file", str(directory / f"{name}.errors")),
        *("-trace_logs", "-log_file", str(directory / f"{name}.log"), "-nostdin"),
        *options,
    ]
    with (directory / f"{name}.screen").open("wb") as screen:
        return await spawn(command, screen)


def _statistics(path: Path) -> dict[str, str]:
    """The last line of SIPp's statistics: what was counted from its start to its end."""
    with path.open(newline="") as file:
        *_, last = csv.DictReader(file, delimiter=";")
    return last


def _logged(path: Path) -> list[tuple[str, float, str]]:
    found = (_LINE.match(line) for line in path.read_text(errors="replace").splitlines())
    return [(line[1], float(line[2]), line[3]) for line in found if line]


def _number(header: str) -> str:
    """The user of the SIP address in a header."""
    found = _NUMBER.search(header)
    return found[1] if found else header
