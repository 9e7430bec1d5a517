"""The centre as a whole: its state at this moment, and taking its files anew."""

from documents import DocumentError
from switchboard.operations.base import Ask, Done, OperationRefused, Request, operation
from switchboard.wallboard import State, state_of


class Nothing(Ask):
    """Nothing needs to be said."""


@operation("POST", "/reload", roles=("admin",))
async def reload(request: Request, ask: Nothing) -> Done:
    """Take the centre's files as they are now; calls in progress finish on what they began with.

    Once flows have been published, a reload takes everything but them.
    """
    engine = request.engine
    before = {"hash": engine.centre.hash, "policy": engine.live.router.policy.version}
    try:
        centre = engine.reload()
    except DocumentError as error:
        raise OperationRefused(f"nothing is changed; the centre cannot be used as it is:\n{error}") from error
    version = engine.live.router.policy.version
    request.changed(before, {"hash": centre.hash, "policy": version})
    flows = f"; the flows stay version {centre.version} (switchboard publish)" if centre.version else ""
    message = f"{centre.name}: policy {version} is in force for new contacts{flows}."
    if waiting := engine.wants_restart:
        message += f" These settings take effect at the engine's next start: {', '.join(waiting)}."
    return Done(message=message)


@operation("GET", "/state", roles=("supervisor", "planner", "auditor"))
async def state(request: Request, ask: Nothing) -> State:
    """Queues, agents and calls as they are now."""
    return state_of(request.engine)
