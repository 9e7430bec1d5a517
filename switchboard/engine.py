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
from ivr.agi.server import AgiChannel, AgiServer
from ivr.flow.session import MachineError, Session
from ivr.lookup import HttpLookup
from ivr.speech.values import SpokenValues
from router.ami.client import AmiClient
from router.core.events import PolicyPublished
from router.core.metrics import Metrics
from router.core.router import Router
from router.live.clock import EngineClock
from router.live.customers import Customers
from router.live.journal import NOTHING, Fact, Journal, Note, SessionSaved, policy_hash
from router.live.legs import AgentLegs
from router.live.lines import Lines
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
from switchboard.assembly import assemble
from switchboard.asterisk_addresses import AsteriskAddresses
from switchboard.asterisk_line import AsteriskLine
from switchboard.callbacks import Callbacks, CustomersOnTheLine
from switchboard.calls import Calls
from switchboard.centre import Centre
from switchboard.centre.restarts import want_restart
from switchboard.control_server import ControlServer
from switchboard.database_lookup import DatabaseLookup
from switchboard.desks import Desks
from switchboard.destinations import Destinations
from switchboard.flow_dialling import FlowDialling
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
from switchboard.store.database import open_centre_store
from switchboard.store.projector import Projector
from switchboard.stream.board import Board
from switchboard.supervision import Monitors
from switchboard.talk_codes import TalkCodes
from switchboard.voicemail_phone import VoicemailPhone
from switchboard.voicemails import Voicemails
from switchboard.whisper import Whispers

log = logging.getLogger(__name__)

METRICS_INTERVAL_MS = 15 * 60 * 1000
MAX_CALLS = 10_000
"""FastAGI connections at once: far above what one Asterisk carries, so that a flood ends somewhere."""


class Engine:
    """One running centre. Enter it with `running`; `ready` says whether it serves calls as it should."""

    api: ApiServer
    # Its parts (`switchboard.assembly`)
    asterisk: AsteriskAddresses
    line: AsteriskLine
    ami: AmiClient
    lines: Lines
    legs: AgentLegs
    outside: OutsideLegs
    talks: Talks
    silent_phones: SilentPhones
    values: SpokenValues
    whispers: Whispers
    recordings: Recordings
    monitors: Monitors
    opening: Opening
    callbacks: Callbacks
    customers: Customers
    voicemails: Voicemails
    voicemail_phone: VoicemailPhone
    announcer: Announcer
    http_lookup: HttpLookup
    notifier: Notifier
    databases: DatabaseLookup
    flow_dialling: FlowDialling
    customers_on_the_line: CustomersOnTheLine
    calls: Calls
    other_work: OtherWork
    agent_phones: AgentPhones
    talk_codes: TalkCodes

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
            assemble(self)
            stack.callback(self.values.close)
            await stack.enter_async_context(self.http_lookup)
            stack.callback(self.databases.close)
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
                    ROUTE_VOICEMAIL: self.voicemail_phone.handle,
                },
                max_connections=MAX_CALLS,
                peers=self.asterisk,
            )
            await self._listen()
            stack.push_async_callback(self._agi.stop)
            speaking = self.values.warm(self.centre.languages)
            for work in (self.recordings.clean_regularly(), self.opening.run(), self.releases.schedule.run(), speaking):
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
        self.http_lookup.allow(settings.lookup.allow, settings.lookup.allow_private)
        self.databases.change(settings.lookup.databases)
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
        await self.asterisk.look_up()
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
                await self.customers_on_the_line.handle(channel, contact)

    # What the parts ask of each other

    def _hours_open(self, name: str, now_ms: int) -> bool:
        hours = self.centre.hours.get(name)
        return hours is not None and hours.is_open(now_ms)

    def save_session(self, contact: str, session: Session | None) -> None:
        """Writes into the journal where the caller is, or that the session is over."""
        raw = msgspec.Raw(session.to_json()) if session else NOTHING
        self.live.record(SessionSaved(self.clock.now_ms(), contact, raw))
        self.board.touch()
