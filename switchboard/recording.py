"""Recordings of talks: which are made, where they are kept, when they are silent, and how long they stay.

One recording is one agent's part in a call: Asterisk's MixMonitor on the agent's leg, begun by the leg's own line of
the dialplan, and only of what is said while the leg is joined with somebody. So nothing that a caller hears or keys in
a flow, in a queue or on hold can be in it, whatever is sensitive there. What is said in the talk itself is kept out by
a pause (the agent's code, or an operation): Asterisk writes silence meanwhile.

Whether a talk is recorded depends on the queue's share and on the contact's id alone, so that it can be told
afterwards why. With an announcement only those are recorded who have heard it to its end. File names are made of the
offer's id, never of what a caller sends.
"""

import asyncio
import logging
import re
import shutil
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import time

from asterisk_conf.names import CHANNEL_PREFIX, VAR_ANNOUNCED, VAR_OFFER, VAR_RECORDING, VAR_RECORDING_PAUSES
from documents import DocumentError, Problem
from ivr.agi import codec
from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel
from ivr.flow.prompts import Prompts
from router.ami import actions
from router.ami.client import AmiClient, Event
from router.core.decisions import AnyDecision, Connect, HandOver, Offer
from router.core.events import AnyEvent
from router.core.router import Router
from switchboard import facts
from switchboard.centre.model import RecordingDocument
from switchboard.centre.settings import RecordingSettings

log = logging.getLogger(__name__)

CLEAN_EVERY_S = 3_600
_PATH = re.compile(r"/[A-Za-z0-9_./ -]{0,200}")
"""What a line of the dialplan carries unharmed."""
_MB = 1_000_000


def chosen(contact: str, share: float) -> bool:
    """Whether this contact is in the share that is recorded: the same answer every time."""
    return zlib.crc32(contact.encode()) < share * 2**32


@dataclass(slots=True)
class Recording:
    """A leg that Asterisk records (once it is joined, at `from_ms`); `pauses` are [from, to], the last one may be
    open: then `to` is None."""

    offer: str
    channel_id: str
    file: Path
    contact: str
    agent: str
    queue: str
    from_ms: int | None = None
    pauses: list[list[int | None]] = field(default_factory=list)

    @property
    def begun(self) -> bool:
        return self.from_ms is not None

    @property
    def paused(self) -> bool:
        return bool(self.pauses) and self.pauses[-1][1] is None


class Recordings:
    """All recordings under way, and the directory of those that are over. `rules` are those of the queues."""

    def __init__(
        self,
        client: AmiClient,
        router: Router,
        performer: Performer,
        *,
        directory: Path,
        settings: RecordingSettings,
        rules: Callable[[], Mapping[str, RecordingDocument]],
        prompts: Callable[[], Prompts],
        now_ms: Callable[[], int],
        fact: Callable[..., None],
        channel_id_of: Callable[[str], str],
    ) -> None:
        self.directory = directory.absolute()
        if not _PATH.fullmatch(str(self.directory)):
            message = f"{str(self.directory)!r} cannot be given to Asterisk"
            raise DocumentError(
                [
                    Problem(
                        message,
                        "centre.yaml",
                        path="settings.recordings.directory",
                        hint="letters, digits, spaces and _ . / - only",
                    )
                ]
            )
        self._client = client
        self._router = router
        self._performer = performer
        self.settings = settings
        self._rules = rules
        self._prompts = prompts
        self._now_ms = now_ms
        self._fact = fact
        self._channel_id_of = channel_id_of
        self._by_offer: dict[str, Recording] = {}
        self._by_channel: dict[str, Recording] = {}
        self._announced: dict[str, str] = {}

    # What is to be recorded

    async def announce(self, channel: AgiChannel, contact: str, queue: str, language: str) -> None:
        """Tells a caller who is about to wait in this queue that talks are recorded, once in a call. Raises
        ChannelHungUp."""
        rule = self._rules().get(queue)
        if rule is None or rule.announce is None:
            return
        if (await channel.send(codec.get_variable(VAR_ANNOUNCED))).data != rule.announce:
            prompt = self._prompts().prompt(rule.announce, language)
            _, failed = await self._performer.speak(channel, (prompt,))
            if failed or not prompt.sounds:
                log.error("talks of %s are not recorded: the announcement %r cannot be heard", queue, rule.announce)
                return
            await channel.send(codec.set_variable(VAR_ANNOUNCED, rule.announce))
        self._announced[contact] = rule.announce

    def variables(self, offer: Offer) -> dict[str, str]:
        """What the dialplan has to know of the leg for this offer: the file, if the talk is to be recorded."""
        contact = self._router.contact(offer.contact)
        rule = self._rules().get(contact.queue) if contact else None
        if contact is None or rule is None:
            return {}
        caller = contact.consult_of or contact.id  # an agent who is consulted may go on with the caller
        if not chosen(caller, rule.share):
            return {}
        if rule.announce and self._announced.get(caller) != rule.announce:
            return self._skip(offer, contact.queue, "the caller has not heard the announcement")
        try:
            file = self._new_file(offer.offer)
        except OSError as error:
            return self._skip(offer, contact.queue, str(error))
        channel_id = self._channel_id_of(offer.offer)
        self._keep(Recording(offer.offer, channel_id, file, contact.id, offer.agent, contact.queue))
        return {VAR_RECORDING: str(file)}

    def _new_file(self, offer: str) -> Path:
        """Raises OSError where there is no room for another recording."""
        now = datetime.fromtimestamp(self._now_ms() / 1000, UTC)
        directory = self.directory / f"{now:%Y-%m-%d}"
        if not directory.is_dir():
            directory.mkdir(parents=True)
            directory.chmod(0o2770)  # Asterisk, in the same group, writes here
        free = shutil.disk_usage(directory).free
        if free < self.settings.min_free_mb * _MB:
            raise OSError(f"only {free // _MB} MB are free at {self.directory}")
        return directory / f"{now:%H%M%S}-{re.sub(r'[^A-Za-z0-9_-]', '_', offer)}.wav"

    def _skip(self, offer: Offer, queue: str, reason: str) -> dict[str, str]:
        log.warning("the talk of %s with %s will not be recorded: %s", offer.contact, offer.agent, reason)
        self._fact(
            facts.RECORDING_SKIPPED, contact=offer.contact, agent=offer.agent, data={"queue": queue, "reason": reason}
        )
        return {}

    # Pauses

    def of_agent(self, agent: str) -> Recording | None:
        """The recording of the agent's talk."""
        return next((talk for talk in self._by_offer.values() if talk.agent == agent and talk.begun), None)

    def of_contact(self, contact: str) -> Recording | None:
        """The recording of the contact's talk."""
        return next((talk for talk in self._by_offer.values() if talk.contact == contact and talk.begun), None)

    async def pause(self, recording: Recording, paused: bool) -> bool:
        """Asterisk writes silence from now on, or sound again; whether that changes anything. Raises AmiError: when
        it does, the recording may go on with sound."""
        if recording.paused == paused:
            return False
        await self._client.action("MixMonitorMute", actions.mix_monitor_mute(recording.channel_id, paused))
        if paused:
            recording.pauses.append([self._now_ms(), None])
        else:
            recording.pauses[-1][1] = self._now_ms()
        # On the channel itself, where a restarted engine finds it.
        text = " ".join(f"{begin}-{'' if end is None else end}" for begin, end in recording.pauses)
        await self._client.action("Setvar", actions.setvar(recording.channel_id, VAR_RECORDING_PAUSES, text))
        return True

    # What happens

    def observe(self, event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        for decision in decisions:
            match decision:
                case Connect(offer=offer):
                    self._begin(offer, decision.contact, now_ms)
                case HandOver(offer=offer):
                    self._begin(offer, decision.contact, now_ms)
                case _:
                    pass

    def _begin(self, offer: str, contact: str, now_ms: int) -> None:
        recording = self._by_offer.get(offer)
        if recording is None:
            return
        recording.contact = contact
        if not recording.begun:
            recording.from_ms = now_ms
            data = {"file": self._name(recording.file), "queue": recording.queue}
            self._fact(facts.RECORDING_STARTED, contact=contact, agent=recording.agent, data=data)

    def on_event(self, event: Event) -> None:
        if event.name == "Hangup":
            channel = event.get("Uniqueid", "")
            self._announced.pop(channel, None)
            if recording := self._by_channel.get(channel):
                self._end(recording)

    def in_step(self, channels: Mapping[str, Event]) -> None:
        """Asterisk has just these channels (with our variables): what is gone is over, and what an earlier engine
        began goes on."""
        for recording in list(self._by_offer.values()):
            if recording.begun and recording.channel_id not in channels:
                self._end(recording)
        for channel_id, event in channels.items():
            if channel_id.startswith(CHANNEL_PREFIX) and channel_id not in self._by_channel:
                self._adopt(channel_id, event.variables)

    def _adopt(self, channel_id: str, variables: Mapping[str, str]) -> None:
        file, offer = variables.get(VAR_RECORDING), self._router.offer(variables.get(VAR_OFFER, ""))
        contact = self._router.contact(offer.contact) if offer else None
        if not file or offer is None or contact is None:
            return
        pauses = [_pause(text) for text in variables.get(VAR_RECORDING_PAUSES, "").split()]
        self._keep(
            Recording(
                offer.id, channel_id, Path(file), contact.id, offer.agent, contact.queue, contact.answered_ms, pauses
            )
        )

    def _keep(self, recording: Recording) -> None:
        self._by_offer[recording.offer] = self._by_channel[recording.channel_id] = recording

    def _end(self, recording: Recording) -> None:
        del self._by_offer[recording.offer], self._by_channel[recording.channel_id]
        if not recording.begun:  # never joined: an empty file at most
            with suppress(OSError):
                recording.file.unlink(missing_ok=True)
            return
        now_ms = self._now_ms()
        if recording.paused:
            recording.pauses[-1][1] = now_ms
        try:
            size = recording.file.stat().st_size
        except OSError as error:
            size = 0
            log.error("%s is not there: can Asterisk write to it? (%s)", recording.file, error)
        data = {
            "file": self._name(recording.file),
            "queue": recording.queue,
            "from_ms": recording.from_ms,
            "to_ms": now_ms,
            "pauses": recording.pauses,
            "bytes": size,
        }
        self._fact(facts.RECORDING, contact=recording.contact, agent=recording.agent, data=data)

    def _name(self, file: Path) -> str:
        return str(file.relative_to(self.directory)) if file.is_relative_to(self.directory) else str(file)

    # How long they stay

    async def clean_regularly(self) -> None:
        """Deletes what is older than the centre keeps it, every hour, until it is cancelled."""
        while True:
            if gone := await asyncio.to_thread(delete_old, self.directory, self.settings.keep_days, time()):
                self._fact(facts.RECORDINGS_DELETED, data={"files": gone})
            await asyncio.sleep(CLEAN_EVERY_S)


def delete_old(directory: Path, keep_days: int, now_s: float) -> list[str]:
    """Deletes the recordings last written more than `keep_days` ago, and directories of days that are empty then;
    returns the names of the recordings."""
    gone = []
    for file in sorted(directory.glob("*/*.wav")):
        with suppress(OSError):
            if file.stat().st_mtime < now_s - keep_days * 86_400:
                file.unlink()
                gone.append(str(file.relative_to(directory)))
                file.parent.rmdir()  # fails while there are others
    return gone


def _pause(text: str) -> list[int | None]:
    begin, _, end = text.partition("-")
    return [int(begin), int(end) if end else None]
