"""The settings of a centre: ports, hosts, directories and where secrets are. Every one has a default."""

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from documents.validation import HIDDEN
from ivr.flow.names import LanguageTag
from switchboard.centre.secrets import SecretSource
from switchboard.centre.values import (
    Count,
    Document,
    Host,
    Name,
    Network,
    Number,
    Port,
    PositiveSeconds,
    Prefix,
    SipAddress,
)

AMI_SECRET = SecretSource.model_validate({"secret_env": "SWITCHBOARD_AMI_SECRET"})


def _refuse_password(url: str) -> None:
    if re.match(r"[^/]*//[^/@]*:[^/@]*@", url):
        raise PydanticCustomError(HIDDEN, "a password does not stand in 'url'; say where it is: 'password'")


class EngineSettings(Document):
    """The engine itself."""

    directory: Annotated[str, Field(min_length=1)] = "var"
    """Where the engine keeps its journal, its lock and its control socket; relative to where it is started."""
    journal_sync: Literal["interval", "always", "never"] = "interval"
    """When the journal is forced to the disk: every 0.2 s, before each decision, or as the system likes."""
    agi_host: Host = "127.0.0.1"
    """The address on which the engine serves FastAGI, as Asterisk reaches it."""
    agi_port: Port = 4573
    """The port on which the engine serves FastAGI."""
    agi_permit: Annotated[list[Network], Field(min_length=1)] | None = None
    """The addresses or networks that may speak FastAGI, which knows no passwords; by default that of `ami_host`."""


class TrunkSettings(Document):
    """A SIP trunk that brings calls. With `server`, `username` and `password` Asterisk registers there."""

    match: Annotated[list[Network], Field(min_length=1)]
    """The addresses or networks from which its calls come; nobody else may deliver calls."""
    server: SipAddress | None = None
    """Where the trunk is, such as `sip:sbc.example.net:5060`."""
    username: Name | None = None
    """The user name, if the trunk asks for one."""
    password: SecretSource | None = None
    """Where the password is found, if the trunk asks for one."""

    @model_validator(mode="after")
    def _registration(self) -> "TrunkSettings":
        if (self.username is None) != (self.password is None) or (self.username and not self.server):
            raise ValueError("to register, a trunk needs all of 'server', 'username' and 'password'")
        return self


def _codecs() -> list[Literal["ulaw", "alaw", "g722"]]:
    return ["ulaw", "alaw"]


class AsteriskSettings(Document):
    """How the engine reaches Asterisk, and what Asterisk listens on."""

    ami_host: Host = "127.0.0.1"
    """Where Asterisk's manager interface (AMI) listens."""
    ami_port: Port = 5038
    """The port of the manager interface."""
    ami_user: Name = "switchboard"
    """The AMI user of the engine."""
    ami_secret: SecretSource = AMI_SECRET
    """Where the AMI user's secret is found."""
    sip_host: Host = "127.0.0.1"
    """The address on which Asterisk takes SIP; `0.0.0.0` is every address of the machine."""
    sip_port: Port = 5060
    """The port on which Asterisk takes SIP."""
    rtp_first_port: Port = 10_000
    """The first port for voice."""
    rtp_last_port: Port = 20_000
    """The last port for voice."""
    silent_phone_s: Annotated[int, Field(ge=0, le=3_600)] = 30
    """An agent's phone from which nothing is heard in a talk for so long is gone (its power, its network): the caller
    goes back to the queue, to the old place, and the agent is paused. 0: never, for phones that send nothing while
    nobody speaks."""
    codecs: Annotated[list[Literal["ulaw", "alaw", "g722"]], Field(min_length=1)] = Field(default_factory=_codecs)
    """The codecs that telephones and trunks may use, the best first. G.722 sounds better, where both ends have it."""
    music: Name = "default"
    """The class of music on hold that waiting callers hear."""
    trunks: dict[Name, TrunkSettings] = Field(default_factory=dict)
    """The trunks by name."""

    @model_validator(mode="after")
    def _rtp_ports(self) -> "AsteriskSettings":
        if self.rtp_last_port - self.rtp_first_port < 3:
            raise ValueError("'rtp_last_port' must be at least 3 above 'rtp_first_port'")
        return self


class AnnouncementSettings(Document):
    """What callers hear while they wait, besides music."""

    every_s: PositiveSeconds = 30
    """How often the caller is told how it stands."""
    first_after_s: PositiveSeconds | None = None
    """When the caller is told first; by default after `every_s`."""
    position: bool = True
    """Say the caller's place in the queue."""
    wait: bool = True
    """Say how long it is likely to take: a range whose first minute is too short for half of the callers, and whose
    second one is long enough for four of five."""
    comfort: list[Name] = Field(default_factory=list)
    """Prompts said besides, one each time in turn; by default thanks for the caller's patience."""

    def changed_by(self, queue: "AnnouncementSettings | None") -> "AnnouncementSettings":
        """These, with what a queue says for itself."""
        return self if queue is None else self.model_copy(update={f: getattr(queue, f) for f in queue.model_fields_set})


class DatabaseSettings(Document):
    """A database that flows may ask, read-only."""

    url: Annotated[str, Field(min_length=1)]
    """`postgresql://USER@HOST/DATABASE`, without a password, or `sqlite:///FILE` (relative to the centre's
    directory). Give the user no more than the right to read what flows need."""
    password: SecretSource | None = None
    """Where the password is found."""

    @model_validator(mode="after")
    def _no_password_in_the_open(self) -> "DatabaseSettings":
        _refuse_password(self.url)
        return self


class LookupSettings(Document):
    """What the lookup nodes of flows may reach."""

    allow: list[Host] = Field(default_factory=list)
    """The hosts that flows may ask. Everything else is refused."""
    allow_private: list[Host] = Field(default_factory=list)
    """Those of them that may have loopback or private addresses."""
    databases: dict[Name, DatabaseSettings] = Field(default_factory=dict)
    """The databases that flows may ask, by the name that they use."""


class TlsSettings(Document):
    """The certificate with which the HTTP API proves who it is."""

    certificate_file: Annotated[str, Field(min_length=1)]
    """The certificate and those that vouch for it (PEM); relative to the centre's directory."""
    key_file: Annotated[str, Field(min_length=1)]
    """Its private key (PEM); relative to the centre's directory."""


LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ApiSettings(Document):
    """The HTTP API: operations, the state stream, metrics and health."""

    host: Host = "127.0.0.1"
    """The address on which the engine serves it. Any but loopback needs `tls` or `behind_proxy`."""
    port: Annotated[int, Field(ge=0, le=65_535)] | None = 4580
    """The port; 0 is any free one (the log says which), and `null` is no HTTP API at all."""
    tls: TlsSettings | None = None
    """The certificate, when the engine itself speaks HTTPS."""
    behind_proxy: bool = False
    """A reverse proxy of yours speaks HTTPS, is the only one that reaches this port, and sets `X-Forwarded-For`."""
    allowed_hosts: list[Host] = Field(default_factory=list)
    """The names by which clients may call it (`Host`), besides `host` and loopback. Everything else is refused."""

    @model_validator(mode="after")
    def _encrypted(self) -> "ApiSettings":
        if self.host not in LOOPBACK and self.tls is None and not self.behind_proxy:
            raise ValueError("tokens and passwords would cross the network in the open: set 'tls' or 'behind_proxy'")
        return self

    @property
    def encrypted(self) -> bool:
        """Clients speak HTTPS, with us or with the proxy."""
        return self.tls is not None or self.behind_proxy


class OutboundSettings(Document):
    """Outside numbers that may be dialled: for callbacks, transfers and consultations. By default none."""

    trunk: Name | None = None
    """The trunk by which outside numbers are dialled; it needs a `server`."""
    caller_id: Number | None = None
    """The number that those who are called see."""
    country_code: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}$")] | None = None
    """The centre's country code, such as `34`: it completes national numbers. Without it they stay as written."""
    national_prefix: Annotated[str, Field(pattern=r"^[0-9]{0,3}$")] = ""
    """What people put before national numbers and the country code replaces, such as `0`."""
    international_prefix: Annotated[str, Field(pattern=r"^[0-9]{0,4}$")] = "00"
    """What people put before the country code instead of `+`."""
    dial_prefix: Annotated[str, Field(pattern=r"^\+?[0-9]{0,6}$")] = "+"
    """What the trunk wants before the country code: `+`, `00`, or nothing."""
    least_digits: Annotated[int, Field(ge=1, le=15)] = 7
    """Shorter numbers (emergency calls, services) are never dialled."""
    allow: list[Prefix] = Field(default_factory=list)
    """How the numbers begin that may be dialled, such as `+34`; X is any digit. Nothing else is dialled."""
    deny: list[Prefix] = Field(default_factory=list)
    """How the numbers begin that are never dialled although they are allowed: premium rates, for example."""
    per_minute: Count = 30
    """How many numbers may be dialled within a minute."""
    per_hour: Count = 300
    """How many numbers may be dialled within an hour."""
    per_number_per_day: Count = 10
    """How often one number may be dialled within 24 hours."""
    at_once: Count = 10
    """How many outside calls may be under way."""
    rates_per_minute: dict[Prefix, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    """What a minute costs, by how the number begins; the longest one that fits counts."""
    spend_per_day: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """What outside calls may cost within 24 hours. A number without a rate is then not dialled."""
    hours: Name | None = None
    """The opening hours (hours.yaml) within which outside numbers may be dialled; by default always."""


class VoicemailSettings(Document):
    """Messages that callers leave."""

    directory: Annotated[str, Field(min_length=1)] | None = None
    """Where the messages are kept; by default `voicemail` below the engine's directory. Asterisk must be able to write
    there."""
    keep_days: Annotated[int, Field(ge=1, le=3_650)] = 90
    """How long a message is kept, heard or not."""


class RecordingSettings(Document):
    """Recordings of talks (see `recording` of a queue)."""

    directory: Annotated[str, Field(min_length=1)] | None = None
    """Where the recordings are kept; by default `recordings` below the engine's directory. Asterisk writes them, so it
    must see the same directory and be able to write there."""
    keep_days: Annotated[int, Field(ge=1, le=3_650)] = 90
    """How long a recording is kept."""
    min_free_mb: Annotated[int, Field(ge=0, le=100_000_000)] = 1_000
    """With less free space than this (MB) no new recordings are begun; calls go on."""


class VoiceSettings(Document):
    """Who speaks the prompts of a language that nobody has recorded."""

    engine: Annotated[str, Field(min_length=1)]
    """An engine of speech synthesis; `switchboard prompts engines` lists them."""
    voice: Annotated[str, Field(max_length=500)] = ""
    """The voice, as the engine calls it; by default the engine's own for the language."""
    speed: Annotated[float, Field(ge=0.5, le=2)] = 1.0
    """How fast it speaks; 1 is as it comes."""
    values: Literal["voice", "asterisk"] | None = None
    """Who says numbers, dates and times: this voice or Asterisk's own sounds; by default those in English and Spanish,
    of which Asterisk has sets. Money, for which it has none, is said by the voice, unless this is `asterisk`."""


SoundFormat = Literal["ulaw", "alaw", "sln", "wav", "g722"]


def _formats() -> list[SoundFormat]:
    return ["ulaw", "alaw", "sln"]


class SpeechSettings(Document):
    """How prompts without a recording are spoken (see `switchboard prompts`)."""

    voices: dict[LanguageTag, VoiceSettings] = Field(default_factory=dict)
    """The voice of each language."""
    formats: list[SoundFormat] = Field(default_factory=_formats, min_length=1)
    """The formats that are rendered. Asterisk plays what a call's codec needs without transcoding, if it is there.
    G.722 has twice the bandwidth: for telephones that speak it (`asterisk.codecs`)."""
    program: list[str] = Field(default_factory=list)
    """The command of the engine `program`: the text is its input; `{voice}`, `{speed}` and `{out}` (the file that it
    writes) are filled in."""
    directory: Annotated[str, Field(min_length=1)] | None = None
    """Where values are kept that were said for callers; by default `speech` below the engine's directory. Asterisk
    plays them, so it must see the same directory and be able to read there."""
    keep_mb: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    """How much of them is kept (MB); what was not used for longest is deleted."""
    value_wait_s: Annotated[float, Field(ge=0, le=10)] = 1.5
    """How long a caller waits for a value that was never said before; then it is put together from single words."""


class StoreSettings(Document):
    """Where the centre's records are kept."""

    url: Annotated[str, Field(min_length=1)] | None = None
    """`postgresql://USER@HOST/DATABASE`, without a password; by default SQLite, `records.db` where the engine keeps its
    files."""
    password: SecretSource | None = None
    """Where the password of PostgreSQL is found."""
    journal_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """How long journals are kept that are stored; one that is not stored, and the newest one, are never deleted."""
    queue_log: Annotated[str, Field(min_length=1)] | None = None
    """A file to which all is written in the format of Asterisk's `queue_log` as well; relative to where the engine is
    started."""

    @model_validator(mode="after")
    def _no_password_in_the_open(self) -> "StoreSettings":
        _refuse_password(self.url or "")
        return self


class WebhookSettings(Document):
    """Where a flow's notifications go over HTTP."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s@#]+$", max_length=2_000)]
    """The address, which takes a POST of JSON. Redirects are not followed."""
    secret: SecretSource
    """Where the secret is found with which each notification is signed (HMAC-SHA-256)."""
    timeout_s: PositiveSeconds = 10
    """How long an attempt may take."""


class EmailSettings(Document):
    """How e-mail is sent (SMTP)."""

    host: Host
    """The server that takes e-mail."""
    port: Port = 587
    """Its port."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is encrypted: after it has begun, from the beginning, or not at all."""
    username: Name | None = None
    """The user name, if the server asks for one."""
    password: SecretSource | None = None
    """Where the password is found, if the server asks for one."""
    sender: Annotated[str, Field(pattern=r"^[^\s@<>]+@[^\s@<>]+$", max_length=254)]
    """The address from which e-mails come."""

    @model_validator(mode="after")
    def _login(self) -> "EmailSettings":
        if (self.username is None) != (self.password is None):
            raise ValueError("'username' and 'password' go together")
        if self.security == "none" and self.username is not None and self.host not in LOOPBACK:
            raise ValueError("the password would cross the network in the open: set 'security'")
        return self


class NotifySettings(Document):
    """Whom flows may tell of calls (`notify`)."""

    webhooks: dict[Name, WebhookSettings] = Field(default_factory=dict)
    """The webhooks, by the name that flows use."""
    email: EmailSettings | None = None
    """How e-mail is sent; without it none is."""
    tries: Annotated[int, Field(ge=1, le=10)] = 4
    """How often a delivery is tried: at once, and then after 2, 8, 32 ... seconds."""


class Settings(Document):
    """All settings."""

    engine: EngineSettings = EngineSettings()
    """The engine itself."""
    asterisk: AsteriskSettings = AsteriskSettings()
    """How the engine reaches Asterisk, and what Asterisk listens on."""
    announcements: AnnouncementSettings = AnnouncementSettings()
    """What waiting callers hear besides music."""
    lookup: LookupSettings = LookupSettings()
    """What the lookup nodes of flows may reach."""
    outbound: OutboundSettings = OutboundSettings()
    """Outside numbers that may be dialled, how often and for how much."""
    voicemail: VoicemailSettings = VoicemailSettings()
    """Messages that callers leave."""
    recordings: RecordingSettings = RecordingSettings()
    """Recordings of talks."""
    notify: NotifySettings = NotifySettings()
    """Whom flows may tell of calls."""
    speech: SpeechSettings = SpeechSettings()
    """How prompts without a recording are spoken."""
    api: ApiSettings = ApiSettings()
    """The HTTP API."""
    store: StoreSettings = StoreSettings()
    """Where the centre's records are kept."""
