"""Values in words, read back: by parsers that know nothing of how the words were made."""

import re
from datetime import UTC, datetime
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from unicode_rbnf import RbnfEngine

from ivr.words.currencies import DECIMALS
from ivr.words.language import languages, listed, words
from ivr.words.languages import es

ZH_DIGITS: Final = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
CLDR: Final = RbnfEngine.for_language("zh")
ZH_POWERS: Final = {"十": 10, "百": 100, "千": 1_000}
NUMBERS = st.one_of(
    st.integers(0, 10**15 - 1),
    st.integers(0, 10**9),
    st.integers(0, 100_000),
    st.builds(
        lambda digit, power, rest: digit * 10**power + rest, st.integers(1, 9), st.integers(1, 14), st.integers(0, 120)
    ),
)


def spoken(what: str, value: str, tag: str) -> str:
    said = words(what, value, tag)  # type: ignore[arg-type]
    assert said
    return said


def chinese_value(text: str) -> int:
    """Reads a Chinese number. Groups of four digits, each read apart; 亿 and 万 move what stands before them."""
    for sign, power in (("亿", 10**8), ("万", 10**4)):
        if sign in text:
            before, _, behind = text.rpartition(sign)
            return chinese_value(before) * power + (chinese_value(behind.removeprefix("零")) if behind else 0)
    total, digit = 0, None
    for character in text:
        if character in ZH_POWERS:
            total += (1 if digit is None else digit) * ZH_POWERS[character]
            digit = None
        else:
            digit = ZH_DIGITS[character]
    return total + (digit or 0)


@settings(max_examples=1_500, deadline=None)
@given(NUMBERS)
@example(10**12)
@example(10**12 + 10**7)
@example(10**9 + 1)
def test_chinese_numbers_are_read_back(number: int) -> None:
    said = spoken("number", str(number), "zh")
    assert chinese_value(said) == number
    assert "零零" not in said
    assert number == 0 or not said.endswith("零")
    if 2 < number < 10**8:
        assert said == CLDR.format_number(number, ruleset_names=["spellout-cardinal-alternate2"]).text


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (100_010_000, "一亿零一万"),
        (1_010_000_000, "十亿一千万"),
        (100_001_000, "一亿零一千"),
        (200_020_002, "两亿零两万零二"),
        (10**12 + 10**7, "一万亿零一千万"),
        (220_000_000, "两亿两千万"),
    ],
)
def test_chinese_gaps(number: int, said: str) -> None:
    assert words("number", str(number), "zh") == said


@settings(max_examples=500, deadline=None)
@given(NUMBERS.map(lambda n: n % 10**12))
@example(21_021_021)
@example(100_100_100)
@example(10**9)
def test_spanish_numbers_are_read_back_and_agree_with_what_they_count(number: int) -> None:
    alone = spoken("number", str(number), "es")
    assert spanish_value(alone) == number
    euros, pounds = (spoken("money", f"{number}.00 {currency}", "es") for currency in ("EUR", "GBP"))
    assert spanish_value(re.sub(" (de )?euros?$", "", euros)) == number
    assert spanish_value(re.sub(" (de )?libras?$", "", pounds)) == number
    assert not re.search(r"uno\b", euros), "before a noun uno loses its end"
    assert not re.search(r"(^|mill[oó]n(es)? )un mil\b|uno mil\b", alone), "a thousand is mil, and 21,000 veintiún mil"
    assert euros.endswith("de euros") == (number > 0 and number % 10**6 == 0)
    if number % 10 == 1 and number % 100 != 11:
        assert re.search(r"(\bun|veintiún) euros?$", euros)
        assert re.search(r"(\buna|veintiuna) libras?$", pounds)
    if number % 1_000 >= 200:
        assert "cientas" in pounds or "quinientas" in pounds
    assert "as millones" not in pounds, "millions are masculine, whatever is counted"


SPANISH: Final = {
    **{word: n for n, word in enumerate(es._UP_TO_29)},
    **{word: 10 * n for n, word in enumerate(es._TENS, 3)},
    **{word: 100 * n for n, word in enumerate(es._HUNDREDS, 2)},
    **{word[:-2] + "as": 100 * n for n, word in enumerate(es._HUNDREDS, 2)},
    **{"un": 1, "una": 1, "veintiún": 21, "veintiuna": 21, "cien": 100, "ciento": 100},
}


def spanish_value(text: str) -> int:
    """Reads a Spanish number below 10^12."""
    total = thousands = below = 0
    for word in text.split():
        if word in ("millón", "millones"):
            total += (thousands + below) * 10**6
            thousands = below = 0
        elif word == "mil":
            thousands, below = (below or 1) * 1_000, 0
        elif word != "y":
            below += SPANISH[word]
    return total + thousands + below


ENGLISH: Final = {
    **{
        word: n
        for n, word in enumerate(
            listed(
                "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
                "seventeen eighteen nineteen"
            )
        )
    },
    **{word: 10 * n for n, word in enumerate(listed("twenty thirty forty fifty sixty seventy eighty ninety"), 2)},
}


@settings(max_examples=500, deadline=None)
@given(NUMBERS, st.sampled_from(["en", "en-GB"]))
def test_english_numbers_are_read_back(number: int, tag: str) -> None:
    total = below = 0
    for word in re.split("[ -]", spoken("number", str(number), tag).replace(",", "")):
        match word:
            case "hundred":
                below *= 100
            case "thousand" | "million" | "billion" | "trillion":
                total += below * 1_000 ** (("thousand", "million", "billion", "trillion").index(word) + 1)
                below = 0
            case "and":
                assert tag == "en-GB"
            case _:
                below += ENGLISH[word]
    assert total + below == number


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(list(languages())),
    st.one_of(
        st.tuples(st.just("number"), st.from_regex(r"-?[0-9]{1,15}(\.[0-9]{1,6})?", fullmatch=True)),
        st.tuples(st.just("digits"), st.from_regex(r"[0-9*#]{1,60}", fullmatch=True)),
        st.tuples(
            st.sampled_from(["date", "time", "datetime"]),
            st.datetimes(datetime(1900, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)).map(datetime.isoformat),
        ),
        st.builds(
            lambda units, cents, code: ("money", f"{units}.{cents:02} {code}" if DECIMALS[code] else f"{units} {code}"),
            st.integers(-(10**12), 10**12),
            st.integers(0, 99),
            st.sampled_from(sorted(DECIMALS)),
        ),
    ),
)
def test_whatever_is_said_is_made_of_pieces_that_can_be_recorded(tag: str, value: tuple[str, str]) -> None:
    known = languages()[tag]()
    said = known.words(*value)  # type: ignore[arg-type]
    pieces = known.split(said)
    assert set(pieces) <= known.pieces
    assert re.sub(r"[\s,，-]", "", said) == re.sub(r"[\s-]", "", "".join(pieces)), "nothing is left out"
    assert not re.search(r"[0-9]", said), "no figures are left for the voice to guess at"


@pytest.mark.parametrize("tag", languages())
@given(hour=st.integers(0, 23), minute=st.integers(0, 59))
@settings(max_examples=200, deadline=None)
def test_no_two_minutes_of_a_day_sound_alike(tag: str, hour: int, minute: int) -> None:
    said = {spoken("time", f"2026-10-02T{hour:02}:{minute:02}:00", tag)}
    other = f"2026-10-02T{(hour + 12) % 24:02}:{minute:02}:00"
    assert spoken("time", other, tag) not in said
