"""The rendered dialplan on a real Asterisk: callers survive the engine, and what they write does no harm."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from asterisk_conf.names import AMI_EVENTS, CODE_SIGN_IN, VAR_DONE, VAR_TALKED, VAR_TRIES
from asterisk_conf.phones import AgentPhone, Answer, Callers, PlannedCall, feature_call
from asterisk_conf.ports import free_udp_ports
from asterisk_conf.site import Phone
from tests.support.ami_recorder import Recorder
from tests.support.asterisk import AMI_SECRET, CALLERS_HOST, NUMBER, running_asterisk
from tests.support.raw_agi import RawAgi

pytestmark = pytest.mark.asterisk


async def test_a_caller_whose_engine_dies_is_given_to_the_next_one_with_the_same_contact(tmp_path: Path) -> None:
    async with (
        RawAgi() as agi,
        running_asterisk(tmp_path / "asterisk", agi_port=agi.port) as (_, site),
        Callers(tmp_path / "sip", [PlannedCall(NUMBER)], ("127.0.0.1", site.ports.sip)) as callers,
    ):
        first = await agi.call()
        assert first.headers["agi_arg_1"] == first.uniqueid
        assert first.headers["agi_arg_2"] == NUMBER
        await first.ask("ANSWER")
        first.close()
        second = await agi.call()
        assert second.headers["agi_arg_1"] == first.uniqueid
        await second.ask(f"SET VARIABLE {VAR_DONE} yes")
        second.close()
        [outcome] = await callers.finished()
    assert outcome.ended == "centre"


async def test_after_a_talk_the_caller_comes_back_at_once_and_without_an_engine_is_let_go(tmp_path: Path) -> None:
    async with (
        RawAgi() as agi,
        running_asterisk(tmp_path / "asterisk", agi_port=agi.port) as (_, site),
        Callers(tmp_path / "sip", [PlannedCall(NUMBER)], ("127.0.0.1", site.ports.sip)) as callers,
    ):
        call = await agi.call()
        await call.ask("ANSWER")
        await call.ask(f"SET VARIABLE {VAR_TALKED} yes")
        call.close()
        back = await agi.call(timeout_s=0.8)
        assert back.headers["agi_arg_3"] == "yes"
        back.close()
        for _ in range(3):
            (await agi.call()).close()
        [outcome] = await callers.finished()
    assert outcome.ended == "centre"


async def test_a_talk_that_ends_soon_after_a_long_outage_leads_back_to_the_flow_all_the_same(tmp_path: Path) -> None:
    """More tries than a served caller is let go after, and no service of ten seconds since."""
    async with (
        RawAgi() as agi,
        running_asterisk(tmp_path / "asterisk", agi_port=agi.port, engine_tries=30) as (_, site),
        Callers(tmp_path / "sip", [PlannedCall(NUMBER)], ("127.0.0.1", site.ports.sip)) as callers,
    ):
        call = await agi.call()
        await call.ask("ANSWER")
        await call.ask(f"SET VARIABLE {VAR_TRIES} 20")  # as after twenty of them, two seconds each
        call.close()
        call = await agi.call()
        assert call.headers["agi_arg_3"] == ""
        for _ in range(2):  # also when the caller has been on hold or has waited again meanwhile
            await call.ask(f"SET VARIABLE {VAR_TALKED} yes")
            call.close()
            call = await agi.call(timeout_s=0.8)
            assert call.headers["agi_arg_3"] == "yes"
            await call.ask("EXEC Goto sb-back,s,1")
            call.close()
            call = await agi.call(timeout_s=0.8)
        assert await call.ask(f"GET VARIABLE {VAR_TRIES}") == "200 result=1 (0)"
        await call.ask(f"SET VARIABLE {VAR_DONE} yes")
        call.close()
        [outcome] = await callers.finished()
    assert outcome.ended == "centre"


@contextlib.asynccontextmanager
async def _fallback_answers(tmp_path: Path, agi_port: int, **site: Any) -> AsyncIterator[None]:
    """A caller, an engine at `agi_port` that does not do its work, and anna's phone in the fallback queue."""
    async with (
        AgentPhone(tmp_path / "sip", "anna", [Answer(ring_s=0.1, talk_s=0.5)]) as phone,
        running_asterisk(
            tmp_path / "asterisk",
            agi_port=agi_port,
            phones=(Phone("anna", contact=phone.contact),),
            fallback=("anna",),
            engine_tries=1,
            **site,
        ) as (_, described),
        Callers(tmp_path / "sip", [PlannedCall(NUMBER)], ("127.0.0.1", described.ports.sip)) as callers,
    ):
        yield
        [outcome] = await callers.finished()
        assert outcome.ended == "centre"
    [rung] = phone.outcomes
    assert rung.ended == "phone"


async def test_without_an_engine_the_fallback_queue_finds_somebody(tmp_path: Path) -> None:
    async with _fallback_answers(tmp_path, agi_port=1):
        pass


async def test_the_watchdog_takes_callers_back_from_an_engine_that_hangs(tmp_path: Path) -> None:
    async with RawAgi() as agi, _fallback_answers(tmp_path, agi.port, watchdog_s=1):
        silent = await agi.call()
        assert silent.headers["agi_extension"] == "s"


async def test_agents_phones_can_dial_nothing_but_feature_codes(tmp_path: Path) -> None:
    plans = [PlannedCall(NUMBER, caller="anna"), PlannedCall("*18", caller="anna"), PlannedCall("00491", caller="anna")]
    async with (
        running_asterisk(
            tmp_path / "asterisk", agi_port=1, phones=(Phone("anna", contact="sip:anna@127.0.0.2:9"),)
        ) as (_, site),
        Callers(tmp_path / "sip", plans, ("127.0.0.1", site.ports.sip), host="127.0.0.2") as callers,
    ):
        assert [outcome.answered_s for outcome in await callers.finished()] == [None] * 3
        assert callers.problem(lines=200).count("SIP/2.0 404 Not Found") == 3


async def test_a_stranger_who_takes_an_agents_name_is_refused(tmp_path: Path) -> None:
    phones = (Phone("anna", contact="sip:anna@127.0.0.2:9"),)
    async with (
        running_asterisk(tmp_path / "asterisk", agi_port=1, phones=phones) as (_, site),
        feature_call(
            tmp_path / "sip", "anna", CODE_SIGN_IN, ("127.0.0.1", site.ports.sip), host="127.0.0.3"
        ) as stranger,
    ):
        [outcome] = await stranger.finished()
        assert outcome.answered_s is None
        assert "401 Unauthorized" in stranger.problem()


async def test_strangers_are_refused(tmp_path: Path) -> None:
    async with (
        running_asterisk(tmp_path / "asterisk", agi_port=1) as (_, site),
        Callers(tmp_path / "sip", [PlannedCall(NUMBER)], ("127.0.0.1", site.ports.sip), host="127.0.0.3") as callers,
    ):
        [outcome] = await callers.finished()
        assert outcome.answered_s is None
        assert "401 Unauthorized" in callers.problem()


async def test_a_call_makes_few_ami_events_and_none_that_the_engine_does_not_know(tmp_path: Path) -> None:
    async with (
        RawAgi() as agi,
        running_asterisk(tmp_path / "asterisk", agi_port=agi.port) as (_, site),
        Recorder(site.ports.ami, AMI_SECRET) as engine,
        Callers(tmp_path / "sip", [PlannedCall(NUMBER)], ("127.0.0.1", site.ports.sip)),
    ):
        call = await agi.call()
        await call.ask("ANSWER")
        await call.ask("GET DATA beep 100 1")
        await call.ask(f"SET VARIABLE {VAR_DONE} yes")
        call.close()
        await engine.event("Hangup", Uniqueid=call.uniqueid)
        assert {event.name for event in engine.events} <= set(AMI_EVENTS)
        of_the_call = [event.name for event in engine.events if event.name != "FullyBooted"]
        assert of_the_call == ["SoftHangupRequest", "Hangup"]  # the dialplan hangs up, and it is done


# What callers have been seen to put into From: line ends (escaped, as SIP allows), quotes, brackets, expressions.
HOSTILE = {
    "expression": '"${SHELL(touch MARK)}" <sip:600@HOST>',
    "expression in the user": "<sip:%24%7BSHELL(touch%20MARK)%7D@HOST>",
    "line ends in the user": "<sip:600%0D%0Aagi_uniqueid%3A%20forged@HOST>",
    "line ends in the name": '"x%0D%0Aagi_arg_1: forged\\r\\n" <sip:600@HOST>',
    "quotes and brackets": '"a\\"b]c[d;e,f|g)h(i&j" <sip:600;isub=1@HOST>',
    "latin-1": b'"Jos\xe9 \xff" <sip:600@HOST>'.decode("latin-1"),
    "long": '"' + "n" * 900 + '" <sip:' + "9" * 200 + "@HOST>",
}


async def test_what_a_caller_writes_reaches_fastagi_only_filtered(tmp_path: Path) -> None:
    blocks: asyncio.Queue[bytes] = asyncio.Queue()

    async def agi(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        blocks.put_nowait(await reader.readuntil(b"\n\n"))
        writer.write(f"SET VARIABLE {VAR_DONE} yes\n".encode())
        await reader.readline()
        writer.close()

    server = await asyncio.start_server(agi, "127.0.0.1", 0)
    agi_port = server.sockets[0].getsockname()[1]
    mark = tmp_path / "mark"
    async with server, running_asterisk(tmp_path / "asterisk", agi_port=agi_port) as (_, site):
        for case, written in HOSTILE.items():
            _send_invite(written.replace("MARK", str(mark)), site.ports.sip)
            async with asyncio.timeout(5):
                block = await blocks.get()
            _assert_harmless(block, case)
    assert not mark.exists()


def _assert_harmless(block: bytes, case: str) -> None:
    lines = block.decode("ascii").rstrip("\n").split("\n")
    headers = dict(line.partition(": ")[::2] for line in lines)
    assert len(headers) == len(lines), f"{case}: a header came twice"
    assert all(re.fullmatch(r"agi_\w+", name.rstrip(":")) for name in headers), case
    assert re.fullmatch(r"[0-9+]{1,32}|unknown", headers["agi_callerid"]), case
    assert re.fullmatch(r"[0-9+]{1,32}|unknown", headers["agi_rdnis"]), case
    assert re.fullmatch(r"[A-Za-z0-9 .]{1,40}|unknown", headers["agi_calleridname"]), case
    assert headers["agi_dnid"] == headers["agi_arg_2"] == NUMBER, case
    assert headers["agi_arg_1"] == headers["agi_uniqueid"] != "forged", case


def _send_invite(written_from: str, sip_port: int) -> None:
    """One INVITE, sent and forgotten, with a From that no honest phone would send."""
    [port] = free_udp_ports(CALLERS_HOST, 1)
    address = f"IN IP4 {CALLERS_HOST}"
    body = f"v=0\r\no=x 1 1 {address}\r\ns=-\r\nc={address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
    head = (
        f"INVITE sip:{NUMBER}@127.0.0.1:{sip_port} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {CALLERS_HOST}:{port};branch=z9hG4bK-{port}\r\n"
        f"From: {written_from.replace('HOST', CALLERS_HOST)};tag=hostile\r\n"
        f"To: <sip:{NUMBER}@127.0.0.1>\r\n"
        f"Call-ID: {port}@{CALLERS_HOST}\r\nCSeq: 1 INVITE\r\nContact: <sip:x@{CALLERS_HOST}:{port}>\r\n"
        f"Diversion: {written_from.replace('HOST', CALLERS_HOST)};reason=unconditional\r\n"
        f"Max-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((CALLERS_HOST, port))
        sender.sendto((head + body).encode("latin-1"), ("127.0.0.1", sip_port))
