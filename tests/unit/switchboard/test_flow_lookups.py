"""Equal questions are answered from memory, for as long as the flow says, and never what is secret."""

import pytest

from ivr.flow.effects import LookUp, Query
from ivr.flow.inputs import Input, LookedUp, LookupFailed
from switchboard import flow_lookups
from switchboard.flow_lookups import FlowLookups

CACHED = LookUp("https://crm.example/1", cache_ms=10_000)


class Sources:
    def __init__(self) -> None:
        self.now_ms = 0
        self.asked: list[LookUp | Query] = []
        self.answer: Input = LookedUp(200, {"tier": "gold"})
        self.lookups = FlowLookups(self._ask, self._ask, lambda: self.now_ms)

    async def _ask(self, effect: LookUp | Query) -> Input:
        self.asked.append(effect)
        return self.answer


async def test_the_memory_lasts_as_long_as_the_question_says() -> None:
    sources = Sources()
    for at_ms in (0, 9_999, 10_000):
        sources.now_ms = at_ms
        assert await sources.lookups.look_up(CACHED) == LookedUp(200, {"tier": "gold"})
    assert len(sources.asked) == 2


@pytest.mark.parametrize(
    "effect",
    [
        LookUp("https://crm.example/1"),
        LookUp("https://crm.example/1", cache_ms=10_000, sensitive=True),
        Query("crm", "select 1", {"pin": "4711"}, cache_ms=10_000, sensitive=True),
    ],
)
async def test_without_being_told_and_with_secrets_nothing_is_remembered(effect: LookUp | Query) -> None:
    sources = Sources()
    for _ in range(3):
        await sources.lookups.look_up(effect)
    assert len(sources.asked) == 3
    assert not sources.lookups._remembered


@pytest.mark.parametrize("answer", [LookedUp(500), LookedUp(403), LookupFailed("timeout")])
async def test_failures_are_not_remembered(answer: Input) -> None:
    sources = Sources()
    sources.answer = answer
    for _ in range(2):
        await sources.lookups.look_up(CACHED)
    assert len(sources.asked) == 2


async def test_other_questions_have_other_answers() -> None:
    sources = Sources()
    for phone in ("1", "2", "1"):
        await sources.lookups.look_up(Query("crm", "select :phone", {"phone": phone}, cache_ms=10_000))
    assert len(sources.asked) == 2


async def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_lookups, "MOST_REMEMBERED", 3)
    sources = Sources()
    for number in (1, 2, 3, 4, 4, 1):
        await sources.lookups.look_up(LookUp(f"https://crm.example/{number}", cache_ms=10_000))
    assert len(sources.asked) == 5, "the oldest was forgotten"
    assert len(sources.lookups._remembered) == 3
