"""What is wrong with a policy's channels: names that there are not, rules that contradict each other, nobody to serve.

Part of `policy_check`.
"""

from collections.abc import Iterator

from documents import Problem, nearest
from router.core.channels import Channels
from router.core.policy import Channel, Policy


def check_channels(policy: Policy) -> Iterator[Problem]:
    """Every problem of the channels; a queue that nobody could serve is only a warning."""
    names = [channel.name for channel in policy.channels]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield Problem(f"the channel {name!r} is there {names.count(name)} times", path=f"channels.{name}")
    rules = Channels(policy.channels)
    for channel in policy.channels:
        yield from _rules(channel, names, rules)
    for agent in policy.agents:
        for name in agent.capacity:
            yield from _known(name, names, f"agents.{agent.name}.capacity.{name}")
    for queue in policy.queues:
        path = f"queues.{queue.name}.channel"
        yield from _known(queue.channel, names, path)
        takers = [agent for agent in policy.agents if agent.capacity.get(queue.channel, 0)]
        if queue.channel in names and policy.agents and not takers:
            hint = f"give some agents a capacity: {{{queue.channel}: 1}}"
            yield Problem(f"no agent takes {queue.channel} contacts", path=path, hint=hint, severity="warning")


def _rules(channel: Channel, names: list[str], rules: Channels) -> Iterator[Problem]:
    path = f"channels.{channel.name}"
    if channel.name == "voice" and channel.auto_accept:
        yield Problem("calls are accepted by picking up", path=f"{path}.auto_accept", severity="warning")
    for field, others in (("beside", channel.beside), ("interrupts", channel.interrupts)):
        for other in others:
            yield from _known(other, names, f"{path}.{field}")
            if other == channel.name:
                hint = "an agent's capacity says how many of one channel there may be"
                yield Problem(f"{other!r} stands in its own {field!r}", path=f"{path}.{field}", hint=hint)
            elif field == "interrupts" and rules.together(channel.name, other):
                message = f"{other!r} cannot both rest for {channel.name!r} and go on beside it"
                yield Problem(message, path=f"{path}.interrupts")
            elif field == "interrupts" and rules.interrupts(other, channel.name):
                message = f"{channel.name!r} and {other!r} interrupt each other"
                yield Problem(message, path=f"{path}.interrupts")


def _known(name: str, names: list[str], path: str) -> Iterator[Problem]:
    if name not in names:
        yield Problem(f"there is no channel {name!r}", path=path, hint=nearest(name, names))
