from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import ClassVar, Final

from ivr.words import What
from ivr.words.language import Language, listed

_MONTHS: Final = listed("January February March April May June July August September October November December")
_WEEKDAYS: Final = listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_DIGITS: Final = dict(
    zip("0123456789*#", listed("zero one two three four five six seven eight nine star pound"), strict=True)
)
_ORDINALS: Final = listed(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth thirtieth"
)

# One unit, several; one hundredth of it, several.
CURRENCIES: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "ARS": ("peso", "pesos", "centavo", "centavos"),
    "AUD": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "BRL": ("real", "reais", "centavo", "centavos"),
    "CAD": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
    "CLP": ("peso", "pesos", "", ""),
    "CNY": ("yuan", "yuan", "fen", "fen"),
    "COP": ("peso", "pesos", "centavo", "centavos"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "HKD": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "INR": ("rupee", "rupees", "paisa", "paise"),
    "JPY": ("yen", "yen", "", ""),
    "MXN": ("peso", "pesos", "centavo", "centavos"),
    "NZD": ("New Zealand dollar", "New Zealand dollars", "cent", "cents"),
    "PEN": ("sol", "soles", "centimo", "centimos"),
    "SGD": ("Singapore dollar", "Singapore dollars", "cent", "cents"),
    "TWD": ("Taiwan dollar", "Taiwan dollars", "cent", "cents"),
    "USD": ("dollar", "dollars", "cent", "cents"),
}


class English(Language):
    """English: a hundred *and* one everywhere but in North America, a billion is 10^9, the clock has twelve hours."""

    tag = "en"
    examples: ClassVar[tuple[tuple[What, str, str], ...]] = (
        ("digits", "407*#", "four zero seven star pound"),
        ("number", "0", "zero"),
        ("number", "-1250.05", "minus one thousand two hundred fifty point zero five"),
        ("number", "1000001", "one million one"),
        ("date", "2026-10-02T12:00:00+02:00", "Friday, October second, twenty twenty-six"),
        ("date", "2005-01-31T12:00:00+00:00", "Monday, January thirty-first, two thousand five"),
        ("time", "2026-10-02T17:30:00+02:00", "five thirty p.m."),
        ("time", "2026-10-02T00:05:00+02:00", "twelve oh five a.m."),
        ("time", "2026-10-02T09:00:00+02:00", "nine a.m."),
        ("datetime", "2026-10-02T17:30:00+02:00", "Friday, October second, twenty twenty-six at five thirty p.m."),
        ("money", "1.01 USD", "one dollar and one cent"),
        ("money", "-12.50 GBP", "minus twelve pounds and fifty pence"),
        ("money", "0.99 EUR", "ninety-nine cents"),
        ("money", "1200 JPY", "one thousand two hundred yen"),
    )
    sounds: ClassVar[Mapping[str, str]] = {
        **{word: f"digits/{digit}" for digit, word in _DIGITS.items() if digit.isdigit()},
        **{"star": "digits/star", "pound": "digits/pound", "minus": "digits/minus", "point": "letters/dot"},
        **{"oh": "digits/oh", "a.m.": "digits/a-m", "p.m.": "digits/p-m", "at": "digits/at"},
        **{word: f"digits/{word}" for word in ("hundred", "thousand", "million", "billion", "dollars")},
        **{
            word: f"digits/{10 + n}"
            for n, word in enumerate(
                listed("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
            )
        },
        **{
            word: f"digits/{10 * n}"
            for n, word in enumerate(listed("twenty thirty forty fifty sixty seventy eighty ninety"), 2)
        },
        **{word: f"digits/h-{n}" for n, word in enumerate(_ORDINALS[:20], 1)},
        "thirtieth": "digits/h-30",
        **{month: f"digits/mon-{n}" for n, month in enumerate(_MONTHS)},
        **{day: f"digits/day-{(n + 1) % 7}" for n, day in enumerate(_WEEKDAYS)},
    }

    @property
    def _rules(self) -> str:
        return "spellout-cardinal" if self.region in ("", "US", "CA", "PH") else "spellout-cardinal-verbose"

    def digits(self, value: str) -> str:
        return " ".join(_DIGITS[digit] for digit in value)

    def number(self, minus: bool, whole: int, fraction: str) -> str:
        point = f" point {self.digits(fraction)}" if fraction else ""
        return f"{'minus ' if minus else ''}{self.spelt(whole, self._rules)}{point}"

    def money(self, minus: bool, units: int, cents: int, currency: str) -> str:
        unit, several, cent, several_cents = CURRENCIES[currency]
        said = []
        if units or not cents:
            said.append(f"{self.spelt(units, self._rules)} {unit if units == 1 else several}")
        if cents:
            said.append(f"{self.spelt(cents, self._rules)} {cent if cents == 1 else several_cents}")
        return ("minus " if minus else "") + " and ".join(said)

    def date(self, day: date) -> str:
        ordinal = self.spelt(day.day, "spellout-ordinal")
        year = self.spelt(day.year, "spellout-numbering-year")
        return f"{_WEEKDAYS[day.weekday()]}, {_MONTHS[day.month - 1]} {ordinal}, {year}"

    def time(self, clock: time) -> str:
        hour = self.spelt((clock.hour - 1) % 12 + 1, "spellout-cardinal")
        minute = clock.minute
        past = f" {'oh ' if minute < 10 else ''}{self.spelt(minute, 'spellout-cardinal')}" if minute else ""
        return f"{hour}{past} {'a.m.' if clock.hour < 12 else 'p.m.'}"

    def date_and_time(self, wall: datetime) -> str:
        return f"{self.date(wall.date())} at {self.time(wall.time())}"

    def all_pieces(self) -> Iterable[str]:
        yield from self.words_of_numbers("spellout-cardinal")
        yield from (*_DIGITS.values(), *_ORDINALS, *_MONTHS, *_WEEKDAYS)
        yield from ("minus", "point", "and", "at", "oh", "a.m.", "p.m.")
        for names in CURRENCIES.values():
            yield from filter(None, names)
