"""The kinds of the journal's facts: what belongs to the centre's records and is no business of the router.

A fact has a time, its kind, and where they apply the contact, the agent and the actor; what else it says is its data.
"""

from typing import Final

OUTBOUND_DIALLED: Final = "outbound_dialled"
"""An outside number is dialled: `call` (the ChannelId), `number`."""
OUTBOUND_ENDED: Final = "outbound_ended"
"""A call to an outside number is over: `call`, `number`, `talk_ms`, `cost`."""
OUTBOUND_REFUSED: Final = "outbound_refused"
"""An outside number was not dialled: `number`, `reason`."""
OUTBOUND_CARRIED: Final = "outbound_carried"
"""At the beginning of a journal, what counts for the caps from before: `dialled` [[at_ms, number]], `spent`
[[at_ms, cost]], `calls` [[call, number, since_ms, contact]]."""
CALLBACK_BOOKED: Final = "callback_booked"
"""A callback was asked for: `queue`, `number`, `at_ms` (the time chosen), `call` (the call in which), `merged`."""
FLOW_ENDED: Final = "flow_ended"
"""A caller's way through the flows is over: `outcome`, `contained` (served without an agent), `entered_queue`,
`entered` (nodes counted), `trace` (the last nodes: flow, node, via, at_ms), `version` of the flows, `started_ms`,
`errors` (nodes that could not do their work) and `missed` (by flow and node: how often no input, and no match)."""
CANARY_CARRIED: Final = "canary_carried"
"""At the beginning of a journal, how far the trial of a canary has come: `version`, `since_ms`, `trial` (the calls,
errors and abandons of both versions)."""
SUPERVISION: Final = "supervision"
"""A supervisor monitors an agent: `what` (started, changed, ended, failed), `supervisor`, `mode` (listen, whisper,
barge), `reason`."""
RECORDING_STARTED: Final = "recording_started"
"""A talk is being recorded: `file` (below the directory of recordings), `queue`."""
RECORDING: Final = "recording"
"""A recording is over: `file`, `queue`, `from_ms`, `to_ms`, `pauses` [[from_ms, to_ms]] (they are silent), `bytes`."""
RECORDING_SKIPPED: Final = "recording_skipped"
"""A talk that should have been recorded is not: `queue`, `reason`."""
RECORDINGS_DELETED: Final = "recordings_deleted"
"""Recordings older than the centre keeps them are gone: `files`."""
WHISPERED: Final = "whispered"
"""An agent has heard what is coming: `queue`, `answer` (accepted, declined, none)."""
AGENT_SEATED: Final = "agent_seated"
"""From now on the agent is rung at `phone` (the name of its SIP endpoint)."""
DISPOSITION: Final = "disposition"
"""An agent says how a contact ended: `code` (of the centre's dispositions), `note`."""
NOTE: Final = "note"
"""An agent notes something about a contact: `text`, or `voicemail` (the id of what was spoken at the phone)."""
HOLD_REASON: Final = "hold_reason"
"""The agent says why the contact, which is on hold already, waits: `reason`."""
SURVEY: Final = "survey"
"""A caller has answered a question: `survey`, `question` (csat, nps, ces, comment), `score` or `recording`, and,
where it is known, `queue` (of the talk before it) and `intent`. The fact's agent is that of the talk."""
SERVED_BEFORE: Final = "served_before"
"""At the beginning of a journal, of a caller who is in a flow: `queue` of the last talk; the fact's agent had it."""
NOTIFIED: Final = "notified"
"""A flow's notification has been delivered: `flow`, `node`, `to` (the webhook, or `e-mail`), `tries`."""
NOT_NOTIFIED: Final = "not_notified"
"""A flow's notification could not be delivered: `flow`, `node`, `to`, `tries`, `reason`."""
VOICEMAIL_TAKEN: Final = "voicemail_taken"
"""A caller has left a message: `voicemail` (its id), `mailbox`, `queue`, `number`, `duration_ms`."""
VOICEMAIL_HEARD: Final = "voicemail_heard"
"""Somebody has heard a message: `voicemail`, `by`."""
VOICEMAIL_UNHEARD: Final = "voicemail_unheard"
"""A message counts as not heard: `voicemail`, `by`."""
VOICEMAIL_DELETED: Final = "voicemail_deleted"
"""A message was deleted, by somebody or for its age: `voicemail`."""
