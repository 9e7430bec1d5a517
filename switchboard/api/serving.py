"""Opens the HTTP API of an engine."""

import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from switchboard.api.accounts import AccountsTooNew
from switchboard.api.server import ApiServer
from switchboard.operations.base import AUDIT
from switchboard.ports import PortInUse

if TYPE_CHECKING:
    from switchboard.engine import Engine

log = logging.getLogger(__name__)


async def serve_api(engine: "Engine", stack: AsyncExitStack) -> None:
    """Serves the HTTP API until `stack` is left, unless the settings say that there is none. Calls are served also when
    nobody can log in. Raises PortInUse."""
    accounts = engine.accounts
    stack.callback(accounts.close)
    try:
        accounts.open()
        for change in accounts.take_changes():
            engine.fact(AUDIT, actor=change.actor, data={"at_ms": change.at_ms, **change.data})
    except (AccountsTooNew, OSError, SQLAlchemyError) as error:
        log.error("nobody can use the HTTP API, its accounts cannot be used: %s", error)
    settings = engine.centre.settings.api
    if settings.port is None:
        return
    engine.api = ApiServer(engine, accounts, settings)
    try:
        await engine.api.start()
    except OSError as error:
        raise PortInUse(
            f"{settings.host}:{settings.port}: cannot serve the HTTP API ({error.strerror or error}); another "
            "engine or program has the port, or the address or the certificate is wrong (centre.yaml: settings.api)"
        ) from error
    stack.push_async_callback(engine.api.stop)
    log.info("the HTTP API is at port %d of %s", engine.api.port, settings.host)
