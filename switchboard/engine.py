"""The live engine: the composition of flows, router and Asterisk into one running centre."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from asterisk_conf.names import ROUTE_AGENT, ROUTE_APART, ROUTE_CALL, ROUTE_LEG, ROUTE_VOICEMAIL
from documents import DocumentError, Problem
from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel, AgiServer
from ivr.flow.effects import Dial, Notify, Query, SurveyAnswered, Verify
from ivr.flow.hours import Hours
from ivr.flow.session import MachineError, Session
from ivr.lookup import HttpLookup
from ivr.speech.values import SpokenValues
from router.ami import actions
from router.core.decisions import AgentSuspended, AnyDecision, GoalChanged
from router.core.events import AnyEvent, PolicyPublished
from router.core.metrics import Metrics
from router.core.router import Router
from router.live.clock import EngineClock
from router.live.customers import Customers
from router.live.journal import NOTHING, Fact, Journal, Note, SessionSaved, policy_hash
from router.live.legs import AgentLegs
from router.live.lines import VOICEMAIL_PREFIX, Lines
from router.live.outside import OutsideLegs
from router.live.recovery import Replayed
from router.live.shell import LiveRouter
from router.live.silent_phones import SilentPhones
from router.live.talks import Talks
from switchboard import engine_journal
from switchboard.agent_phones import AgentPhones
from switchboard.announcements import Announcer
from switchboard.api.accounts import Accounts
from switchboard.api.server import ApiServer
from switchboard.api.serving import serve_api
from switchboard.asterisk_addresses import AsteriskAddresses
from switchboard.asterisk_line import AsteriskLine
from switchboard.callbacks import Callbacks, CustomersOnTheLine, Dialling
from switchboard.calls import IVR_WATCHDOG_S, Calls
from switchboard.centre import Centre
from switchboard.centre.restarts import want_restart
from switchboard.control_server import ControlServer
from switchboard.customer_pins import Pins
from switchboard.database_lookup import DatabaseLookup
from switchboard.desks import Desks
from switchboard.destinations import Destinations
from switchboard.facts import FLOW_ENDED, SURVEY
from switchboard.flow_dialling import FlowDialling
from switchboard.flow_lookups import FlowLookups
from switchboard.lock import DirectoryLock
from switchboard.logs import about
from switchboard.notifying import Notifier
from switchboard.opening import Opening
from switchboard.other_work import OtherWork
from switchboard.overrides import Overrides
from switchboard.ports import PortInUse
from switchboard.publishing.releases import Releases
from switchboard.publishing.versions import Versions, VersionsUnavailable
from switchboard.recording import Recordings
from switchboard.spoken_values import value_rules
from switchboard.store.calls import FlowEnded
from switchboard.store.database import open_centre_store
from switchboard.store.projector import Projector
from switchboard.stream.board import Board
from switchboard.supervision import Monitors
from switchboard.talk_codes import TalkCodes
from switchboard.verifying import Verifier
from switchboard.voicemail_phone import VoicemailPhone
from switchboard.voicemails import Voicemails
from switchboard.waiting_room import WaitingRoom
from switchboard.whisper import Whispers

log = logging.getLogger(__name__)

METRICS_INTERVAL_MS = 15 * 60 * 1000
MAX_CALLS = 10_000
"""FastAGI connections at once: far above what one Asterisk carries, so that a flood ends somewhere."""


class Engine:
    """One running centre. Enter it with `running`; `ready` says whether it serves calls as it should."""

    api: ApiServer

    def __init__(self, centre: Centre, *, seed: int = 0, versions: Versions | None = None) -> None:
        """The centre with the flows of its directory, or already with those in force, with the `versions` that say so
        (`publishing.starting`). Raises DocumentError where the version in force cannot be used."""
        self.directory = Path(centre.settings.engine.directory)
        self.overrides = Overrides(self.directory / "overrides.json")
        self.centre = centre
        if versions is None:
            versions = Versions(self.directory, centre.directory, lambda: open_centre_store(self.centre))
            versions.look()
        self.releases = Releases(self, versions)
        self.centre = self.overrides.applied(centre if centre.version == versions.plan.in_force else self._in_force())
        self._started_with = centre.settings
        self._seed = seed
        self._stopping = False
        self.accounts = Accounts(self.directory)
        self.desks = Desks(lambda kind, agent, data: self.fact(kind, agent=agent, data=data))
        self.destinations = Destinations(
            centre.settings.outbound,
            lambda kind, contact, data: self.fact(kind, contact=contact, data=data),
            self._hours_open,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Engine"]:
        """Starts everything, in an order in which nothing is used before it is there, and stops it again."""
        settings = self.centre.settings
        # The group may pass: Asterisk has to reach the recordings below, if they are here.
        self.directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        async with AsyncExitStack() as stack:
            stack.enter_context(DirectoryLock(self.directory))
            recovered = engine_journal.recover(self)
            self.clock = EngineClock(not_before=recovered.last_ms if recovered else 0)
            router = recovered.router if recovered else Router(self.centre.policy, seed=self._seed)
            self.live = LiveRouter(
                router,
                self._new_journal(router, with_state=recovered is not None),
                self.clock,
                new_journal=lambda: self._new_journal(router, with_state=True),
                carry_over=lambda: engine_journal.carry_over(self),
            )
            stack.callback(lambda: self.live.journal.close())
            stack.callback(self.live.stop)
            self.metrics = Metrics(
                self.centre.policy,
                start_ms=self.clock.now_ms(),
                interval_ms=METRICS_INTERVAL_MS,
                escalations=self.centre.escalations,
            )
            self.board = Board(self)
            stack.callback(self.board.stop)
            self._assemble()
            stack.callback(self.values.close)
            await stack.enter_async_context(self._lookup)
            stack.callback(self._databases.close)
            await stack.enter_async_context(self.notifier)
            self.releases.open()
            self._take_over(recovered)
            self.voicemails.open()
            stack.callback(self.voicemails.close)
            engine_journal.carry_over(self)
            self.live.start()
            self.other_work.carry_on()
            self.opening.look()
            self.records = self._records()
            self.records.start()
            stack.push_async_callback(asyncio.to_thread, self.records.stop)
            self._agi = AgiServer(
                settings.engine.agi_host,
                settings.engine.agi_port,
                {
                    ROUTE_CALL: self._converse,
                    ROUTE_AGENT: self.agent_phones.handle,
                    ROUTE_APART: self.talk_codes.handle,
                    ROUTE_LEG: self.whispers.handle,
                    ROUTE_VOICEMAIL: self._voicemail_phone.handle,
                },
                max_connections=MAX_CALLS,
                peers=self._asterisk,
            )
            await self._listen()
            stack.push_async_callback(self._agi.stop)
            speaking = self.values.warm(self.centre.languages)
            for work in (self.recordings.clean_regularly(), self.opening.run(), self.releases.run(), speaking):
                stack.callback(asyncio.create_task(work).cancel)
            await self.line.start()
            stack.push_async_callback(self.line.stop)
            await serve_api(self, stack)
            control = ControlServer(self)
            await control.start()
            stack.push_async_callback(control.stop)
            log.info("serving %s: FastAGI on port %d, journal %s", self.centre.name, self._agi.port, self.journal.path)
            yield self
            self._stopping = True
            self.live.record(Note(self.clock.now_ms(), "the engine stops"))

    @property
    def journal(self) -> Journal:
        """The one that is written now."""
        return self.live.journal

    @property
    def ready(self) -> bool:
        """Calls can be taken and routed: Asterisk is reached and the journal takes what happens."""
        return not self.not_ready()

    def not_ready(self) -> list[str]:
        """What is missing for that, in words."""
        missing = {
            "the engine stops": self._stopping,
            "not in step with Asterisk": not self.line.in_step.is_set(),
            "the journal cannot be written": self.live.journal_broken,
        }
        return [words for words, so in missing.items() if so]

    async def until_ready(self) -> None:
        """Waits until the engine is in step with Asterisk."""
        await self.line.in_step.wait()

    @property
    def agi(self) -> AgiServer:
        return self._agi

    @property
    def agi_port(self) -> int:
        return self._agi.port

    def reload(self) -> Centre:
        """Takes the centre's directory as it is now for all new calls; those in progress finish on what they began
        with. Raises DocumentError, and changes nothing, when it cannot be used."""
        centre = self.overrides.applied(self._in_force())
        self.take(centre)
        return centre

    def take(self, centre: Centre) -> None:
        """This centre is in force for everything that begins from now on."""
        self.publish(centre)
        settings = centre.settings
        self.destinations.settings = settings.outbound
        self._lookup.allow(settings.lookup.allow, settings.lookup.allow_private)
        self._databases.change(settings.lookup.databases)
        self.notifier.change(settings.notify)
        self.recordings.settings = settings.recordings
        if waiting := self.wants_restart:
            log.warning("these settings take effect at the engine's next start: %s", ", ".join(waiting))
        self.releases.renew(centre)
        self.opening.look()

    def _in_force(self) -> Centre:
        """The centre's files as they are now, with the flows of the version in force. Raises DocumentError."""
        try:
            return self.releases.versions.load(self.releases.plan.in_force)
        except VersionsUnavailable as error:
            raise DocumentError([Problem(str(error), str(self.directory))]) from error

    @property
    def wants_restart(self) -> list[str]:
        """The settings that have changed since the engine started and take effect when it starts again."""
        return want_restart(self._started_with, self.centre.settings)

    def publish(self, centre: Centre, *, migrate: bool = False) -> None:
        """This centre's policy takes effect: for new contacts, and with `migrate` for those who wait too."""
        policy = msgspec.structs.replace(centre.policy, version=self.live.router.policy.version + 1)
        self.live.feed(PolicyPublished(policy, migrate))
        self.metrics.policy_published(policy, centre.escalations)
        self.centre = centre

    def reload_or_complain(self) -> None:
        """`reload` for the signal SIGHUP, where nobody waits for an answer."""
        try:
            self.reload()
        except DocumentError as error:
            log.error("the centre is not reloaded; the running version goes on:\n%s", error)

    def fact(self, kind: str, *, contact: str = "", agent: str = "", actor: str = "", data: dict[str, Any]) -> None:
        """Writes into the journal, and so into the centre's records, what is no business of the router."""
        self.live.record(Fact(self.clock.now_ms(), kind, contact, agent, actor, data))

    # Start

    def _new_journal(self, router: Router, *, with_state: bool) -> Journal:
        return engine_journal.begin(self, router, seed=self._seed, with_state=with_state)

    def _records(self) -> Projector:
        settings = self.centre.settings.store
        return Projector(
            lambda: open_centre_store(self.centre),
            self.directory,
            journal_days=settings.journal_days,
            queue_log=Path(settings.queue_log) if settings.queue_log else None,
        )

    def _assemble(self) -> None:
        settings = self.centre.settings
        self._asterisk = AsteriskAddresses(settings.asterisk.ami_host, settings.engine.agi_permit)
        self.line = AsteriskLine(self, self._asterisk)
        self.ami = self.line.ami
        self.lines = Lines(lambda contact: self.calls.channel(contact))
        epoch = f"{self.clock.now_ms():x}"
        self.legs = AgentLegs(
            self.ami,
            self.live,
            phone_of=lambda agent: f"PJSIP/{self.desks.phone_of(agent)}",
            caller_id_of=self._caller_id,
            lines=self.lines,
            epoch=epoch,
            variables_of=lambda offer: self.whispers.variables(offer) | self.recordings.variables(offer),
        )
        self.legs.asked_to_go = lambda: self.line.hang_ups.pending
        self.outside = OutsideLegs(self.ami, self.live, self.legs, self.lines, epoch=epoch)
        self.talks = Talks(self.ami, self.live, self.legs, self.lines, self.outside)
        self.silent_phones = SilentPhones(self.live, self.legs)
        speech = Path(settings.speech.directory or self.directory / "speech")
        self.values = SpokenValues(speech, lambda: value_rules(self.centre))
        self.whispers = Whispers(
            self.live,
            Performer(self.values.sounds),
            legs=lambda: self.legs,
            rules=lambda: self.centre.whispers,
            prompts=lambda: self.centre.prompts,
            fact=self.fact,
        )
        self.recordings = Recordings(
            self.ami,
            self.live.router,
            Performer(),
            directory=Path(settings.recordings.directory or self.directory / "recordings"),
            settings=settings.recordings,
            rules=lambda: self.centre.recording,
            prompts=lambda: self.centre.prompts,
            now_ms=self.clock.now_ms,
            fact=self.fact,
            channel_id_of=self.legs.channel_id,
        )
        self.monitors = Monitors(
            self.ami, talk_of=self.legs.talking, phone_of=self.legs.phone_of, fact=self.fact, epoch=epoch
        )
        self.opening = Opening(
            self.live,
            hours_of=lambda: {queue: self.centre.hours[name] for queue, name in self.centre.queue_hours.items()},
            file=self.directory / "switches.json",
        )
        self.callbacks = Callbacks(self.live, self.destinations, hours_of=self._hours_of)
        self.customers = Customers(
            self.ami,
            self.live,
            self.legs,
            self.lines,
            dialling=Dialling(self.live, self.destinations, hours_of=self._hours_of),
            on_the_phone=lambda contact: contact in self.calls,
            epoch=epoch,
        )
        self.voicemails = Voicemails(
            Path(settings.voicemail.directory or self.directory / "voicemail").absolute(),
            self.live,
            keep_days=lambda: self.centre.settings.voicemail.keep_days,
        )
        self._voicemail_phone = VoicemailPhone(self, Performer())
        self.announcer = Announcer(
            self.live.router,
            rules=lambda: self.centre.announcements,
            prompts=lambda: self.centre.prompts,
            phrases=lambda: self.centre.phrases,
            now_ms=self.clock.now_ms,
        )
        self._lookup = HttpLookup(allow=settings.lookup.allow, allow_private=settings.lookup.allow_private)
        performer = Performer(self.values.sounds, self.voicemails.sound)
        room = WaitingRoom(self.live, performer, self.announcer, music_class=settings.asterisk.music)
        self.notifier = Notifier(settings.notify, self.centre.directory, fact=self.fact)
        self._databases = DatabaseLookup(settings.lookup.databases, self.centre.directory)
        lookups = FlowLookups(self._lookup.look_up, self._databases.query, self.clock.now_ms)
        verifier = Verifier(Pins(self.directory), lookups.look_up, self.clock.now_ms)
        self.flow_dialling = FlowDialling(
            self.destinations, performer, now_ms=self.clock.now_ms, watchdog_s=IVR_WATCHDOG_S
        )
        self._customers_on_the_line = CustomersOnTheLine(self.live, room, lambda: self.centre.languages[0])
        self.calls = Calls(
            flows=self.releases,
            live=self.live,
            caller_of=self.destinations.caller,
            legs=self.legs,
            performer=performer,
            room=room,
            look_up=lookups.look_up,
            music_class=settings.asterisk.music,
            in_step=self.line.in_step.wait,
            before_waiting=self._announce_recording,
            voicemails=self.voicemails,
            notes={Notify: self.notifier.notify, SurveyAnswered: self._survey_answered},
            doers={Dial: self.flow_dialling.dial, Query: lookups.query, Verify: verifier.verify},
            save=self.save_session,
            on_finished=self._session_finished,
            book_callback=self.callbacks.book_callback,
        )
        self.other_work = OtherWork(self.live)
        self.agent_phones = AgentPhones(self)
        self.talk_codes = TalkCodes(self)
        self.live.observe(self._measure)
        self.live.observe(self.calls.observe)
        self.live.observe(self.desks.observe)
        self.live.observe(self.talks.observe)
        self.live.observe(self.outside.observe)
        self.live.observe(self.legs.observe)
        self.live.observe(self.customers.observe)
        self.live.observe(self.voicemails.observe)
        self.live.observe(self.recordings.observe)
        self.live.observe(self.other_work.observe)
        self.live.observe(self.board.observe)

    def _take_over(self, recovered: Replayed | None) -> None:
        """Goes on with the sessions and the policy: the centre's files may have changed since the last engine."""
        if recovered is None:
            return
        for contact, session in recovered.sessions.items():
            try:
                served = recovered.talks.get(contact, ("", ""))
                self.calls.recover(contact, Session.from_json(bytes(session)), served)
            except MachineError as error:
                log.warning("the session of %s cannot be taken over: %s", contact, error)
        current = self.live.router.policy
        if policy_hash(msgspec.structs.replace(self.centre.policy, version=current.version)) != policy_hash(current):
            self.live.feed(PolicyPublished(msgspec.structs.replace(self.centre.policy, version=current.version + 1)))

    async def _listen(self) -> None:
        engine = self.centre.settings.engine
        await self._asterisk.look_up()
        try:
            await self._agi.start()
        except OSError as error:
            raise PortInUse(
                f"{engine.agi_host}:{engine.agi_port}: cannot listen for FastAGI ({error.strerror or error}); another "
                "engine or program has the port, or the address is not this machine's (centre.yaml: settings.engine)"
            ) from error

    # Who serves what

    async def _converse(self, channel: AgiChannel) -> None:
        """One stay of a caller, or of a callback's customer, in our FastAGI."""
        contact = (*channel.headers.arguments, "")[0]
        with about(contact=contact):
            if self.lines.rung(contact) is None:
                await self.calls.handle(channel)
            else:
                await self._customers_on_the_line.handle(channel, contact)

    # What the parts ask of each other

    def _hours_of(self, queue: str) -> Hours | None:
        return self.centre.hours.get(self.centre.queue_hours.get(queue, ""))

    def _hours_open(self, name: str, now_ms: int) -> bool:
        hours = self.centre.hours.get(name)
        return hours is not None and hours.is_open(now_ms)

    def _measure(self, event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        self.metrics.handled(event, decisions, now_ms)
        for decision in decisions:
            if isinstance(decision, AgentSuspended):
                cause = decision.cause.replace("_", " ")
                log.warning("%s is paused: %s, %d in a row", decision.agent, cause, decision.failures)
            elif isinstance(decision, GoalChanged):
                does = "is below" if decision.below else "keeps"
                share = "nobody" if decision.share is None else f"{decision.share:.0%} of {decision.contacts}"
                log.warning("queue %s %s its goal: %s answered in time of late", decision.queue, does, share)

    def _caller_id(self, contact: str) -> str:
        known = self.live.router.contact(contact)
        if known is not None and known.consult_of is not None:
            asking = self.centre.agents.get(str(known.attributes.get("consulted_by")))
            return actions.caller_id(asking.display_name, asking.extension or "") if asking else ""
        if known is not None and known.callback is not None:
            return actions.caller_id("Callback", known.callback.number)
        if contact.startswith(VOICEMAIL_PREFIX):
            return actions.caller_id("Voicemail", self.voicemails.number_of(contact))
        session = self.calls.session(contact)
        return actions.caller_id(session.caller.name, session.caller.number) if session else ""

    async def _announce_recording(self, channel: AgiChannel, contact: str, queue: str) -> None:
        if session := self.calls.session(contact):
            await self.recordings.announce(channel, contact, queue, session.language)

    def save_session(self, contact: str, session: Session | None) -> None:
        """Writes into the journal where the caller is, or that the session is over."""
        raw = msgspec.Raw(session.to_json()) if session else NOTHING
        self.live.record(SessionSaved(self.clock.now_ms(), contact, raw))
        self.board.touch()

    def _survey_answered(self, contact: str, session: Session, effect: SurveyAnswered) -> None:
        """An answer belongs to the contact, and counts for the queue and the agent of the talk before it."""
        queue, agent = self.calls.served(contact)
        data = {
            "survey": effect.survey,
            "question": effect.question,
            "score": effect.score,
            "recording": effect.recording,
            "queue": queue,
            "intent": str(session.attributes.get("intent", "")),
        }
        self.fact(SURVEY, contact=contact, agent=agent, data=data)
        self.metrics.survey_answered(effect.question, effect.score, queue, self.clock.now_ms())

    def _session_finished(self, contact: str, session: Session, entered_queue: bool) -> None:
        contained = session.outcome == "completed" and not entered_queue
        self.metrics.flow_finished(contained, self.clock.now_ms())
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
        self.fact(FLOW_ENDED, contact=contact, data=msgspec.to_builtins(end))
        self.releases.call_ended(end)
