"""Every name that the dialplan and the code share: contexts, channel variables, AGI routes, AMI user, sounds.

The templates are rendered from these and nothing else spells them; a test compares the rendered files with this list.
"""

from typing import Final

# Contexts
CONTEXT_IN: Final = "sb-in"  # where trunks deliver calls: one exact extension per number of the centre
CONTEXT_CALL: Final = "sb-call"  # the caller's life: AGI, retry with music, fallback
CONTEXT_AGENT: Final = "sb-agent"  # what agents' phones may dial: the feature codes
CONTEXT_AGENT_LEG: Final = "sb-agent-leg"  # where an agent who accepted an offer waits for the Bridge
CONTEXT_AGENT_RELEASED: Final = "sb-agent-released"  # explains to an agent that the caller is gone, then hangs up
CONTEXT_CHECK: Final = "sb-check"  # calls the engine on behalf of `switchboard conf check` and tells how it went

# Channel variables
VAR_NUMBER: Final = "SB_NUMBER"  # the number the caller dialled, from the configuration, never from the caller
VAR_DONE: Final = "SB_DONE"  # set to `yes` by the engine as its last act; anything else: the engine is gone
VAR_TALKED: Final = "SB_TALKED"  # set to `yes` before the Bridge: this caller has been served
VAR_TRIES: Final = "SB_TRIES"  # how often the dialplan has come back without VAR_DONE
VAR_SINCE: Final = "SB_SINCE"  # when the dialplan last called the engine (seconds since 1970)
VAR_CONTACT: Final = "SB_CONTACT"  # the contact's id: the Uniqueid of the caller's first channel
VAR_OFFER: Final = "SB_OFFER"  # on an agent's leg: the offer's id

# FastAGI routes (agi://host:port/ROUTE)
ROUTE_CALL: Final = "call"
ROUTE_AGENT: Final = "agent"
ROUTE_CHECK: Final = "check"  # that it is reached is all that is asked; the engine need not know it

# Feature codes dialled by agents' phones; each asks for the PIN where the phone is not the agent's own
CODE_SIGN_IN: Final = "*11"
CODE_SIGN_OUT: Final = "*12"
CODE_PAUSE: Final = "*13"
CODE_READY: Final = "*14"

AMI_USER: Final = "switchboard"
USER_EVENT_CHECK: Final = "SwitchboardCheck"  # the UserEvent with the outcome of CONTEXT_CHECK
# All events the AMI user gets to see; Asterisk filters the others, some forty a call
AMI_EVENTS: Final = (
    "BridgeEnter",
    "BridgeLeave",
    "FullyBooted",
    "Hangup",
    "OriginateResponse",
    "Shutdown",
    "UserEvent",
)
FALLBACK_QUEUE: Final = "sb-fallback"
BENCH_QUEUE: Final = "sb-bench"  # rendered on demand: a native queue to compare the engine with
MUSIC_CLASS: Final = "default"
SOUNDS_DIRECTORY: Final = "sb"  # below each language's sound directory: the centre's own recordings
CHANNEL_PREFIX: Final = "sb-"  # ChannelId and ActionID of everything the engine originates
