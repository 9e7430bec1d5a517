"""Customers' PINs: what is kept, and who is locked when."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from ivr.flow.effects import LookUp, Query, Verify
from ivr.flow.inputs import EffectFailed, Input, LookedUp, LookupFailed, Verified
from switchboard.customer_pins import FILE_NAME, Pins
from switchboard.verifying import Verifier

MINUTE_MS = 60_000
RIGHT, WRONG, LOCKED = Verified("right"), Verified("wrong"), Verified("locked")


class Desk:
    """PINs in a directory, a clock, and a source that answers as it is told."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now_ms = 1_000_000
        self.answer: Input = LookedUp(200)
        self.asked: list[LookUp | Query] = []
        self.pins = Pins(directory)

    async def tries(self, pin: str, who: str = "c-7", check: LookUp | None = None) -> Input:
        """What a caller hears of this PIN, in a call of its own and of an engine that has just started."""

        async def look_up(effect: LookUp | Query) -> Input:
            self.asked.append(effect)
            return self.answer

        verifier = Verifier(Pins(self.directory), look_up, lambda: self.now_ms)
        return await verifier.check(Verify(who, pin, check, attempts=3, lockout_ms=30 * MINUTE_MS))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.pins.set("c-7", "4711")
    return made


async def test_the_right_pin_is_right_and_others_are_wrong(desk: Desk) -> None:
    assert [await desk.tries(pin) for pin in ("4711", "4712", "471", "")] == [RIGHT, WRONG, WRONG, LOCKED]


async def test_three_wrong_pins_in_a_row_lock_the_customer_over_calls_and_restarts(desk: Desk) -> None:
    assert [await desk.tries("0000") for _ in range(3)] == [WRONG, WRONG, LOCKED]
    assert await desk.tries("4711") == LOCKED, "also the right one is not looked at"
    desk.now_ms += 30 * MINUTE_MS
    assert await desk.tries("4711") == RIGHT


async def test_after_the_lockout_all_attempts_are_there_again(desk: Desk) -> None:
    for _ in range(3):
        await desk.tries("0000")
    desk.now_ms += 31 * MINUTE_MS
    assert [await desk.tries("0000") for _ in range(3)] == [WRONG, WRONG, LOCKED]


async def test_a_right_pin_forgives_the_wrong_ones_before_it(desk: Desk) -> None:
    for _ in range(3):
        assert [await desk.tries("0000"), await desk.tries("0000"), await desk.tries("4711")] == [WRONG, WRONG, RIGHT]


async def test_customers_are_locked_each_by_themselves(desk: Desk) -> None:
    for _ in range(3):
        await desk.tries("0000", who="someone else")
    assert await desk.tries("0000", who="someone else") == LOCKED
    assert await desk.tries("4711") == RIGHT


async def test_calls_at_the_same_time_have_no_more_attempts_together(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.tries(f"{pin:04}") for pin in range(12)))
    assert answers.count(WRONG) <= 2
    assert answers.count(LOCKED) >= 10


async def test_an_admin_unlocks_and_forgets(desk: Desk) -> None:
    for _ in range(3):
        await desk.tries("0000")
    assert desk.pins.unlock("c-7")
    assert await desk.tries("4711") == RIGHT
    assert not desk.pins.unlock("c-7")
    assert desk.pins.remove("c-7")
    assert await desk.tries("4711") == WRONG
    assert not desk.pins.remove("c-7")


CHECK = LookUp("https://crm.example/check", "POST", body={"pin": "1"}, sensitive=True)


@pytest.mark.parametrize(
    ("answer", "verified"),
    [
        (LookedUp(200, {"anything": 1}), RIGHT),
        (LookedUp(204), WRONG),
        (LookedUp(401), WRONG),
        (LookedUp(403), WRONG),
        (LookedUp(404), WRONG),
        (LookedUp(500), None),
        (LookedUp(302), None),
        (LookupFailed("timeout"), None),
        (LookupFailed("refused"), None),
    ],
)
async def test_another_source_may_know_the_pin(desk: Desk, answer: Input, verified: Input | None) -> None:
    desk.answer = answer
    said = await desk.tries("9999", check=CHECK)
    assert said == verified if verified else isinstance(said, EffectFailed)
    assert desk.asked == [CHECK]


async def test_what_nobody_could_check_is_no_attempt(desk: Desk) -> None:
    desk.answer = LookupFailed("timeout")
    for _ in range(5):
        assert isinstance(await desk.tries("9999", check=CHECK), EffectFailed)
    desk.answer = LookedUp(403)
    assert [await desk.tries("9999", check=CHECK) for _ in range(3)] == [WRONG, WRONG, LOCKED]
    assert len(desk.asked) == 8


async def test_nothing_in_the_file_or_the_log_says_who_or_what(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.pins.set("customer-90210", "86420975")
    for _ in range(4):
        await desk.tries("13579246", who="customer-90210")
    files = b"".join(path.read_bytes() for path in desk.directory.iterdir())
    for text in ("customer-90210", "86420975", "13579246"):
        assert text.encode() not in files
        assert text not in caplog.text
    assert (desk.directory / FILE_NAME).stat().st_mode & 0o077 == 0


async def test_a_file_that_cannot_be_used_is_the_admins_affair(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    (desk.directory / FILE_NAME).write_bytes(b"not a database, and long enough to be looked at" * 10)
    assert isinstance(await desk.tries("4711"), EffectFailed)
    assert "the customers' PINs cannot be used" in caplog.text


@pytest.mark.parametrize("pin", ["", "123", "1234567890123", "12a4", "١٢٣٤"])
def test_a_pin_is_digits(desk: Desk, pin: str) -> None:
    with pytest.raises(ValueError, match="4 to 12 digits"):
        desk.pins.set("c-8", pin)
    with sqlite3.connect(desk.directory / FILE_NAME) as connection:
        assert connection.execute("select count(*) from pins").fetchone() == (1,)
