"""An agent's phone that dies in a talk (its power, its network) says nothing, also not that it is gone.

Asterisk counts the seconds without any sound (`rtp_timeout` in pjsip.conf) and then hangs the leg up on the phone's
behalf (`rtp_check_timeout` in its res_pjsip_sdp_rtp.c): the event SoftHangupRequest comes, whose Cause is the flag
AST_SOFTHANGUP_DEVICE of `ast_softhangup`; a phone that hangs up itself is told of by HangupRequest, and a command sets
another flag. To the caller, who has heard nothing either, that is no end of the talk: the caller goes back to the
queue, to the old place. The agent gets what the policy says of an unreachable phone.
"""

import logging
from typing import Final

from router.ami.client import Event
from router.core.entities import Contact
from router.core.events import AgentUnreachable, ContactTransferred
from router.live.legs import AgentLegs
from router.live.lines import VOICEMAIL_PREFIX
from router.live.shell import LiveRouter

log = logging.getLogger(__name__)

FOR_THE_PHONE: Final = "1"
"""AST_SOFTHANGUP_DEVICE."""


class SilentPhones:
    """Sees to the talks of agents whose phones have died. To be told of events before the legs are."""

    def __init__(self, live: LiveRouter, legs: AgentLegs) -> None:
        self._live = live
        self._legs = legs

    def on_event(self, event: Event) -> None:
        if event.name != "SoftHangupRequest" or event.get("Cause") != FOR_THE_PHONE:
            return
        leg = self._legs.on(event.get("Uniqueid", ""))
        if leg is None or leg.unwanted or leg.state not in ("joined", "apart"):
            return
        log.warning("the phone of %s is gone: nothing has been heard from it for too long", leg.agent)
        contact = self._live.router.contact(leg.contact)
        if contact is not None and leg.state == "joined" and _is_customer(contact):
            self._live.feed(ContactTransferred(contact.id, contact.queue))
        agent = self._live.router.agent(leg.agent)
        if agent is not None and agent.presence != "offline":
            self._live.feed(AgentUnreachable(agent.name))


def _is_customer(contact: Contact) -> bool:
    """Whether somebody is left alone by it: no message, and no colleague who asks (for whom a hang-up says enough)."""
    return contact.state == "connected" and contact.consult_of is None and not contact.id.startswith(VOICEMAIL_PREFIX)
