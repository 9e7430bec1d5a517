"""The AMI client on a real Asterisk: rights, wrong passwords, how offers end, cuts, restarts, forged events."""

import asyncio
import os
import signal
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from asterisk_conf import names
from asterisk_conf.phones import AgentPhone, Answer
from asterisk_conf.ports import reserved_ports
from asterisk_conf.private import PrivateAsterisk
from asterisk_conf.render import render
from asterisk_conf.site import AsteriskSite, Phone, Trunk
from router.ami import actions
from router.ami.causes import Outcome, outcome
from router.ami.client import AmiDisconnected, AmiLimits, AmiRefused
from tests.support.ami_recorder import Recorder
from tests.support.asterisk import AMI_SECRET, NUMBER, running_asterisk
from tests.support.raw_agi import RawAgi

pytestmark = pytest.mark.asterisk

QUICK = AmiLimits(first_retry_s=0.05, longest_retry_s=0.4)


async def test_the_engine_s_user_can_do_what_it_must_and_no_more(tmp_path: Path) -> None:
    async with running_asterisk(tmp_path, agi_port=1) as (_, site), Recorder(site.ports.ami, AMI_SECRET) as engine:
        client = engine.client
        assert engine.named("FullyBooted")
        assert await client.collect("Status", actions.status(), until="StatusComplete") == []
        assert (await client.action("Ping"))["Ping"] == "Pong"
        for name, headers in (
            ("Command", {"Command": "core show version"}),
            ("QueueAdd", {"Queue": names.FALLBACK_QUEUE, "Interface": "PJSIP/anna"}),
            ("GetConfig", {"Filename": "manager.conf"}),
        ):
            with pytest.raises(AmiRefused, match="Permission denied"):
                await client.action(name, headers)
        with pytest.raises(AmiRefused, match="No such channel"):
            await client.collect("Status", actions.status(channel="gone"), until="StatusComplete")
        with pytest.raises(AmiRefused, match="Extension does not exist"):
            await client.action("Originate", offer("PJSIP/anna", "1", context="nowhere"))
        assert engine.downs == []
        assert client.counters.refused_blocks == client.counters.unexpected_responses == 0


async def test_a_wrong_password_is_explained_and_makes_no_storm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        running_asterisk(tmp_path, agi_port=1) as (_, site),
        Recorder(site.ports.ami, "wrong", limits=QUICK, up=False) as engine,
    ):
        async with asyncio.timeout(15):
            while len(caplog.records) < 3:
                await asyncio.sleep(0.05)
        assert "refused user 'switchboard'" in engine.client.problem
        assert "Authentication failed" in engine.client.problem
        assert engine.ups == 0


def offer(
    phone: str, number: str, *, context: str = names.CONTEXT_AGENT_LEG, timeout_ms: int = 2_000
) -> actions.Action:
    return actions.originate(
        channel=phone,
        channel_id=actions.own_channel_id("t", number),
        context=context,
        extension="s",
        timeout_ms=timeout_ms,
        variables={names.VAR_OFFER: f'o{number},{names.VAR_DONE}=yes "(x\\'},
    )


PHONES: dict[str, tuple[Answer, Outcome]] = {
    "answers": (Answer(ring_s=0.1), "answered"),
    "declines": (Answer(ring_s=0.1, status=603), "declined"),
    "busy": (Answer(ring_s=0.0, status=486), "busy"),
    "rings": (Answer(ring_s=None), "no_answer"),
    "away": (Answer(ring_s=0.0, status=480), "no_answer"),
    "unknown": (Answer(ring_s=0.0, status=404), "unreachable"),
    "congested": (Answer(ring_s=0.0, status=503), "congestion"),
}


async def test_every_way_a_phone_ends_an_offer_has_its_outcome(tmp_path: Path) -> None:
    expected: dict[str, Outcome] = {name: outcome for name, (_, outcome) in PHONES.items()}
    async with AsyncExitStack() as stack:
        phones = [
            await stack.enter_async_context(AgentPhone(tmp_path / "sip", name, [answer]))
            for name, (answer, _) in PHONES.items()
        ]
        known = [Phone(phone.name, contact=phone.contact) for phone in phones]
        known.append(Phone("unregistered", secret="secret"))
        expected |= {"unregistered": "unreachable", "nobody": "unreachable"}
        _, site = await stack.enter_async_context(running_asterisk(tmp_path, agi_port=1, phones=tuple(known)))
        engine = await stack.enter_async_context(Recorder(site.ports.ami, AMI_SECRET))
        found = dict(
            zip(
                expected,
                await asyncio.gather(*(end_of_offer(engine, name, str(n)) for n, name in enumerate(expected))),
                strict=True,
            )
        )
        assert found == expected

        # The answered leg has exactly the variables it was given, whatever is in them.
        [leg] = await engine.client.collect(
            "Status", actions.status(variables=[names.VAR_OFFER, names.VAR_DONE]), until="StatusComplete"
        )
        assert leg.variables == {names.VAR_OFFER: f'o0,{names.VAR_DONE}=yes "(x\\'}

        # A ChannelId in use makes no second channel and leaves the first alone.
        assert await end_of_offer(engine, "answers", "0", attempt=2) == "unreachable"
        assert len(await engine.client.collect("Status", actions.status(), until="StatusComplete")) == 1
        await engine.client.action("Hangup", actions.hangup(leg["Uniqueid"]))
        await engine.event("Hangup", Uniqueid=leg["Uniqueid"])


async def end_of_offer(engine: Recorder, phone: str, number: str, attempt: int = 1) -> Outcome:
    action = offer(f"PJSIP/{phone}", number)
    uniqueid = str(action["ChannelId"])
    await engine.client.action("Originate", action)
    await engine.until(lambda: len(engine.named("OriginateResponse", Uniqueid=uniqueid)) == attempt)
    told = engine.named("OriginateResponse", Uniqueid=uniqueid)[-1]
    hangup = None
    if told["Response"] == "Failure":
        try:
            hangup = await engine.event("Hangup", timeout_s=0.5, Uniqueid=uniqueid)
        except TimeoutError:
            pass  # there was no channel
    if hangup is None:
        return outcome(int(told["Reason"]))
    return outcome(int(told["Reason"]), int(hangup["Cause"]), int(hangup.get("TechCause", "0")))


async def test_an_asterisk_that_stands_still_is_found_and_one_that_restarts_is_found_again(tmp_path: Path) -> None:
    limits = AmiLimits(ping_after_s=0.5, ping_timeout_s=0.5, first_retry_s=0.05, longest_retry_s=0.4)
    async with (
        running_asterisk(tmp_path, agi_port=1) as (asterisk, site),
        Recorder(site.ports.ami, AMI_SECRET, limits=limits) as engine,
    ):
        await asyncio.sleep(1.2)
        assert engine.downs == [], "an idle Asterisk that answers pings is alive"

        loop = asyncio.get_running_loop()
        began = loop.time()
        os.kill(asterisk.pid, signal.SIGSTOP)
        await engine.until(lambda: len(engine.downs) == 1)
        assert loop.time() - began < 2.0
        assert "not even to a Ping" in engine.downs[0]
        os.kill(asterisk.pid, signal.SIGCONT)
        await engine.until(lambda: engine.ups == 2)

        asterisk.kill()
        await engine.until(lambda: len(engine.downs) == 2)
        with pytest.raises(AmiDisconnected):
            await engine.client.action("Ping")
        await asterisk.restart()
        await engine.until(lambda: engine.ups == 3)

        await asterisk.restart()
        await engine.until(lambda: engine.ups == 4)
        assert engine.downs[2] in ("Asterisk is shutting down", "Asterisk closed the connection")
        assert (await engine.client.action("Ping"))["Ping"] == "Pong"


FORGED = "555%0d%0a%0d%0aEvent%3a%20Hangup%0d%0aUniqueid%3a%20victim%0d%0a%0d%0aEvent%3a%20Hangup%0d%0aX%3a%20"


@pytest.mark.parametrize("protected", [True, False])
async def test_a_caller_cannot_forge_events(tmp_path: Path, protected: bool) -> None:
    """A number with line ends in it, and an AMI user who sees channels before the dialplan has filtered them. Without
    the event filter the forged event comes through, which is why it is there."""
    async with RawAgi() as agi:
        with reserved_ports() as ports:
            site = AsteriskSite((NUMBER,), (), (Trunk("callers", ("127.0.0.1",)),), AMI_SECRET, agi.port, ports=ports)
            files = render(site)
            manager = files["manager.conf"].replace("FullyBooted|", "FullyBooted|Newchannel|Newstate|")
            if not protected:
                manager = "\n".join(line for line in manager.splitlines() if "eventfilter = !" not in line) + "\n"
            assert ("eventfilter = !" in manager) is protected
            async with (
                await PrivateAsterisk.start(tmp_path, files | {"manager.conf": manager}),
                Recorder(ports.ami, AMI_SECRET) as engine,
            ):
                invite("127.0.0.1", ports.sip, NUMBER, FORGED)
                call = await agi.call()
                agi.close_all()
                await engine.client.action("Hangup", actions.hangup(call.uniqueid))
                await engine.event("Hangup", Uniqueid=call.uniqueid)
                assert bool(engine.named("Hangup", Uniqueid="victim")) is not protected
                assert engine.client.connected


def invite(host: str, port: int, number: str, user: str) -> None:
    """One INVITE as it is, which SIPp would not send so."""
    body = "v=0\r\no=u 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        own = line.getsockname()[1]
        head = (
            f"INVITE sip:{number}@{host}:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{own};branch=z9hG4bK-forged",
            f"From: <sip:{user}@127.0.0.1>;tag=forged",
            f"To: <sip:{number}@{host}>",
            "Call-ID: forged",
            "CSeq: 1 INVITE",
            f"Contact: <sip:forger@127.0.0.1:{own}>",
            "Max-Forwards: 70",
            "Content-Type: application/sdp",
            f"Content-Length: {len(body)}",
        )
        line.sendto(("\r\n".join(head) + "\r\n\r\n" + body).encode(), (host, port))
