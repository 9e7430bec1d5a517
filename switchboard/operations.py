"""What people and programs may ask of a running engine, by name; the control socket serves these."""

from typing import TYPE_CHECKING, Any

from documents import DocumentError, nearest
from router.core.events import AgentPaused, AgentReady, AgentSignedIn, AgentSignedOut, AnyEvent
from switchboard.control import Operation, OperationRefused

if TYPE_CHECKING:
    from switchboard.engine import Engine


class Operations:
    """The operations on one engine. Arguments are checked here, because they come from outside."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def table(self) -> dict[str, Operation]:
        return {
            "state": self.state,
            "sign_in": self.sign_in,
            "sign_out": self.sign_out,
            "pause": self.pause,
            "ready": self.ready,
            "reload": self.reload,
        }

    async def sign_in(self, arguments: dict[str, Any]) -> str:
        agent = self._agent(arguments)
        return self._tell(AgentSignedIn(agent), f"{agent} is signed in.")

    async def sign_out(self, arguments: dict[str, Any]) -> str:
        agent = self._agent(arguments)
        return self._tell(AgentSignedOut(agent), f"{agent} is signed out (after the present contact, if there is one).")

    async def pause(self, arguments: dict[str, Any]) -> str:
        agent, reason = self._agent(arguments), str(arguments.get("reason", ""))
        known = self._engine.centre.policy.pause_reasons
        if known and reason not in known:
            raise OperationRefused(f"unknown pause reason {reason!r} ({nearest(reason, known)})")
        return self._tell(AgentPaused(agent, reason), f"{agent} is paused: {reason}.")

    async def ready(self, arguments: dict[str, Any]) -> str:
        agent = self._agent(arguments)
        return self._tell(AgentReady(agent), f"{agent} is ready.")

    async def reload(self, arguments: dict[str, Any]) -> str:
        try:
            centre = self._engine.reload()
        except DocumentError as error:
            raise OperationRefused(f"nothing is changed; the centre cannot be used as it is:\n{error}") from error
        return f"{centre.name}: policy {self._engine.live.router.policy.version} is in force for new contacts."

    async def state(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Queues, agents and calls as they are now, for the live view and `switchboard state --json`."""
        engine, router = self._engine, self._engine.live.router
        now_ms = engine.clock.now_ms()
        figures = engine.metrics.report(now_ms).whole
        waiting = {queue.name: router.waiting(queue.name) for queue in router.policy.queues}
        queues = []
        for queue in router.policy.queues:
            section = figures.queues[queue.name]
            heads = [contact for name in waiting[queue.name][:1] if (contact := router.contact(name))]
            queues.append(
                {
                    "name": queue.name,
                    "waiting": len(waiting[queue.name]),
                    "longest_wait_ms": now_ms - heads[0].arrived_ms if heads else None,
                    "arrived": section.tally.arrived,
                    "answered": section.tally.answered,
                    "left": section.tally.abandoned + section.tally.left + section.tally.overflowed,
                    "service_level_share": section.values["service_level_share"],
                    "goal_share": queue.goal.share,
                    "goal_s": queue.goal.answered_within_ms / 1000,
                    "mean_wait_ms": section.values["mean_wait_ms"],
                }
            )
        agents = []
        for agent in router.agents():
            done = figures.agents.get(agent.name)
            agents.append(
                {
                    "name": agent.name,
                    "state": agent.state,
                    "reason": agent.shown_reason,
                    "for_ms": now_ms - agent.since_ms if agent.since_ms else None,
                    "with": agent.contact,
                    "handled": done.tally.answered if done else 0,
                    "occupancy_share": done.values["occupancy_share"] if done else None,
                }
            )
        talking = sum(agent.state == "busy" for agent in router.agents())
        total_waiting = sum(len(names) for names in waiting.values())
        return {
            "centre": engine.centre.name,
            "ready": engine.ready,
            "now_ms": now_ms,
            "calls": {
                "ivr": max(0, len(engine.calls) - total_waiting - talking),
                "waiting": total_waiting,
                "talking": talking,
                "finished": figures.all_queues.tally.ended,
            },
            "queues": queues,
            "agents": agents,
        }

    def _agent(self, arguments: dict[str, Any]) -> str:
        name = str(arguments.get("agent", ""))
        known = [agent.name for agent in self._engine.live.router.agents()]
        if name not in known:
            raise OperationRefused(f"no agent {name!r} ({nearest(name, known)})")
        return name

    def _tell(self, event: AnyEvent, done: str) -> str:
        refusal = self._engine.live.feed(event)
        if refusal is not None:
            raise OperationRefused(str(refusal))
        return done
