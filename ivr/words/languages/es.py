from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import ClassVar, Final

from ivr.words import What
from ivr.words.language import Language, listed

_MONTHS: Final = listed("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre")
_WEEKDAYS: Final = listed("lunes martes miércoles jueves viernes sábado domingo")
_DIGITS: Final = dict(
    zip(
        "0123456789*#",
        listed("cero uno dos tres cuatro cinco seis siete ocho nueve asterisco almohadilla"),
        strict=True,
    )
)
_ALONE, _MASCULINE, _FEMININE = "spellout-numbering", "spellout-cardinal-masculine", "spellout-cardinal-feminine"
_UP_TO_29: Final = listed(
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete "
    "dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete "
    "veintiocho veintinueve"
)
_TENS: Final = listed("treinta cuarenta cincuenta sesenta setenta ochenta noventa")
_HUNDREDS: Final = listed(
    "doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos"
)

# The gender, one unit, several; the gender of its hundredth, one, several.
_CENTAVO: Final = (_MASCULINE, "centavo", "centavos")
CURRENCIES: Final[Mapping[str, tuple[str, str, str, str, str, str]]] = {
    "ARS": (_MASCULINE, "peso", "pesos", *_CENTAVO),
    "AUD": (_MASCULINE, "dólar australiano", "dólares australianos", *_CENTAVO),
    "BRL": (_MASCULINE, "real", "reales", *_CENTAVO),
    "CAD": (_MASCULINE, "dólar canadiense", "dólares canadienses", *_CENTAVO),
    "CHF": (_MASCULINE, "franco suizo", "francos suizos", _MASCULINE, "céntimo", "céntimos"),
    "CLP": (_MASCULINE, "peso", "pesos", _MASCULINE, "", ""),
    "CNY": (_MASCULINE, "yuan", "yuanes", _MASCULINE, "fen", "fen"),
    "COP": (_MASCULINE, "peso", "pesos", *_CENTAVO),
    "EUR": (_MASCULINE, "euro", "euros", _MASCULINE, "céntimo", "céntimos"),
    "GBP": (_FEMININE, "libra", "libras", _MASCULINE, "penique", "peniques"),
    "HKD": (_MASCULINE, "dólar de Hong Kong", "dólares de Hong Kong", *_CENTAVO),
    "INR": (_FEMININE, "rupia", "rupias", _FEMININE, "paisa", "paisas"),
    "JPY": (_MASCULINE, "yen", "yenes", _MASCULINE, "", ""),
    "MXN": (_MASCULINE, "peso", "pesos", *_CENTAVO),
    "NZD": (_MASCULINE, "dólar neozelandés", "dólares neozelandeses", *_CENTAVO),
    "PEN": (_MASCULINE, "sol", "soles", _MASCULINE, "céntimo", "céntimos"),
    "SGD": (_MASCULINE, "dólar de Singapur", "dólares de Singapur", *_CENTAVO),
    "TWD": (_MASCULINE, "dólar taiwanés", "dólares taiwaneses", *_CENTAVO),
    "USD": (_MASCULINE, "dólar", "dólares", *_CENTAVO),
}


class Spanish(Language):
    """Spanish: numbers have a gender and lose their end before a noun (`veintiún euros`, `veintiuna libras`), *mil*
    stands alone, a whole million takes *de*. The decimal sign is *punto* in Mexico and Central America, else *coma*."""

    tag = "es"
    examples: ClassVar[tuple[tuple[What, str, str], ...]] = (
        ("digits", "407*#", "cuatro cero siete asterisco almohadilla"),
        ("number", "21", "veintiuno"),
        ("number", "100", "cien"),
        ("number", "-1101.05", "menos mil ciento uno coma cero cinco"),
        ("number", "21000", "veintiún mil"),
        ("number", "1000000", "un millón"),
        ("date", "2026-10-02T12:00:00+02:00", "viernes, dos de octubre de dos mil veintiséis"),
        ("date", "2026-01-01T12:00:00+01:00", "jueves, uno de enero de dos mil veintiséis"),
        ("time", "2026-10-02T13:05:00+02:00", "la una y cinco de la tarde"),
        ("time", "2026-10-02T17:30:00+02:00", "las cinco y media de la tarde"),
        ("time", "2026-10-02T00:15:00+02:00", "las doce y cuarto de la noche"),
        ("time", "2026-10-02T12:00:00+02:00", "las doce del mediodía"),
        (
            "datetime",
            "2026-10-02T21:00:00+02:00",
            "viernes, dos de octubre de dos mil veintiséis a las nueve de la noche",
        ),
        ("money", "21.01 EUR", "veintiún euros con un céntimo"),
        ("money", "201.00 GBP", "doscientas una libras"),
        ("money", "-1000000.00 MXN", "menos un millón de pesos"),
        ("money", "0.21 INR", "veintiuna paisas"),
        ("money", "1200000 CLP", "un millón doscientos mil pesos"),
    )
    # As the published set has them; it lacks digits/100, which Asterisk's own SAY NUMBER plays for 100.
    sounds: ClassVar[Mapping[str, str]] = {
        **{word: f"digits/{n}" for n, word in enumerate(_UP_TO_29)},
        **{word: f"digits/{10 * n}" for n, word in enumerate(_TENS, 3)},
        **{word: f"digits/{100 * n}" for n, word in enumerate(_HUNDREDS, 2)},
        **{"un": "digits/1M", "una": "digits/1F", "y": "digits/and", "cien": "digits/hundred"},
        **{"ciento": "digits/100-and", "mil": "digits/thousand", "millón": "digits/million"},
        **{"millones": "digits/millions", "menos": "digits/minus", "de": "digits/es-de"},
        **{"coma": "letters/dot", "punto": "letters/dot", "asterisco": "digits/star", "almohadilla": "digits/pound"},
        **{month: f"digits/mon-{n}" for n, month in enumerate(_MONTHS)},
        **{day: f"digits/day-{(n + 1) % 7}" for n, day in enumerate(_WEEKDAYS)},
    }

    def digits(self, value: str) -> str:
        return " ".join(_DIGITS[digit] for digit in value)

    def number(self, minus: bool, whole: int, fraction: str) -> str:
        sign = "punto" if self.region in ("MX", "GT", "HN", "NI", "PA", "PR", "SV", "DO", "PE", "US") else "coma"
        rest = f" {sign} {self.digits(fraction)}" if fraction else ""
        return f"{'menos ' if minus else ''}{self.spelt(whole, _ALONE)}{rest}"

    def money(self, minus: bool, units: int, cents: int, currency: str) -> str:
        gender, unit, several, cents_gender, cent, several_cents = CURRENCIES[currency]
        said = []
        if units or not cents:
            of = "de " if units and units % 1_000_000 == 0 else ""
            said.append(f"{self.spelt(units, gender)} {of}{unit if units == 1 else several}")
        if cents:
            said.append(f"{self.spelt(cents, cents_gender)} {cent if cents == 1 else several_cents}")
        return ("menos " if minus else "") + " con ".join(said)

    def date(self, day: date) -> str:
        month, year = _MONTHS[day.month - 1], self.spelt(day.year, _ALONE)
        return f"{_WEEKDAYS[day.weekday()]}, {self.spelt(day.day, _ALONE)} de {month} de {year}"

    def time(self, clock: time) -> str:
        hour = (clock.hour - 1) % 12 + 1
        article = "la" if hour == 1 else "las"
        minute = {0: "", 15: " y cuarto", 30: " y media"}.get(clock.minute)
        if minute is None:
            minute = f" y {self.spelt(clock.minute, _ALONE)}"
        return f"{article} {self.spelt(hour, _FEMININE)}{minute} {_part_of_day(clock.hour)}"

    def date_and_time(self, wall: datetime) -> str:
        return f"{self.date(wall.date())} a {self.time(wall.time())}"

    def all_pieces(self) -> Iterable[str]:
        yield from self.words_of_numbers(_ALONE, _MASCULINE, _FEMININE)
        yield from (*_DIGITS.values(), *_MONTHS, *_WEEKDAYS)
        yield from ("menos", "coma", "punto", "con", "de", "a", "la", "las", "cuarto", "media")
        yield from {_part_of_day(hour) for hour in range(24)}
        for _, unit, several, _, cent, several_cents in CURRENCIES.values():
            yield from filter(None, (unit, several, cent, several_cents))


def _part_of_day(hour: int) -> str:
    if hour == 0 or hour >= 21:
        return "de la noche"
    if hour < 6:
        return "de la madrugada"
    return "de la mañana" if hour < 12 else "del mediodía" if hour == 12 else "de la tarde"
