from collections.abc import Iterable

import pytest

from ivr.agi.codec import CommandError
from ivr.agi.spoken import Part, parts, sound
from ivr.flow.effects import Prompt, Say, Spoken


def shown(found: Iterable[Part]) -> list[str]:
    return ["&".join(part) if isinstance(part, tuple) else part("#").line for part in found]


def prompt(*sounds: str) -> Prompt:
    return Prompt("p", "text", sounds)


@pytest.mark.parametrize(
    ("spoken", "language", "expected"),
    [
        ((), "en", []),
        ((prompt(),), "en", []),
        ((prompt("vm-press"), prompt("centre:menu/a.b", "x")), "en", ["vm-press&sb/menu/a.b&x"]),
        ((Say("digits", "10*#"),), "en", ["digits/1&digits/0&digits/star&digits/pound"]),
        ((prompt("a"), Say("digits", "1"), prompt("b")), "es", ["a&digits/1&b"]),
        ((prompt("a"), Say("number", "21"), prompt("b")), "en", ["a&digits/20&digits/1&b"]),
        ((Say("number", "-3"),), "en", ["digits/minus&digits/3"]),
        ((Say("number", "100000"),), "es", ["digits/hundred&digits/thousand"]),
        ((Say("number", "0.05"),), "en", ["digits/0&letters/dot&digits/0&digits/5"]),
        (
            (Say("date", "2026-10-02T12:00:00+02:00"),),
            "en",
            ["digits/day-5&digits/mon-9&digits/h-2&digits/20&digits/20&digits/6"],
        ),
        ((Say("time", "2026-10-02T17:30:00+02:00"),), "en-US", ["digits/5&digits/30&digits/p-m"]),
        ((Say("number", "101"),), "en-GB", ['SAY NUMBER 101 "#"']),  # the sounds have no "and"
        ((prompt("a"), Say("number", "21"), prompt("b")), "fr", ["a", 'SAY NUMBER 21 "#"', "b"]),
        ((Say("number", "-3"),), "fr", ["digits/minus", 'SAY NUMBER 3 "#"']),
        ((Say("number", "2147483647"),), "fr", ['SAY NUMBER 2147483647 "#"']),
        ((Say("number", "2147483648"),), "fr", ["&".join(f"digits/{digit}" for digit in "2147483648")]),
        ((Say("number", "0.05"),), "fr", ['SAY NUMBER 0 "#"', "letters/dot&digits/0&digits/5"]),
        ((Say("date", "2026-10-02T12:00:00+02:00"),), "fr", ['SAY DATETIME 1790942400 "#" "AdBY" "UTC"']),
        ((Say("money", "12.50 EUR"),), "en", ["digits/12&letters/dot&digits/5&digits/0"]),
        ((Say("money", "12.50 EUR"),), "fr", ['SAY NUMBER 12 "#"', "letters/dot&digits/5&digits/0"]),
        ((Say("time", "2026-10-02T17:30:00-05:00"),), "es", ['SAY DATETIME 1790962200 "#" "HM" "UTC"']),
        (
            (Say("datetime", "2026-10-02T17:30:00+02:00"),),
            "de_CH",
            ['SAY DATETIME 1790962200 "#" "AdBY \'digits/at\' HM" "UTC"'],
        ),
    ],
)
def test_what_is_spoken_becomes_runs_and_say_commands(
    spoken: tuple[Spoken, ...], language: str, expected: list[str]
) -> None:
    assert shown(parts(spoken, language)) == expected


def test_a_run_too_long_for_one_command_is_split() -> None:
    found = parts((Say("digits", "7" * 1_000),), "en")
    assert sum(len(part) for part in found if isinstance(part, tuple)) == 1_000
    assert all(len(line) <= 4_000 for line in shown(found))
    assert len(found) == 3


@pytest.mark.parametrize(
    "name",
    [
        "../etc/passwd",
        "/etc/passwd",
        "centre:../x",
        "centre:/x",
        "centre:a/../b",
        "a/./b",
        "a//b",
        "a/",
        ".hidden",
        "a&b",
        "a,b",
        "a b",
        'a"b',
        "a\nb",
        "a)",
        "${X}",
        "http://x",
        "recording:x",
        "ünlaut",
        "",
        "centre:",
        "x" * 201,
    ],
)
def test_a_sound_that_leaves_its_directory_or_has_odd_characters_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match="not the name of a sound"):
        sound(name)


@pytest.mark.parametrize(
    "item", [Say("digits", "12a"), Say("number", "1e5"), Say("number", ""), Say("date", "tomorrow"), Say("time", "")]
)
def test_a_value_that_cannot_be_said_is_an_error(item: Say) -> None:
    with pytest.raises(CommandError):
        parts((item,), "en")
