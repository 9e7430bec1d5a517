"""Who served a caller is known after a crash, so an answer to a survey counts for the right agent."""

from pathlib import Path

import pytest

from router.core import events as e
from tests.support.api import running_engine
from tests.support.journals import Day


@pytest.mark.parametrize("transferred", [False, True])
async def test_the_talk_before_the_crash_is_remembered_from_journal_to_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transferred: bool
) -> None:
    (tmp_path / "engine").mkdir(mode=0o750)
    day = Day(tmp_path / "engine")
    day.feed(e.AgentSignedIn("anna"))
    day.call("c-1")
    day.call("c-2")
    day.feed(e.ContactArrived("c-1", "tech"))
    (offer,) = day.router.offers()
    day.feed(e.OfferAccepted(offer.id))
    day.wait(30_000)
    day.feed(e.ContactTransferred("c-1", "billing") if transferred else e.ContactEnded("c-1"))
    day.journal.close()
    for _ in range(3):  # each engine begins a journal of its own, from which the next one continues
        async with running_engine(tmp_path, monkeypatch) as engine:
            assert engine.calls.served("c-1") == (("", "") if transferred else ("tech", "anna"))
            assert engine.calls.served("c-2") == ("", "")
