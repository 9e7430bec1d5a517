"""The AMI client against a socket-level fake Asterisk: one test for each way the line or the peer can fail."""

import asyncio
import logging
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from router.ami.client import (
    AmiBusy,
    AmiDisconnected,
    AmiLimits,
    AmiMisuse,
    AmiRefused,
    AmiTimeout,
    Event,
)
from tests.support.ami_recorder import Recorder
from tests.support.fake_ami import FULLY_BOOTED, FakeAsterisk, block, error, event, success

QUICK = AmiLimits(
    connect_s=1.0,
    boot_s=1.0,
    action_s=2.0,
    ping_after_s=60.0,
    ping_timeout_s=0.1,
    first_retry_s=0.02,
    longest_retry_s=0.16,
)


@pytest.fixture
async def asterisk() -> AsyncIterator[FakeAsterisk]:
    async with FakeAsterisk() as fake:
        yield fake


@pytest.fixture
async def started() -> AsyncIterator[Callable[..., Any]]:
    engines: list[Recorder] = []

    async def start(port: int, limits: AmiLimits = QUICK, secret: str = "s3cret") -> Recorder:
        engine = Recorder(port, secret, limits=limits)
        engines.append(engine)
        await engine.client.start()
        return engine

    yield start
    for engine in engines:
        await engine.client.stop()


Start = Callable[..., Any]


# --- Up -----------------------------------------------------------------------------------------------------------


async def test_up_comes_after_login_and_fully_booted(asterisk: FakeAsterisk, started: Start) -> None:
    asterisk.booted = False
    engine = await started(asterisk.port)
    await asterisk.wait_for("Login")
    assert not engine.client.connected
    with pytest.raises(AmiDisconnected) as caught:
        await engine.client.action("Ping")
    assert not caught.value.sent
    assert engine.ups == 0
    asterisk.send(FULLY_BOOTED)
    await engine.up()
    assert engine.client.connected
    assert engine.client.problem == ""
    assert (await engine.client.action("Ping"))["Ping"] == "Pong"


async def test_a_wrong_password_is_named_and_retried_with_back_off(
    asterisk: FakeAsterisk, started: Start, caplog: pytest.LogCaptureFixture
) -> None:
    engine = await started(asterisk.port, secret="wrong")
    await asterisk.wait_for("Login", times=4)
    assert engine.ups == 0
    assert not engine.client.connected
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "refused user 'switchboard'" in warnings[0]
    assert f"127.0.0.1:{asterisk.port}" in warnings[0]
    assert "manager.conf has [switchboard]" in warnings[0]
    assert not any("wrong" in warning for warning in warnings), "the secret must not be in the log"
    delays = [float(warning.rpartition("in ")[2].removesuffix(" s")) for warning in warnings]
    assert delays[:4] == sorted(delays[:4])
    assert len(asterisk.actions) == asterisk.connections


async def test_back_off_doubles_to_a_limit_and_jitter_only_shortens_it() -> None:
    engine = Recorder(1, "s3cret", limits=AmiLimits(first_retry_s=1.0, longest_retry_s=30.0))
    delays = [engine.client._retry_delay_s(failures) for failures in range(8)]
    assert delays == [1, 1, 2, 4, 8, 16, 30, 30]
    engine.client._jitter = lambda: 1.0
    assert engine.client._retry_delay_s(100) == 22.5


async def test_a_login_without_fully_booted_says_which_right_may_be_missing(
    asterisk: FakeAsterisk, started: Start
) -> None:
    asterisk.booted = False
    engine = await started(asterisk.port, AmiLimits(boot_s=0.05, first_retry_s=0.01))
    await asterisk.wait_for("Login", times=2)
    assert "lack `system`" in engine.client.problem
    assert engine.ups == 0


async def test_nothing_listening_is_retried_until_something_does(started: Start) -> None:
    asterisk = FakeAsterisk()
    await asterisk.listen()
    await asterisk.shut()
    engine = await started(asterisk.port)
    async with asyncio.timeout(5):
        while "no connection to Asterisk's manager" not in engine.client.problem:
            await asyncio.sleep(0.01)
    await asterisk.listen()
    await engine.up()
    await engine.client.stop()
    await asterisk.shut()


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b""])
async def test_a_port_that_is_no_manager_is_named(started: Start, greeting: bytes) -> None:
    async with FakeAsterisk(greeting=greeting) as other:
        engine = await started(other.port, AmiLimits(connect_s=0.05, first_retry_s=0.01))
        async with asyncio.timeout(5):
            while other.connections < 2:
                await asyncio.sleep(0.01)
        said = "not an Asterisk manager port" if greeting else "no connection to Asterisk's manager"
        assert said in engine.client.problem
        assert other.actions == []
        await engine.client.stop()


async def test_over_tls_only_a_peer_whose_certificate_is_trusted_gets_the_secret(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ami"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made.split(), *files], check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    async with FakeAsterisk(tls=server) as asterisk:
        trusting = ssl.create_default_context(cafile=str(certificate))
        async with Recorder(asterisk.port, "s3cret", tls=trusting) as engine:
            assert (await engine.client.action("Ping"))["Ping"] == "Pong"
        asterisk.actions.clear()
        async with Recorder(
            asterisk.port, "s3cret", limits=QUICK, up=False, tls=ssl.create_default_context()
        ) as engine:
            async with asyncio.timeout(5):
                while "certificate" not in engine.client.problem:
                    await asyncio.sleep(0.01)
        assert asterisk.actions == []


# --- Actions --------------------------------------------------------------------------------------------------------


async def test_each_action_gets_its_own_answer_in_whatever_order(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await (await started(asterisk.port)).up()
    asterisk.answers["getvar"] = None
    asked = [asyncio.create_task(engine.client.action("Getvar", {"Variable": name})) for name in "ABC"]
    actions = await asterisk.wait_for("Getvar", times=3)
    for action in reversed(actions):
        asterisk.send(success(action, "", f"Value: {action['variable'].lower()}"))
    assert [(await task)["Value"] for task in asked] == ["a", "b", "c"]
    assert len({action["actionid"] for action in asterisk.actions}) == len(asterisk.actions)


async def test_a_refusal_carries_asterisk_s_own_words(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await (await started(asterisk.port)).up()
    asterisk.answers["hangup"] = lambda action: error(action, "No such channel")
    with pytest.raises(AmiRefused) as caught:
        await engine.client.action("Hangup", {"Channel": "gone"})
    assert caught.value.message == "No such channel"
    assert caught.value.action == "Hangup"


async def test_an_unanswered_action_times_out_and_its_late_answer_disturbs_nobody(
    asterisk: FakeAsterisk, started: Start
) -> None:
    engine = await (await started(asterisk.port)).up()
    asterisk.answers["setvar"] = None
    with pytest.raises(AmiTimeout, match="the outcome is unknown"):
        await engine.client.action("Setvar", timeout_s=0.02)
    [late] = await asterisk.wait_for("Setvar")
    asterisk.send(success(late))
    assert (await engine.client.action("Ping"))["Ping"] == "Pong"
    assert engine.client.counters.unexpected_responses == 1
    assert engine.client.connected


async def test_an_action_given_up_by_its_caller_leaves_nothing_behind(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await (await started(asterisk.port, AmiLimits(most_under_way=1))).up()
    asterisk.answers["setvar"] = None
    task = asyncio.create_task(engine.client.action("Setvar"))
    await asterisk.wait_for("Setvar")
    task.cancel()
    await asyncio.wait([task])
    assert (await engine.client.action("Ping"))["Ping"] == "Pong"


async def test_too_many_actions_under_way_are_refused_at_once(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await (await started(asterisk.port, AmiLimits(most_under_way=2))).up()
    asterisk.answers["setvar"] = None
    tasks = [asyncio.create_task(engine.client.action("Setvar")) for _ in range(2)]
    waiting = await asterisk.wait_for("Setvar", times=2)
    with pytest.raises(AmiBusy, match="Ping was not sent"):
        await engine.client.action("Ping")
    for action in waiting:
        asterisk.send(success(action))
    await asyncio.gather(*tasks)
    await engine.client.action("Ping")


@pytest.mark.parametrize(
    "headers",
    [{"Value": "x\r\nAction: Hangup\r\nChannel: y"}, {"Value": "x\ny"}, {"Value": "\0"}, {"Value": "x" * 1_001}],
)
async def test_what_would_break_the_line_is_never_sent(
    asterisk: FakeAsterisk, started: Start, headers: dict[str, str]
) -> None:
    engine = await (await started(asterisk.port)).up()
    with pytest.raises(AmiMisuse):
        await engine.client.action("Setvar", headers)
    await engine.client.action("Ping")
    assert [action["action"] for action in asterisk.actions] == ["Login", "Ping"]


@pytest.mark.parametrize(
    ("name", "headers", "message"),
    [
        ("QueueAdd", {"Queue": "q", "Interface": "PJSIP/a"}, "Added interface to queue"),
        ("Originate", {"Channel": "PJSIP/a"}, "Originate successfully queued"),
        ("Atxfer", {"Channel": "PJSIP/a"}, "Atxfer successfully queued"),
        ("PlayDTMF", {"Channel": "PJSIP/a"}, "DTMF successfully queued"),
        ("Other", {}, "Something will follow"),
        ("Other", {}, ""),
    ],
)
async def test_no_wording_of_an_answer_is_taken_for_a_list(
    asterisk: FakeAsterisk, started: Start, name: str, headers: dict[str, str], message: str
) -> None:
    engine = await (await started(asterisk.port)).up()
    asterisk.answers[name.lower()] = lambda action: success(action, message)
    response = await engine.client.action(name, headers)
    assert response.message == message


# --- Lists ----------------------------------------------------------------------------------------------------------


def channels(action: dict[str, str], *uniqueids: str, complete: bool = True) -> str:
    items = [
        block("Event: Status", f"ActionID: {action['actionid']}", f"Uniqueid: {uniqueid}", "Variable: A=1")
        for uniqueid in uniqueids
    ]
    end = block("Event: StatusComplete", f"ActionID: {action['actionid']}", f"ListItems: {len(items)}")
    return (
        success(action, "Channel status will follow", "EventList: start") + "".join(items) + (end if complete else "")
    )


async def test_a_list_is_collected_and_its_items_are_no_events_of_the_line(
    asterisk: FakeAsterisk, started: Start
) -> None:
    engine = await (await started(asterisk.port)).up()
    asterisk.answers["status"] = lambda action: channels(action, "1.1") + event("Newchannel", "Uniqueid: 1.2")
    found = await engine.client.collect("Status", until="StatusComplete")
    assert [item["Uniqueid"] for item in found] == ["1.1"]
    assert found[0].variables == {"A": "1"}
    assert engine.named("Status") == engine.named("StatusComplete") == []
    await engine.until(lambda: bool(engine.named("Newchannel")))


async def test_an_empty_list_is_a_list(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await (await started(asterisk.port)).up()
    asterisk.answers["status"] = lambda action: channels(action)
    assert await engine.client.collect("Status", until="StatusComplete") == []


async def test_a_list_answered_with_an_error_does_not_hang(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await (await started(asterisk.port)).up()
    asterisk.answers["status"] = lambda action: error(action, "No such channel")
    with pytest.raises(AmiRefused, match="No such channel"):
        await engine.client.collect("Status", {"Channel": "gone"}, until="StatusComplete")


async def test_a_list_that_does_not_end_times_out_and_says_so(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await (await started(asterisk.port)).up()
    asterisk.answers["status"] = lambda action: channels(action, "1.1", complete=False)
    with pytest.raises(AmiTimeout, match="begun the list, but StatusComplete did not come"):
        await engine.client.collect("Status", until="StatusComplete", timeout_s=0.05)


async def test_a_list_cut_short_by_the_line_is_told_from_a_complete_one(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await (await started(asterisk.port)).up()
    asterisk.answers["status"] = lambda action: channels(action, "1.1", complete=False)
    task = asyncio.create_task(engine.client.collect("Status", until="StatusComplete"))
    await asterisk.wait_for("Status")
    asterisk.cut()
    with pytest.raises(AmiDisconnected) as caught:
        await task
    assert caught.value.sent


# --- Events ---------------------------------------------------------------------------------------------------------


async def test_an_originate_response_that_overtakes_the_response_is_not_lost(
    asterisk: FakeAsterisk, started: Start
) -> None:
    engine = await (await started(asterisk.port)).up()
    asterisk.answers["originate"] = lambda action: (
        event("OriginateResponse", f"ActionID: {action['actionid']}", "Response: Failure", "Reason: 0")
        + success(action)
    )
    response = await engine.client.action("Originate", {"Channel": "PJSIP/a", "Async": True})
    assert response.name == "Success"
    [told] = engine.named("OriginateResponse")
    assert told["Response"] == "Failure"


async def test_blocks_without_event_or_response_are_counted_and_passed_over(
    asterisk: FakeAsterisk, started: Start
) -> None:
    engine = await (await started(asterisk.port)).up()
    forged = event("Newchannel", "CallerIDNum: 1", "", "Foo: 1", "Uniqueid: 1.1") + event("Hangup", "A: 1", "A: 2")
    asterisk.send(forged + event("Good"))
    await engine.until(lambda: bool(engine.named("Good")))
    assert [e.name for e in engine.events] == ["FullyBooted", "Newchannel", "Good"]
    assert engine.client.counters.refused_blocks == 2


async def test_a_handler_that_fails_is_logged_and_the_line_stays(
    asterisk: FakeAsterisk, started: Start, caplog: pytest.LogCaptureFixture
) -> None:
    engine = await started(asterisk.port)

    def fail(_: Event) -> None:
        raise RuntimeError("boom")

    async def fail_up() -> None:
        raise RuntimeError("bang")

    engine.at_event, engine.at_up = fail, fail_up
    await engine.up()
    asterisk.send(event("One") + event("Two"))
    await engine.until(lambda: bool(engine.named("Two")))
    assert (await engine.client.action("Ping"))["Ping"] == "Pong"
    assert engine.client.counters.callback_errors == 4
    assert "boom" in caplog.text
    assert "bang" in caplog.text
    assert asterisk.connections == 1


async def test_a_slow_handler_loses_and_reorders_nothing(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await (await started(asterisk.port)).up()
    asterisk.send("".join(event("Many", f"Number: {n}") for n in range(20_000)))
    await engine.until(lambda: len(engine.named("Many")) == 20_000)
    assert [int(e["Number"]) for e in engine.named("Many")] == list(range(20_000))


# --- The line breaks ------------------------------------------------------------------------------------------------


async def test_actions_under_way_fail_with_an_unknown_outcome_and_are_never_replayed(
    asterisk: FakeAsterisk, started: Start
) -> None:
    engine = await (await started(asterisk.port)).up()
    asterisk.answers["originate"] = None
    task = asyncio.create_task(engine.client.action("Originate", {"Channel": "PJSIP/a"}))
    await asterisk.wait_for("Originate")
    asterisk.cut()
    with pytest.raises(AmiDisconnected, match="the outcome is unknown") as caught:
        await task
    assert caught.value.sent
    await engine.up(times=2)
    await engine.client.action("Ping")
    assert [a["action"] for a in asterisk.actions] == ["Login", "Originate", "Login", "Ping"]


async def test_an_asterisk_restart_is_down_and_up_again(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await (await started(asterisk.port)).up()
    asterisk.send(block("Event: Shutdown", "Privilege: system,all", "Shutdown: Cleanly", "Restart: True"))
    await engine.until(lambda: bool(engine.downs))
    assert engine.downs == ["Asterisk is shutting down"]
    await asterisk.shut()
    await asterisk.listen()
    await engine.up(times=engine.ups + 1)
    assert engine.client.connected


async def test_every_up_has_its_down_and_the_resync_of_a_lost_line_ends(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await started(asterisk.port)
    outcomes: list[BaseException] = []

    async def resync() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as cancelled:
            outcomes.append(cancelled)
            raise

    engine.at_up = resync
    for times in (1, 2, 3):
        await engine.up(times)
        asterisk.cut()
        await engine.until(lambda times=times: len(engine.downs) == times)
        assert len(outcomes) == times
    assert all(engine.downs), "each with its reason"


async def test_a_silent_peer_is_found_within_the_stated_time(asterisk: FakeAsterisk, started: Start) -> None:
    limits = AmiLimits(ping_after_s=0.1, ping_timeout_s=0.1, first_retry_s=0.01)
    engine = await (await started(asterisk.port, limits)).up()
    loop = asyncio.get_running_loop()
    asterisk.silent = True
    began = loop.time()
    task = asyncio.create_task(engine.client.action("Setvar", timeout_s=60))
    await engine.until(lambda: bool(engine.downs))
    assert 0.1 <= loop.time() - began < 1.0
    assert "not even to a Ping" in engine.downs[0]
    with pytest.raises(AmiDisconnected):
        await task
    asterisk.silent = False
    await engine.up(times=2)


async def test_an_idle_line_whose_peer_answers_pings_stays(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await (await started(asterisk.port, AmiLimits(ping_after_s=0.02, ping_timeout_s=1.0))).up()
    await asterisk.wait_for("Ping", times=3)
    assert engine.downs == []
    assert asterisk.connections == 1


async def test_a_busy_line_is_not_pinged(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await (await started(asterisk.port, AmiLimits(ping_after_s=0.2))).up()
    for _ in range(30):
        asterisk.send(event("Life"))
        await asyncio.sleep(0.01)
    assert len(engine.named("Life")) >= 29
    assert [a["action"] for a in asterisk.actions] == ["Login"]


async def test_a_block_without_end_ends_the_line(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await (await started(asterisk.port)).up()
    asterisk.send(b"Event: Endless\r\n" + b"X: y\r\n" * 60_000)
    await engine.until(lambda: bool(engine.downs))
    assert "without an end" in engine.downs[0]
    await engine.up(times=2)


async def test_a_peer_that_cuts_after_each_login_meets_back_off(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await started(asterisk.port)
    for times in range(1, 5):
        await engine.up(times)
        asterisk.cut()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await engine.up(5)
    assert loop.time() - began > 0.1, "the fourth delay is 0.16 s"


async def test_stop_fails_what_is_under_way_and_reports_down(asterisk: FakeAsterisk, started: Start) -> None:
    engine = await (await started(asterisk.port)).up()
    asterisk.answers["setvar"] = None
    task = asyncio.create_task(engine.client.action("Setvar"))
    await asterisk.wait_for("Setvar")
    await engine.client.stop()
    with pytest.raises(AmiDisconnected):
        await task
    assert len(engine.downs) == 1
    assert not engine.client.connected
    with pytest.raises(AmiDisconnected, match="stopped"):
        await engine.client.action("Ping")
    await engine.client.stop()


async def test_stop_before_a_connection_reports_nothing(asterisk: FakeAsterisk, started: Start) -> None:
    asterisk.booted = False
    engine = await started(asterisk.port)
    await asterisk.wait_for("Login")
    await engine.client.stop()
    assert engine.downs == []
    assert engine.ups == 0
