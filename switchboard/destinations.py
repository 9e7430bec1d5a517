"""Which outside numbers the engine may dial, how often, and for how much: the one guard against toll fraud.

Callbacks, transfers and consultations all ask here before an outside number is dialled. Nothing is allowed that is not
listed (`settings.outbound`), what is denied stays denied whatever allows it, and calls are capped in number and in
money. What is dialled is made here, of digits after an optional `+` and of nothing else that anybody wrote.

How a number is read. Spaces, dots, dashes, slashes and brackets between digits are how people write numbers and are
left out. The international prefix becomes `+`. With a country code, a number without `+` is a national one: its trunk
prefix (`0` in most of Europe) is taken off and the country code put before it. Without a country code a number
without `+` stays as it is, and so must be listed.

Caps count in moving windows (a minute, an hour, 24 hours), which no midnight doubles. A call costs its talk time times
the rate of the longest prefix that fits; those under way count with what they have cost so far. A new call needs room
for a minute.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from router.live.journal import Fact
from switchboard import facts
from switchboard.centre.settings import OutboundSettings
from switchboard.logs import is_card_number

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
RINGS_MS = 5 * MINUTE_MS
"""No call rings for longer; one that has not been answered by then is over, whatever has been heard of it."""
MAX_DIGITS = 15
"""ITU-T E.164: the longest number there is."""
_BETWEEN = re.compile(r"[ ./()-]")
_WRITTEN = re.compile(r"\+?[0-9]{1,32}")

Record = Callable[[str, str, dict[str, object]], None]
"""Writes a fact: its kind, the contact that it is about, its data."""


class DestinationRefused(Exception):
    """The number is not dialled; the message says why, for the person who asked."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An outside number that may be dialled now: what Asterisk dials, and the number as everybody writes it."""

    dial_string: str
    number: str


@dataclass(slots=True)
class OutsideCall:
    """A call to an outside number under way, since when, and since when they talk."""

    number: str
    since_ms: int
    contact: str = ""
    answered_ms: int | None = None


@dataclass(slots=True)
class _Past:
    """What has happened within the last day: when which number was dialled, and what was spent when."""

    dialled: list[tuple[int, str]] = field(default_factory=list)
    spent: list[tuple[int, float]] = field(default_factory=list)
    refusals: int = 0


class Destinations:
    """The guard. `record` writes facts; `is_open` says whether a set of opening hours is open at an instant.

    Who dials asks `check`, tells `started` with the ChannelId of the call before dialling, and `ended` when Asterisk
    would not dial. The engine tells `answered` and `ended` of every channel there is. Times are Unix ms.
    """

    def __init__(self, settings: OutboundSettings, record: Record, is_open: Callable[[str, int], bool]) -> None:
        self.settings = settings
        self._record = record
        self._is_open = is_open
        self._past = _Past()
        self._calls: dict[str, OutsideCall] = {}

    def calls(self) -> list[str]:
        """The outside calls under way, by their ChannelIds."""
        return list(self._calls)

    @property
    def refusals(self) -> int:
        """How many numbers have been refused since the engine's start."""
        return self._past.refusals

    def spent(self, now_ms: int) -> float:
        """What outside calls have cost in the last 24 hours, with those under way."""
        self._forget(now_ms)
        ended = sum(cost for _, cost in self._past.spent)
        return ended + sum(self._cost(call, now_ms) for call in self._calls.values())

    def number(self, written: str) -> str:
        """The number that somebody wrote, as everybody writes it. Raises DestinationRefused when it is none."""
        settings = self.settings
        text = _BETWEEN.sub("", written[:64])
        if not _WRITTEN.fullmatch(text):
            raise DestinationRefused(f"{_shown(written)!r} is no telephone number")
        if not text.startswith("+") and settings.international_prefix:
            text = re.sub(f"^{settings.international_prefix}", "+", text)
        if not text.startswith("+") and settings.country_code:
            text = f"+{settings.country_code}{text.removeprefix(settings.national_prefix)}"
        digits = len(text.lstrip("+"))
        if not settings.least_digits <= digits <= MAX_DIGITS:
            wanted = f"{settings.least_digits} to {MAX_DIGITS}"
            raise DestinationRefused(f"{_shown(text)} has {digits} digits; a number that may be dialled has {wanted}")
        return text

    def allowed(self, written: str) -> str:
        """The number, if the centre dials such numbers at all. Raises DestinationRefused, as `check` does."""
        try:
            return self._listed(written)
        except DestinationRefused as refusal:
            self._refused(written, refusal)
            raise

    def _listed(self, written: str) -> str:
        settings = self.settings
        number = self.number(written)
        if settings.trunk is None:
            raise DestinationRefused("this centre dials no outside numbers (settings.outbound.trunk)")
        if any(_begins(number, pattern) for pattern in settings.deny):
            raise DestinationRefused(f"{_shown(number)} is on the list of numbers that are never dialled")
        if not any(_begins(number, pattern) for pattern in settings.allow):
            raise DestinationRefused(f"{_shown(number)} is not on the list of numbers that may be dialled")
        if settings.spend_per_day is not None and self._rate(number) is None:
            raise DestinationRefused(f"no rate is known for {number}, and the spending is limited")
        return number

    def caller(self, number: str) -> str:
        """Who calls, by the number as everybody writes it (as it came, if it is none): so that a caller and a callback
        that somebody else booked for the same number are known as one."""
        try:
            return self.number(number)
        except DestinationRefused:
            return number

    def check(self, number: str, now_ms: int) -> Destination:
        """The number, ready to be dialled now.

        Raises DestinationRefused, with the reason in words; that is written down as a fact and counted.
        """
        try:
            allowed = self._listed(number)
            self._check_caps(allowed, now_ms)
        except DestinationRefused as refusal:
            self._refused(number, refusal)
            raise
        return Destination(f"PJSIP/{self._dialled(allowed)}@{self.settings.trunk}", allowed)

    def _refused(self, written: str, refusal: DestinationRefused) -> None:
        self._past.refusals += 1
        self._record(facts.OUTBOUND_REFUSED, "", {"number": _shown(written), "reason": str(refusal)})

    def _check_caps(self, number: str, now_ms: int) -> None:
        settings = self.settings
        self._forget(now_ms)
        if settings.hours is not None and not self._is_open(settings.hours, now_ms):
            raise DestinationRefused(f"outside numbers are dialled within the hours {settings.hours!r} only")
        if len(self._calls) >= settings.at_once:
            raise DestinationRefused(f"{settings.at_once} outside calls are under way, as many as there may be")
        times = [at_ms for at_ms, _ in self._past.dialled]
        for limit, window_ms, called in (
            (settings.per_minute, MINUTE_MS, "minute"),
            (settings.per_hour, HOUR_MS, "hour"),
        ):
            if sum(at_ms > now_ms - window_ms for at_ms in times) >= limit:
                raise DestinationRefused(f"{limit} outside calls within the last {called}, as many as there may be")
        if sum(dialled == number for _, dialled in self._past.dialled) >= settings.per_number_per_day:
            raise DestinationRefused(f"{number} was dialled {settings.per_number_per_day} times within a day")
        if settings.spend_per_day is not None:
            spent, rate = self.spent(now_ms), self._rate(number) or 0.0
            if spent + rate > settings.spend_per_day:
                raise DestinationRefused(
                    f"outside calls have cost {spent:g} within a day, and {rate:g} for the next minute would be more"
                    f" than {settings.spend_per_day:g}, the limit"
                )

    # The life of a call

    def started(self, call: str, destination: Destination, now_ms: int, contact: str = "") -> None:
        """The destination is being dialled for this contact; `call` is its ChannelId."""
        self._calls[call] = OutsideCall(destination.number, now_ms, contact)
        self._past.dialled.append((now_ms, destination.number))
        self._record(facts.OUTBOUND_DIALLED, contact, {"call": call, "number": destination.number})

    def answered(self, call: str, now_ms: int) -> None:
        """The call, if it is one of ours, was answered: from now on it costs."""
        if (known := self._calls.get(call)) and known.answered_ms is None:
            known.answered_ms = now_ms

    def ended(self, call: str, now_ms: int, talk_ms: int | None = None) -> None:
        """The call, if it is one of ours, is over; `talk_ms`: how long they talked, where Asterisk has counted it."""
        known = self._calls.pop(call, None)
        if known is not None:
            if talk_ms is not None:
                known.answered_ms = now_ms - talk_ms if talk_ms else None
            cost = self._cost(known, now_ms)
            self._past.spent.append((now_ms, cost))
            talk_ms = 0 if known.answered_ms is None else now_ms - known.answered_ms
            data = {"call": call, "number": known.number, "talk_ms": talk_ms, "cost": cost}
            self._record(facts.OUTBOUND_ENDED, known.contact, data)

    # Over a restart

    def remember(self, fact: Fact) -> None:
        """Takes in what an earlier engine wrote. A call of which no answer is known is taken for answered at once."""
        data = fact.data
        match fact.kind:
            case facts.OUTBOUND_CARRIED:
                self._past.dialled = [(int(at_ms), str(number)) for at_ms, number in data["dialled"]]
                self._past.spent = [(int(at_ms), float(cost)) for at_ms, cost in data["spent"]]
                self._calls = {
                    str(call): OutsideCall(str(number), int(since_ms), str(contact), int(since_ms))
                    for call, number, since_ms, contact in data["calls"]
                }
            case facts.OUTBOUND_DIALLED:
                self._calls[data["call"]] = OutsideCall(data["number"], fact.at_ms, fact.contact, fact.at_ms)
                self._past.dialled.append((fact.at_ms, data["number"]))
            case facts.OUTBOUND_ENDED:
                self._calls.pop(data["call"], None)
                self._past.spent.append((fact.at_ms, float(data["cost"])))
            case _:
                pass

    def carry_over(self, now_ms: int) -> None:
        """Writes what counts into the journal that begins, so that caps hold over any number of restarts."""
        self._forget(now_ms)
        if self._past.dialled or self._past.spent or self._calls:
            calls = [(call, known.number, known.since_ms, known.contact) for call, known in self._calls.items()]
            data = {"dialled": self._past.dialled, "spent": self._past.spent, "calls": calls}
            self._record(facts.OUTBOUND_CARRIED, "", data)

    # Money and time

    def _forget(self, now_ms: int) -> None:
        since_ms = now_ms - DAY_MS
        self._past.dialled = [entry for entry in self._past.dialled if entry[0] > since_ms]
        self._past.spent = [entry for entry in self._past.spent if entry[0] > since_ms]
        for call, known in list(self._calls.items()):
            if known.answered_ms is None and known.since_ms < now_ms - RINGS_MS:
                self.ended(call, now_ms)

    def _cost(self, call: OutsideCall, now_ms: int) -> float:
        if call.answered_ms is None:
            return 0.0
        return (now_ms - call.answered_ms) / MINUTE_MS * (self._rate(call.number) or 0.0)

    def _rate(self, number: str) -> float | None:
        """The cost per minute, by the longest prefix that fits."""
        fitting = [prefix for prefix in self.settings.rates_per_minute if _begins(number, prefix)]
        return self.settings.rates_per_minute[max(fitting, key=len)] if fitting else None

    def _dialled(self, number: str) -> str:
        """The number as the trunk wants it."""
        if number.startswith("+"):
            return self.settings.dial_prefix + number[1:]
        return number


def _shown(written: str) -> str:
    """The number as it may be written down. Callers who are asked for a number have typed that of their payment card:
    what is too long for a telephone, or could be a card's, is not repeated."""
    digits = re.sub("[^0-9]", "", written)
    return "***" if len(digits) > MAX_DIGITS or is_card_number(digits) else written[:40]


def _begins(number: str, pattern: str) -> bool:
    """Whether the number begins with the pattern, in which X stands for any digit."""
    return len(number) >= len(pattern) and all(
        wanted == digit or (wanted == "X" and digit != "+") for wanted, digit in zip(pattern, number, strict=False)
    )
