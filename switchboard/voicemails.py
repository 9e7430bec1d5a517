"""Voicemail: messages that callers leave, kept in one directory, listed, and routed to agents.

A message is a recording `ID.wav` and beside it `ID.json`, which says whose it is; the id is made here and never of
anything a caller says. A message for a queue waits there as a contact without anybody on the line. An agent who takes
it is rung as for any call and hears it (`switchboard.voicemail_phone`). Until somebody has heard it, it comes again:
when the agent hangs up too early, when its queue opens after it was closed, and with a new engine.

A message that its caller may yet review (`ivr.flow.reviewing`) is on disk but counts for nobody until the caller keeps
it or the call is over, with whatever engine that is.
"""

import asyncio
import logging
import re
import wave
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from ivr.flow.effects import Reviewed, TakeVoicemail
from ivr.flow.inputs import EffectFailed, Input, VoicemailTaken
from ivr.flow.session import Session
from router.core.decisions import AnyDecision, ContactFinished, QueueChanged
from router.core.events import AnyEvent, Attribute, ContactArrived, ContactLeft
from router.live.journal import Fact
from router.live.lines import VOICEMAIL_PREFIX
from router.live.shell import LiveRouter
from switchboard import facts

log = logging.getLogger(__name__)

DAY_MS, HOUR_S = 86_400_000, 3_600
RECORDED_S = 2.0
"""So long after a caller's hang-up Asterisk may take to write the end of a message."""
_ID = re.compile(r"[0-9a-f]{8,16}-[0-9]{1,6}")


class Voicemail(msgspec.Struct, frozen=True):
    """A message. `call` is the contact that left it, `number` from where it called. `review`: the caller has not
    decided on it yet."""

    id: str
    mailbox: str
    at_ms: int
    duration_ms: int
    number: str = ""
    call: str = ""
    queue: str | None = None
    attributes: dict[str, Attribute] = {}
    heard_ms: int | None = None
    heard_by: str = ""
    review: bool = False

    @property
    def contact(self) -> str:
        """The contact as which it waits in its queue."""
        return VOICEMAIL_PREFIX + self.id


async def recorded_ms(file: Path) -> int:
    """The length of a message (its file without `.wav`) that ended with a hang-up: Asterisk writes it into the file a
    little later. 0 where nothing was said."""
    with suppress(TimeoutError):
        async with asyncio.timeout(RECORDED_S):
            while True:
                with suppress(OSError, EOFError, wave.Error), wave.open(str(file.with_suffix(".wav"))) as recorded:
                    if frames := int(recorded.getnframes()):
                        return frames * 1000 // int(recorded.getframerate())
                await asyncio.sleep(0.05)
    return 0


class UnknownVoicemail(KeyError):
    """There is no such message."""


class Voicemails:
    """All messages of a centre."""

    def __init__(self, directory: Path, live: LiveRouter, *, keep_days: Callable[[], int]) -> None:
        self.directory = directory
        self._live = live
        self._keep_days = keep_days
        self._count = 0
        self._messages: dict[str, Voicemail] = {}
        self._in_review: dict[str, Voicemail] = {}
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Reads what is there. Raises OSError when the directory cannot be used."""
        if not self.directory.is_dir():
            self.directory.mkdir(parents=True)
            self.directory.chmod(0o2770)  # Asterisk, in the same group, writes here
        for path in sorted(self.directory.glob("*.json")):
            try:
                message = msgspec.json.decode(path.read_bytes(), type=Voicemail)
                if self._stem(message.id).with_suffix(".json") != path:
                    raise UnknownVoicemail(message.id)
            except (OSError, msgspec.MsgspecError, UnicodeDecodeError, UnknownVoicemail) as error:
                log.error("%s is no voicemail's description: %s", path, error)
            else:
                (self._in_review if message.review else self._messages)[message.id] = message
        self._delete_old()

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()

    def all(self) -> list[Voicemail]:
        """The messages, the oldest first."""
        return sorted(self._messages.values(), key=lambda message: (message.at_ms, message.id))

    def get(self, name: str) -> Voicemail:
        """The message of this name (also that of its contact). Raises UnknownVoicemail."""
        try:
            return self._messages[name.removeprefix(VOICEMAIL_PREFIX)]
        except KeyError:
            raise UnknownVoicemail(name) from None

    def number_of(self, contact: str) -> str:
        """From where the message was left that waits as this contact; nothing if it is no more."""
        message = self._messages.get(contact.removeprefix(VOICEMAIL_PREFIX))
        return message.number if message else ""

    def path(self, message: Voicemail) -> Path:
        """The recording."""
        return self._stem(message.id).with_suffix(".wav")

    def sound(self, name: str) -> str:
        """The recording, as Asterisk plays it to its caller. Raises UnknownVoicemail for what is no id."""
        return str(self._stem(name))

    # A caller leaves one (`switchboard.calls`)

    def file(self) -> Path:
        """Where Asterisk records the message, without its ending `.wav`."""
        self._count += 1
        return self._stem(f"{self._live.clock.now_ms():x}-{self._count}")

    async def taken(self, contact: str, session: Session, effect: TakeVoicemail, file: Path, duration_ms: int) -> Input:
        """A message is there: it is stored, and unless it is to be reviewed routed if the effect says so."""
        message = Voicemail(
            id=file.name,
            mailbox=effect.mailbox,
            at_ms=self._live.clock.now_ms(),
            duration_ms=duration_ms,
            number=session.caller.number,
            call=contact,
            queue=effect.queue,
            attributes=dict(effect.attributes),
            review=effect.review,
        )
        try:
            if message.review:
                self._write(message)
                self._in_review[message.id] = message
            else:
                self.keep(message)
        except OSError as error:
            log.error("the message of %s cannot be stored: %s", contact, error)
            return EffectFailed(str(error))
        return VoicemailTaken(message.id, duration_ms)

    def reviewed(self, effect: Reviewed) -> None:
        """The caller keeps a message or throws it away; an earlier one of the same call on which nobody has decided
        (an engine has died) goes with it."""
        message = self._in_review.get(effect.recording)
        if message is None:
            return  # decided already: the engine has died before it had written down that the caller is further
        for one in self._reviewed_by(message.call):
            if one == message and effect.kept:
                self._keep_reviewed(one)
            elif (one.at_ms, one.id) <= (message.at_ms, message.id):
                self._throw_away(one)

    def call_over(self, call: str) -> None:
        """The call is over: the last message on which its caller has not decided is kept."""
        for message in self._reviewed_by(call)[:-1]:
            self._throw_away(message)
        for message in self._reviewed_by(call):
            self._keep_reviewed(message)

    def calls_in_progress(self, calls: Collection[str]) -> None:
        """A starting engine knows which calls there still are; all others are over."""
        for call in {message.call for message in self._in_review.values()} - set(calls):
            self.call_over(call)

    def _reviewed_by(self, call: str) -> list[Voicemail]:
        found = (message for message in self._in_review.values() if message.call == call)
        return sorted(found, key=lambda message: (message.at_ms, message.id))

    def _keep_reviewed(self, message: Voicemail) -> None:
        del self._in_review[message.id]
        kept = msgspec.structs.replace(message, review=False)
        self._messages[kept.id] = kept
        try:
            self.keep(kept)
        except OSError as error:  # on disk it stays one to be reviewed, which the next engine keeps
            log.error("that %s is kept cannot be written: %s", kept.id, error)
            self._announce(kept)

    def _throw_away(self, message: Voicemail) -> None:
        del self._in_review[message.id]
        with suppress(OSError):
            self._delete_files(message)

    def keep(self, message: Voicemail) -> None:
        """Stores a message whose recording is there, and routes it if it is for a queue. Raises OSError."""
        self._write(message)
        self._messages[message.id] = message
        self._announce(message)

    def _announce(self, message: Voicemail) -> None:
        data = {"voicemail": message.id, "mailbox": message.mailbox, "queue": message.queue, "number": message.number}
        self._fact(facts.VOICEMAIL_TAKEN, message.call, {**data, "duration_ms": message.duration_ms})
        self._route(message)

    # What becomes of it

    def heard(self, name: str, by: str, heard: bool = True) -> Voicemail:
        """Somebody has heard it (or it counts as not heard after all). Raises UnknownVoicemail and OSError."""
        now_ms = self._live.clock.now_ms()
        message = msgspec.structs.replace(
            self.get(name), heard_ms=now_ms if heard else None, heard_by=by if heard else ""
        )
        self._write(message)
        self._messages[message.id] = message
        kind = facts.VOICEMAIL_HEARD if heard else facts.VOICEMAIL_UNHEARD
        self._fact(kind, message.call, {"voicemail": message.id, "by": by})
        if heard:
            self._withdraw(message)
        else:
            self._route(message)
        return message

    def delete(self, name: str) -> None:
        """Deletes recording and description. Raises UnknownVoicemail and OSError."""
        message = self.get(name)
        self._delete_files(message)
        del self._messages[message.id]
        self._fact(facts.VOICEMAIL_DELETED, message.call, {"voicemail": message.id})
        self._withdraw(message)

    def _delete_old(self) -> None:
        """Deletes what is older than the centre keeps messages, now and then every hour."""
        self._timer = asyncio.get_running_loop().call_later(HOUR_S, self._delete_old)
        until_ms = self._live.clock.now_ms() - self._keep_days() * DAY_MS
        for message in self.all():
            if message.at_ms < until_ms:
                log.info("the voicemail %s of %s is deleted: it is too old", message.id, message.mailbox)
                with suppress(OSError):
                    self.delete(message.id)

    def observe(self, event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        """Messages that nobody has heard wait again."""
        for decision in decisions:
            match decision:
                case QueueChanged(queue=queue, state="open"):
                    for message in self.all():
                        if message.queue == queue:
                            self._route(message)
                case ContactFinished(
                    contact=contact, outcome="answered", transferred_to=None, arrived_ms=arrived_ms
                ) if contact.startswith(VOICEMAIL_PREFIX):
                    with suppress(UnknownVoicemail):
                        self._route(self.get(contact), arrived_ms)
                case _:
                    pass

    # Routing

    def route_all(self) -> None:
        """Every message that nobody has heard waits for an agent."""
        for message in self.all():
            self._route(message)

    def _route(self, message: Voicemail, arrived_ms: int | None = None) -> None:
        """The message waits in its queue (`arrived_ms`: once more, with its age), unless it has been heard, waits
        already, or the queue is closed. The time that a queue is closed is no waiting time."""
        if message.queue is None or message.heard_ms is not None:
            return
        if not self.path(message).exists():
            log.error("the recording of the voicemail %s is gone", message.id)
            return
        router = self._live.router
        spec = next((queue for queue in router.policy.queues if queue.name == message.queue), None)
        if spec is None:
            log.error("the voicemail %s is for the queue %r, which is no more", message.id, message.queue)
        elif router.switch(message.queue) is None and router.contact(message.contact) is None:
            arrived = ContactArrived(
                message.contact,
                message.queue,
                channel=spec.channel,
                attributes=message.attributes,
                arrived_ms=arrived_ms,
            )
            self._live.feed(arrived)

    def _withdraw(self, message: Voicemail) -> None:
        contact = self._live.router.contact(message.contact)
        if contact is not None and contact.waits:
            self._live.feed(ContactLeft(message.contact, "left"))

    # Files

    def _stem(self, name: str) -> Path:
        if not _ID.fullmatch(name):
            raise UnknownVoicemail(name)
        return self.directory / name

    def _write(self, message: Voicemail) -> None:
        path = self._stem(message.id).with_suffix(".json")
        new = path.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(message))
        new.replace(path)

    def _delete_files(self, message: Voicemail) -> None:
        self.path(message).unlink(missing_ok=True)
        self._stem(message.id).with_suffix(".json").unlink(missing_ok=True)

    def _fact(self, kind: str, contact: str, data: Mapping[str, object]) -> None:
        self._live.record(Fact(self._live.clock.now_ms(), kind, contact=contact, data=dict(data)))
