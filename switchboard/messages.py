"""Callers leave messages: recorded on their channel, kept where they are stored, thrown away where they are none."""

from pathlib import Path
from typing import Protocol

from ivr.agi.performer import Performer, RecordingFailed
from ivr.agi.server import AgiChannel, ChannelHungUp
from ivr.flow.effects import Reviewed, TakeVoicemail
from ivr.flow.inputs import EffectFailed, Input, VoicemailTaken
from ivr.flow.session import Session
from router.live.legs import AgentLegs
from switchboard.call import Call
from switchboard.voicemails import recorded_ms


class Voicemails(Protocol):
    """Where messages are kept."""

    def file(self) -> Path:
        """Where Asterisk records the message, without its ending `.wav`."""

    async def taken(self, contact: str, session: Session, effect: TakeVoicemail, file: Path, duration_ms: int) -> Input:
        """A message is there: it is stored, and unless it is to be reviewed routed if the effect says so."""

    def reviewed(self, effect: Reviewed) -> None:
        """The caller keeps a message or throws it away."""

    def call_over(self, call: str) -> None:
        """The last message on which its caller has not decided is kept."""


class Messages:
    """What callers record, as `switchboard.calls` has it done; without `voicemails` nothing can be."""

    def __init__(self, voicemails: Voicemails | None, performer: Performer, legs: AgentLegs) -> None:
        self._voicemails = voicemails
        self._performer = performer
        self._legs = legs

    async def take(self, channel: AgiChannel, contact: str, call: Call, effect: TakeVoicemail) -> Input:
        """Records; a caller who hangs up has left the message. One whom an agent takes away, or who is still there
        when only the line to us has broken, has not."""
        if self._voicemails is None:
            return EffectFailed("this centre takes no voicemail")
        file = self._voicemails.file()
        call.recording = True
        try:
            duration_ms = await self._performer.record(channel, effect, str(file))
        except RecordingFailed as error:
            return EffectFailed(str(error))
        except ChannelHungUp:
            if call.joining or self._legs.joined(contact) or not channel.told_of_hangup:
                file.with_suffix(".wav").unlink(missing_ok=True)
            else:
                await self._keep(self._voicemails, contact, call, effect, file, await recorded_ms(file))
            raise
        else:
            return await self._keep(self._voicemails, contact, call, effect, file, duration_ms)
        finally:
            call.recording = False
            if call.session.finished:
                self.call_over(contact, call)

    def reviewed(self, call: Call, effect: Reviewed) -> None:
        """The caller has decided on a message."""
        if not effect.kept:
            call.messages.discard(effect.recording)
        if self._voicemails is not None:
            self._voicemails.reviewed(effect)

    def call_over(self, contact: str, call: Call) -> None:
        """The call is over. AMI may say so while the end of a message is yet being written: that is waited for."""
        if self._voicemails is not None and not call.recording:
            self._voicemails.call_over(contact)

    async def _keep(
        self, voicemails: Voicemails, contact: str, call: Call, effect: TakeVoicemail, file: Path, duration_ms: int
    ) -> Input:
        if duration_ms < effect.min_ms:
            file.with_suffix(".wav").unlink(missing_ok=True)
            return VoicemailTaken("", duration_ms)
        taken = await voicemails.taken(contact, call.session, effect, file, duration_ms)
        if effect.message and isinstance(taken, VoicemailTaken):
            call.messages.add(taken.voicemail)
        return taken
