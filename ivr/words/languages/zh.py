from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import ClassVar, Final

from ivr.words import What
from ivr.words.language import Language

_DIGITS: Final = dict(zip("0123456789", "零一二三四五六七八九", strict=True)) | {"*": "星号", "#": "井号"}
_WEEKDAYS: Final = tuple(f"星期{day}" for day in "一二三四五六日")
_GROUPS: Final = ("万", "亿", "万", "")

CURRENCIES: Final[Mapping[str, str]] = {
    "ARS": "阿根廷比索",
    "AUD": "澳元",
    "BRL": "雷亚尔",
    "CAD": "加元",
    "CHF": "瑞士法郎",
    "CLP": "智利比索",
    "CNY": "元",
    "COP": "哥伦比亚比索",
    "EUR": "欧元",
    "GBP": "英镑",
    "HKD": "港元",
    "INR": "卢比",
    "JPY": "日元",
    "MXN": "墨西哥比索",
    "NZD": "新西兰元",
    "PEN": "索尔",
    "SGD": "新加坡元",
    "TWD": "新台币",
    "USD": "美元",
}


class Chinese(Language):
    """Mandarin Chinese: numbers go by ten thousands (万, 亿), gaps in them are said (零), and two is 两 before what it
    counts and before 百, 千, 万 and 亿, but 二 in 十二 and 二十. The yuan has 角 and 分; of other currencies
    decimals are said. Digits one by one are those of telephone numbers, in which one is 幺 (in Taiwan 一)."""

    tag = "zh"
    spaced = False
    examples: ClassVar[tuple[tuple[What, str, str], ...]] = (
        ("digits", "401*#", "四 零 幺 星号 井号"),
        ("number", "2", "二"),
        ("number", "12", "十二"),
        ("number", "2222", "两千两百二十二"),
        ("number", "20005", "两万零五"),
        ("number", "100110", "十万零一百一十"),
        ("number", "-2.05", "负二点零五"),
        ("number", "1000000000001", "一万亿零一"),
        ("date", "2026-10-02T12:00:00+08:00", "二零二六年十月二日，星期五"),
        ("time", "2026-10-02T02:00:00+08:00", "凌晨两点"),
        ("time", "2026-10-02T17:30:00+08:00", "下午五点半"),
        ("time", "2026-10-02T12:05:00+08:00", "中午十二点零五分"),
        ("datetime", "2026-10-02T09:12:00+08:00", "二零二六年十月二日，星期五，上午九点十二分"),
        ("money", "2.00 CNY", "两元"),
        ("money", "12.05 CNY", "十二元零五分"),
        ("money", "0.22 CNY", "两角二分"),
        ("money", "-12.50 USD", "负十二点五美元"),
        ("money", "20000 JPY", "两万日元"),
    )

    def digits(self, value: str) -> str:
        said = _DIGITS if self.region == "TW" else _DIGITS | {"1": "幺"}
        return " ".join(said[digit] for digit in value)

    def number(self, minus: bool, whole: int, fraction: str) -> str:
        said = "二" if whole == 2 else self.counting(whole)
        point = "点" + "".join(_DIGITS[digit] for digit in fraction) if fraction else ""
        return f"{'负' if minus else ''}{said}{point}"

    def counting(self, number: int) -> str:
        """A number before what it counts. By the rule of schools: digits go in groups of four; zeros at the end of a
        group are silent, those elsewhere are one 零. (CLDR's rules leave it out in 一亿零一万, and have 兆 for 万亿,
        which means a million in China and a million million in Taiwan.)"""
        if number == 0:
            return "零"
        said, gap = "", False
        for at, name in enumerate(_GROUPS):
            group = f"{number:016}"[4 * at : 4 * at + 4]
            for unit, figure in zip(("千", "百", "十", ""), group, strict=True):
                if figure == "0":
                    gap = gap or bool(said)
                    continue
                two = figure == "2" and (unit in ("千", "百") or (not unit and group == "0002" and at < 3))
                said += f"{'零' if gap else ''}{'两' if two else _DIGITS[figure]}{unit}"
                gap = False
            if group != "0000" or (name == "亿" and said):
                said, gap = said + name, gap and group == "0000"
        said = said.removeprefix("一") if said.startswith("一十") else said
        return "两" if said == "二" else said

    def money(self, minus: bool, units: int, cents: int, currency: str) -> str:
        sign = "负" if minus else ""
        if currency != "CNY":
            if not cents:
                return f"{sign}{self.counting(units)}{CURRENCIES[currency]}"
            return f"{self.number(minus, units, f'{cents:02}'.rstrip('0'))}{CURRENCIES[currency]}"
        jiao, fen = divmod(cents, 10)
        said = f"{self.counting(units)}元" if units or not cents else ""
        if jiao:
            said += f"{self.counting(jiao)}角"
        if fen:
            said += "零" if units and not jiao else ""
            said += f"{self.counting(fen) if not said else _DIGITS[str(fen)]}分"
        return sign + said

    def date(self, day: date) -> str:
        year = "".join(_DIGITS[digit] for digit in str(day.year))
        return f"{year}年{_plain(day.month)}月{_plain(day.day)}日，{_WEEKDAYS[day.weekday()]}"

    def time(self, clock: time) -> str:
        hour = (clock.hour - 1) % 12 + 1 if clock.hour else 0
        minute = clock.minute
        past = "" if not minute else "半" if minute == 30 else f"{'零' if minute < 10 else ''}{_plain(minute)}分"
        return f"{_part_of_day(clock.hour)}{self.counting(hour)}点{past}"

    def date_and_time(self, wall: datetime) -> str:
        return f"{self.date(wall.date())}，{self.time(wall.time())}"

    def all_pieces(self) -> Iterable[str]:
        yield from (*_DIGITS.values(), "幺", "两", *"十百千万亿点负年月日半分元角", *_WEEKDAYS)
        yield from {_part_of_day(hour) for hour in range(24)}
        yield from CURRENCIES.values()


def _part_of_day(hour: int) -> str:
    if hour < 6:
        return "凌晨"
    return "上午" if hour < 12 else "中午" if hour == 12 else "下午" if hour < 18 else "晚上"


def _plain(number: int) -> str:
    """A number below 100 that counts nothing."""
    tens, ones = divmod(number, 10)
    said = f"{_DIGITS[str(tens)] if tens > 1 else ''}{'十' if tens else ''}"
    return said + (_DIGITS[str(ones)] if ones or not tens else "")
