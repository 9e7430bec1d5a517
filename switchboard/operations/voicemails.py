"""Voicemail: what callers have left, its recordings, and what becomes of it."""

from typing import Annotated

from pydantic import Base64Bytes, Field

from switchboard.operations.base import Answer, Ask, Done, OperationRefused, Request, operation
from switchboard.voicemails import UnknownVoicemail, Voicemail

VoicemailId = Annotated[
    str, Field(min_length=1, max_length=40, description="The message, as `list_voicemails` names it.")
]


class ListVoicemails(Ask):
    """Which messages."""

    mailbox: str | None = Field(None, max_length=40)
    """Those of this mailbox only."""
    unheard: bool = False
    """Those that nobody has heard only."""


class OneVoicemail(Ask):
    """One message."""

    voicemail: VoicemailId


class MarkVoicemail(OneVoicemail):
    """A message and whether it has been heard."""

    heard: bool = True


class VoicemailNow(Answer):
    """A message that a caller has left."""

    voicemail: str
    mailbox: str
    number: str
    """From where the caller called."""
    at_ms: int
    """When it was left, in Unix ms."""
    duration_ms: int
    call: str
    """The contact that left it."""
    queue: str | None
    """Where it waits until somebody has heard it."""
    heard_ms: int | None
    heard_by: str
    path: str
    """The recording on the engine's machine."""


class VoicemailAudio(Answer):
    """A recording."""

    media_type: str = "audio/wav"
    data: Base64Bytes
    """The file, 8 kHz, 16 bit, mono, in base64."""


@operation("GET", "/voicemails", roles=("agent", "supervisor", "auditor"))
async def list_voicemails(request: Request, ask: ListVoicemails) -> list[VoicemailNow]:
    """The messages that callers have left, the oldest first."""
    return [
        _shown(request, message)
        for message in request.engine.voicemails.all()
        if ask.mailbox in (None, message.mailbox) and not (ask.unheard and message.heard_ms)
    ]


@operation("GET", "/voicemails/{voicemail}/audio", roles=("agent", "supervisor"))
async def get_voicemail_audio(request: Request, ask: OneVoicemail) -> VoicemailAudio:
    """The recording of a message."""
    path = request.engine.voicemails.path(known_voicemail(request, ask.voicemail))
    try:
        return VoicemailAudio.model_construct(data=path.read_bytes())
    except OSError as error:
        raise OperationRefused(f"the recording cannot be read: {error.strerror}", "unknown") from error


@operation("POST", "/voicemails/{voicemail}/heard", roles=("agent", "supervisor"))
async def mark_voicemail(request: Request, ask: MarkVoicemail) -> Done:
    """Mark a message as heard, or as not heard after all; one that is heard waits for no agent."""
    before = _shown(request, known_voicemail(request, ask.voicemail))
    try:
        after = request.engine.voicemails.heard(ask.voicemail, request.actor.name, ask.heard)
    except OSError as error:
        raise OperationRefused(f"this cannot be written down: {error.strerror}") from error
    request.changed({"heard_ms": before.heard_ms}, {"heard_ms": after.heard_ms})
    return Done(message=f"The message {ask.voicemail} is marked as {'heard' if ask.heard else 'not heard'}.")


@operation("DELETE", "/voicemails/{voicemail}", roles=("supervisor",))
async def delete_voicemail(request: Request, ask: OneVoicemail) -> Done:
    """Delete a message and its recording."""
    before = _shown(request, known_voicemail(request, ask.voicemail))
    try:
        request.engine.voicemails.delete(ask.voicemail)
    except OSError as error:
        raise OperationRefused(f"the message cannot be deleted: {error.strerror}") from error
    request.changed(before.model_dump(exclude={"path"}), {})
    return Done(message=f"The message {ask.voicemail} is deleted.")


def known_voicemail(request: Request, name: str) -> Voicemail:
    """The message of this name. Raises OperationRefused."""
    try:
        return request.engine.voicemails.get(name)
    except UnknownVoicemail:
        raise OperationRefused(f"there is no voicemail {name!r}", "unknown") from None


def _shown(request: Request, message: Voicemail) -> VoicemailNow:
    return VoicemailNow(
        voicemail=message.id,
        mailbox=message.mailbox,
        number=message.number,
        at_ms=message.at_ms,
        duration_ms=message.duration_ms,
        call=message.call,
        queue=message.queue,
        heard_ms=message.heard_ms,
        heard_by=message.heard_by,
        path=str(request.engine.voicemails.path(message)),
    )
