"""The least that the simulations of `benchmarks.kernel` can be, compiled by numba."""

from typing import Any

import numpy
from numba import njit

from benchmarks.peers.cases import (
    A_AGENTS,
    A_PATIENCE,
    A_PER_MINUTE,
    A_SERVICE,
    B_AGENTS,
    B_KINDS,
    B_PER_MINUTE,
    B_SERVICE,
    Run,
)


@njit(cache=True)
def _bare_a(calls: int, seed: int) -> int:  # pragma: no cover - compiled
    numpy.random.seed(seed)
    free = numpy.zeros(A_AGENTS)
    now, waited = 0.0, 0
    for _ in range(calls):
        now += numpy.random.exponential(1 / A_PER_MINUTE)
        begin = free[0]
        if begin > now:
            waited += 1
            if begin - now > numpy.random.exponential(A_PATIENCE):
                continue
        else:
            begin = now
        end = begin + numpy.random.exponential(A_SERVICE)
        place = 0
        while True:
            child = 2 * place + 1
            if child >= A_AGENTS:
                break
            if child + 1 < A_AGENTS and free[child + 1] < free[child]:
                child += 1
            if free[child] >= end:
                break
            free[place] = free[child]
            place = child
        free[place] = end
    return waited


@njit(cache=True)
def _bare_b(calls: int, seed: int, pairs: Any, queue_size: int) -> int:  # pragma: no cover - compiled
    numpy.random.seed(seed)
    count = len(pairs)
    idle_since = numpy.zeros(count)
    idle = numpy.ones(count, dtype=numpy.bool_)
    lines = numpy.zeros((B_KINDS, queue_size))
    head = numpy.zeros(B_KINDS, dtype=numpy.int64)
    tail = numpy.zeros(B_KINDS, dtype=numpy.int64)
    free_count = count
    ends, who = numpy.zeros(count + 1), numpy.zeros(count + 1, dtype=numpy.int64)
    busy, waited, done = 0, 0, 0
    arrival = numpy.random.exponential(1 / B_PER_MINUTE)
    while done < calls:
        agent, now = -1, arrival
        if busy and ends[0] < arrival:
            agent, now = who[0], ends[0]
            busy -= 1
            end, last = ends[busy], who[busy]
            place = 0
            while True:
                child = 2 * place + 1
                if child >= busy:
                    break
                if child + 1 < busy and ends[child + 1] < ends[child]:
                    child += 1
                if ends[child] >= end:
                    break
                ends[place], who[place] = ends[child], who[child]
                place = child
            ends[place], who[place] = end, last
            kind = pairs[agent, 0]
            if head[kind] == tail[kind]:
                kind = pairs[agent, 1]
            if head[kind] == tail[kind]:
                idle[agent], idle_since[agent] = True, now
                free_count += 1
                continue
            head[kind] += 1
        else:
            done += 1
            arrival = now + numpy.random.exponential(1 / B_PER_MINUTE)
            kind = numpy.random.randint(0, B_KINDS)
            if free_count:
                for level in range(2):
                    longest = numpy.inf
                    for other in range(count):
                        if idle[other] and pairs[other, level] == kind and idle_since[other] < longest:
                            agent, longest = other, idle_since[other]
                    if agent >= 0:
                        break
            if agent < 0:
                waited += 1
                lines[kind, tail[kind] % queue_size] = now
                tail[kind] += 1
                continue
            idle[agent] = False
            free_count -= 1
        end = now + numpy.random.exponential(B_SERVICE)
        place = busy
        busy += 1
        while place and ends[(place - 1) // 2] > end:
            ends[place], who[place] = ends[(place - 1) // 2], who[(place - 1) // 2]
            place = (place - 1) // 2
        ends[place], who[place] = end, agent
    return waited


def bare_a(calls: int) -> Run:
    return lambda number: (_bare_a(calls, number) / calls, calls)


def bare_b(calls: int) -> Run:
    pairs = numpy.array(B_AGENTS)
    return lambda number: (_bare_b(calls, number, pairs, 4096) / calls, calls)
