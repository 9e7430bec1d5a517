"""Publishing while real calls are in progress, and while the engine dies: every call ends as its version says."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from asterisk_conf.phones import Answer, Keys, PlannedCall
from router.live.journal import NOTHING, SessionSaved, read
from switchboard.operations import OperationRefused
from tests.support.live import COLLECT, MENU, PROMPT, QUEUE, Exchange, LiveCentre, running_exchange

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("live-publishing"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("asterisk")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def centre(exchange: Exchange, tmp_path: Path) -> AsyncIterator[LiveCentre]:
    async with LiveCentre(exchange, tmp_path) as made:
        await made.start()
        yield made


async def publish(centre: LiveCentre, changes: dict[str, tuple[str, str]] | None = None, **what: Any) -> int:
    """Publishes the centre's flows with these texts replaced, on the version in force."""
    for name, (old, new) in (changes or {}).items():
        path = centre.directory / "centre/flows" / f"{name}.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
    base = (await centre.ask("preview_publication"))["base"]
    return int((await centre.ask("publish", **({"base": base} | what)))["version"])


def ways(centre: LiveCentre) -> list[tuple[set[int], list[str]]]:
    """Of every caller, in the order in which they came, the versions and the nodes of their sessions."""
    versions: dict[str, set[int]] = defaultdict(set)
    nodes: dict[str, list[str]] = defaultdict(list)
    for record in (record for path in centre.journals for record in read(path)):
        if isinstance(record, SessionSaved) and record.session != NOTHING:
            session = msgspec.json.decode(record.session)
            versions[record.contact].add(session.get("version", 0))
            if session["node"] not in nodes[record.contact][-1:]:
                nodes[record.contact].append(session["node"])
    return [(versions[contact], nodes[contact]) for contact in versions]


async def ended(*calls: Any) -> list[str | None]:
    return [(await asyncio.wait_for(call.finished(), 40))[0].ended for call in calls]


async def test_calls_end_on_the_version_they_began_with_also_after_a_crash(centre: LiveCentre) -> None:
    assert await publish(centre) == 1
    waits = await centre.call(PlannedCall(QUEUE))
    await centre.until_calls(waiting=1)
    hears = await centre.call(PlannedCall(PROMPT))
    await centre.until_calls(ivr=1, waiting=1)
    changes = {
        "queue": ("answered: after, ", ""),
        "prompt": ("long: {type: play, say: [long, long], next: end}", "long: {type: play, say: [bye], next: end}"),
    }
    assert await publish(centre, changes) == 2
    with pytest.raises(OperationRefused, match="but version 2 is in force"):
        await centre.ask("publish", base=1)
    await centre.kill()
    await centre.start()
    (in_progress,) = [call for call in (await centre.ask("preview_publication"))["calls"] if call["flow"] == "queue"]
    assert in_progress["version"] == 1
    later = await centre.call(PlannedCall(PROMPT))
    assert await ended(later) == ["centre"]
    await centre.phone("anna", *[Answer(ring_s=0.1, talk_s=0.3)] * 2)
    assert await ended(waits, hears) == ["centre", "centre"]
    await centre.until_agent("anna", "ready")
    assert await ended(await centre.call(PlannedCall(QUEUE))) == ["centre"]
    assert ways(centre) == [
        ({1}, ["help", "after", "end"]),
        ({1}, ["long", "end"]),
        ({2}, ["long", "end"]),
        ({2}, ["help"]),
    ]
    await centre.over()


async def test_a_key_leads_where_the_version_of_the_call_says_and_a_bad_publication_nowhere(
    centre: LiveCentre,
) -> None:
    await publish(centre)
    before = await centre.call(PlannedCall(MENU, keys=(Keys(2.5, "1"),)))
    await centre.until_calls(ivr=1)
    with pytest.raises(OperationRefused, match="nothing is changed"):
        await publish(centre, {"menu": ('"1": help', '"1": hlep')})
    assert await publish(centre, {"menu": ('"1": hlep', '"1": wrong')}) == 2
    after = await centre.call(PlannedCall(MENU, keys=(Keys(1.0, "1"),)))
    assert await ended(after) == ["centre"]
    await centre.until_calls(waiting=1)
    await centre.phone("anna", Answer(ring_s=0.1, talk_s=0.3))
    assert await ended(before) == ["centre"]
    assert ways(centre) == [({1}, ["menu", "help"]), ({2}, ["menu", "wrong", "bye", "end"])]
    await centre.until_agent("anna", "ready")
    await centre.over()


async def test_a_draft_is_met_on_its_number_and_a_rollback_at_once(centre: LiveCentre) -> None:
    await publish(centre)
    changes = {"collect": ("start: ask", "start: wrong"), "prompt": ("start: long", "start: end")}
    assert await publish(centre, changes, number=COLLECT) == 2
    calls = [await centre.call(PlannedCall(number, hang_up_after_s=2)) for number in (COLLECT, PROMPT)]
    assert await ended(*calls) == ["centre", "caller"]
    await centre.ask("promote", version=2)
    assert await ended(await centre.call(PlannedCall(PROMPT, hang_up_after_s=4))) == ["centre"]
    assert (await centre.ask("rollback"))["version"] == 1
    assert await ended(await centre.call(PlannedCall(PROMPT, hang_up_after_s=2))) == ["caller"]
    assert sorted(versions.pop() for versions, _ in ways(centre)) == [1, 1, 2, 2]
    await centre.over()


async def test_a_canary_that_fails_is_halted_by_itself_and_the_engine_may_die_meanwhile(centre: LiveCentre) -> None:
    prompt = "long: {type: play, say: [long, long], next: end}"
    beep = "long: {type: play, say: [beep], next: end}"
    await publish(centre, {"prompt": (prompt, beep)})
    fails = """long: {type: enqueue, queue_from: "'no' + 'where'", otherwise: end}"""
    assert await publish(centre, {"prompt": (beep, fails)}, share=0.5) == 2
    states: list[str] = []
    for batch in range(8):
        calls = await centre.call(*[PlannedCall(PROMPT, start_s=0.1 * n) for n in range(12)])
        outcomes = await asyncio.wait_for(calls.finished(), 60)
        assert {outcome.ended for outcome in outcomes} == {"centre"}
        await centre.until_calls(ivr=0)
        if batch == 0:
            await centre.kill()
            await centre.start()
        (canary,) = [one for one in await centre.ask("versions") if one["version"] == 2]
        states = canary["states"]
        if states == ["halted"]:
            break
    assert states == ["halted"]
    assert "errors have risen: " in canary["said"][0]
    before = len(ways(centre))
    calls = await centre.call(*[PlannedCall(PROMPT, start_s=0.1 * n) for n in range(8)])
    await asyncio.wait_for(calls.finished(), 30)
    assert [versions for versions, _ in ways(centre)[before:]] == [{1}] * 8
    met = [versions.pop() for versions, _ in ways(centre)]
    assert min(met.count(1) - 8, met.count(2)) >= 10
    await centre.over(expected_errors=["queue='nowhere'"])
