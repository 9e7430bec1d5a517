"""Channels: which kinds of work an agent may have at the same time, and which makes which rest.

An agent has contacts of one channel at a time, at most as many as the capacity for it says. A policy makes two kinds
of exceptions (`policy.Channel`): one more channel may come *beside* others, or it *interrupts* them, and they rest
until it is over and its wrap-up is done. What is only offered is never interrupted: it is accepted or fails first.
"""

from collections.abc import Iterable

from router.core.policy import Channel


class Channels:
    """The rules of a policy's channels. One that the policy does not know stands alone."""

    __slots__ = ("_beside", "_interrupts")

    def __init__(self, channels: Iterable[Channel]) -> None:
        self._beside: dict[str, frozenset[str]] = {}
        self._interrupts: dict[str, frozenset[str]] = {}
        for channel in channels:
            self._beside[channel.name] = frozenset(channel.beside)
            self._interrupts[channel.name] = frozenset(channel.interrupts)

    def together(self, one: str, other: str) -> bool:
        """Whether an agent may work on contacts of both at the same time, whichever came first."""
        return one == other or other in self._beside.get(one, ()) or one in self._beside.get(other, ())

    def interrupts(self, channel: str, other: str) -> bool:
        """Whether a contact of `other` rests while one of `channel` is handled."""
        return other in self._interrupts.get(channel, ())

    def may_come(self, channel: str, working: Iterable[str], ringing: Iterable[str]) -> bool:
        """Whether one more of `channel` may be offered to an agent who works on contacts of `working` and is offered
        those of `ringing`, as far as the channels decide it."""
        beside, interrupts = self._beside.get(channel, frozenset()), self._interrupts.get(channel, frozenset())
        return all(other == channel or other in beside or other in interrupts for other in working) and all(
            other == channel or other in beside for other in ringing
        )
