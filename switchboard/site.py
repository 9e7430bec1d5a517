"""What Asterisk must know of a centre, in the words of `asterisk_conf`."""

import ipaddress
from collections.abc import Iterator

from asterisk_conf.site import AsteriskSite, Phone, Ports, Trunk
from documents import DocumentError, Problem
from switchboard.centre import Centre
from switchboard.centre.secrets import SecretError, SecretSource
from switchboard.waiting_room import WATCHDOG_S


def asterisk_site(centre: Centre) -> AsteriskSite:
    """The site of a centre, with its secrets read. All phones are in the fallback queue.

    Raises DocumentError for every secret that is not where the centre says, and for values that cannot stand in
    Asterisk's configuration.
    """
    problems: list[Problem] = []

    def secret(source: SecretSource | None, file: str, path: str) -> str | None:
        try:
            return source.read(centre.directory) if source else None
        except SecretError as error:
            problems.append(Problem(str(error), str(centre.directory / file), path=path))
            return None

    settings = centre.settings.asterisk
    phones = tuple(
        Phone(
            agent.name,
            secret=secret(agent.phone.password, "agents.yaml", f"agents.{agent.name}.phone.password"),
            contact=agent.phone.contact,
            caller_id=agent.extension,
        )
        for agent in centre.agents.values()
        if agent.phone
    ) + tuple(
        Phone(
            name,
            secret=secret(phone.password, "agents.yaml", f"phones.{name}.password"),
            contact=phone.contact,
        )
        for name, phone in centre.desks.items()
    )
    trunks = tuple(
        Trunk(
            name,
            tuple(trunk.match),
            server=trunk.server,
            username=trunk.username,
            secret=secret(trunk.password, "centre.yaml", f"settings.asterisk.trunks.{name}.password"),
        )
        for name, trunk in settings.trunks.items()
    )
    ami_secret = secret(settings.ami_secret, "centre.yaml", "settings.asterisk.ami_secret")
    if problems:
        raise DocumentError(problems)
    return AsteriskSite(
        numbers=tuple(centre.numbers),
        phones=phones,
        trunks=trunks,
        ami_secret=ami_secret or "",
        agi_host=centre.settings.engine.agi_host,
        agi_port=centre.settings.engine.agi_port,
        ports=Ports(settings.sip_port, settings.ami_port, settings.rtp_first_port, settings.rtp_last_port),
        sip_host=settings.sip_host,
        ami_host=settings.ami_host,
        ami_user=settings.ami_user,
        codecs=tuple(settings.codecs),
        ami_permit=tuple(_engine_addresses(centre)),
        languages=centre.languages,
        music_class=settings.music,
        fallback=tuple(phone.name for phone in phones),
        watchdog_s=WATCHDOG_S,
        silent_phone_s=settings.silent_phone_s,
    )


def _engine_addresses(centre: Centre) -> Iterator[str]:
    """From where the engine may log in to AMI: Asterisk's own machine, and the engine's if it is another one."""
    yield "127.0.0.1/32"
    try:
        address = ipaddress.ip_address(centre.settings.engine.agi_host)
    except ValueError:
        return
    if not address.is_loopback:
        yield str(ipaddress.ip_network(address))
