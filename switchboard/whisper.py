"""What an agent hears between answering and the talk: the queue, what the caller wants, how long the caller has waited.

The agent's leg comes here by the FastAGI route `leg`, while the caller still hears music and the offer runs on: its
deadline covers the whisper too. With `accept: key` nothing happens before the agent presses 1 (accept) or 2 (decline).
"""

import logging
from collections.abc import Callable, Mapping

from asterisk_conf.names import VAR_WHISPER
from ivr.agi import codec
from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel, ChannelHungUp
from ivr.flow.effects import Prompt, Say, Spoken
from ivr.flow.prompts import Prompts
from router.core.decisions import Offer
from router.core.entities import Contact
from router.live.legs import AgentLegs
from router.live.shell import LiveRouter
from switchboard import facts
from switchboard.centre.model import WhisperDocument

log = logging.getLogger(__name__)

ACCEPT, DECLINE = "1", "2"
SAY_AGAIN_MS = 4_000


class Whispers:
    """Serves the FastAGI route `leg`. `rules` are the whispers of the queues, `prompts` those of the centre."""

    def __init__(
        self,
        live: LiveRouter,
        performer: Performer,
        *,
        legs: Callable[[], AgentLegs],
        rules: Callable[[], Mapping[str, WhisperDocument]],
        prompts: Callable[[], Prompts],
        fact: Callable[..., None],
    ) -> None:
        self._live = live
        self._performer = performer
        self._legs = legs
        self._rules = rules
        self._prompts = prompts
        self._fact = fact

    def variables(self, offer: Offer) -> dict[str, str]:
        """What the dialplan has to know of the leg for this offer."""
        contact = self._live.router.contact(offer.contact)
        if contact is None or contact.consult_of or contact.queue not in self._rules():
            return {}  # an agent who is consulted hears it from the other agent
        return {VAR_WHISPER: "yes"}

    async def handle(self, channel: AgiChannel) -> None:
        """One agent who has answered."""
        legs = self._legs()
        leg = legs.whispering(channel.headers.uniqueid)
        if leg is None:
            log.warning("%s is to hear a whisper, but its offer is over", channel.headers.channel)
            await channel.send(codec.hangup())
            return
        contact = self._live.router.contact(leg.contact)
        rule = self._rules().get(contact.queue) if contact else None
        answer = "none"
        try:
            # Without a rule (it was taken away while the phone rang) the talk begins at once.
            answer = await self._whisper(channel, contact, rule) if contact and rule else "accepted"
        except ChannelHungUp:
            pass  # the agent, or the end of the offer; the leg's hang-up says which
        if contact:
            data = {"queue": contact.queue, "answer": answer}
            self._fact(facts.WHISPERED, contact=leg.contact, agent=leg.agent, data=data)
        if answer == "accepted":
            legs.accepted(leg)
        elif answer == "declined":
            legs.declined(leg)

    async def _whisper(self, channel: AgiChannel, contact: Contact, rule: WhisperDocument) -> str:
        wait_s = (self._live.clock.now_ms() - contact.arrived_ms) / 1_000
        spoken = whisper(rule, self._prompts(), contact.attributes.get("intent"), wait_s)
        keys = ACCEPT + DECLINE if rule.accept == "key" else ""
        while True:
            key, _ = await self._performer.speak(channel, spoken, keys)
            if not keys:
                return "accepted"
            key = key or await self._performer.wait_for_key(channel, SAY_AGAIN_MS)
            if key in (ACCEPT, DECLINE):
                return "accepted" if key == ACCEPT else "declined"


def whisper(rule: WhisperDocument, prompts: Prompts, intent: object, wait_s: float) -> tuple[Spoken, ...]:
    """What is said, in the centre's default language; minutes from the second minute on."""
    spoken: list[Spoken] = []
    for part in rule.say:
        if part == "queue" and rule.queue:
            spoken.append(prompts.prompt(rule.queue, prompts.default_language))
        elif part == "intent" and str(intent) in rule.intents:
            spoken.append(prompts.prompt(rule.intents[str(intent)], prompts.default_language))
        elif part == "wait":
            value, unit = (wait_s / 60, "minutes") if wait_s >= 120 else (wait_s, "seconds")
            spoken.append(Say("number", str(round(value))))
            spoken.append(Prompt(unit, unit, (f"queue-{unit}",)))
    return tuple(spoken)
