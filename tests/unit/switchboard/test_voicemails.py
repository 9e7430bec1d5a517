"""Messages on disk and in their queues: where they are kept, when they wait, and when they go."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ivr.flow.effects import Reviewed, TakeVoicemail
from ivr.flow.inputs import EffectFailed, VoicemailTaken
from ivr.flow.session import Caller, Session
from router.core.decisions import AnyDecision, ContactFinished
from router.core.events import AgentReady, AgentSignedIn, AnyEvent, ContactEnded, OfferAccepted, QueueSwitched
from router.core.policy import Agent, Goal, LastAction, Policy, Queue, Step
from router.core.router import Router
from router.live.clock import EngineClock
from router.live.journal import FORMAT, Fact, Header, Journal, policy_hash, read
from router.live.shell import LiveRouter
from switchboard import facts
from switchboard.voicemails import DAY_MS, UnknownVoicemail, Voicemails

LEAVE = LastAction("exit", "closed")
POLICY = Policy(
    version=1,
    queues=(Queue("sales", Goal(20_000, 0.8), (Step("all"),), LEAVE, when_closed=LEAVE, wrap_up_ms=60_000),),
    agents=(Agent("anna"),),
)
EFFECT = TakeVoicemail((), "sales", "sales", {"language": "en"})
SESSION = Session(Caller("911234567", "100"), "flow", "fingerprint", "node", "en", 0)


class Box:
    """Voicemails over a router of their own."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.journal = Journal(directory / f"{len(list(directory.glob('*.jsonl')))}.jsonl", "never")
        clock = EngineClock()
        self.journal.append(Header(clock.now_ms(), FORMAT, "Test", "c0ffee", 0, policy_hash(POLICY), POLICY))
        self.live = LiveRouter(Router(POLICY), self.journal, clock)
        self.voicemails = Voicemails(directory / "voicemail", self.live, keep_days=lambda: 30)
        self.finished: list[str] = []
        self.closed = False
        self.live.observe(self._remember)
        self.live.observe(self.voicemails.observe)
        self.voicemails.open()
        self.voicemails.route_all()

    def _remember(self, event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        self.finished += [decision.outcome for decision in decisions if isinstance(decision, ContactFinished)]

    async def leave(self, effect: TakeVoicemail = EFFECT) -> str:
        file = self.voicemails.file()
        file.with_suffix(".wav").write_bytes(b"RIFF")
        taken = await self.voicemails.taken("1700000000.1", SESSION, effect, file, 3_000)
        assert isinstance(taken, VoicemailTaken)
        return taken.voicemail

    @property
    def waiting(self) -> list[str]:
        return self.live.router.waiting("sales")

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self.voicemails.close()
        self.live.stop()
        self.journal.close()

    def facts(self) -> list[str]:
        records = read(self.journal.path)
        return [record.kind for record in records if isinstance(record, Fact)]


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    made = Box(tmp_path)
    yield made
    made.close()


async def test_a_message_waits_in_its_queue_and_outlives_the_engine(box: Box, tmp_path: Path) -> None:
    name = await box.leave()
    assert box.waiting == [f"voicemail-{name}"]
    message = box.voicemails.get(name)
    assert (message.number, message.call, message.mailbox) == ("911234567", "1700000000.1", "sales")
    box.close()
    again = Box(tmp_path)
    assert again.waiting == [f"voicemail-{name}"]
    assert again.voicemails.get(f"voicemail-{name}") == message
    again.close()


REVIEWED = TakeVoicemail((), "sales", "sales", {"language": "en"}, review=True)


async def test_a_message_in_review_counts_when_its_caller_keeps_it(box: Box, tmp_path: Path) -> None:
    first = await box.leave(REVIEWED)
    assert (box.voicemails.all(), box.waiting, box.facts()) == ([], [], [])
    second = await box.leave(REVIEWED)
    box.voicemails.reviewed(Reviewed(first, kept=False))
    box.voicemails.reviewed(Reviewed(second))
    box.voicemails.reviewed(Reviewed(second))  # an engine that has died may say it again
    box.voicemails.call_over("1700000000.1")
    assert box.waiting == [f"voicemail-{second}"]
    assert [message.id for message in box.voicemails.all()] == [second]
    assert {path.stem for path in box.voicemails.directory.iterdir()} == {second}
    assert box.facts() == [facts.VOICEMAIL_TAKEN]
    box.close()
    again = Box(tmp_path)
    assert again.waiting == [f"voicemail-{second}"]
    again.close()


async def test_a_message_that_is_cancelled_leaves_nothing(box: Box) -> None:
    forgotten = await box.leave(REVIEWED)  # an engine died before it had written down that it was there
    last = await box.leave(REVIEWED)
    box.voicemails.reviewed(Reviewed(last, kept=False))
    box.voicemails.call_over("1700000000.1")
    assert (box.waiting, list(box.voicemails.directory.iterdir()), box.facts()) == ([], [], [])
    assert forgotten != last


@pytest.mark.parametrize("engine", ["the same", "the next", "the next, in the call"])
async def test_on_which_nobody_decides_the_last_one_is_kept(box: Box, tmp_path: Path, engine: str) -> None:
    await box.leave(REVIEWED)
    last = await box.leave(REVIEWED)
    if engine != "the same":
        box.close()
        box = Box(tmp_path)
    if engine == "the next, in the call":
        box.voicemails.calls_in_progress(["1700000000.1"])
        assert box.waiting == []
    if engine == "the next":
        box.voicemails.calls_in_progress(["1700000000.2"])
    else:
        box.voicemails.call_over("1700000000.1")
    assert box.waiting == [f"voicemail-{last}"]
    assert {path.stem for path in box.voicemails.directory.iterdir()} == {last}
    box.close()


async def test_a_kept_message_is_routed_even_where_that_cannot_be_written(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await box.leave(REVIEWED)

    def full(path: Path, data: bytes) -> int:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_bytes", full)
    box.voicemails.reviewed(Reviewed(name))
    assert box.waiting == [f"voicemail-{name}"]


async def test_a_message_without_a_queue_is_only_listed(box: Box) -> None:
    await box.leave(TakeVoicemail((), "sales"))
    assert box.waiting == []
    assert len(box.voicemails.all()) == 1


async def test_a_closed_queue_gets_its_messages_when_it_opens(box: Box) -> None:
    box.live.feed(QueueSwitched("sales", "closed"))
    name = await box.leave()
    assert box.waiting == []
    assert box.finished == []
    box.live.feed(QueueSwitched("sales", "open"))
    assert box.waiting == [f"voicemail-{name}"]


async def test_what_nobody_has_heard_comes_again_and_what_was_heard_does_not(box: Box) -> None:
    name = await box.leave()
    box.live.feed(AgentSignedIn("anna"))
    for heard in (False, True):
        (offer,) = box.live.router.offers()
        box.live.feed(OfferAccepted(offer.id))
        if heard:
            box.voicemails.heard(name, "anna")
        box.live.feed(ContactEnded(f"voicemail-{name}"))
        assert box.waiting == ([] if heard else [f"voicemail-{name}"])
        box.live.feed(AgentReady("anna"))
    assert box.finished == ["answered", "answered"]
    assert box.live.router.offers() == ()


async def test_marked_as_heard_it_waits_no_longer_and_deleted_it_is_gone(box: Box) -> None:
    name = await box.leave()
    box.voicemails.heard(name, "boss")
    assert box.waiting == []
    assert box.finished == ["left"]
    box.voicemails.heard(name, "boss", heard=False)
    assert box.waiting == [f"voicemail-{name}"]
    box.voicemails.delete(name)
    assert box.waiting == []
    assert list(box.voicemails.directory.iterdir()) == []
    assert box.facts() == [
        facts.VOICEMAIL_TAKEN,
        facts.VOICEMAIL_HEARD,
        facts.VOICEMAIL_UNHEARD,
        facts.VOICEMAIL_DELETED,
    ]


async def test_old_messages_are_deleted(tmp_path: Path) -> None:
    box = Box(tmp_path)
    old, new = await box.leave(), await box.leave()
    for name, age_days in ((old, 31), (new, 29)):
        path = box.voicemails.directory / f"{name}.json"
        at_ms = box.voicemails.get(name).at_ms
        path.write_text(path.read_text().replace(str(at_ms), str(at_ms - age_days * DAY_MS)))
    box.close()
    again = Box(tmp_path)
    assert [message.id for message in again.voicemails.all()] == [new]
    again.close()


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "voicemail-../x", "18a-1/../../x", "18a-1\0"])
async def test_no_name_leads_out_of_the_directory(box: Box, name: str) -> None:
    with pytest.raises(UnknownVoicemail):
        box.voicemails.get(name)


async def test_a_spoilt_description_harms_no_other_message(
    box: Box, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    name = await box.leave()
    (box.voicemails.directory / "18a2b3c4d5e-9.json").write_text("{not json")
    (box.voicemails.directory / "evil.json").write_text('{"id":"../evil","mailbox":"x","at_ms":1,"duration_ms":1}')
    box.close()
    again = Box(tmp_path)
    assert [message.id for message in again.voicemails.all()] == [name]
    assert "is no voicemail's description" in caplog.text
    again.close()


async def test_a_message_that_cannot_be_stored_is_a_failure_of_the_effect(box: Box) -> None:
    file = box.voicemails.file()
    box.voicemails.directory.rmdir()
    assert isinstance(await box.voicemails.taken("1.1", SESSION, EFFECT, file, 3_000), EffectFailed)
    assert box.waiting == []
