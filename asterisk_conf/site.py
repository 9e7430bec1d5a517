"""All that Asterisk must know of a centre, as plain data, checked so that no value can break out of its line.

The composition root makes it from the centre's configuration; tests and the demo make it directly.
"""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from asterisk_conf.names import AMI_USER, MUSIC_CLASS
from documents import DocumentError, Problem

# What each kind of value may be. None has room for what means something in a configuration file or in the dialplan:
# line ends, `;`, brackets, `$`, `{`, `,`, `&`, quotes, backslashes.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_NUMBER = re.compile(r"\+?[0-9]{1,32}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,15})*")
_SECRET = re.compile(r"[A-Za-z0-9._~!@%^*+=:/?-]{1,128}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")
_SIP_URI = re.compile(
    r"sips?:([A-Za-z0-9_.+-]+@)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?(;transport=(udp|tcp|tls))?"
)
_MUSIC = re.compile(r"[A-Za-z0-9_./-]{1,200}")

_RULES = {
    _NAME: "letters, digits, '_', '.' and '-', at most 64",
    _NUMBER: "digits, after a '+' if the trunk sends one",
    _LANGUAGE: "a language such as 'en' or 'pt-BR'",
    _SECRET: "1 to 128 letters, digits and . _ ~ ! @ % ^ * + = : / ? -",
    _HOST: "a host name or an IP address",
    _SIP_URI: "a SIP address such as 'sip:101@10.0.0.7:5060'",
    _MUSIC: "a directory, absolute or below Asterisk's data directory",
}


@dataclass(frozen=True, slots=True)
class Ports:
    """Where Asterisk listens. RTP takes two ports for each leg of a call."""

    sip: int = 5060
    ami: int = 5038
    rtp_first: int = 10_000
    rtp_last: int = 20_000


@dataclass(frozen=True, slots=True)
class Phone:
    """An agent's SIP phone. `name` is its endpoint (`PJSIP/NAME`) and its SIP user.

    It registers with `secret`, or is always reached at `contact`, a SIP address with an IP address. When it calls it
    must prove itself by its secret; one without a secret is believed only at the IP address of its contact.
    """

    name: str
    secret: str | None = None
    contact: str | None = None
    caller_id: str | None = None

    @property
    def trusted_address(self) -> str | None:
        """The IP address at which the phone is believed without a secret."""
        if self.secret is not None or self.contact is None:
            return None
        host = self.contact.partition(":")[2].rpartition("@")[2].partition(";")[0]
        return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Trunk:
    """Where calls come from: every address (or network, `192.0.2.0/24`) in `match`, and nobody else.

    `server` (a SIP address) with `username` and `secret`: Asterisk registers there too.
    """

    name: str
    match: tuple[str, ...]
    server: str | None = None
    username: str | None = None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class AsteriskSite:
    """One Asterisk that serves one centre. Times are in seconds.

    `numbers` are taken exactly as the trunk delivers them; the first of `languages` is what callers hear first.
    `watchdog_s` is how long the engine may be silent before a caller is taken back from it, `engine_tries` how often
    the dialplan asks for an engine that is gone, with two seconds of music between, before the fallback queue.
    `fallback` are the phones of the fallback queue, where a caller waits `fallback_s` at most.
    An agent's phone from which nothing is heard in a talk for `silent_phone_s` is hung up (0: never).
    `bench_number` is answered by a plain queue with all phones, to compare with.
    """

    numbers: tuple[str, ...]
    phones: tuple[Phone, ...]
    trunks: tuple[Trunk, ...]
    ami_secret: str
    agi_port: int
    agi_host: str = "127.0.0.1"
    ports: Ports = Ports()
    sip_host: str = "127.0.0.1"
    ami_host: str = "127.0.0.1"
    ami_user: str = AMI_USER
    ami_permit: tuple[str, ...] = ("127.0.0.1/32",)
    languages: tuple[str, ...] = ("en",)
    codecs: tuple[str, ...] = ("ulaw", "alaw")
    music_class: str = MUSIC_CLASS
    music_directory: str = "moh"
    fallback: tuple[str, ...] = ()
    fallback_s: int = 600
    watchdog_s: int = 120
    engine_tries: int = 10
    bench_number: str | None = None
    silent_phone_s: int = 0

    def __post_init__(self) -> None:
        """Raises DocumentError for values that Asterisk would misunderstand."""
        if problems := [*self._wrong_values(), *self._wrong_relations()]:
            raise DocumentError(problems)

    def _wrong_values(self) -> Iterator[Problem]:
        for path, value, pattern in self._texts():
            if not pattern.fullmatch(value):
                shown = "(not shown)" if pattern is _SECRET else repr(value)
                yield Problem(f"{shown} cannot stand in Asterisk's configuration", path=path, hint=_RULES[pattern])
        networks = [
            (f"trunks.{trunk.name}.match", host) for trunk in self.trunks for host in trunk.match if "/" in host
        ]
        for path, network in [*networks, *(("ami_permit", network) for network in self.ami_permit)]:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                yield Problem(str(error), path=path, hint="a network such as 192.0.2.0/24")
        for name in ("sip", "ami", "rtp_first", "rtp_last"):
            if not 0 < getattr(self.ports, name) < 65_536:
                yield Problem(f"{getattr(self.ports, name)} is no port", path=f"ports.{name}", hint="1 to 65535")
        if not 0 < self.agi_port < 65_536:
            yield Problem(f"{self.agi_port} is no port", path="agi_port", hint="1 to 65535")

    def _texts(self) -> Iterator[tuple[str, str, re.Pattern[str]]]:
        """Every text with its path and what it must match."""
        for index, number in enumerate(self.numbers):
            yield f"numbers[{index}]", number, _NUMBER
        for phone in self.phones:
            yield "phones", phone.name, _NAME
            for field, value, pattern in (
                ("secret", phone.secret, _SECRET),
                ("contact", phone.contact, _SIP_URI),
                ("caller_id", phone.caller_id, _NUMBER),
            ):
                if value is not None:
                    yield f"phones.{phone.name}.{field}", value, pattern
        for trunk in self.trunks:
            yield "trunks", trunk.name, _NAME
            yield from ((f"trunks.{trunk.name}.match", host, _HOST) for host in trunk.match if "/" not in host)
            for field, value, pattern in (
                ("server", trunk.server, _SIP_URI),
                ("username", trunk.username, _NAME),
                ("secret", trunk.secret, _SECRET),
            ):
                if value is not None:
                    yield f"trunks.{trunk.name}.{field}", value, pattern
        yield "ami_secret", self.ami_secret, _SECRET
        for field in ("agi_host", "sip_host", "ami_host"):
            yield field, getattr(self, field), _HOST
        yield from ((f"languages[{index}]", language, _LANGUAGE) for index, language in enumerate(self.languages))
        yield from ((f"codecs[{index}]", codec, _NAME) for index, codec in enumerate(self.codecs))
        yield "ami_user", self.ami_user, _NAME
        yield "music_class", self.music_class, _NAME
        yield "music_directory", self.music_directory, _MUSIC
        yield from ((f"fallback[{index}]", name, _NAME) for index, name in enumerate(self.fallback))
        if self.bench_number is not None:
            yield "bench_number", self.bench_number, _NUMBER

    def _wrong_relations(self) -> Iterator[Problem]:
        if not self.languages:
            yield Problem("there is no language", path="languages", hint="name at least one, the default first")
        endpoints = [phone.name for phone in self.phones] + [trunk.name for trunk in self.trunks]
        for name in sorted({name for name in endpoints if endpoints.count(name) > 1}):
            yield Problem(f"the endpoint {name!r} is there twice", path="phones, trunks", hint="choose another name")
        for phone in self.phones:
            if phone.secret is None and phone.contact is None:
                yield Problem("has neither a secret nor a contact", path=f"phones.{phone.name}", hint="give it one")
            elif phone.trusted_address and not _is_address(phone.trusted_address):
                message = f"without a secret, {phone.trusted_address!r} must be an IP address"
                yield Problem(message, path=f"phones.{phone.name}.contact", hint="only there the phone is believed")
        for trunk in self.trunks:
            if not trunk.match:
                yield Problem("matches no address", path=f"trunks.{trunk.name}.match", hint="name its addresses")
            if (trunk.username is None) != (trunk.secret is None) or (trunk.username and not trunk.server):
                yield Problem("to register it needs server, username and secret", path=f"trunks.{trunk.name}")
        for name in self.fallback:
            if name not in {phone.name for phone in self.phones}:
                yield Problem(f"there is no phone {name!r}", path="fallback", hint="name phones of the centre")
        if self.bench_number in self.numbers:
            yield Problem("is also a number of the centre", path="bench_number", hint="choose another number")
        if self.ports.rtp_last - self.ports.rtp_first < 3:
            yield Problem("fewer than four ports for RTP", path="ports", hint="a call with an agent takes four")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
