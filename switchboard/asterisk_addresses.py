"""From where FastAGI is taken: FastAGI has no authentication, so only Asterisk's own machine may speak it."""

import asyncio
import logging
import socket
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

log = logging.getLogger(__name__)


class AsteriskAddresses:
    """Says whether an address is Asterisk's: one of `permit` (addresses, networks or host names), or, if that is None,
    of the host where the manager interface is. A machine's own loopback addresses are one."""

    def __init__(self, ami_host: str, permit: Sequence[str] | None) -> None:
        self._hosts = [ami_host] if permit is None else permit
        self._known: set[str] = set()

    async def look_up(self) -> None:
        """Finds the addresses of hosts that have a name; they may change, so this is asked for again and again."""
        known = set()
        for host in self._hosts:
            try:
                found = await asyncio.get_running_loop().getaddrinfo(host.partition("/")[0], None)
            except OSError as error:
                log.warning("FastAGI: the address of %s is not found (%s)", host, error.strerror or error)
                continue
            _, slash, bits = host.partition("/")
            known |= {f"{where[4][0]}{slash}{bits}" for where in found if where[0] in (socket.AF_INET, socket.AF_INET6)}
        self._known = known or self._known

    def __contains__(self, address: object) -> bool:
        try:
            asked = ip_address(str(address))
        except ValueError:
            return False
        asked = getattr(asked, "ipv4_mapped", None) or asked
        networks = [ip_network(known, strict=False) for known in self._known]
        if asked.is_loopback:
            return any(network.is_loopback for network in networks)
        return any(asked in network for network in networks)
