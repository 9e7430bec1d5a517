"""Fields that were compiled as constants."""

from typing import Any, NamedTuple

import numpy
import pytest
from numba import njit

from simulations.kernel.machine.layout import CLOCK, PLAIN
from simulations.kernel.machine.structure import described, world_at


class Clocks(NamedTuple):
    clock: Any


@njit
def read_plain(arrays: Any, table: Any) -> Any:
    return world_at(arrays, table, True).clock[0].trunks


@njit
def read(arrays: Any, table: Any) -> Any:
    return world_at(arrays, table, False).clock[0].trunks


@njit
def write_plain(arrays: Any, table: Any, trunks: int) -> Any:
    clock = world_at(arrays, table, True).clock[0]
    clock.trunks = trunks
    clock.now += 1


@pytest.fixture
def clocks() -> Clocks:
    return Clocks(numpy.zeros(1, dtype=CLOCK))


def test_reading_gives_the_constant_in_plain_worlds_only(clocks: Clocks) -> None:
    clocks.clock["trunks"] = 3
    assert (read_plain(clocks, described(clocks)), read(clocks, described(clocks))) == (PLAIN["clock"]["trunks"], 3)


def test_writing_anything_else_is_an_error_that_names_the_field(clocks: Clocks) -> None:
    write_plain(clocks, described(clocks), 0)
    with pytest.raises(AssertionError, match=r"clock\.trunks changes, but was compiled as 0"):
        write_plain(clocks, described(clocks), 1)
    assert clocks.clock["now"] == 1
