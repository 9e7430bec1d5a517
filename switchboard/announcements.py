"""What callers hear besides music while they wait, and while they are on hold."""

from collections.abc import Callable, Mapping

from ivr.flow.effects import Say, Spoken
from ivr.flow.prompts import Prompts
from router.core.ewt import WaitEstimate
from router.core.router import Router
from switchboard.centre.phrases import HOLD, PHRASES
from switchboard.centre.settings import AnnouncementSettings

_MINUTE_MS = 60_000
_LONG_MIN, _ROUGHLY_MIN = 20, 5
"""Above so many minutes, only multiples of so many are said."""


_BUILT_IN = Prompts(PHRASES, "en")


class Announcer:
    """Says how it stands. `rules` are the announcements of the queues, `prompts` those of the centre."""

    def __init__(
        self,
        router: Router,
        *,
        rules: Callable[[], Mapping[str, AnnouncementSettings]],
        prompts: Callable[[], Prompts],
        now_ms: Callable[[], int],
        phrases: Callable[[], Prompts] = lambda: _BUILT_IN,
    ) -> None:
        self._router = router
        self._rules = rules
        self._prompts = prompts
        self._phrases = phrases
        self._now_ms = now_ms

    def rules(self, contact: str) -> AnnouncementSettings:
        """The announcements of the queue that the contact is in now."""
        known = self._router.contact(contact)
        return self._rules().get(known.queue if known else "", AnnouncementSettings())

    def waiting(self, contact: str, language: str, count: int) -> tuple[Spoken, ...]:
        """Announcement number `count` (from 0) for a contact that waits; nothing when it is just being answered."""
        known = self._router.contact(contact)
        if known is None or known.state != "queued":
            return ()
        rules = self.rules(contact)
        comfort = rules.comfort[count % len(rules.comfort)] if rules.comfort else "waiting-thanks"
        spoken: list[Spoken] = []
        if rules.position:
            spoken += self._position(self._router.position(contact), language)
        estimate = self._router.estimated_wait(contact, self._now_ms()) if rules.wait else None
        if estimate is not None:
            spoken += self._wait(estimate, language)
        return (*spoken, *self._say(language, comfort))

    def on_hold(self, reason: str, language: str) -> tuple[Spoken, ...]:
        """An update for a caller on hold: the reason, where there is a prompt for it, and thanks."""
        name = HOLD + "-".join(reason.split())
        why = (name,) if name in self._prompts().entries else ()
        return tuple(self._say(language, *why, "waiting-thanks"))

    def _position(self, position: int, language: str) -> list[Spoken]:
        if position <= 1:
            return self._say(language, "waiting-first")
        number = Say("number", str(position))
        return [*self._say(language, "waiting-position"), number, *self._say(language, "waiting-in-line")]

    def _wait(self, estimate: WaitEstimate, language: str) -> list[Spoken]:
        low, high = wait_range_min(estimate)
        if low == 0:
            return [
                *self._say(language, "waiting-time", "waiting-less-than"),
                Say("number", str(max(2, high))),
                *self._say(language, "waiting-minutes"),
            ]
        return [
            *self._say(language, "waiting-time", "waiting-from"),
            Say("number", str(low)),
            *self._say(language, "waiting-to"),
            Say("number", str(high)),
            *self._say(language, "waiting-minutes"),
        ]

    def _say(self, language: str, *names: str) -> list[Spoken]:
        own, phrases = self._prompts(), self._phrases()
        return [(own if name in own.entries else phrases).prompt(name, language) for name in names]


def wait_range_min(estimate: WaitEstimate) -> tuple[int, int]:
    """The wait in minutes: half of the callers wait longer than the first number (rounded down), and one of five longer
    than the second (rounded up). Never a single number, and no false precision for long waits."""
    low, high = estimate.p50_ms // _MINUTE_MS, -(-estimate.p80_ms // _MINUTE_MS)
    if high > _LONG_MIN:
        low, high = low // _ROUGHLY_MIN * _ROUGHLY_MIN, -(-high // _ROUGHLY_MIN) * _ROUGHLY_MIN
    return low, max(high, low + 1)
