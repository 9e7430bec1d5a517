"""Every name that the dialplan and the code share: contexts, channel variables, AGI routes, AMI user, sounds.

The templates are rendered from these and nothing else spells them; a test compares the rendered files with this list.
"""

from typing import Final

# Contexts
CONTEXT_IN: Final = "sb-in"  # where trunks deliver calls: one exact extension per number of the centre
CONTEXT_CALL: Final = "sb-call"  # the caller's life: AGI, retry with music, fallback
CONTEXT_AGENT: Final = "sb-agent"  # what agents' phones may dial: the feature codes
CONTEXT_AGENT_LEG: Final = "sb-agent-leg"  # where an agent who accepted an offer waits for the Bridge
CONTEXT_BACK: Final = "sb-back"  # brings a caller who is taken out of a talk (hold, transfer) back to the engine
CONTEXT_AGENT_APART: Final = "sb-agent-apart"  # where an agent is whose caller is on hold, with keys for what is next
CONTEXT_AGENT_RELEASED: Final = "sb-agent-released"  # explains to an agent that the caller is gone, then hangs up
CONTEXT_REACHING: Final = "sb-reaching"  # where an agent hears that the customer of a callback is being rung
CONTEXT_CALLBACK: Final = "sb-callback"  # the customer's side of a callback
CONTEXT_VOICEMAIL: Final = "sb-voicemail"  # where an agent hears a voicemail
CONTEXT_MONITOR: Final = "sb-monitor"  # where a supervisor listens to an agent, whispers or barges in
CONTEXT_CHECK: Final = "sb-check"  # calls the engine on behalf of `switchboard conf check` and tells how it went

# Channel variables
VAR_NUMBER: Final = "SB_NUMBER"  # the number the caller dialled, from the configuration, never from the caller
VAR_DONE: Final = "SB_DONE"  # set to `yes` by the engine as its last act; anything else: the engine is gone
VAR_TALKED: Final = "SB_TALKED"  # set to `yes` before the Bridge: this caller has been served
VAR_TRIES: Final = "SB_TRIES"  # how often the dialplan has come back without VAR_DONE and without a talk
VAR_RETURNS: Final = "SB_RETURNS"  # how often it has come back since this caller was served; 1: the talk is over
VAR_SINCE: Final = "SB_SINCE"  # when the dialplan last called the engine (seconds since 1970)
VAR_CONTACT: Final = "SB_CONTACT"  # the contact's id: the Uniqueid of the caller's first channel
VAR_OFFER: Final = "SB_OFFER"  # on an agent's leg: the offer's id
VAR_WHISPER: Final = "SB_WHISPER"  # on an agent's leg: `yes`, the engine speaks to the agent before the talk
VAR_RECORDING: Final = "SB_RECORDING"  # on an agent's leg: the file in which Asterisk records the talk
VAR_RECORDING_PAUSES: Final = "SB_RECORDING_PAUSES"  # on an agent's leg: when the recording was silent
VAR_ANNOUNCED: Final = "SB_ANNOUNCED"  # on a caller's channel: the prompt about recordings that the caller has heard
VAR_MONITORED: Final = "SB_MONITORED"  # on a supervisor's phone: the ChannelId of the agent's leg
VAR_CONSULT: Final = "SB_CONSULT"  # `yes` on the leg of one who is consulted, and may go on with the caller
VAR_OUTSIDE: Final = "SB_OUTSIDE"  # on a leg to an outside number (consulted, transferred to): the contact's id
VAR_DIALLED: Final = "SB_DIALLED"  # on a caller's channel: the outside call that the flow has dialled last
VAR_FEATURES: Final = "DYNAMIC_FEATURES"  # Asterisk's own: the codes that this channel's keys may form in a talk
VAR_CALLBACK: Final = "SB_CALLBACK"  # on the customer's leg of a callback: the id of the offer that it is rung for

# FastAGI routes (agi://host:port/ROUTE)
ROUTE_CALL: Final = "call"
ROUTE_AGENT: Final = "agent"
ROUTE_LEG: Final = "leg"  # an agent who has answered hears what is coming, and may have to press a key
ROUTE_APART: Final = "apart"  # an agent whose caller is on hold
ROUTE_VOICEMAIL: Final = "voicemail"  # an agent hears a voicemail
ROUTE_CHECK: Final = "check"  # that it is reached is all that is asked; the engine need not know it

# Feature codes dialled by agents' phones
CODE_SIGN_IN_HERE: Final = "*10"  # at any phone, with the agent's number and PIN
CODE_SIGN_IN: Final = "*11"  # at the agent's own phone, with the PIN
CODE_SIGN_OUT: Final = "*12"
CODE_PAUSE: Final = "*13"
CODE_READY: Final = "*14"
CODE_DISPOSITION: Final = "*15"
CODE_EXTEND_WRAP_UP: Final = "*16"
CODE_NOTE: Final = "*17"  # a spoken note about the last contact
CODE_EMERGENCY: Final = "*19"  # a supervisor closes everything, or opens it again, with the PIN
PHONE_CODES: Final = (
    CODE_SIGN_IN_HERE,
    CODE_SIGN_IN,
    CODE_SIGN_OUT,
    CODE_PAUSE,
    CODE_READY,
    CODE_DISPOSITION,
    CODE_EXTEND_WRAP_UP,
    CODE_NOTE,
    CODE_EMERGENCY,
)

# Codes pressed by an agent during a talk (`TALK_CODES`), as DTMF; the caller's keys never count
CODE_HOLD: Final = "*1"  # hold, and when on hold (or consulting): back to the caller
CODE_TRANSFER: Final = "*2"  # blind transfer to the number that follows
CODE_CONSULT: Final = "*3"  # consult the number that follows
CODE_COMPLETE: Final = "*4"  # the one consulted takes the caller over
CODE_REQUEUE: Final = "*5"  # back to the queue, with all that is known
CODE_ESCALATE: Final = "*6"  # to the second level
CODE_PAUSE_RECORDING: Final = "*7"  # what is said now is kept out of the recording
CODE_RESUME_RECORDING: Final = "*8"
# By the name of the feature in Asterisk
TALK_CODES: Final = {
    "sb-hold": CODE_HOLD,
    "sb-transfer": CODE_TRANSFER,
    "sb-consult": CODE_CONSULT,
    "sb-complete": CODE_COMPLETE,
    "sb-requeue": CODE_REQUEUE,
    "sb-escalate": CODE_ESCALATE,
    "sb-pause-recording": CODE_PAUSE_RECORDING,
    "sb-resume-recording": CODE_RESUME_RECORDING,
}

# What a supervisor presses while monitoring; they are extensions of CONTEXT_MONITOR
KEY_LISTEN: Final = "4"  # hears both, is heard by nobody
KEY_WHISPER: Final = "5"  # the agent hears the supervisor, the caller does not
KEY_BARGE: Final = "6"  # everybody hears everybody

AMI_USER: Final = "switchboard"
USER_EVENT_TALK_CODE: Final = "SwitchboardCode"  # the UserEvent of an agent who has pressed a code during a talk
USER_EVENT_MONITOR: Final = "SwitchboardMonitor"  # the UserEvent of a supervisor who begins or changes how
USER_EVENT_CHECK: Final = "SwitchboardCheck"  # the UserEvent with the outcome of CONTEXT_CHECK
# All events the AMI user gets to see; Asterisk filters the others, some forty a call
AMI_EVENTS: Final = (
    "FullyBooted",
    "Hangup",
    "HangupRequest",  # by a phone
    "OriginateResponse",
    "Shutdown",
    "SoftHangupRequest",  # by a command
    "UserEvent",
)
FALLBACK_QUEUE: Final = "sb-fallback"
BENCH_QUEUE: Final = "sb-bench"  # rendered on demand: a native queue to compare the engine with
MUSIC_CLASS: Final = "default"
SOUNDS_DIRECTORY: Final = "sb"  # below each language's sound directory: the centre's own recordings
CHANNEL_PREFIX: Final = "sb-"  # ChannelId and ActionID of everything the engine originates for a contact
MONITOR_PREFIX: Final = "sbm-"  # ChannelId of a supervisor's phone that monitors an agent
