"""Real SIP phones for the demo and the tests, by SIPp: callers who press keys, and agents' phones.

One SIPp process plays any number of calls, each with its own moments, from an injection file; what became of each is
read from the scenario's log. Keys are sent as RTP events (RFC 4733). Times are seconds from the answer if not said
otherwise, with SCENARIO_TICK_S precision.
"""

import asyncio
import contextlib
import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import jinja2

from asterisk_conf.ports import free_udp_ports, udp_port_is_bound
from asterisk_conf.processes import kill, path_tail, spawn
from asterisk_conf.root import ensure_program

SCENARIO_TICK_S = 0.1
STOP_TIMEOUT_S = 5.0
# What a SIPp binds: SIP, media, its own control, and, by itself, the port two above that of the media.
_PORTS = 4
# SIPp's play_dtmf (3.6.1): payload type 96, 400 ms of filler, and then for each key a pause and a tone.
_DTMF_PAYLOAD = 96
_TONE_S = 0.08
_LEAD_S = 0.4 + 2 * _TONE_S
_REFUSALS = (
    (404, "Not Found"),
    (480, "Temporarily Unavailable"),
    (486, "Busy Here"),
    (503, "Service Unavailable"),
    (603, "Decline"),
)
# Our scenarios look at the clock by letting a wait time out; SIPp tells of each as if it were a fault.
_EXPECTED_TIMEOUT = re.compile(
    r"\S+\t\S+\t\S+ Call-Id: \S+ receive timeout on message \S+ jumping to label \d+?(?=\d{4}-|\s|$)"
)
_RAW_SOCKETS = "SIPp presses keys through raw sockets: run as root, or `sudo setcap cap_net_raw+ep $(which sipp)` once"

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("asterisk_conf", "templates/sipp"),
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # noqa: S701 (SIPp's scenarios, made of our own constants only)
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys to press (`0-9*#A-D`), one every 0.16 s, the first so long after the answer (but not before 0.6 s)."""

    after_s: float
    digits: str


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call: who dials what when, which keys follow, and when the caller gives up (None: stays to the end).

    `start_s` counts from the start of `Callers`.
    """

    number: str
    caller: str = "600100200"
    start_s: float = 0.0
    keys: tuple[Keys, ...] = ()
    hang_up_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent's phone does with one call: rings, then answers (200) or refuses (486 busy, 603 declined, 480,
    503, 404). `ring_s` None: rings until it is cancelled. `talk_s` None: talks until the other side hangs up. `keys`
    are pressed during the talk, all of them before `talk_s`."""

    ring_s: float | None = 1.0
    status: Literal[200, 404, 480, 486, 503, 603] = 200
    talk_s: float | None = None
    keys: tuple[Keys, ...] = ()


@dataclass(slots=True)
class CallOutcome:
    """What became of one call; moments are seconds since its SIPp started, None where it did not come to that.

    `ended`: by whom or how it came to its proper end (`caller`, `phone`, `centre`, `both` when their BYEs crossed,
    `cancelled`, `refused`); None when it did not.
    """

    started_s: float | None = None
    answered_s: float | None = None
    keys_s: list[float] = field(default_factory=list)
    ended_s: float | None = None
    ended: str | None = None

    @property
    def proper(self) -> bool:
        return self.ended is not None


class PhoneError(RuntimeError):
    """SIPp could not do what was wanted; the message has its own last words."""


class _Sipp:
    """One SIPp process with its files in `directory`."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.name = name
        self._process: asyncio.subprocess.Process | None = None

    async def _launch(self, template: str, rows: Sequence[str], options: Sequence[str], **context: object) -> None:
        program = ensure_program("sipp", "sip-tester")
        scenario = _ENVIRONMENT.get_template(template).render(tick_ms=round(SCENARIO_TICK_S * 1000), **context)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._path("xml").write_text(scenario)
        self._path("csv").write_text("SEQUENTIAL\n" + "".join(f"{row}\n" for row in rows))
        command = [
            str(program),
            *("-sf", str(self._path("xml"))),
            *("-inf", str(self._path("csv"))),
            *("-trace_err", "-error_file", str(self._path("errors"))),
            *("-trace_logs", "-log_file", str(self._path("log"))),
            *("-nostdin", "-aa"),
            *options,
        ]
        with self._path("screen").open("wb") as screen:
            self._process = await spawn(command, screen)

    def _path(self, suffix: str) -> Path:
        return self.directory / f"{self.name}.{suffix}"

    @property
    def outcomes(self) -> list[CallOutcome]:
        """What is known now of each call, in the order in which they began."""
        outcomes: dict[int, CallOutcome] = {}
        for number, what, at_s in self._log_lines():
            outcome = outcomes.setdefault(number, CallOutcome())
            match what.partition("-by-"):
                case ("dialled" | "rung", _, _):
                    outcome.started_s = at_s
                case ("answered", _, _):
                    outcome.answered_s = at_s
                case ("keys", _, _):
                    outcome.keys_s.append(at_s)
                case (how, _, who):
                    outcome.ended, outcome.ended_s = who or how, at_s
        return [outcomes[number] for number in sorted(outcomes)]

    def _log_lines(self) -> Iterator[tuple[int, str, float]]:
        if self._path("log").is_file():
            for line in self._path("log").read_text().splitlines():
                number, what, at_ms = line.split()
                yield int(number), what, int(at_ms) / 1000

    def problem(self, lines: int = 15) -> str:
        """SIPp's last words and where all of them are, for people who look for a fault."""
        errors = self._path("errors").read_text(errors="replace") if self._path("errors").is_file() else ""
        if "raw" in errors and "socket" in errors:
            errors += f"\n{_RAW_SOCKETS}"
        said = _EXPECTED_TIMEOUT.sub("", errors).strip().splitlines()[-lines:]
        if not said:
            return path_tail(self._path("screen"), lines) or f"SIPp said nothing (see {self._path('*')})"
        return f"{self._path('errors')}:\n" + "\n".join(f"  {line}" for line in said)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        """Ends the process. Calls that are still up are not ended: as after a power cut, Asterisk hears nothing."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
        self.kill()
        await self._process.wait()

    def kill(self) -> None:
        """Ends the process by force, if it still runs."""
        if self._process:
            kill(self._process)


class Callers(_Sipp):
    """Calls to the Asterisk at `asterisk` (host, port), from `host`. Start, then await `finished`."""

    def __init__(
        self,
        directory: Path,
        calls: Sequence[PlannedCall],
        asterisk: tuple[str, int],
        *,
        host: str = "127.0.0.1",
        name: str = "callers",
    ) -> None:
        super().__init__(directory, name)
        self.calls = tuple(calls)
        self._asterisk = asterisk
        self._host = host

    async def start(self) -> None:
        rounds = max((len(call.keys) for call in self.calls), default=0)
        count = str(len(self.calls))
        sip, media, control, _ = free_udp_ports(self._host, _PORTS)
        options = [
            f"{self._asterisk[0]}:{self._asterisk[1]}",
            *("-i", self._host, "-mi", self._host, "-p", str(sip), "-mp", str(media)),
            *("-ci", self._host, "-cp", str(control)),
            # SIPp makes the first call after one interval of its rate; each call then waits for its own moment.
            *("-m", count, "-l", count, "-r", str(max(100, len(self.calls)))),
        ]
        rows = [self._row(call, rounds) for call in self.calls]
        await self._launch(
            "caller.xml.j2", rows, options, rounds=rounds, tone_ms=round(_TONE_S * 1000), dtmf_payload=_DTMF_PAYLOAD
        )

    async def finished(self) -> list[CallOutcome]:
        """Waits for the last call; the outcomes in the order of the calls' starts.

        Raises PhoneError when SIPp itself failed (a port, a scenario), not when a call did.
        """
        assert self._process
        code = await self._process.wait()
        if code not in (0, 1):  # 1: at least one call failed
            raise PhoneError(f"SIPp ended with code {code}\n{self.problem()}")
        return self.outcomes

    @staticmethod
    def _row(call: PlannedCall, rounds: int) -> str:
        things_to_do = len(call.keys) + (call.hang_up_after_s is not None)
        cells = [call.caller, call.number, _ms(call.start_s), _ms(call.hang_up_after_s), str(things_to_do)]
        return _line([*cells, *_rounds_of_keys(call.keys, rounds)])


class AgentPhone(_Sipp):
    """An agent's phone at `host`:`port`, which does one `Answer` after the other and then begins again."""

    def __init__(
        self, directory: Path, name: str, answers: Sequence[Answer] = (Answer(),), *, host: str = "127.0.0.2"
    ) -> None:
        super().__init__(directory, name)
        self.host = host
        self.port, self._media, self._control, _ = free_udp_ports(host, _PORTS)
        self._answers = tuple(answers)

    @property
    def contact(self) -> str:
        return f"sip:{self.name}@{self.host}:{self.port}"

    async def start(self) -> None:
        rounds = max((len(answer.keys) for answer in self._answers), default=0)
        rows = [self._row(answer, rounds) for answer in self._answers]
        own = ["-i", self.host, "-mi", self.host, "-p", str(self.port)]
        options = [*own, "-mp", str(self._media), "-ci", self.host, "-cp", str(self._control)]
        await self._launch(
            "phone.xml.j2",
            rows,
            options,
            refusals=_REFUSALS,
            rounds=rounds,
            tone_ms=round(_TONE_S * 1000),
            dtmf_payload=_DTMF_PAYLOAD,
        )
        await self._listening()

    @staticmethod
    def _row(answer: Answer, rounds: int) -> str:
        cells = [_ms(answer.ring_s), str(answer.status), _ms(answer.talk_s), str(len(answer.keys))]
        return _line([*cells, *_rounds_of_keys(answer.keys, rounds)])

    async def _listening(self) -> None:
        """Waits until the phone's port is bound; SIPp says so in no other way than that the kernel knows it."""
        while not udp_port_is_bound(self.host, self.port):
            assert self._process
            if self._process.returncode is not None:
                raise PhoneError(f"the phone {self.name} did not start\n{self.problem()}")
            await asyncio.sleep(0.01)


def feature_call(
    directory: Path,
    agent: str,
    code: str,
    asterisk: tuple[str, int],
    *,
    pin: str = "",
    pin_after_s: float = 1.0,
    host: str = "127.0.0.2",
) -> Callers:
    """An agent's phone dials a feature code, and `#` after the PIN."""
    keys = (Keys(pin_after_s, f"{pin}#"),) if pin else ()
    call = PlannedCall(code, caller=agent, keys=keys)
    return Callers(directory, [call], asterisk, host=host, name=f"{agent}-{code.strip('*')}")


def _rounds_of_keys(all_keys: Sequence[Keys], rounds: int) -> Iterator[str]:
    """For each round of keys when SIPp is to begin with it and the keys; filled up to `rounds`."""
    free_s = 0.0
    for keys in all_keys:
        start_s = max(0.0, keys.after_s - _LEAD_S)
        if start_s < free_s:
            raise ValueError(f"the keys {keys.digits!r} at {keys.after_s} s come too soon after those before them")
        free_s = start_s + _LEAD_S + 2 * _TONE_S * len(keys.digits) + SCENARIO_TICK_S
        yield from (_ms(start_s), keys.digits)
    yield from ["-1", "0"] * (rounds - len(all_keys))


def _line(cells: Sequence[str]) -> str:
    """One line of an injection file."""
    if wrong := [cell for cell in cells if not cell or set(cell) & set(";\r\n[]<>")]:
        raise ValueError(f"SIPp cannot send {wrong[0]!r}")
    return ";".join(cells)


def _ms(seconds: float | None) -> str:
    return "-1" if seconds is None else str(round(seconds * 1000))
