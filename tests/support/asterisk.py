"""A real Asterisk for tests: use `running_asterisk`.

from tests.support.asterisk import running_asterisk

pytestmark = pytest.mark.asterisk

async def test_something(tmp_path):
    async with running_asterisk(tmp_path, agi_port=server.port) as (asterisk, site): ...
"""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from asterisk_conf.names import AMI_EVENTS
from asterisk_conf.ports import reserved_ports
from asterisk_conf.private import PrivateAsterisk
from asterisk_conf.render import render
from asterisk_conf.site import AsteriskSite, Phone, Trunk

NUMBER = "5551000"
CALLERS_HOST = "127.0.0.1"
AGENTS_HOST = "127.0.0.2"  # the trunk is known by its address, so agents' phones have another one
AMI_SECRET = "secret-of-the-tests"


@asynccontextmanager
async def running_asterisk(
    directory: Path, *, agi_port: int, recordings: Path | None = None, more_events: Sequence[str] = (), **site: Any
) -> AsyncIterator[tuple[PrivateAsterisk, AsteriskSite]]:
    """A private Asterisk that knows the number NUMBER, a trunk at CALLERS_HOST and the fields of `site`.

    Its AMI user sees `more_events` besides those that the engine needs.
    When the body fails, the end of Asterisk's logs is printed with their paths.
    """
    fields = {"numbers": (NUMBER,), "phones": (), "trunks": (Trunk("callers", (CALLERS_HOST,)),)} | site
    with reserved_ports() as ports:
        described = AsteriskSite(ami_secret=AMI_SECRET, agi_port=agi_port, ports=ports, **fields)
        files = render(described)
        seen = "|".join(AMI_EVENTS)
        files["manager.conf"] = files["manager.conf"].replace(seen, "|".join((*AMI_EVENTS, *more_events)))
        asterisk = await PrivateAsterisk.start(directory, files, recordings=recordings)
        async with asterisk:
            try:
                yield asterisk, described
            except BaseException:
                print(asterisk.log_tail(), file=sys.stderr)
                raise
            finally:
                asterisk.kill()  # nobody misses its last words, which take it most of a second


def phone(name: str, port: int, secret: str | None = None) -> Phone:
    """An agent's phone that listens on `port` of AGENTS_HOST."""
    return Phone(name, secret=secret, contact=f"sip:{name}@{AGENTS_HOST}:{port}")
