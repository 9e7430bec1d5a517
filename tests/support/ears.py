"""Telephones whose audio is measured: each sends a tone of its own frequency and keeps all that it hears.

Real SIP over UDP, real RTP (PCMU, 20 ms a packet, RFC 3551), real keys (RFC 4733). Who hears whom is then a matter of
which frequencies are in what an ear has heard, by the discrete Fourier transform at just these frequencies (Goertzel).
"""

import asyncio
import contextlib
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

RATE = 8_000
FRAME = 160
"""Samples of a packet: 20 ms."""
LOUDNESS = 6_000.0
"""The amplitude of every tone, of 32767."""
SILENCE = 150.0
"""A tone below this amplitude is not there: what companding and the tails of other tones leave."""
_KEYS = "0123456789*#ABCD"
_DTMF_PAYLOAD = 101
_NUMBERS = count(1)
"""Of calls and transactions, over all ears: one comes after the other at the same address, and Asterisk would take what
looks the same for a repetition."""


def amplitude(samples: NDArray[np.float64], frequency: float) -> float:
    """How loud this frequency is in the samples; a Hann window keeps the other frequencies out."""
    if len(samples) < FRAME:
        return 0.0
    window = np.hanning(len(samples))
    turns = np.exp(-2j * np.pi * frequency * np.arange(len(samples)) / RATE)
    return float(2 * abs(np.sum(samples * window * turns)) / np.sum(window))


def encode(samples: NDArray[np.float64]) -> bytes:
    """Linear samples as mu-law (ITU-T G.711)."""
    magnitude = np.minimum(np.abs(samples), 32_635).astype(np.int64) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int64) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(samples < 0, 0x80, 0)
    return (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes()


def decode(data: bytes) -> NDArray[np.float64]:
    """Mu-law as linear samples."""
    code = ~np.frombuffer(data, np.uint8).astype(np.int64) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 132 << ((code >> 4) & 0x07)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.float64)


@dataclass(slots=True)
class _Dialog:
    """One call as SIP knows it."""

    call_id: str
    ours: str
    theirs: str
    target: str
    route: tuple[str, int]
    cseq: int = 1


class _Sip(asyncio.DatagramProtocol):
    def __init__(self, ear: "Ear") -> None:
        self._ear = ear

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._ear.on_message(data.decode(), (addr[0], addr[1]))


class _Rtp(asyncio.DatagramProtocol):
    def __init__(self, ear: "Ear") -> None:
        self._ear = ear

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if len(data) > 12 and data[1] & 0x7F == 0:
            self._ear.heard.append(data[12:])


@dataclass(slots=True)
class Ear:
    """A telephone at `host`:`port` (0: any) that answers after `ring_s`, one call at a time."""

    name: str
    frequency: float
    host: str
    port: int = 0
    ring_s: float = 0.2
    heard: list[bytes] = field(default_factory=list)
    in_call: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    _keys: list[str] = field(default_factory=list)
    _dialog: _Dialog | None = None
    _peer: tuple[str, int] | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _sip: asyncio.DatagramTransport | None = None
    _rtp: asyncio.DatagramTransport | None = None
    _tag: str = ""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._sip, _ = await loop.create_datagram_endpoint(lambda: _Sip(self), (self.host, self.port))
        self._rtp, _ = await loop.create_datagram_endpoint(lambda: _Rtp(self), (self.host, 0))
        self.port = self._sip.get_extra_info("sockname")[1]
        self.idle.set()
        self._tasks.append(asyncio.create_task(self._speak()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ConnectionError):
            self.hang_up()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert self._sip
        assert self._rtp
        self._sip.close()
        self._rtp.close()

    # What a person does

    async def call(self, number: str, server: tuple[str, int], timeout_s: float = 10) -> None:
        """Calls `number` and returns when it is answered."""
        self._new_tag()
        target = f"sip:{number}@{server[0]}:{server[1]}"
        us = f"<sip:{self.name}@{self.host}:{self.port}>;tag={self._tag}"
        self._dialog = _Dialog(self._tag, us, f"<{target}>", target, server)
        self._request("INVITE", self._sdp())
        await asyncio.wait_for(self.in_call.wait(), timeout_s)

    def hang_up(self) -> None:
        """Ends the call, if there is one."""
        if self._dialog and self.in_call.is_set():
            self._dialog.cseq += 1
            self._request("BYE")
            self._over()

    def press(self, keys: str) -> None:
        """Presses keys, one every 0.2 s."""
        self._keys += keys

    def vanish(self) -> None:
        """As after a power cut: no sound any more, no answer to anything, and nobody is told."""
        for line in (self._sip, self._rtp):
            assert line
            line.close()
        self._over()

    async def listen(self, seconds: float) -> NDArray[np.float64]:
        """What is heard from now on, for so long (by the samples, not by the clock)."""
        first, wanted = len(self.heard), round(seconds * RATE / FRAME)
        async with asyncio.timeout(seconds * 5 + 5):
            while len(self.heard) < first + wanted:
                await asyncio.sleep(0.02)
        return decode(b"".join(self.heard[first : first + wanted]))

    # SIP (RFC 3261), as little of it as one call takes

    def on_message(self, text: str, source: tuple[str, int]) -> None:
        head, _, body = text.partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        if first.startswith("SIP/2.0"):
            self._on_response(int(first.split()[1]), headers, body)
        else:
            self._on_request(first.split()[0], headers, body, source)

    def _on_response(self, status: int, headers: dict[str, list[str]], body: str) -> None:
        dialog = self._dialog
        if dialog is None or headers["call-id"][0] != dialog.call_id or "INVITE" not in headers["cseq"][0]:
            return
        if status >= 200:
            dialog.theirs = headers["to"][0]
            if status < 300:
                dialog.target = _address(headers["contact"][0])
                self._media(body)
                self.in_call.set()
                self.idle.clear()
            self._request("ACK")

    def _on_request(self, method: str, headers: dict[str, list[str]], body: str, source: tuple[str, int]) -> None:
        busy = self._dialog is not None and headers["call-id"][0] != self._dialog.call_id
        if method == "INVITE" and busy:
            self._respond(486, "Busy Here", headers, source)
        elif method == "INVITE" and self.in_call.is_set():
            self._media(body)
            self._respond(200, "OK", headers, source, self._sdp())
        elif method == "INVITE" and self._dialog is None:
            self._new_tag()
            us = f"{headers['to'][0]};tag={self._tag}"
            contact = _address(headers["contact"][0])
            self._dialog = _Dialog(headers["call-id"][0], us, headers["from"][0], contact, source, 100)
            self._media(body)
            self._respond(180, "Ringing", headers, source)
            self._tasks.append(asyncio.create_task(self._answer(headers, source)))
        elif method == "CANCEL":
            self._respond(200, "OK", headers, source)
            self._over()
        elif method == "BYE":
            self._respond(200, "OK", headers, source)
            if not busy:
                self._over()
        elif method == "OPTIONS":
            self._respond(200, "OK", headers, source)

    async def _answer(self, headers: dict[str, list[str]], source: tuple[str, int]) -> None:
        await asyncio.sleep(self.ring_s)
        if self._dialog and self._dialog.call_id == headers["call-id"][0]:
            self._respond(200, "OK", headers, source, self._sdp())
            self.in_call.set()
            self.idle.clear()

    def _new_tag(self) -> None:
        self._tag = f"{self.name}-{next(_NUMBERS)}"

    def _over(self) -> None:
        self._dialog = self._peer = None
        self.in_call.clear()
        self.idle.set()

    def _respond(
        self, status: int, reason: str, headers: dict[str, list[str]], source: tuple[str, int], body: str = ""
    ) -> None:
        to = headers["to"][0]
        if "tag=" not in to:
            to = f"{to};tag={self._tag}"
        vias = [f"Via: {via}" for via in headers["via"]]
        lines = [f"SIP/2.0 {status} {reason}", *vias, f"From: {headers['from'][0]}", f"To: {to}"]
        self._send([*lines, f"Call-ID: {headers['call-id'][0]}", f"CSeq: {headers['cseq'][0]}"], body, source)

    def _request(self, method: str, body: str = "") -> None:
        dialog = self._dialog
        assert dialog
        branch = f"z9hG4bK{self.name}{next(_NUMBERS)}"
        lines = [f"{method} {dialog.target} SIP/2.0", f"Via: SIP/2.0/UDP {self.host}:{self.port};branch={branch}"]
        lines += [f"From: {dialog.ours}", f"To: {dialog.theirs}", f"Call-ID: {dialog.call_id}"]
        self._send([*lines, f"CSeq: {dialog.cseq} {method}", "Max-Forwards: 70"], body, dialog.route)

    def _send(self, lines: Sequence[str], body: str, to: tuple[str, int]) -> None:
        assert self._sip
        lines = [*lines, f"Contact: <sip:{self.name}@{self.host}:{self.port}>"]
        if body:
            lines.append("Content-Type: application/sdp")
        text = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body])
        self._sip.sendto(text.encode(), to)

    def _sdp(self) -> str:
        assert self._rtp
        port = self._rtp.get_extra_info("sockname")[1]
        lines = ["v=0", f"o=ear 1 1 IN IP4 {self.host}", "s=-", f"c=IN IP4 {self.host}", "t=0 0"]
        lines += [f"m=audio {port} RTP/AVP 0 {_DTMF_PAYLOAD}", "a=rtpmap:0 PCMU/8000", "a=ptime:20"]
        lines += [f"a=rtpmap:{_DTMF_PAYLOAD} telephone-event/8000", f"a=fmtp:{_DTMF_PAYLOAD} 0-15", "a=sendrecv", ""]
        return "\r\n".join(lines)

    def _media(self, sdp: str) -> None:
        host = re.search(r"^c=IN IP4 (\S+)", sdp, re.MULTILINE)
        port = re.search(r"^m=audio (\d+)", sdp, re.MULTILINE)
        if host and port:
            self._peer = (host[1], int(port[1]))

    # RTP

    async def _speak(self) -> None:
        """Sends the tone, and keys in place of it, as long as there is somebody to send it to."""
        clock = asyncio.get_running_loop().time
        sequence = stamp = 0
        events: list[tuple[int, bytes]] = []
        due = clock()
        phases = 2 * np.pi * np.arange(FRAME) / RATE
        while True:
            due = max(due + FRAME / RATE, clock() - 0.2)
            await asyncio.sleep(max(0.0, due - clock()))
            if self._peer is None or not self.in_call.is_set():
                continue
            if not events and self._keys:
                events = _key_packets(self._keys.pop(0), stamp)
            if events:
                stamped, payload = events.pop(0)
                kind = _DTMF_PAYLOAD
            else:
                shift = 2 * np.pi * stamp / RATE
                tone = np.sin(self.frequency * (phases + shift))  # which may change from one packet to the next
                stamped, payload, kind = stamp, encode(LOUDNESS * tone), 0
            if payload:
                header = struct.pack("!BBHII", 0x80, kind, sequence & 0xFFFF, stamped & 0xFFFFFFFF, self.port)
                assert self._rtp
                self._rtp.sendto(header + payload, self._peer)
                sequence += 1
            stamp += FRAME


def _key_packets(key: str, stamp: int) -> list[tuple[int, bytes]]:
    """A key held for 100 ms, its end told three times (RFC 4733), and a pause of 100 ms."""
    code = _KEYS.index(key)
    held = [(stamp, struct.pack("!BBH", code, 10, FRAME * (step + 1))) for step in range(5)]
    end = (stamp, struct.pack("!BBH", code, 0x80 | 10, FRAME * 5))
    return [*held, end, end, end, *[(stamp, b"")] * 5]


def _address(header: str) -> str:
    return header.partition("<")[2].partition(">")[0] or header.partition(";")[0]
