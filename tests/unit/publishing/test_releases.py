"""Publishing by a live engine: what is in force for whom, what is refused, what the audit log has of it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from ivr.flow.inputs import Keys
from ivr.flow.session import Caller, Session
from router.live.journal import Fact, read
from switchboard import engine_journal
from switchboard.assembly import session_finished
from switchboard.centre import load_centre
from switchboard.engine import Engine
from switchboard.operations import Actor, OperationRefused, perform
from switchboard.publishing import schedule as module
from switchboard.publishing.starting import starting_centre
from tests.support.api import running_engine
from tests.support.voices import humming

ANNA, BEN = (Actor(name, frozenset({"admin"}), "api") for name in ("anna", "ben"))
FLOW = "flows/main.yaml"


@pytest_asyncio.fixture
async def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    async with running_engine(tmp_path, monkeypatch) as running:
        yield running


async def publish(engine: Engine, actor: Actor = ANNA, base: int | None = None, **what: Any) -> Any:
    wanted = engine.releases.plan.in_force if base is None else base
    return await perform(engine, actor, "publish", {"base": wanted, **what})


def edit(engine: Engine, old: str, new: str, name: str = FLOW) -> None:
    path = engine.centre.directory / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def begun(engine: Engine, contact: str = "1.1", number: str = "100") -> Session:
    """The session of a call that begins now."""
    found = engine.releases.begin(contact, number)
    assert found
    machine, flow = found
    return machine.start(flow, Caller(dialled=number), 0)[0]


def audited(engine: Engine) -> list[Fact]:
    return [record for record in read(engine.journal.path) if isinstance(record, Fact) and record.kind == "audit"]


async def test_until_something_is_published_the_directory_counts_and_then_no_more(engine: Engine) -> None:
    assert begun(engine).version == 0
    edit(engine, "start: menu", "start: open")
    await perform(engine, ANNA, "reload", {})
    assert begun(engine).node == "to-billing" or begun(engine).node == "sorry"
    assert (await publish(engine)).version == 1
    edit(engine, "start: open", "start: menu")
    await perform(engine, ANNA, "reload", {})
    assert begun(engine).node != "menu"
    assert begun(engine).version == 1
    await publish(engine)
    assert (begun(engine).node, begun(engine).version) == ("menu", 2)


async def test_the_preview_says_what_would_change_and_does_nothing(engine: Engine) -> None:
    await publish(engine)
    edit(engine, 'choices: {"1": open', 'choices: {"1": to-billing')
    edit(engine, "Press 1 or 2.", "Press one.", "prompts.yaml")
    edit(engine, "ring_s: 15", "ring_s: 16", "queues.yaml")
    before = engine.releases.plan
    shown = await perform(engine, ANNA, "preview_publication", {})
    assert shown.base == 1
    assert "node menu: exit 1 leads to to-billing (was open)" in shown.changes
    assert any("Press one." in change for change in shown.changes)
    assert shown.besides == ["queue billing"]
    assert shown.queues == ["billing", "cards"]
    assert any("open" in warning for warning in shown.warnings)  # a node that nobody reaches any more
    assert engine.releases.plan == before
    assert begun(engine).version == 1


async def test_what_a_voice_says_is_rendered_when_it_is_published_and_not_before(
    engine: Engine, tmp_path: Path
) -> None:
    voices = f"{{en: {{engine: program}}, es: {{engine: program}}}}, program: [{humming(tmp_path)}, '{{out}}']"
    edit(engine, "settings:\n", f"settings:\n  speech: {{voices: {voices}}}\n", "centre.yaml")
    rendered = engine.centre.directory / "sounds/en/tts"
    shown = await perform(engine, ANNA, "preview_publication", {})
    assert shown.render
    assert not rendered.exists()
    await publish(engine)
    assert len(list(rendered.iterdir())) >= len([one for one in shown.render if "(en)" in one])
    assert not (await perform(engine, ANNA, "preview_publication", {})).render
    edit(engine, "Press 1 or 2.", "This will fail.", "prompts.yaml")
    with pytest.raises(OperationRefused, match="the voice is hoarse"):
        await publish(engine)
    assert engine.releases.plan.in_force == 1


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        (FLOW, "queue: billing", "queue: biling", "did you mean 'billing'"),
        (FLOW, "start: menu", "start: [", "main.yaml"),
        ("prompts.yaml", "Press 1 or 2.", "{", "prompts.yaml"),
        ("tests/main.yaml", "cards", "billing", "flow test 'two' fails"),
    ],
)
async def test_a_bad_publication_changes_nothing(engine: Engine, name: str, old: str, new: str, words: str) -> None:
    tests = engine.centre.directory / "tests"
    tests.mkdir()
    test = 'tests: [{name: two, given: {dials: "100"}, does: [press: "2"], expect: {queue: cards}}]\n'
    (tests / "main.yaml").write_text(test)
    await publish(engine)
    files = sorted(path.name for path in (engine.directory / "versions").iterdir())
    edit(engine, old, new, name)
    with pytest.raises(OperationRefused, match="nothing is changed") as refused:
        await publish(engine)
    assert words in str(refused.value)
    assert engine.releases.plan.in_force == 1
    assert begun(engine).version == 1
    assert sorted(path.name for path in (engine.directory / "versions").iterdir()) == files
    assert audited(engine)[-1].data["refused"]


async def test_the_second_of_two_admins_is_told_by_name_what_the_other_changed(engine: Engine) -> None:
    await publish(engine)
    looked = {actor: (await perform(engine, actor, "preview_publication", {})).base for actor in (ANNA, BEN)}
    edit(engine, "no_input: {to: to-billing}", "no_input: {to: sorry}")
    await publish(engine, ANNA, looked[ANNA], note="Silence is not billing")
    edit(engine, "no_match: {to: to-billing}", "no_match: {to: to-cards}")
    text = (engine.centre.directory / FLOW).read_text()
    with pytest.raises(OperationRefused) as refused:
        await publish(engine, BEN, looked[BEN])
    said = str(refused.value)
    assert refused.value.kind == "conflict"
    assert "you looked at version 1, but version 2 is in force" in said
    assert "made by anna" in said
    assert "(Silence is not billing)" in said
    assert "node menu: exit no_input leads to sorry (was to-billing)" in said
    assert "no_match" not in said
    assert (engine.centre.directory / FLOW).read_text() == text
    assert (await publish(engine, BEN)).version == 3


async def test_what_was_looked_at_is_what_is_published(engine: Engine) -> None:
    shown = await perform(engine, ANNA, "preview_publication", {})
    edit(engine, "start: menu", "start: open")
    with pytest.raises(OperationRefused, match="has changed since it was looked at"):
        await publish(engine, hash=shown.hash)
    assert engine.releases.plan.in_force == 0


async def test_many_who_publish_at_once_are_one_after_the_other(engine: Engine) -> None:
    actors = [Actor(f"admin{n}", frozenset({"admin"}), "api") for n in range(8)]
    done = await asyncio.gather(*(publish(engine, actor, 0) for actor in actors), return_exceptions=True)
    assert sum(not isinstance(one, Exception) for one in done) == 1
    assert sum("but version 1 is in force" in str(one) for one in done) == 7
    assert engine.releases.plan.in_force == 1


async def test_a_rollback_goes_from_version_to_base_and_is_audited(engine: Engine) -> None:
    await publish(engine)
    edit(engine, "start: menu", "start: open")
    await publish(engine)
    edit(engine, "start: open", "start: sorry")
    await publish(engine)
    for expected in (2, 1):
        assert (await perform(engine, BEN, "rollback", {})).version == expected
        assert begun(engine).version == expected
    with pytest.raises(OperationRefused, match="no earlier version"):
        await perform(engine, BEN, "rollback", {})
    last = audited(engine)[-2]
    assert (last.actor, last.data["operation"]) == ("ben", "rollback")
    assert last.data["before"]["in_force"] == 2
    assert last.data["after"]["in_force"] == 1
    found = await perform(engine, BEN, "versions", {})
    assert [(one.version, one.base, one.author, one.states) for one in found] == [
        (3, 2, "anna", []),
        (2, 1, "anna", []),
        (1, 0, "anna", ["in force"]),
    ]
    changes = (await perform(engine, BEN, "compare_versions", {"before": 1, "after": 3})).changes
    assert changes == ["flow main: start is sorry (was menu)"]


async def test_a_version_that_does_not_go_with_the_centre_any_more_is_not_put_in_force(engine: Engine) -> None:
    await publish(engine)
    edit(engine, "    queue: cards", "    queue: billing")
    await publish(engine)
    edit(engine, "last_action: {queue: cards}", "last_action: {exit: nobody}", "queues.yaml")
    text = (engine.centre.directory / "queues.yaml").read_text()
    (engine.centre.directory / "queues.yaml").write_text(text[: text.index("  cards:")])
    edit(engine, "    queues: [cards]\n", "", "agents.yaml")
    await perform(engine, ANNA, "reload", {})
    with pytest.raises(OperationRefused, match="there is no queue 'cards'"):
        await perform(engine, ANNA, "rollback", {"version": 1})
    assert begun(engine).version == 2


async def test_a_restart_begins_with_the_version_in_force_though_the_directory_is_broken(
    engine: Engine, tmp_path: Path
) -> None:
    """And goes on with calls that an earlier engine began on another version."""
    await publish(engine)
    old = begun(engine)
    edit(engine, "start: menu", "start: open")
    await publish(engine)
    edit(engine, "start: open", "start: nowhere")
    directory = engine.centre.directory
    with pytest.raises(Exception, match="nowhere"):
        load_centre(directory)
    for store in (True, False):
        if not store:
            for path in engine.directory.glob("records.db*"):
                path.rename(path.with_name(f"gone-{path.name}"))
        centre, versions = starting_centre(directory)
        assert centre.version == 2
        another = Engine(centre, versions=versions)
        assert another.centre.version == 2
        another.live = engine.live
        another.releases.open()
        assert another.releases.machine_of(old).library.version == 1
        assert begun(another).version == 2


# Drafts and schedules


async def test_a_draft_is_met_by_the_calls_to_its_number_alone(engine: Engine) -> None:
    edit(engine, '"100": main', '"100": main\n  "199": main', "centre.yaml")
    await publish(engine)
    edit(engine, "start: menu", "start: open")
    assert (await publish(engine, number="199")).version == 2
    assert (begun(engine, number="199").version, begun(engine).version) == (2, 1)
    with pytest.raises(OperationRefused, match="198 is not one of the centre's numbers"):
        await publish(engine, number="198")
    await perform(engine, ANNA, "promote", {"version": 2})
    assert begun(engine).version == 2
    assert engine.releases.plan.drafts == ()


async def test_what_is_scheduled_is_in_force_when_its_moment_comes(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(engine)
    edit(engine, "start: menu", "start: open")
    tomorrow = datetime.now(engine.centre.zone).replace(tzinfo=None, second=0, microsecond=0) + timedelta(days=1)
    said = (await publish(engine, at=tomorrow.isoformat())).message
    assert f"in force from {tomorrow:%Y-%m-%d %H:%M} on, if 1 is until then" in said
    back = tomorrow + timedelta(days=2)
    await perform(engine, ANNA, "rollback", {"version": 1, "at": back.isoformat()})
    assert begun(engine).version == 1
    at_ms = {one.version: one.at_ms for one in engine.releases.plan.scheduled}
    monkeypatch.setattr(module, "now_ms", lambda: at_ms[2] - 1)
    await engine.releases.schedule.keep_time(0)
    assert begun(engine).version == 1
    for version in (2, 1):
        monkeypatch.setattr(module, "now_ms", lambda version=version: at_ms[version])
        await engine.releases.schedule.keep_time(0)
        assert begun(engine).version == version
        assert (audited(engine)[-1].actor, audited(engine)[-1].data["door"]) == ("the schedule", "engine")


async def test_a_schedule_that_cannot_be_kept_is_dropped_and_told(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody has published since: what was scheduled would take that back."""
    await publish(engine)
    edit(engine, "start: menu", "start: open")
    tomorrow = datetime.now(engine.centre.zone).replace(tzinfo=None) + timedelta(days=1)
    await publish(engine, at=tomorrow.isoformat())
    edit(engine, "start: open", "start: sorry")
    await publish(engine, BEN)
    monkeypatch.setattr(module, "now_ms", lambda: 2**45)
    await engine.releases.schedule.keep_time(0)
    assert begun(engine).version == 3
    assert engine.releases.plan.scheduled == ()
    assert "version 2 of the flows was to be in force from now on, but is not" in caplog.text
    assert "made by ben" in caplog.text


@pytest.mark.parametrize(
    ("at", "words"), [("2020-01-01T08:00", "is past"), ("2031-03-30T02:30", "Europe/Madrid skip 02:30")]
)
async def test_a_moment_that_is_past_or_that_clocks_skip_is_refused(engine: Engine, at: str, words: str) -> None:
    with pytest.raises(OperationRefused, match=words):
        await publish(engine, at=at)
    assert not (engine.directory / "versions" / "1").exists()


async def test_a_withdrawn_schedule_comes_to_nothing(engine: Engine) -> None:
    tomorrow = datetime.now(engine.centre.zone).replace(tzinfo=None) + timedelta(days=1)
    await publish(engine, at=tomorrow.isoformat())
    assert [one.version for one in engine.releases.plan.scheduled] == [1]
    await perform(engine, ANNA, "withdraw", {"version": 1})
    assert engine.releases.plan.scheduled == ()


async def test_only_one_way_of_publishing_at_a_time(engine: Engine) -> None:
    with pytest.raises(OperationRefused, match="one of these"):
        await publish(engine, share=0.1, number="100")


# Canaries


def call(engine: Engine, contact: str, outcome: str, errors: int = 0) -> int:
    """A call from its beginning to its end; its version."""
    session = begun(engine, contact)
    ended = msgspec.structs.replace(session, outcome=outcome, errors=errors, started_ms=engine.clock.now_ms())
    session_finished(engine, contact, ended, entered_queue=False)
    return session.version


async def settled(engine: Engine) -> None:
    if engine.releases._halting:
        await engine.releases._halting


async def test_a_canary_that_loses_callers_is_halted_by_itself_and_that_is_seen(engine: Engine) -> None:
    await publish(engine)
    edit(engine, "start: menu", "start: open")
    await publish(engine, share=0.25)
    counts = Counter[int]()
    for n in range(400):
        version = call(engine, f"1.{n}", "hungup" if begun(engine, f"1.{n}").version == 2 else "completed")
        counts[version] += 1
        await settled(engine)
    assert counts[2] == 10  # halted at the first look, and nobody meets it any more
    assert engine.releases.plan.canary is None
    (told,) = [one for one in await perform(engine, ANNA, "versions", {}) if one.version == 2]
    assert told.states == ["halted"]
    assert "abandons have risen: 10 of 10 calls (100%) in the canary" in told.said[0]
    last = audited(engine)[-1]
    assert (last.actor, last.data["door"], last.data["operation"]) == ("the watch on the canary", "engine", "withdraw")
    assert last.data["before"]["canary"] == {"version": 2, "share": 0.25}
    assert last.data["after"] | {"canary": None, "halted": 2} == last.data["after"]


async def test_a_canary_that_does_well_is_promoted_and_calls_keep_their_version(engine: Engine) -> None:
    await publish(engine)
    edit(engine, "start: menu", "start: open")
    await publish(engine, share=0.5)
    for n in range(200):
        call(engine, f"1.{n}", "hungup" if n % 7 == 0 else "completed", errors=n % 11 == 0)
    await settled(engine)
    trial = engine.releases.trial
    assert trial.canary.calls + trial.in_force.calls == 200
    assert min(trial.canary.calls, trial.in_force.calls) > 60
    assert trial.canary.errors + trial.in_force.errors == 19
    (said,) = [one.said for one in await perform(engine, ANNA, "versions", {}) if one.version == 2]
    assert said[0].startswith("canary for 50 % of the calls since")
    assert f"over by now: {trial.canary.calls} calls, {trial.canary.errors} with errors" in said[1]
    with pytest.raises(OperationRefused, match="2 is being tried as a canary"):
        await publish(engine)
    await perform(engine, BEN, "promote", {"version": 2})
    assert {begun(engine, f"1.{n}").version for n in range(50)} == {2}


async def test_calls_from_before_the_canary_and_on_drafts_do_not_count(engine: Engine) -> None:
    edit(engine, '"100": main', '"100": main\n  "199": main', "centre.yaml")
    await publish(engine)
    old = begun(engine)
    edit(engine, "start: menu", "start: open")
    await publish(engine, number="199")
    edit(engine, "start: open", "start: to-cards")
    await publish(engine, share=0.5)
    session_finished(engine, "1.0", msgspec.structs.replace(old, outcome="hungup", started_ms=1), entered_queue=False)
    draft = begun(engine, "1.1", "199")
    assert draft.version == 2
    now = engine.clock.now_ms()
    session_finished(
        engine, "1.1", msgspec.structs.replace(draft, outcome="hungup", started_ms=now), entered_queue=False
    )
    assert (engine.releases.trial.canary.calls, engine.releases.trial.in_force.calls) == (0, 0)


async def test_a_trial_goes_on_after_a_crash_where_it_was(engine: Engine) -> None:
    await publish(engine)
    edit(engine, "start: menu", "start: open")
    await publish(engine, share=0.5)
    for n in range(9):
        call(engine, f"1.{n}", "completed")
    trial = engine.releases.trial
    later = Engine(engine.centre)
    assert later.releases.plan == engine.releases.plan
    engine_journal.recover(later)
    assert later.releases.trial == trial
    later.clock, later.live = engine.clock, engine.live  # the next journal begins with it
    carried: list[Fact] = []
    later.fact = lambda kind, *, data, **_: carried.append(Fact(0, kind, data=data))  # type: ignore[method-assign]
    later.releases.carry_over()
    last = Engine(engine.centre)
    for fact in carried:
        last.releases.remember(fact)
    assert last.releases.trial == trial


async def test_the_records_have_of_every_call_its_version_and_what_was_pressed_in_vain(engine: Engine) -> None:
    await publish(engine)
    found = engine.releases.begin("1.1", "100")
    assert found
    machine, flow = found
    session, _ = machine.start(flow, Caller(dialled="100"), engine.clock.now_ms())
    engine.save_session("1.1", session)
    session, _ = machine.resume(session, Keys("9", "length"), engine.clock.now_ms())
    session_finished(engine, "1.1", session.ended("hungup"), entered_queue=False)
    engine.save_session("1.1", None)
    today = datetime.now(engine.centre.zone).date()
    days = {"first_day": str(today - timedelta(days=1)), "last_day": str(today + timedelta(days=1))}
    async with asyncio.timeout(20):
        while not (told := await perform(engine, ANNA, "flow_traffic", days | {"version": 1})).versions:
            await asyncio.sleep(0.1)  # until the thread of the records has it
    (of,) = told.versions
    assert (of.version, of.calls, of.hung_up, of.no_match) == (1, 1, 1, 1)
    first = next(iter(told.nodes))
    assert (first.node, first.entered, first.no_match) == ("menu", 1, 1)
    with pytest.raises(OperationRefused, match="no version 9"):
        await perform(engine, ANNA, "flow_traffic", days | {"version": 9})
    with pytest.raises(OperationRefused, match="more than one report covers"):
        await perform(engine, ANNA, "flow_traffic", {"first_day": "0145-04-27", "last_day": "2134-01-31"})
