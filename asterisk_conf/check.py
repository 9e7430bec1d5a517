"""Examines an Asterisk: does it have, allow and reach all that a centre needs of it?

Two ways in, because neither shows everything: AMI with the engine's own least rights (version, rights, dialplan,
whether FastAGI is reached), and the console (`asterisk -rx`, on Asterisk's own machine) for modules, sounds, music and
endpoints. What could not be looked at is said to be unknown, never good.
"""

import contextlib
import queue
import re
import socket
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from asterisk.manager import Event, Manager, ManagerException

from asterisk_conf import modules, names
from asterisk_conf.render import render
from asterisk_conf.root import parse_version
from asterisk_conf.site import AsteriskSite
from asterisk_conf.versions import faults

AMI_TIMEOUT_S = 10.0
NEEDED_ACTIONS = (
    "Bridge",
    "CoreSettings",
    "Getvar",
    "Hangup",
    "Originate",
    "Redirect",
    "Setvar",
    "ShowDialPlan",
    "Status",
)
DANGEROUS_ACTIONS = ("Command", "CreateConfig", "GetConfig", "ModuleLoad", "UpdateConfig")

Console = Callable[[str], str]
Dialplan = dict[tuple[str, str, int], str]


class ConsoleUnreachable(Exception):
    """Asterisk's console does not answer here; the message says why."""


class _AmiUnusable(Exception):
    """AMI cannot be used; `finding` says why."""

    def __init__(self, finding: "Finding") -> None:
        super().__init__(finding.found)
        self.finding = finding


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `holds` None: it could not be looked at. `mend` says what to do if it does not hold."""

    subject: str
    holds: bool | None
    found: str
    mend: str = ""


def check(
    site: AsteriskSite,
    console: Console,
    recordings: Mapping[str, frozenset[str]] | None = None,
    voiced: Collection[str] = (),
) -> Iterator[Finding]:
    """Everything that `site` needs of its Asterisk, one finding after the other.

    `console` runs a console command, or raises ConsoleUnreachable. `recordings` are the centre's sounds by language,
    `voiced` the languages in which a voice says all that Asterisk's own sounds would.
    """
    yield _host_name()
    try:
        with _ami(site) as manager:
            yield Finding("AMI login", True, f"{site.ami_user} at {site.ami_host}:{site.ports.ami}")
            yield _version(manager)
            yield from _rights(manager)
            yield from _dialplan(manager, site)
            yield _fastagi(manager, site)
    except _AmiUnusable as unusable:
        yield unusable.finding
    except (ManagerException, queue.Empty) as error:
        yield Finding("AMI", False, f"the connection broke: {error or 'no answer'}", "look at Asterisk's log")
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _modules(console),
        lambda: _talk_codes(console),
        lambda: _endpoints(console, site),
        lambda: _music(console, site),
        lambda: _sounds(console, site, recordings or {}, voiced),
    )
    for subject, look in zip(("modules", "talk codes", "endpoints", "music", "sounds"), looks, strict=True):
        try:
            yield from look()
        except ConsoleUnreachable as error:
            advice = "check again on Asterisk's machine, as a user who may use `asterisk -rx`"
            yield Finding(subject, None, str(error), advice)


def _host_name() -> Finding:
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, None)
    except OSError as error:
        mend = f"add `127.0.1.1 {name}` to /etc/hosts: Asterisk looks its name up for calls and stands still meanwhile"
        return Finding("host name", False, f"{name!r} does not resolve: {error}", mend)
    return Finding("host name", True, f"{name!r} resolves")


# By AMI


@contextlib.contextmanager
def _ami(site: AsteriskSite) -> Iterator[Manager]:
    _greeting(site)
    manager = Manager()
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(AMI_TIMEOUT_S)  # pyst2 knows no time-outs; its socket takes this one over
    try:
        manager.connect(site.ami_host, site.ports.ami)
    finally:
        socket.setdefaulttimeout(before)
    try:
        try:
            manager.login(site.ami_user, site.ami_secret)
        except ManagerException as error:
            mend = "the secret of the centre and that in manager.conf differ, or `permit` leaves this machine out"
            raise _AmiUnusable(Finding("AMI login", False, f"{site.ami_user}: {error}", mend)) from None
        yield manager
    finally:
        # Asterisk may close the line before pyst2 has flushed its Logoff; the second close then only ends its threads.
        for _ in range(2):
            with contextlib.suppress(ManagerException, OSError, ValueError):
                manager.close()


def _greeting(site: AsteriskSite) -> None:
    """Something answers at the port, and it is AMI; pyst2 would wait for ever for anything else."""
    where = f"{site.ami_host}:{site.ports.ami}"
    try:
        with socket.create_connection((site.ami_host, site.ports.ami), AMI_TIMEOUT_S) as connection:
            greeting = connection.recv(100)
    except OSError as error:
        mend = "start Asterisk; in manager.conf set enabled = yes, bindaddr and port as rendered; then `manager reload`"
        raise _AmiUnusable(Finding("AMI", False, f"{where}: {error}", mend)) from None
    if not greeting.startswith(b"Asterisk Call Manager"):
        mend = "something else listens there; correct ami_port in the centre's settings"
        raise _AmiUnusable(Finding("AMI", False, f"{where} greets with {greeting[:40]!r}", mend))


def _version(manager: Manager) -> Finding:
    text = manager.send_action({"Action": "CoreSettings"}).get_header("AsteriskVersion", "")
    version = parse_version(f"Asterisk {text}")
    if version is None:
        return Finding("version", None, f"{text!r} is no released version")
    if "cert" in text:
        return Finding("version", True, f"{text} (certified branches are mended apart from this list)")
    known = faults(version)
    return Finding("version", not known, "; ".join([text, *known]), "install a newer Asterisk" if known else "")


def _rights(manager: Manager) -> Iterator[Finding]:
    allowed = manager.send_action({"Action": "ListCommands"}).headers
    missing = [action for action in NEEDED_ACTIONS if action not in allowed]
    mend = "in manager.conf: read = system,call,agent,user and write = call,originate,reporting"
    found = f"missing: {', '.join(missing)}" if missing else f"all {len(NEEDED_ACTIONS)} needed actions are allowed"
    yield Finding("AMI rights", not missing, found, mend if missing else "")
    excess = [action for action in DANGEROUS_ACTIONS if action in allowed]
    found = f"also allowed: {', '.join(excess)}" if excess else "nothing dangerous is allowed"
    yield Finding("AMI least rights", not excess, found, mend if excess else "")


def _dialplan(manager: Manager, site: AsteriskSite) -> Iterator[Finding]:
    wanted = parse_dialplan(render(site)["extensions.conf"])
    mend = "render extensions.conf again, include it and type `asterisk -rx 'dialplan reload'`"
    for context in sorted({context for context, _, _ in wanted}):
        there = _show_dialplan(manager, context)
        expected = {step: what for step, what in wanted.items() if step[0] == context}
        if not there:
            yield Finding(f"dialplan [{context}]", False, "is not there", mend)
            continue
        wrong = [step for step in {**expected, **there} if expected.get(step) != there.get(step)]
        if wrong:
            _, extension, priority = min(wrong)
            step = min(wrong)
            found = f"differs, first at {extension},{priority}: {there.get(step)!r} instead of {expected.get(step)!r}"
            yield Finding(f"dialplan [{context}]", False, found, mend)
        else:
            yield Finding(f"dialplan [{context}]", True, f"{len(expected)} steps as rendered")


def parse_dialplan(text: str) -> Dialplan:
    """`(context, extension, priority) -> Application(data)` of an extensions.conf that we have rendered."""
    steps: Dialplan = {}
    context, extension, priority = "", "", 0
    for line in text.splitlines():
        if section := re.fullmatch(r"\[([^]]+)\]", line.strip()):
            context = section[1]
        elif step := re.fullmatch(r"\s*(?:exten => ([^,]+),1|same => n(?:\(\w+\))?),(.*)", line):
            extension, priority = (step[1], 1) if step[1] else (extension, priority + 1)
            steps[context, extension, priority] = step[2]
    return steps


def _show_dialplan(manager: Manager, context: str) -> Dialplan:
    events: queue.Queue[Event] = queue.Queue()
    for name in ("ListDialplan", "ShowDialPlanComplete"):
        manager._event_callbacks[name] = [lambda event, _: events.put(event)]
    answer = manager.send_action({"Action": "ShowDialPlan", "Context": context})
    steps: Dialplan = {}
    while answer.get_header("Response") == "Success":
        event = events.get(timeout=AMI_TIMEOUT_S)
        if event.name == "ShowDialPlanComplete":
            break
        if "Priority" in event.headers:
            step = (event["Context"], event["Extension"], int(event["Priority"]))
            steps[step] = f"{event['Application']}({event.get_header('AppData', '')})"
    return steps


def _fastagi(manager: Manager, site: AsteriskSite) -> Finding:
    """Lets Asterisk call the engine's port; without an engine we listen there ourselves meanwhile."""
    where = f"agi://{site.agi_host}:{site.agi_port}"
    outcomes: queue.Queue[str] = queue.Queue()

    def outcome(event: Event, _: Manager) -> None:
        if event.get_header("UserEvent") == names.USER_EVENT_CHECK:
            outcomes.put(event.get_header("Status", ""))

    manager.register_event("UserEvent", outcome)
    with _listener(site) as ours:
        channel = f"Local/s@{names.CONTEXT_CHECK}/n"
        answer = manager.originate(channel, "", application="Wait", data="1", run_async=True)
        if answer.get_header("Response") != "Success":
            return Finding("FastAGI", None, f"cannot be tried: {answer.get_header('Message')}", "see AMI rights")
        try:
            status = outcomes.get(timeout=AMI_TIMEOUT_S)
        except queue.Empty:
            mend = f"look at the dialplan's [{names.CONTEXT_CHECK}], and whether a firewall swallows the connection"
            return Finding("FastAGI", False, f"no outcome within {AMI_TIMEOUT_S:.0f} s", mend)
    listener = "the check itself, as no engine runs" if ours else "the engine"
    if status == "SUCCESS":
        return Finding("FastAGI", True, f"Asterisk reaches {where} ({listener})")
    mend = "agi_host must be an address of the engine's machine that Asterisk's machine reaches; look at firewalls"
    return Finding("FastAGI", False, f"Asterisk does not reach {where}: AGISTATUS is {status!r}", mend)


@contextlib.contextmanager
def _listener(site: AsteriskSite) -> Iterator[bool]:
    """Takes one connection on the engine's port; False when the port is taken, or not of this machine."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(socket.create_server((site.agi_host, site.agi_port)))
        except OSError:
            yield False
            return

        def take() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(AMI_TIMEOUT_S)
                    received = b""
                    while not received.endswith(b"\n\n") and (more := connection.recv(4096)):
                        received += more

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield True
        server.shutdown(socket.SHUT_RDWR)
        thread.join(AMI_TIMEOUT_S)


# By the console


def _modules(console: Console) -> Iterator[Finding]:
    running = set(re.findall(r"^(\w+)\.so\b.*\bRunning\b", console("module show"), re.MULTILINE))
    missing = [name for name in modules.REQUIRED if name not in running]
    mend = f"load them in modules.conf: {', '.join(f'{name}.so' for name in missing)}" if missing else ""
    found = f"missing: {', '.join(missing)}" if missing else f"all {len(modules.REQUIRED)} needed ones run"
    yield Finding("modules", not missing, found, mend)


def _talk_codes(console: Console) -> Iterator[Finding]:
    there = dict(re.findall(r"^(\S+)\s+no def\s+(\S+)", console("features show"), re.MULTILINE))
    missing = [code for feature, code in names.TALK_CODES.items() if there.get(feature) != code]
    mend = "render features.conf again, include it and type `asterisk -rx 'module reload features'`" if missing else ""
    found = f"missing: {', '.join(missing)}" if missing else f"all {len(names.TALK_CODES)} codes of a talk are there"
    yield Finding("talk codes", not missing, found, mend)


def _endpoints(console: Console, site: AsteriskSite) -> Iterator[Finding]:
    there = set(re.findall(r"^ Endpoint:\s+([^\s/<]+)", console("pjsip show endpoints"), re.MULTILINE))
    wanted = [phone.name for phone in site.phones] + [trunk.name for trunk in site.trunks]
    missing = [name for name in wanted if name not in there]
    mend = "render pjsip.conf again, include it and type `asterisk -rx 'pjsip reload'`" if missing else ""
    found = f"missing: {', '.join(missing)}" if missing else f"all {len(wanted)} phones and trunks are there"
    yield Finding("endpoints", not missing, found, mend)


def _music(console: Console, site: AsteriskSite) -> Iterator[Finding]:
    there = re.findall(r"^Class: (\S+)", console("moh show classes"), re.MULTILINE)
    holds = site.music_class in there
    mend = "" if holds else "render musiconhold.conf, put files into its directory and type `asterisk -rx 'moh reload'`"
    yield Finding("music", holds, f"classes: {', '.join(there) or 'none'}", mend)


def _sounds(
    console: Console, site: AsteriskSite, recordings: Mapping[str, frozenset[str]], voiced: Collection[str]
) -> Iterator[Finding]:
    settings = re.search(r"Data directory:\s+(\S+)", console("core show settings"))
    for language in site.languages:
        spoken = {language, language.partition("_")[0].partition("-")[0]}
        said = console("core show sound digits/1")
        has = bool(spoken & set(re.findall(r"Language (\S+?):", said)))
        mend = f"install Asterisk's core sounds for {language!r} (asterisk-core-sounds-{language[:2]}-wav)"
        by_voice = not has and language in voiced
        found = "core sounds are there" if has else "none of Asterisk's, but a voice" if by_voice else "no core sounds"
        yield Finding(f"sounds {language}", has or by_voice, found, "" if has or by_voice else mend)
        if own := recordings.get(language):
            yield _own_recordings(language, own, Path(settings[1]) if settings else None)


def _own_recordings(language: str, own: frozenset[str], data: Path | None) -> Finding:
    subject = f"recordings {language}"
    if data is None:
        return Finding(subject, None, "Asterisk does not say where its data directory is")
    directory = data / "sounds" / language.replace("-", "_") / names.SOUNDS_DIRECTORY
    missing = sorted(name for name in own if not any(directory.glob(f"{name}.*")))
    if missing:
        mend = f"copy the centre's sounds/{language} to {directory}"
        return Finding(subject, False, f"missing: {', '.join(missing[:5])}{', ...' if missing[5:] else ''}", mend)
    return Finding(subject, True, f"all {len(own)} are in {directory}")
