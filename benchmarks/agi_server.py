"""How fast the FastAGI server turns a reply into the next command, under many calls at once.

Another process plays the Asterisks: it brings calls over loopback, answers every command at once, and measures the time
from each reply it sends to the next command it gets. First as many calls as are given, each as fast as it goes. Then
calls that begin at a steady rate, as in life: the response times. Beside it, in the same run, plain panoramisk 1.4 with
the same calls. What the peer itself needs counts too, so the times are upper bounds; the processor time is the server's
own, and a million over it is what one core could do.

    python benchmarks/agi_server.py [--calls 200] [--commands 50] [--rate 60] [--seconds 10] [--json]
"""

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from panoramisk.fast_agi import Application, Request

from ivr.agi import codec
from ivr.agi.server import AgiChannel, AgiServer

COMMANDS_OF_A_CALL = 8  # of the steady calls
REPLIES = {"STREAM": b"200 result=0 endpos=8000\n", "GET": b"200 result=1 (OK:1)\n"}


def headers(number: int) -> bytes:
    """The header block of one call."""
    return (
        "agi_network: yes\nagi_network_script: call\nagi_request: agi://127.0.0.1/call\n"
        f"agi_channel: PJSIP/trunk-{number:08x}\nagi_language: en\nagi_type: PJSIP\nagi_uniqueid: 1700000000.{number}\n"
        "agi_version: 22.10.1\nagi_callerid: 5551234\nagi_calleridname: unknown\nagi_callingpres: 0\n"
        "agi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\nagi_dnid: 100\nagi_rdnis: unknown\n"
        "agi_context: sb-call\nagi_extension: s\nagi_priority: 3\nagi_enhanced: 0.0\nagi_accountcode: \n"
        f"agi_threadid: 140000000000000\nagi_arg_1: 1700000000.{number}\n\n"
    ).encode()


async def one_call(port: int, number: int, response_s: list[float]) -> int:
    """Bring one call and answer its commands; returns how many there were."""
    clock = time.perf_counter
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    sent = clock()
    writer.write(headers(number))
    while line := await reader.readline():
        if count:  # the first command also waits for the connection
            response_s.append(clock() - sent)
        count += 1
        sent = clock()
        writer.write(REPLIES.get(line.split(b" ", 1)[0].decode(), b"200 result=1\n"))
    writer.close()
    return count


async def peer(port: int, calls: int, rate: float) -> dict[str, float]:
    """`calls` calls, all at once or `rate` of them a second."""
    response_s: list[float] = []
    began = time.perf_counter()
    tasks = []
    for number in range(calls):
        if rate and (pause_s := began + number / rate - time.perf_counter()) > 0:
            await asyncio.sleep(pause_s)
        tasks.append(asyncio.create_task(one_call(port, number, response_s)))
    commands = sum(await asyncio.gather(*tasks))
    took_s = time.perf_counter() - began
    p50, p99, worst = np.quantile(response_s, (0.5, 0.99, 1.0)) * 1_000
    return {"commands": commands, "commands_per_s": commands / took_s, "p50_ms": p50, "p99_ms": p99, "max_ms": worst}


def peer_process(pipe: Connection) -> None:
    while (order := pipe.recv()) is not None:
        pipe.send(asyncio.run(peer(*order)))


@asynccontextmanager
async def switchboard(commands: int) -> AsyncIterator[int]:
    async def handler(channel: AgiChannel) -> None:
        for number in range(commands):
            await channel.send(codec.stream_file("sb/menu", "12") if number % 2 else codec.get_variable("SB_TRIES"))

    server = AgiServer("127.0.0.1", 0, {"call": handler}, max_connections=10_000)
    await server.start()
    yield server.port
    await server.stop()
    if server.stats:
        raise SystemExit(f"the server refused calls: {dict(server.stats)}")


@asynccontextmanager
async def plain_panoramisk(commands: int) -> AsyncIterator[int]:
    async def handler(request: Request) -> None:
        for number in range(commands):
            await request.send_command('STREAM FILE "sb/menu" "12"' if number % 2 else "GET VARIABLE SB_TRIES")

    application = Application(loop=asyncio.get_running_loop())
    application.add_route("call", handler)
    server = await asyncio.start_server(application.handler, "127.0.0.1", 0, backlog=1_024)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def measure(
    serve: Callable[[int], Any], pipe: Connection, calls: int, commands: int, rate: float
) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    async with serve(commands) as port:
        cpu_s, began = time.process_time(), time.perf_counter()
        pipe.send((port, calls, rate))
        figures = await loop.run_in_executor(None, pipe.recv)
        cpu_s, took_s = time.process_time() - cpu_s, time.perf_counter() - began
    return {**figures, "cpu_share": cpu_s / took_s, "cpu_us_per_command": cpu_s / figures["commands"] * 1e6}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=200, help="calls at once, for the capacity")
    parser.add_argument("--commands", type=int, default=50, help="commands of each of them")
    parser.add_argument("--rate", type=float, default=60, help="steady calls a second, for the response times")
    parser.add_argument("--seconds", type=float, default=10, help="for so long")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=peer_process, args=(theirs,))
    process.start()
    results: dict[str, dict[str, float]] = {}
    for name, serve in (("this server", switchboard), ("plain panoramisk", plain_panoramisk)):
        results[f"{name}, {options.calls} calls at once"] = await measure(
            serve, ours, options.calls, options.commands, 0
        )
        steady = round(options.rate * options.seconds)
        results[f"{name}, {options.rate:g} calls/s"] = await measure(
            serve, ours, steady, COMMANDS_OF_A_CALL, options.rate
        )
    ours.send(None)
    process.join()

    if options.json:
        print(json.dumps(results, indent=2))
        return
    print(f"{'':40} commands/s   p50 ms   p99 ms   max ms   CPU  CPU us/command")
    for name, got in results.items():
        print(
            f"{name:40} {got['commands_per_s']:10,.0f} {got['p50_ms']:8.2f} {got['p99_ms']:8.2f}"
            f" {got['max_ms']:8.2f} {got['cpu_share']:5.0%} {got['cpu_us_per_command']:15.0f}"
        )


if __name__ == "__main__":
    asyncio.run(main())
