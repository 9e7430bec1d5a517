"""Attacks on a whole centre with a real Asterisk: what callers write stays text, secrets are kept nowhere."""

import asyncio
import csv
import io
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from asterisk_conf.names import CODE_SIGN_IN
from asterisk_conf.phones import Answer, Keys, PlannedCall
from router.core.decisions import ContactFinished
from router.core.events import ContactArrived
from switchboard import facts
from switchboard.operations import OperationRefused
from tests.support.asterisk import AGENTS_HOST, CALLERS_HOST
from tests.support.callbacks import CUSTOMER, PREMIUM, CallbackCentre, running_world
from tests.support.hostile import CARD, TEXTS, answers_to_invite
from tests.support.live import COLLECT, PIN, QUEUE, Exchange

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("security-real"),
    pytest.mark.asyncio(loop_scope="module"),
]
PATIENCE_S = 30
STRANGERS_HOST = "127.0.0.9"
WRONG_PIN = "97531"
_CARD_FLOW = f"""\
schema: 2
name: collect
start: ask
on_error: end
nodes:
  ask:
    type: collect
    say: [beep]
    into: card
    sensitive: true
    min_digits: {len(CARD)}
    max_digits: {len(CARD)}
    first_digit_s: 5
    inter_digit_s: 2
    next: help
    no_input: {{retries: 0, to: end}}
    no_match: {{retries: 0, to: end}}
  help: {{type: enqueue, queue: help, answered: end, otherwise: end}}
  end: {{type: hangup}}
"""
_QUEUES = """\
    recording: {share: 1.0}
  chats:
    channel: chat
    goal: {answered_within_s: 60, share: 0.9}
    steps: [{name: all}]
    longest_wait_s: 3600
    last_action: {exit: nobody}
channels: {chat: {}}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_world(tmp_path_factory.mktemp("asterisk")) as running:
        await running.asterisk.cli("core set verbose 9")
        yield running


class Watched(CallbackCentre):
    """Its engine logs all it can."""

    async def spawn(self, *arguments: str | Path) -> asyncio.subprocess.Process:
        return await super().spawn(*arguments, *(["--verbose"] if "run" in arguments else []))

    async def api(self, path: str) -> str:
        """What the HTTP API answers an admin."""
        if not hasattr(self, "_token"):
            self._token = (await self.ask("create_token", token="test", roles=["admin"]))["token"]
        headers = {"Authorization": f"Bearer {self._token}"}
        url = f"http://127.0.0.1:{self.api_port}{path}"
        async with aiohttp.ClientSession(headers=headers) as http, http.get(url) as response:
            assert response.status == 200, await response.text()
            return await response.text()

    async def answers(self) -> dict[str, str]:
        """All that can be read by the API, by its path."""
        today = datetime.now(UTC).date().isoformat()
        paths = ["/v1/state", "/v1/contacts", "/v1/callbacks", "/v1/voicemails", "/v1/openings", "/metrics"]
        paths += [f"/v1/audit?since={today}", f"/v1/reports/queues?first_day={today}&last_day={today}"]
        return {path: await self.api(path) for path in paths}

    def kept(self) -> dict[Path, bytes]:
        """Every file that the engine and Asterisk have written."""
        places = (self.engine_directory, self.exchange.asterisk.directory / "log")
        spool = self.exchange.asterisk.directory / "spool"
        files = [path for place in (*places, spool) for path in place.rglob("*") if path.is_file()]
        return {path: path.read_bytes() for path in [self.log, *files]}


@pytest_asyncio.fixture(loop_scope="module")
async def centre(exchange: Exchange, tmp_path: Path) -> AsyncIterator[Watched]:
    async with Watched(exchange, tmp_path, queue=_QUEUES) as made:
        made.write({"flows/collect.yaml": _CARD_FLOW})
        document = made.directory / "centre" / "centre.yaml"
        text = document.read_text() + f'  store: {{queue_log: "{made.engine_directory / "queue_log"}"}}\n'
        document.write_text(text)
        await made.start()
        yield made


async def test_whatever_a_caller_writes_stays_text(centre: Watched, exchange: Exchange, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for count, text in enumerate(TEXTS.values(), start=1):
        hostile = text.replace("MARK", str(mark))
        for_sip = re.sub(r"[^\x20-\x7e]", lambda odd: "".join(f"%{byte:02X}" for byte in odd[0].encode()), hostile)
        user = re.sub(r"[^A-Za-z0-9%=&+$,;?/_.!~*'()-]", lambda odd: f"%{ord(odd[0]):02X}", for_sip)
        status = await answers_to_invite(
            CALLERS_HOST,
            exchange.site.ports.sip,
            number=QUEUE,
            written=user[:800],
            name=hostile.replace("\r", "").replace("\n", "")[:800],
            Diversion=f"<sip:{user[:300]}@{CALLERS_HOST}>;reason=unconditional",
            P_Asserted_Identity=f'"{for_sip[:300]}" <sip:{user[:300]}@{CALLERS_HOST}>',
            Subject=for_sip[:300],
        )
        assert status.startswith(("SIP/2.0 200", "SIP/2.0 400")) or not status, (text, status)
        await centre.ask("create_contact", queue="chats", reference=f"c{count}", caller=hostile[:150])
    arrived = centre.events(ContactArrived)
    assert len(arrived) >= len(TEXTS)
    calls = [event for event in arrived if event.channel == "voice"]
    assert all(re.fullmatch(r"[0-9+]{0,32}", event.caller) for event in calls)
    assert not any("forged" in event.contact for event in arrived)
    answers = await centre.answers()
    for path, answer in answers.items():
        assert "\x1b" not in answer, path
        if path != "/metrics":
            json.loads(answer)
    families = {family.name for family in text_string_to_metric_families(answers["/metrics"])}
    assert all(name.startswith(("switchboard_", "process_", "python_")) for name in families), families
    await exchange.asterisk.cli("channel request hangup all")
    await centre.until(lambda state: state["queues"][0]["waiting"] == state["calls"]["ivr"] == 0, PATIENCE_S)
    for contact in json.loads(await centre.api("/v1/contacts")):
        await centre.ask("cancel_contact", contact=contact["contact"])
    await centre.over()
    assert not mark.exists()
    _lines_are_whole(centre)


def _lines_are_whole(centre: Watched) -> None:
    for path in centre.journals:
        for line in path.read_bytes().splitlines():
            json.loads(line)
    log = centre.log.read_text()
    assert all(re.match(r"\d{4}-\d\d-\d\d |Live test is open; ", line) for line in log.splitlines()), log
    assert "\x1b" not in log
    for line in (centre.engine_directory / "queue_log").read_text().splitlines():
        assert re.match(r"\d{10}\|[^|]+\|[^|]+\|[^|]+\|[A-Z]+\|", line), line
        assert "\x1b" not in line


async def test_card_numbers_and_pins_are_nowhere(centre: Watched, exchange: Exchange) -> None:
    await centre.phone("anna", Answer(ring_s=0.2, talk_s=1.0), sign_in=False)
    assert (await centre.dial("anna", CODE_SIGN_IN, WRONG_PIN)).answered_s is not None
    await centre.dial("anna", CODE_SIGN_IN, PIN)
    await centre.until_agent("anna", "ready", timeout_s=PATIENCE_S)
    callers = await centre.call(
        PlannedCall(COLLECT, caller="911234567", keys=(Keys(1.5, CARD),)),
        # A card's number where a telephone number belongs.
        PlannedCall(QUEUE, caller="911234568", keys=(Keys(1.0, "1"), Keys(3.0, "2"), Keys(5.0, f"{CARD}#"))),
    )
    await asyncio.wait_for(callers.finished(), 60)
    assert "+34911234567" in {event.caller for event in centre.events(ContactArrived)}, "the card's number was taken"
    with pytest.raises(OperationRefused):
        await centre.book(CARD)
    assert {fact.data["number"] for fact in centre.facts(facts.OUTBOUND_REFUSED)} == {"***"}
    answers = await centre.answers()
    arrived = centre.events(ContactArrived)
    for event in arrived:
        answers[event.contact] = await centre.api(f"/v1/contacts/{event.contact}/story")
    await centre.until_agent("anna", "ready", timeout_s=PATIENCE_S)
    await centre.over(expected_errors=("wrong PIN",))
    console = await exchange.asterisk.cli("core show channels verbose")
    everything = {str(path): content for path, content in centre.kept().items() if path.suffix != ".wav"}
    everything |= {path: answer.encode() for path, answer in answers.items()} | {"console": console.encode()}
    for secret in (CARD, WRONG_PIN, "centre-secret", PIN):
        found = [name for name, content in everything.items() if _alone(secret.encode(), content)]
        assert found == [], secret
    assert [path for path in centre.kept() if CARD in path.name or PIN in path.name] == []


def _alone(secret: bytes, content: bytes) -> bool:
    """The digits with no others beside them, as numbers of events and times have."""
    return re.search(rb"(?<![0-9.])" + secret + rb"(?![0-9])", content) is not None


ATTACKS = [
    *(PREMIUM, "0034803123456", "803123456", "+1 900 555 0100", "00447011234567", "+882 16 5551234", "112", "0", "*11"),
    *("911234567@sb-in", "911234567&PJSIP/9@world", "911234567;x", "911234567/n", "Local/s@sb-call", "PJSIP/1@world"),
    *("911234567,60,S(1)", "${EXTEN}", "911234567\r\nAction: Originate", "٩١١٢٣٤٥٦٧", "91123456７", "p911234567w1"),
]


async def test_numbers_that_attackers_write_are_never_dialled(centre: Watched) -> None:
    await centre.phone("anna", Answer(ring_s=0.1))
    for number in ATTACKS:
        with pytest.raises(OperationRefused):
            await centre.book(number)
    assert len(centre.facts(facts.OUTBOUND_REFUSED)) == sum(len(number) > 1 for number in ATTACKS)
    assert centre.facts(facts.OUTBOUND_DIALLED) == []
    assert await centre.callback_states() == []
    await centre.over()


async def test_a_hundred_wishes_of_one_number_are_one_call(centre: Watched) -> None:
    for _ in range(100):
        await centre.book()
    assert await centre.callback_states() == ["queued"]
    for callback in await centre.ask("list_callbacks"):
        await centre.ask("cancel_callback", contact=callback["contact"])
    await centre.over()


async def test_the_hour_s_cap_holds_over_a_crash_and_the_day_s_money_ends_all_dialling(
    exchange: Exchange, tmp_path: Path
) -> None:
    caps = "per_hour: 3, spend_per_day: 60.5, rates_per_minute: {'+34': 60.0, '+349333': 0.0}"
    outbound = f"country_code: '34', allow: ['+34'], {caps}"
    async with CallbackCentre(exchange, tmp_path, outbound=outbound, retry_s=0.2, tries=1) as centre:
        await centre.start()
        await centre.world(*[Answer(ring_s=0.1, talk_s=1.0)] * 8)
        await centre.phone("anna", Answer(ring_s=0.1))

        async def wish(number: str) -> None:
            """A callback that is over, whatever has become of it."""
            before = len(centre.decisions(ContactFinished))
            await centre.book(number)
            async with asyncio.timeout(PATIENCE_S):
                while len(centre.decisions(ContactFinished)) == before:
                    await asyncio.sleep(0.05)

        dialled = ["+349333001", "+34911000001", "+349333002"]
        for number in dialled[:2]:
            await wish(number)
        await centre.kill()
        await centre.start()
        for number in ("+34911000002", dialled[2], "+349333003"):
            await wish(number)
        assert [fact.data["number"] for fact in centre.facts(facts.OUTBOUND_DIALLED)] == dialled
        money, calls = (fact.data["reason"] for fact in centre.facts(facts.OUTBOUND_REFUSED))
        assert "60 for the next minute would be more than 60.5" in money
        assert calls == "3 outside calls within the last hour, as many as there may be"
        await centre.over()


async def test_agents_phones_and_strangers_reach_nothing_outside(exchange: Exchange, centre: Watched) -> None:
    sip = exchange.site.ports.sip
    numbers = [CUSTOMER, "911234567", "s", "T", "h", "i", "sb-in", "s%40sb-call", "1", "world", "PJSIP%2F1%40world"]
    numbers += ["911234567%40world", "%24%7BEXTEN%7D", "*11%2C1", "*1", "*99", "anna", QUEUE, "listen"]
    for number in numbers:
        status = await answers_to_invite(AGENTS_HOST, sip, number=number, written="anna")
        assert status.startswith(("SIP/2.0 404", "SIP/2.0 484")), (number, status)  # 484: the beginning of a code
    for number in (QUEUE, "911234567", CODE_SIGN_IN):
        assert "401" in await answers_to_invite(STRANGERS_HOST, sip, number=number), number
        assert "401" in await answers_to_invite(STRANGERS_HOST, sip, number=number, written="anna"), number
    for number in ("911234567", CODE_SIGN_IN, "s", "sb-agent"):  # the trunk reaches the centre's numbers only
        assert "404" in await answers_to_invite(CALLERS_HOST, sip, number=number), number
    assert await exchange.channels() == {}
    await centre.over()


async def test_an_agent_s_keys_transfer_to_nobody_who_is_denied(centre: Watched) -> None:
    keys = (Keys(1.0, "*2"), Keys(4.0, f"{PREMIUM.replace('+', '00')}#"))
    await centre.phone("anna", Answer(ring_s=0.1, talk_s=10, keys=keys))
    callers = await centre.call(PlannedCall(QUEUE, hang_up_after_s=12))
    await asyncio.wait_for(callers.finished(), 60)
    await centre.ask("sign_out", agent="anna")
    await centre.until_agent("anna", "offline", timeout_s=PATIENCE_S)
    assert centre.facts(facts.OUTBOUND_DIALLED) == []
    [refused] = centre.facts(facts.OUTBOUND_REFUSED)
    assert refused.data["number"] == PREMIUM.replace("+", "00")
    await centre.over()


async def test_what_a_chat_brings_stays_text_in_reports(centre: Watched) -> None:
    formula = TEXTS["a formula"]
    await centre.ask(
        "create_contact", queue="chats", reference="r1", attributes={"intent": formula, "note": "\x1b[2J\r\nx"}
    )
    today = datetime.now(UTC).date().isoformat()
    report: dict[str, Any] = await centre.ask("report", subject="intents", first_day=today, last_day=today)
    for row in csv.reader(io.StringIO(str(report), newline="")):
        assert not any(cell.startswith("=") for cell in row)
    for contact in json.loads(await centre.api("/v1/contacts")):
        await centre.ask("cancel_contact", contact=contact["contact"])
    await centre.over()
    _lines_are_whole(centre)
