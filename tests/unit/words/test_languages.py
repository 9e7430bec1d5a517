"""Every language says every kind of value, and has a recording for each piece of what it says."""

from decimal import Decimal
from typing import get_args

import pytest

from asterisk_conf.root import SetupError, find_or_build
from ivr.words import What
from ivr.words.currencies import DECIMALS, amount_text
from ivr.words.language import Unspeakable, asterisk_sounds, language, languages, words

LANGUAGES = languages()


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_language_has_examples_of_every_kind_of_value(tag: str) -> None:
    assert {what for what, _, _ in LANGUAGES[tag].examples} == set(get_args(What))


@pytest.mark.parametrize(
    ("tag", "what", "value", "said"),
    [(tag, *example) for tag, kind in LANGUAGES.items() for example in kind.examples],
    ids=str,
)
def test_the_examples_are_said_so(tag: str, what: What, value: str, said: str) -> None:
    assert words(what, value, tag) == said


@pytest.mark.parametrize("tag", LANGUAGES)
@pytest.mark.parametrize("currency", DECIMALS)
def test_every_currency_is_said_in_pieces(tag: str, currency: str) -> None:
    known = LANGUAGES[tag]()
    for amount in ("0", "1", "2.01", "21.99", "1000000"):
        said = known.words("money", amount_text(Decimal(amount), currency))
        assert known.split(said), said


@pytest.mark.parametrize("tag", [tag for tag, kind in LANGUAGES.items() if kind.sounds])
def test_asterisks_sounds_are_of_pieces_and_there(tag: str) -> None:
    known = LANGUAGES[tag]()
    assert known.sounds.keys() <= known.pieces
    try:
        directory = find_or_build().sounds(tag)
    except SetupError as error:
        pytest.skip(str(error))
    assert directory is not None
    assert not [sound for sound in known.sounds.values() if not (directory / f"{sound}.wav").is_file()]


@pytest.mark.parametrize("tag", [tag for tag, kind in LANGUAGES.items() if kind.sounds])
def test_asterisk_has_a_sound_for_every_number(tag: str) -> None:
    sounds = set(LANGUAGES[tag].sounds.values())
    for number in (*range(2_001), 99_999, 100_000, 123_456_789, 999_999_999):
        found = asterisk_sounds("number", str(number), tag)
        assert found, number
        assert set(found) <= sounds


@pytest.mark.parametrize(
    ("tag", "what", "value", "said"),
    [
        ("en-GB", "number", "1101", "one thousand one hundred and one"),
        ("en_US", "number", "1101", "one thousand one hundred one"),
        ("es-MX", "number", "1.5", "uno punto cinco"),
        ("es_ES", "number", "1.5", "uno coma cinco"),
        ("zh-TW", "digits", "10", "一 零"),
        ("zh-Hans-CN", "digits", "10", "幺 零"),
        ("ZH", "number", "10", "十"),
        ("de", "number", "10", None),
        ("", "number", "10", None),
    ],
)
def test_regions_differ(tag: str, what: What, value: str, said: str | None) -> None:
    assert words(what, value, tag) == said
    assert (language(tag) is None) == (said is None)


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("digits", ""),
        ("digits", "12a"),
        ("digits", "１２"),  # other digits than 0 to 9
        ("number", "1e5"),
        ("number", "1" * 16),
        ("number", "--1"),
        ("number", "١"),
        ("date", "tomorrow"),
        ("time", "25:00"),
        ("datetime", ""),
        ("money", "12.50"),
        ("money", "12.5 EUR"),
        ("money", "12.50 XYZ"),
        ("money", "12.50 JPY"),
        ("money", "12.50 eur"),
    ],
)
@pytest.mark.parametrize("tag", LANGUAGES)
def test_what_is_no_value_is_refused_with_what_it_was(tag: str, what: What, value: str) -> None:
    with pytest.raises(Unspeakable, match="is no"):
        words(what, value, tag)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("12.5", "EUR", "12.50 EUR"),
        ("12.345", "EUR", "12.35 EUR"),
        ("-0.004", "EUR", "0.00 EUR"),
        ("-0.005", "EUR", "-0.01 EUR"),
        ("1200.5", "JPY", "1201 JPY"),
    ],
)
def test_amounts_are_rounded_to_what_the_currency_counts(amount: str, currency: str, text: str) -> None:
    assert amount_text(Decimal(amount), currency) == text
