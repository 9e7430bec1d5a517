"""The state stream: whoever applies its messages has what the engine has, however slow and however often cut off."""

import asyncio
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from router.core.policy_check import check_policy
from switchboard.engine import Engine
from switchboard.stream.board import FIGURES_EVERY_S, Board
from switchboard.stream.feed import Reader
from switchboard.stream.mirror import Mirror
from switchboard.stream.patch import difference, merge
from tests.support.router_day import RouterDay
from tests.support.router_policies import random_policy

SEEDS = st.integers(0, 2**32 - 1)
KEPT = 5

values = st.recursive(
    st.booleans() | st.integers(-3, 3) | st.floats(0, 3) | st.sampled_from("ab") | st.lists(st.integers(0, 3)),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=12,
)
documents = st.dictionaries(st.sampled_from("abc"), values)


def same(one: Any, other: Any) -> bool:
    """Equal also in type: JSON tells 1 from true and from 1.0."""
    return msgspec.json.encode(one, order="deterministic") == msgspec.json.encode(other, order="deterministic")


@given(documents, documents)
def test_a_difference_merged_into_the_old_document_makes_the_new_one(old: Any, new: Any) -> None:
    patch = difference(old, new)
    merge(old, patch)
    assert same(old, new)
    assert difference(old, new) == {}


class Client:
    """Somebody who follows, at the own pace, and keeps the place over broken connections."""

    def __init__(self, board: Board, agent: str | None) -> None:
        self.board, self.agent = board, agent
        self.mirror = Mirror()
        self.connect()

    def connect(self) -> None:
        place = self.mirror.place
        feed = self.board.follow(self.agent)
        self.reader: Reader | None = Reader(feed, place.get("epoch"), int(place["after"]) if place else None)

    def disconnect(self) -> None:
        if self.reader is not None:
            self.reader = None
            self.board.leave()

    def pull(self, most: int | None = None) -> None:
        """Takes what has come; the connection breaks behind message `most`."""
        assert self.reader is not None
        for number, message in enumerate(self.reader.messages(0)):
            if number == most:
                self.disconnect()
                return
            self.mirror.apply(message)


class StreamMachine(RuleBasedStateMachine):
    day: RouterDay

    @initialize(seed=SEEDS)
    def start(self, seed: int) -> None:
        policy = random_policy(Random(seed))
        assert [problem for problem in check_policy(policy) if problem.severity == "error"] == []
        self.day = RouterDay(policy, seed)
        self.calls: dict[float, Callable[[], None]] = {}
        self.engine = cast(
            Engine,
            SimpleNamespace(
                clock=SimpleNamespace(now_ms=lambda: self.day.now_ms),
                live=SimpleNamespace(router=self.day.router),
                centre=SimpleNamespace(name="Test"),
                calls=SimpleNamespace(contacts=lambda: ["in the IVR", *self.day.inside]),
                ready=True,
            ),
        )
        self.board = Board(self.engine, self.call_later, kept=KEPT)
        self.day.everybody_signs_in()
        self.told = len(self.day.log)
        agents = [agent.name for agent in self.day.router.agents()]
        self.clients = [Client(self.board, agent) for agent in (None, None, *agents[:2])]

    def call_later(self, delay_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        self.calls[delay_s] = call
        return cast(asyncio.TimerHandle, SimpleNamespace(cancel=lambda: self.calls.pop(delay_s, None)))

    @rule(seed=SEEDS, count=st.integers(1, 12), publish=st.sampled_from((False, False, False, True)))
    def moments(self, seed: int, count: int, publish: bool) -> None:
        rng = Random(seed)
        if publish:
            self.day.publish(rng, migrate=rng.random() < 0.5)
        self.day.go_on(rng, count)
        for event, now_ms, decisions in self.day.log[self.told :]:
            self.board.observe(cast(Any, event), decisions, now_ms)
        self.told = len(self.day.log)

    @rule(tick=st.booleans())
    def time_passes(self, tick: bool) -> None:
        for delay_s in sorted(self.calls):
            if tick or delay_s < FIGURES_EVERY_S:
                self.calls.pop(delay_s)()

    @rule(number=st.integers(0, 3), most=st.none() | st.integers(0, 3))
    def somebody_reads(self, number: int, most: int | None) -> None:
        if self.clients[number].reader is not None:
            self.clients[number].pull(most)

    @rule(number=st.integers(0, 3))
    def somebody_is_cut_off(self, number: int) -> None:
        self.clients[number].disconnect()

    @rule(number=st.integers(0, 3))
    def somebody_comes_back(self, number: int) -> None:
        if self.clients[number].reader is None:
            self.clients[number].connect()

    @invariant()
    def what_is_kept_is_bounded(self) -> None:
        if hasattr(self, "board"):
            assert len(self.board.centre._changes) <= KEPT

    def teardown(self) -> None:
        for client in self.clients:
            if client.reader is None:
                client.connect()
        self.board.refresh()
        fresh = Board(self.engine, self.call_later)
        for client in self.clients:
            client.pull()
            expected = Client(fresh, client.agent)
            expected.pull()
            assert same(plain(client.mirror.document), plain(expected.mirror.document))
            assert b"null" not in msgspec.json.encode(client.mirror.document)


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """Without the figures, which count from the board's own beginning."""
    figures = {"handled", "occupancy_share", "arrived", "answered", "left", "finished"}
    figures |= {"service_level_share", "mean_wait_ms"}
    return {
        key: plain(value) if isinstance(value, dict) else value for key, value in document.items() if key not in figures
    }


TestStream = StreamMachine.TestCase
TestStream.settings = settings(max_examples=60, stateful_step_count=25, deadline=None, derandomize=True)
