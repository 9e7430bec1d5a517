"""The settings of a centre: ports, hosts, directories and where secrets are. Every one has a default."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from switchboard.centre.secrets import SecretSource
from switchboard.centre.values import Document, Host, Name, Network, Port, PositiveSeconds, SipAddress

AMI_SECRET = SecretSource.model_validate({"secret_env": "SWITCHBOARD_AMI_SECRET"})


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

    every_s: PositiveSeconds = 45
    """How often the caller is told how it stands."""
    position: bool = True
    """Say the caller's place in the queue."""
    wait: bool = True
    """Say how long it is likely to take, as an honest range."""


class LookupSettings(Document):
    """What the lookup nodes of flows may reach."""

    allow: list[Host] = Field(default_factory=list)
    """The hosts that flows may ask. Everything else is refused."""
    allow_private: list[Host] = Field(default_factory=list)
    """Those of them that may have loopback or private addresses."""


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
