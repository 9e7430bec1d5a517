"""Of what an engine consists, and which part asks which: the composition of flows, router and Asterisk."""

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel
from ivr.flow.effects import Dial, Notify, Query, SurveyAnswered, Verify
from ivr.flow.hours import Hours
from ivr.flow.session import Session
from ivr.lookup import HttpLookup
from ivr.speech.values import SpokenValues
from router.ami import actions
from router.core.decisions import AgentSuspended, AnyDecision, GoalChanged
from router.core.events import AnyEvent
from router.live.customers import Customers
from router.live.legs import AgentLegs
from router.live.lines import VOICEMAIL_PREFIX, Lines
from router.live.outside import OutsideLegs
from router.live.silent_phones import SilentPhones
from router.live.talks import Talks
from switchboard.agent_phones import AgentPhones
from switchboard.announcements import Announcer
from switchboard.asterisk_addresses import AsteriskAddresses
from switchboard.asterisk_line import AsteriskLine
from switchboard.callbacks import Callbacks, CustomersOnTheLine, Dialling
from switchboard.calls import IVR_WATCHDOG_S, Calls
from switchboard.customer_pins import Pins
from switchboard.database_lookup import DatabaseLookup
from switchboard.facts import FLOW_ENDED, SURVEY
from switchboard.flow_dialling import FlowDialling
from switchboard.flow_lookups import FlowLookups
from switchboard.notifying import Notifier
from switchboard.opening import Opening
from switchboard.other_work import OtherWork
from switchboard.recording import Recordings
from switchboard.spoken_values import value_rules
from switchboard.store.calls import FlowEnded
from switchboard.supervision import Monitors
from switchboard.talk_codes import TalkCodes
from switchboard.verifying import Verifier
from switchboard.voicemail_phone import VoicemailPhone
from switchboard.voicemails import Voicemails
from switchboard.waiting_room import WaitingRoom
from switchboard.whisper import Whispers

if TYPE_CHECKING:
    from switchboard.engine import Engine

log = logging.getLogger(__name__)


def assemble(engine: "Engine") -> None:
    """Makes the parts of an engine and tells each whom it asks; the order is that in which they need each other."""
    settings = engine.centre.settings

    def hours_of(queue: str) -> Hours | None:
        return engine.centre.hours.get(engine.centre.queue_hours.get(queue, ""))

    engine.asterisk = AsteriskAddresses(settings.asterisk.ami_host, settings.engine.agi_permit)
    engine.line = AsteriskLine(engine, engine.asterisk)
    engine.ami = engine.line.ami
    engine.lines = Lines(lambda contact: engine.calls.channel(contact))
    epoch = f"{engine.clock.now_ms():x}"
    engine.legs = AgentLegs(
        engine.ami,
        engine.live,
        phone_of=lambda agent: f"PJSIP/{engine.desks.phone_of(agent)}",
        caller_id_of=partial(_caller_id, engine),
        lines=engine.lines,
        epoch=epoch,
        variables_of=lambda offer: engine.whispers.variables(offer) | engine.recordings.variables(offer),
    )
    engine.legs.asked_to_go = lambda: engine.line.hang_ups.pending
    engine.outside = OutsideLegs(engine.ami, engine.live, engine.legs, engine.lines, epoch=epoch)
    engine.talks = Talks(engine.ami, engine.live, engine.legs, engine.lines, engine.outside)
    engine.silent_phones = SilentPhones(engine.live, engine.legs)
    speech = Path(settings.speech.directory or engine.directory / "speech")
    engine.values = SpokenValues(speech, lambda: value_rules(engine.centre))
    engine.whispers = Whispers(
        engine.live,
        Performer(engine.values.sounds),
        legs=lambda: engine.legs,
        rules=lambda: engine.centre.whispers,
        prompts=lambda: engine.centre.prompts,
        fact=engine.fact,
    )
    engine.recordings = Recordings(
        engine.ami,
        engine.live.router,
        Performer(),
        directory=Path(settings.recordings.directory or engine.directory / "recordings"),
        settings=settings.recordings,
        rules=lambda: engine.centre.recording,
        prompts=lambda: engine.centre.prompts,
        now_ms=engine.clock.now_ms,
        fact=engine.fact,
        channel_id_of=engine.legs.channel_id,
    )
    engine.monitors = Monitors(
        engine.ami, talk_of=engine.legs.talking, phone_of=engine.legs.phone_of, fact=engine.fact, epoch=epoch
    )
    engine.opening = Opening(
        engine.live,
        hours_of=lambda: {queue: engine.centre.hours[name] for queue, name in engine.centre.queue_hours.items()},
        file=engine.directory / "switches.json",
    )
    engine.callbacks = Callbacks(engine.live, engine.destinations, hours_of=hours_of)
    engine.customers = Customers(
        engine.ami,
        engine.live,
        engine.legs,
        engine.lines,
        dialling=Dialling(engine.live, engine.destinations, hours_of=hours_of),
        on_the_phone=lambda contact: contact in engine.calls,
        epoch=epoch,
    )
    engine.voicemails = Voicemails(
        Path(settings.voicemail.directory or engine.directory / "voicemail").absolute(),
        engine.live,
        keep_days=lambda: engine.centre.settings.voicemail.keep_days,
    )
    engine.voicemail_phone = VoicemailPhone(engine, Performer())
    engine.announcer = Announcer(
        engine.live.router,
        rules=lambda: engine.centre.announcements,
        prompts=lambda: engine.centre.prompts,
        phrases=lambda: engine.centre.phrases,
        now_ms=engine.clock.now_ms,
    )
    engine.http_lookup = HttpLookup(allow=settings.lookup.allow, allow_private=settings.lookup.allow_private)
    performer = Performer(engine.values.sounds, engine.voicemails.sound)
    room = WaitingRoom(engine.live, performer, engine.announcer, music_class=settings.asterisk.music)
    engine.notifier = Notifier(settings.notify, engine.centre.directory, fact=engine.fact)
    engine.databases = DatabaseLookup(settings.lookup.databases, engine.centre.directory)
    lookups = FlowLookups(engine.http_lookup.look_up, engine.databases.query, engine.clock.now_ms)
    verifier = Verifier(Pins(engine.directory), lookups.look_up, engine.clock.now_ms)
    engine.flow_dialling = FlowDialling(
        engine.destinations, performer, now_ms=engine.clock.now_ms, watchdog_s=IVR_WATCHDOG_S
    )
    engine.customers_on_the_line = CustomersOnTheLine(engine.live, room, lambda: engine.centre.languages[0])
    engine.calls = Calls(
        flows=engine.releases,
        live=engine.live,
        caller_of=engine.destinations.caller,
        legs=engine.legs,
        performer=performer,
        room=room,
        look_up=lookups.look_up,
        music_class=settings.asterisk.music,
        in_step=engine.line.in_step.wait,
        before_waiting=partial(_announce_recording, engine),
        voicemails=engine.voicemails,
        notes={Notify: engine.notifier.notify, SurveyAnswered: partial(_survey_answered, engine)},
        doers={Dial: engine.flow_dialling.dial, Query: lookups.query, Verify: verifier.verify},
        save=engine.save_session,
        on_finished=partial(session_finished, engine),
        book_callback=engine.callbacks.book_callback,
    )
    engine.other_work = OtherWork(engine.live)
    engine.agent_phones = AgentPhones(engine)
    engine.talk_codes = TalkCodes(engine)
    engine.live.observe(partial(_measure, engine))
    engine.live.observe(engine.calls.observe)
    engine.live.observe(engine.desks.observe)
    engine.live.observe(engine.talks.observe)
    engine.live.observe(engine.outside.observe)
    engine.live.observe(engine.legs.observe)
    engine.live.observe(engine.customers.observe)
    engine.live.observe(engine.voicemails.observe)
    engine.live.observe(engine.recordings.observe)
    engine.live.observe(engine.other_work.observe)
    engine.live.observe(engine.board.observe)


# What the parts ask of each other


def _measure(engine: "Engine", event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
    engine.metrics.handled(event, decisions, now_ms)
    for decision in decisions:
        if isinstance(decision, AgentSuspended):
            cause = decision.cause.replace("_", " ")
            log.warning("%s is paused: %s, %d in a row", decision.agent, cause, decision.failures)
        elif isinstance(decision, GoalChanged):
            does = "is below" if decision.below else "keeps"
            share = "nobody" if decision.share is None else f"{decision.share:.0%} of {decision.contacts}"
            log.warning("queue %s %s its goal: %s answered in time of late", decision.queue, does, share)


def _caller_id(engine: "Engine", contact: str) -> str:
    known = engine.live.router.contact(contact)
    if known is not None and known.consult_of is not None:
        asking = engine.centre.agents.get(str(known.attributes.get("consulted_by")))
        return actions.caller_id(asking.display_name, asking.extension or "") if asking else ""
    if known is not None and known.callback is not None:
        return actions.caller_id("Callback", known.callback.number)
    if contact.startswith(VOICEMAIL_PREFIX):
        return actions.caller_id("Voicemail", engine.voicemails.number_of(contact))
    session = engine.calls.session(contact)
    return actions.caller_id(session.caller.name, session.caller.number) if session else ""


async def _announce_recording(engine: "Engine", channel: AgiChannel, contact: str, queue: str) -> None:
    if session := engine.calls.session(contact):
        await engine.recordings.announce(channel, contact, queue, session.language)


def _survey_answered(engine: "Engine", contact: str, session: Session, effect: SurveyAnswered) -> None:
    """An answer belongs to the contact, and counts for the queue and the agent of the talk before it."""
    queue, agent = engine.calls.served(contact)
    data = {
        "survey": effect.survey,
        "question": effect.question,
        "score": effect.score,
        "recording": effect.recording,
        "queue": queue,
        "intent": str(session.attributes.get("intent", "")),
    }
    engine.fact(SURVEY, contact=contact, agent=agent, data=data)
    engine.metrics.survey_answered(effect.question, effect.score, queue, engine.clock.now_ms())


def session_finished(engine: "Engine", contact: str, session: Session, entered_queue: bool) -> None:
    contained = session.outcome == "completed" and not entered_queue
    engine.metrics.flow_finished(contained, engine.clock.now_ms())
    end = FlowEnded(
        session.outcome,
        contained,
        entered_queue,
        session.entered,
        session.trace,
        session.version,
        session.started_ms,
        session.errors,
        session.missed,
    )
    engine.fact(FLOW_ENDED, contact=contact, data=msgspec.to_builtins(end))
    engine.releases.call_ended(end)
