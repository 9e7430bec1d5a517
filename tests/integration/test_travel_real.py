"""The travel example on a real Asterisk: each way to a language, and values said by a voice, by what callers hear."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from asterisk_conf.ports import reserved_ports
from asterisk_conf.private import PrivateAsterisk
from asterisk_conf.render import render
from asterisk_conf.root import SetupError, ensure_program
from asterisk_conf.site import AsteriskSite, Trunk
from ivr.speech.rendering import key
from ivr.words import What
from ivr.words.language import words
from switchboard.centre import Centre, load_centre
from switchboard.centre.sounds import voice_of
from switchboard.engine import Engine
from switchboard.prompts import prompts_of
from switchboard.prompts import render as render_prompts
from tests.support.asterisk import AMI_SECRET, CALLERS_HOST
from tests.support.ears import Ear

pytestmark = [pytest.mark.asterisk, pytest.mark.xdist_group("travel-real")]
EXAMPLE = Path(__file__).parents[2] / "examples/travel"
EVERYBODY, BROCHURE = "+6565550100", "+6565550188"
CUSTOMER = "6591230000"
BOOKING = {"leaves": "2026-03-02T07:05", "travellers": 2, "due": 1021.5, "currency": "EUR"}
SLICE = 800
"""So many bytes (0.1 s), the liveliest of a sound file, say that the file was played: it is played as it is."""


@dataclass
class Hotline:
    """The centre at work, and whoever calls it."""

    centre: Centre
    engine: Engine
    sip: tuple[str, int]
    stack: AsyncExitStack

    async def call(self, number: str, caller: str = "600100200") -> Ear:
        ear = await self.stack.enter_async_context(Ear(caller, 500, CALLERS_HOST))
        await ear.call(number, self.sip)
        return ear

    async def hears(self, ear: Ear, text: str, language: str, *, heard_as: str = "", value: bool = False) -> None:
        """Waits until the caller has heard this text in the voice of this language."""
        voice = voice_of(self.centre.settings.speech, language)
        assert voice
        ahead = self.centre.directory / "sounds" / (heard_as or language) / "tts"
        path = (self.engine.directory / "speech" if value else ahead) / f"{key(text, voice)}.ulaw"
        try:
            async with asyncio.timeout(25):
                while not (path.is_file() and self._liveliest(path) in b"".join(ear.heard)):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{text!r} was not heard; {path} there: {path.is_file()}") from None

    @staticmethod
    def _liveliest(path: Path) -> bytes:
        content = path.read_bytes()
        slices = [content[at : at + SLICE] for at in range(0, len(content) - SLICE, SLICE)]
        best = max(slices, key=lambda part: len(set(part)))
        assert len(set(best)) > 20, f"{path} is silent"
        return best

    def text(self, prompt: str, language: str) -> str:
        return self.centre.prompts.prompt(prompt, language).text

    async def hears_value(self, ear: Ear, what: What, value: str, language: str) -> None:
        said = words(what, value, language)
        assert said
        await self.hears(ear, said, language, value=True)


async def _bookings(request: web.Request) -> web.Response:
    if request.path == "/bookings/482913":
        return web.json_response(BOOKING)
    if CUSTOMER in request.query.get("phone", ""):
        return web.json_response({"id": "c-1", "language": "es"})
    return web.Response(status=404)


@pytest.fixture
async def hotline(tmp_path: Path) -> AsyncIterator[Hotline]:
    try:
        ensure_program("espeak-ng", "espeak-ng")
    except SetupError as error:
        pytest.skip(str(error))
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(server := web.Application())
        server.router.add_get("/{path:.*}", _bookings)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        web_site = web.TCPSite(runner, "127.0.0.1", 0)
        await web_site.start()
        ports = stack.enter_context(reserved_ports())
        directory = tmp_path / "travel"
        shutil.copytree(EXAMPLE, directory)
        flow = directory / "flows/main.yaml"
        port = runner.addresses[0][1]
        flow.write_text(flow.read_text().replace("https://bookings.example", f"http://127.0.0.1:{port}"))
        document = yaml.safe_load((directory / "centre.yaml").read_text())
        (directory / "ami-secret").write_text(AMI_SECRET)
        (directory / "ami-secret").chmod(0o600)
        document["settings"] |= {
            "engine": {"directory": str(tmp_path / "engine"), "agi_port": ports.ami + 1},
            "asterisk": {"ami_port": ports.ami, "ami_secret": {"secret_file": "ami-secret"}},
            "lookup": {"allow": ["127.0.0.1"], "allow_private": ["127.0.0.1"]},
            "api": {"port": None},
        }
        document["settings"]["speech"]["value_wait_s"] = 8
        (directory / "centre.yaml").write_text(yaml.safe_dump(document, allow_unicode=True))
        centre = load_centre(directory)
        done = await asyncio.to_thread(render_prompts, centre, [one for one in prompts_of(centre) if not one.of_values])
        assert not done.failed
        site = AsteriskSite(
            numbers=tuple(centre.numbers),
            phones=(),
            trunks=(Trunk("callers", (CALLERS_HOST,)),),
            ami_secret=AMI_SECRET,
            agi_port=ports.ami + 1,
            ports=ports,
            languages=centre.languages,
        )
        asterisk = await PrivateAsterisk.start(tmp_path / "asterisk", render(site), recordings=directory / "sounds")
        await stack.enter_async_context(asterisk)
        engine = await stack.enter_async_context(Engine(load_centre(directory)).running())
        await asyncio.wait_for(engine.until_ready(), 20)
        yield Hotline(engine.centre, engine, (CALLERS_HOST, site.ports.sip), stack)


async def by_number(hotline: Hotline) -> None:
    """The number in the brochure: Chinese, of which Asterisk has no numbers and times."""
    ear = await hotline.call(BROCHURE)
    await hotline.hears(ear, hotline.text("welcome", "zh"), "zh")
    await hotline.hears(ear, hotline.text("main-menu", "zh"), "zh")
    ear.press("1")
    await hotline.hears(ear, hotline.text("enter-booking", "zh"), "zh")
    ear.press("482913")
    await hotline.hears_value(ear, "datetime", "2026-03-02T07:05:00+08:00", "zh")
    await hotline.hears_value(ear, "number", "2", "zh")
    ear.hang_up()


async def by_record(hotline: Hotline) -> None:
    """The record of who calls: Spanish, whatever was dialled."""
    ear = await hotline.call(BROCHURE, CUSTOMER)
    await hotline.hears(ear, hotline.text("main-menu", "es"), "es")
    ear.press("2")
    await hotline.hears(ear, hotline.text("enter-booking", "es"), "es")
    ear.press("482913")
    await hotline.hears_value(ear, "money", "1021.50 EUR", "es")
    ear.hang_up()


async def by_menu(hotline: Hotline) -> None:
    """A stranger: each language is offered in that language."""
    ear = await hotline.call(EVERYBODY)
    for prompt, language in (("for-english", "en"), ("for-chinese", "zh"), ("for-spanish", "es")):
        await hotline.hears(ear, hotline.text(prompt, language), language, heard_as="en")
    ear.press("1")
    await hotline.hears(ear, hotline.text("main-menu", "en"), "en")
    ear.press("2")
    await hotline.hears(ear, hotline.text("enter-booking", "en"), "en")
    ear.press("482913")
    await hotline.hears_value(ear, "money", "1021.50 EUR", "en")
    ear.hang_up()


async def test_the_language_comes_from_number_record_or_menu_and_values_are_said_in_it(hotline: Hotline) -> None:
    await asyncio.gather(by_number(hotline), by_record(hotline), by_menu(hotline))
    assert hotline.engine.values.made >= 5
    assert hotline.engine.values.failed == 0
