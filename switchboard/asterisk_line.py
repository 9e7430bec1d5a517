"""The engine's line to Asterisk's manager: who hears which event, and how engine and Asterisk come into step again."""

import asyncio
import logging
from typing import TYPE_CHECKING

from asterisk_conf.names import CHANNEL_PREFIX
from router.ami.client import AmiAddress, AmiClient, AmiDisconnected, AmiError, Event
from router.live.hang_ups import HangUps
from router.live.journal import Note
from router.live.resync import Findings, resync
from switchboard.asterisk_addresses import AsteriskAddresses
from switchboard.flow_dialling import channel_of

if TYPE_CHECKING:
    from switchboard.engine import Engine

log = logging.getLogger(__name__)

RESYNC_RETRY_S = 2.0


class AsteriskLine:
    """The AMI connection of an engine. `in_step` is set while engine and Asterisk know the same of every call."""

    def __init__(self, engine: "Engine", addresses: AsteriskAddresses) -> None:
        self._engine = engine
        self._addresses = addresses
        self.in_step = asyncio.Event()
        settings = engine.centre.settings.asterisk
        secret = settings.ami_secret.read(engine.centre.directory)
        address = AmiAddress(settings.ami_host, settings.ami_port, settings.ami_user, secret)
        self.ami = AmiClient(address, on_event=self._on_event, on_up=self._on_up, on_down=self._on_down)
        self.hang_ups = HangUps(self.ami, ours=self._is_ours)

    async def start(self) -> None:
        await self.ami.start()

    async def stop(self) -> None:
        self.hang_ups.stop()
        await self.ami.stop()

    def _is_ours(self, channel: str) -> bool:
        """Whether the channel is a call in progress, or one that we have made for a contact."""
        return channel.startswith(CHANNEL_PREFIX) or channel in self._engine.calls

    def _on_event(self, event: Event) -> None:
        engine = self._engine
        engine.silent_phones.on_event(event)
        if not engine.outside.on_event(event):
            engine.legs.on_event(event)
        engine.customers.on_event(event)
        self.hang_ups.on_event(event)
        self._outside_call(event)
        engine.recordings.on_event(event)
        engine.monitors.on_event(event)
        engine.talk_codes.on_event(event)
        if event.name == "Hangup":
            engine.calls.caller_gone(event.get("Uniqueid", ""))
            engine.flow_dialling.caller_gone(event.get("Uniqueid", ""))

    def _outside_call(self, event: Event) -> None:
        """Counts the talk time of calls to outside numbers."""
        channel, now_ms = event.get("Uniqueid", ""), self._engine.clock.now_ms()
        if event.name == "OriginateResponse" and event.get("Response") == "Success":
            self._engine.destinations.answered(channel, now_ms)
        elif event.name in ("OriginateResponse", "Hangup"):
            self._engine.destinations.ended(channel, now_ms)

    async def _on_up(self) -> None:
        engine = self._engine
        await self._addresses.look_up()
        before, outside_before = engine.calls.contacts(), engine.destinations.calls()
        found = await self._resync()
        if found is None:
            return
        for contact in before:
            if contact not in found.channels:
                engine.calls.caller_gone(contact)
        engine.recordings.in_step(found.channels)
        engine.monitors.in_step(found.channels)
        for call in outside_before:
            if channel_of(call) not in found.channels:
                engine.destinations.ended(call, engine.clock.now_ms())
        engine.voicemails.calls_in_progress(engine.calls.contacts())
        engine.voicemails.route_all()
        log.info("in step with Asterisk: %s", found)
        engine.live.record(Note(engine.clock.now_ms(), f"in step with Asterisk: {found}"))
        self.in_step.set()
        engine.board.touch()

    async def _resync(self) -> Findings | None:
        """Asks Asterisk until it answers; None when the connection is lost again (the next one begins anew)."""
        engine = self._engine
        while True:
            try:
                return await resync(
                    self.ami,
                    engine.live,
                    engine.legs,
                    engine.customers,
                    engine.talks,
                    engine.outside,
                    engine.lines,
                    engine.calls.channel_is,
                )
            except AmiDisconnected:
                return None
            except AmiError as error:
                log.error("not in step with Asterisk: %s; asking again in %g s", error, RESYNC_RETRY_S)
                await asyncio.sleep(RESYNC_RETRY_S)

    def _on_down(self, reason: str) -> None:
        self.in_step.clear()
        self._engine.board.touch()
        log.warning("AMI is down: %s", reason)
