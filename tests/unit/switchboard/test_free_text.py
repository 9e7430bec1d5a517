"""What agents and supervisors write: a card's number in it reaches neither the next agent, nor the journal, nor the
records."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from router.core.events import ContactArrived, OfferAccepted
from switchboard.engine import Engine
from switchboard.operations import Actor, perform
from tests.support.api import running_engine
from tests.support.hostile import CARD

SPOKEN = " ".join(CARD[at : at + 4] for at in range(0, len(CARD), 4))
CAROL = Actor("carol", frozenset({"supervisor"}), "socket")


@pytest_asyncio.fixture
async def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    async with running_engine(tmp_path, monkeypatch) as running:
        yield running


@pytest.mark.parametrize("number", [CARD, SPOKEN])
async def test_a_card_that_an_agent_writes_down_is_nowhere(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    live = engine.live
    await perform(engine, CAROL, "sign_in", {"agent": "ana"})
    queue = live.router.policy.queues[0].name
    live.feed(ContactArrived("1780000000.1", queue, attributes={"language": "es"}, directed_to="ana"))
    contact = live.router.contact("1780000000.1")
    assert contact
    assert contact.offer
    live.feed(OfferAccepted(contact.offer))
    await perform(engine, CAROL, "hold", {"agent": "ana", "reason": f"checks {number}"})
    monkeypatch.setitem(engine.centre.dispositions, "sold", "Sold")
    await perform(engine, CAROL, "disposition", {"agent": "ana", "code": "sold", "note": f"pays with {number}"})
    await perform(engine, CAROL, "requeue", {"agent": "ana", "note": f"card {number}, expires soon"})
    again = live.router.contact("1780000000.1")
    assert again
    assert "card ***, expires soon" in str(again.attributes["notes"])
    written = b"".join(path.read_bytes() for path in (tmp_path / "engine").rglob("*") if path.is_file())
    for words in (b"expires soon", b"pays with ***", b"checks ***"):
        assert words in written
    assert number.encode() not in written
