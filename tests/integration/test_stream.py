"""Real calls on a real Asterisk, seen through the state stream of the HTTP API."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from asterisk_conf.phones import Answer, PlannedCall
from switchboard.stream.mirror import Mirror
from tests.support.live import QUEUE, Exchange, LiveCentre, running_exchange

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("stream"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("asterisk")) as running:
        yield running


class Follower:
    """Somebody with a token who follows the stream, and all the documents seen."""

    def __init__(self, centre: LiveCentre, token: str) -> None:
        self._url = f"http://127.0.0.1:{centre.api_port}/v1/stream"
        self._headers = {"Authorization": f"Bearer {token}"}
        self.mirror = Mirror()
        self.types: list[str] = []

    async def until(self, so: Callable[[dict[str, Any]], Any], timeout_s: float = 30) -> dict[str, Any]:
        """Goes on where it was, until `so` holds of the document."""
        async with (
            asyncio.timeout(timeout_s),
            aiohttp.ClientSession(headers=self._headers) as http,
            http.ws_connect(self._url, params=self.mirror.place, max_msg_size=0) as stream,
        ):
            while not (self.mirror.document and so(self.mirror.document)):
                message = await stream.receive()
                self.types.append(message.json()["type"])
                self.mirror.apply(message.data)
        return self.mirror.document


async def test_a_call_is_seen_from_its_queue_to_its_end_by_the_wallboard_and_by_its_agent(
    exchange: Exchange, tmp_path: Path
) -> None:
    async with LiveCentre(exchange, tmp_path) as centre:
        await centre.start()
        planner = await centre.ask("create_token", token="wallboard", roles=["planner"])
        desktop = await centre.ask("create_token", token="desktop", roles=["agent"], agent="anna")
        wallboard, anna = Follower(centre, planner["token"]), Follower(centre, desktop["token"])
        await wallboard.until(lambda state: state["ready"])
        await centre.call(PlannedCall(QUEUE))
        waiting = await wallboard.until(lambda state: state["queues"]["help"]["waiting"] == 1)
        (contact,) = waiting["contacts"]
        assert waiting["contacts"][contact]["state"] == "queued"
        assert "attributes" not in waiting["contacts"][contact]

        await anna.until(lambda state: state["agent"]["state"] == "offline")
        assert anna.mirror.document["contacts"] == {}
        await centre.phone("anna", Answer(ring_s=1.5, talk_s=2.0))
        ringing = await anna.until(lambda state: state["contacts"].get(contact, {}).get("state") == "offered")
        assert ringing["agent"]["state"] == "ringing"
        popup = ringing["contacts"][contact]
        assert popup["queue"] == "help"
        assert popup["caller"]
        assert "language" in popup["attributes"] or popup["attributes"] == {}
        assert popup["deadline_ms"] > popup["arrived_ms"]

        await asyncio.gather(
            anna.until(lambda state: state["contacts"].get(contact, {}).get("state") == "connected"),
            wallboard.until(lambda state: state["agents"]["anna"]["state"] == "busy"),
        )
        assert wallboard.mirror.document["calls"]["talking"] == 1
        await anna.until(lambda state: state["contacts"] == {} and state["agent"]["state"] == "ready")
        await wallboard.until(lambda state: state["contacts"] == {} and state["queues"]["help"]["answered"] == 1)
        assert wallboard.types.count("snapshot") == 1, "every later connection went on with what was missed"
        await centre.over()


async def test_after_a_crash_the_stream_begins_anew_with_the_same_callers(exchange: Exchange, tmp_path: Path) -> None:
    async with LiveCentre(exchange, tmp_path) as centre:
        await centre.start()
        token = (await centre.ask("create_token", token="wallboard", roles=["supervisor"]))["token"]
        follower = Follower(centre, token)
        await centre.call(PlannedCall(QUEUE, hang_up_after_s=15))
        before = await follower.until(lambda state: state["queues"]["help"]["waiting"] == 1)
        contacts, epoch = set(before["contacts"]), follower.mirror.epoch
        await centre.kill()
        await centre.start()
        after = await follower.until(lambda state: follower.mirror.epoch != epoch and state["ready"])
        assert set(after["contacts"]) == contacts
        assert follower.types.count("snapshot") == 2
        await follower.until(lambda state: not state["contacts"])
        await centre.over()
