"""`switchboard pin set`, `unlock` and `remove`: customers' PINs, beside a running engine."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from switchboard.cli.check import pin
from switchboard.customer_pins import Pins


def run(*arguments: str, typed: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(pin, arguments, input=typed)
    return result.exit_code, result.output


def test_a_pin_is_asked_for_set_and_forgotten(tmp_path: Path) -> None:
    engine = ("--engine", str(tmp_path))
    code, said = run("set", "c-7", *engine, typed="4711\n4711\n")
    assert (code, "4711" in said, said.splitlines()[-1]) == (0, False, "The PIN is set.")
    assert Pins(tmp_path).is_right("c-7", "4711")
    assert run("remove", "c-7", *engine) == (0, "The PIN is forgotten.\n")
    assert run("remove", "c-7", *engine)[0] == 1


def test_who_is_locked_is_unlocked(tmp_path: Path) -> None:
    pins = Pins(tmp_path)
    pins.tries("c-7", 1, 60_000, 1)
    assert pins.locked("c-7", 2)
    assert run("unlock", "c-7", "--engine", str(tmp_path)) == (0, "The customer may try again.\n")
    assert not pins.locked("c-7", 2)
    assert run("unlock", "c-7", "--engine", str(tmp_path))[0] == 1


@pytest.mark.parametrize(("arguments", "said"), [(("set", "c-7", "--pin", "12"), "4 to 12 digits")])
def test_what_is_no_pin_is_refused(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    code, output = run(*arguments, "--engine", str(tmp_path))
    assert (code, said in output) == (2, True)


def test_an_engine_that_is_not_there(tmp_path: Path) -> None:
    code, output = run("unlock", "c-7", "--engine", str(tmp_path / "nowhere"))
    assert (code, "there is no such directory" in output) == (2, True)
