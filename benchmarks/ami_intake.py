"""How many manager events a second one core takes in: this client beside plain panoramisk 1.4, in the same run.

Both get the same bytes, as a socket would deliver them, in their own protocol object: the events of calls with the six
kinds that the engine's AMI user lets through, and one callback for each event. Several rounds, alternating; the best of
each is printed, and their ratio. No network, no Asterisk.

    python benchmarks/ami_intake.py [--events 60000] [--rounds 5] [--json]
"""

import argparse
import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from panoramisk import Manager as PlainManager
from panoramisk.ami_protocol import AMIProtocol

from router.ami.codec import Event
from router.ami.transport import Manager, Protocol

READ = 65_536  # bytes of one read
KINDS = ("Newchannel", "Newstate", "OriginateResponse", "BridgeEnter", "BridgeLeave", "Hangup")


def traffic(events: int) -> bytes:
    """The greeting and so many events, each with the headers of a channel, as Asterisk 22 writes them."""
    blocks = ["Asterisk Call Manager/11.0.0\r\n"]
    for number in range(events):
        kind = KINDS[number % len(KINDS)]
        blocks.append(
            f"Event: {kind}\r\nPrivilege: call,all\r\nChannel: PJSIP/trunk-{number:08x}\r\nChannelState: 6\r\n"
            f"ChannelStateDesc: Up\r\nCallerIDNum: +4930{number}\r\nCallerIDName: Zoë\r\n"
            "ConnectedLineNum: <unknown>\r\nConnectedLineName: <unknown>\r\n"
            "Language: en\r\nAccountCode: \r\nContext: sb-call\r\nExten: s\r\n"
            f"Priority: 3\r\nUniqueid: 1700000000.{number}\r\nLinkedid: 1700000000.{number}\r\nCause: 16\r\n"
            "Cause-txt: Normal Clearing\r\n\r\n"
        )
    return "".join(blocks).encode()


class Line(asyncio.Transport):
    """A transport that goes nowhere."""

    def write(self, data: Any) -> None:
        pass


def ours(on_event: Callable[[str], None]) -> Callable[[bytes], None]:
    def take(event: Event) -> None:
        on_event(event["Uniqueid"])

    manager = Manager("127.0.0.1", 5038, None, take)
    protocol = Protocol(manager)
    protocol.connection_made(Line())
    return protocol.data_received


def plain(on_event: Callable[[str], None]) -> Callable[[bytes], None]:
    manager = PlainManager(loop=asyncio.get_running_loop())
    manager.register_event("*", lambda _, event: on_event(event["Uniqueid"]))
    protocol = AMIProtocol()
    protocol.connection_made(Line())
    protocol.factory, protocol.queue, protocol.encoding = manager, deque(), "utf8"
    return protocol.data_received  # type: ignore[no-any-return]


async def events_per_second(make: Callable[..., Callable[[bytes], None]], data: bytes, events: int) -> float:
    seen = 0

    def count(_: str) -> None:
        nonlocal seen
        seen += 1

    receive = make(count)
    began = time.perf_counter()
    for start in range(0, len(data), READ):
        receive(data[start : start + READ])
    elapsed = time.perf_counter() - began
    if seen != events:
        raise SystemExit(f"{make.__name__} delivered {seen} of {events} events")
    return events / elapsed


async def run(events: int, rounds: int) -> dict[str, float]:
    data = traffic(events)
    best = {"ours": 0.0, "panoramisk": 0.0}
    for _ in range(rounds):
        best["ours"] = max(best["ours"], await events_per_second(ours, data, events))
        best["panoramisk"] = max(best["panoramisk"], await events_per_second(plain, data, events))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=60_000, help="events in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    best = asyncio.run(run(options.events, options.rounds))
    ratio = best["ours"] / best["panoramisk"]
    if options.json:
        print(
            json.dumps(
                {f"{name}_events_per_s": round(rate) for name, rate in best.items()} | {"ratio": round(ratio, 2)}
            )
        )
        return
    for name, rate in best.items():
        print(f"{name:12} {rate:10,.0f} events/s")
    print(f"{'ratio':12} {ratio:10.2f}")


if __name__ == "__main__":
    main()
