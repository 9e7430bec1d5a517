"""What waiting callers are told: ranges, places, phrases of the centre's own, and what a queue says for itself."""

import pytest

from ivr.flow.effects import Prompt, Say, Spoken
from ivr.flow.names import LanguageTag, PromptName
from ivr.flow.prompts import PromptEntry, Prompts
from router.core.events import ContactArrived
from router.core.ewt import WaitEstimate
from router.core.policy import Policy
from router.core.router import Router
from switchboard.announcements import Announcer, wait_range_min
from switchboard.centre.phrases import PHRASES
from switchboard.centre.settings import AnnouncementSettings
from tests.support.routing import agents, queue

MINUTE = 60_000


@pytest.mark.parametrize(
    ("p50_ms", "p80_ms", "said"),
    [
        (0, 20_000, (0, 1)),
        (50_000, 90_000, (0, 2)),
        (3 * MINUTE, 3 * MINUTE, (3, 4)),  # never a single number
        (3 * MINUTE + 59_000, 5 * MINUTE + 1, (3, 6)),
        (18 * MINUTE, 31 * MINUTE, (15, 35)),
        (61 * MINUTE, 62 * MINUTE, (60, 65)),
    ],
)
def test_the_wait_is_a_range_rounded_outwards(p50_ms: int, p80_ms: int, said: tuple[int, int]) -> None:
    assert wait_range_min(WaitEstimate(p50_ms, p80_ms, 2 * p80_ms)) == said


class Told(Router):
    """A router that knows how long it takes."""

    def estimated_wait(self, contact: str, now_ms: int) -> WaitEstimate | None:
        return WaitEstimate(3 * MINUTE, 5 * MINUTE, 9 * MINUTE)


def announcer(rules: AnnouncementSettings | None = None, prompts: dict[str, str] | None = None) -> Announcer:
    router = Told(Policy(1, (queue("help"),), agents("anna")))
    for number in (1, 2):
        router.handle(ContactArrived(f"c{number}", "help"), number)
    own = {PromptName(name): PromptEntry(text={LanguageTag("en"): text}) for name, text in (prompts or {}).items()}
    made = {"help": rules or AnnouncementSettings()}
    return Announcer(router, rules=lambda: made, prompts=lambda: Prompts(own, "en"), now_ms=lambda: 2)


def names(spoken: tuple[Spoken, ...]) -> list[str]:
    return [item.name if isinstance(item, Prompt) else item.value for item in spoken]


def test_place_range_and_thanks_are_said_in_this_order() -> None:
    assert names(announcer().waiting("c2", "en", 0)) == [
        *("waiting-position", "2", "waiting-in-line"),
        *("waiting-time", "waiting-from", "3", "waiting-to", "5", "waiting-minutes"),
        "waiting-thanks",
    ]
    assert names(announcer().waiting("c1", "en", 0))[0] == "waiting-first"


def test_a_queue_says_what_it_likes_and_comforts_in_turn() -> None:
    rules = AnnouncementSettings(position=False, wait=False, comfort=["a", "b"])
    made = announcer(rules, {"a": "A", "b": "B"})
    assert [names(made.waiting("c1", "en", count)) for count in range(3)] == [["a"], ["b"], ["a"]]


def test_the_callers_language_is_spoken_where_there_is_one_and_sounds_are_asterisks_own() -> None:
    (thanks,) = announcer().on_hold("", "zh-CN")
    assert thanks == Prompt("waiting-thanks", "感谢您的耐心等待。", ("queue-thankyou",))
    (thanks,) = announcer().on_hold("", "sv")
    assert isinstance(thanks, Prompt)
    assert thanks.text == "Thank you for your patience."
    for entry in PHRASES.values():
        assert set(entry.text) == {"en", "es", "zh"}


def test_a_prompt_of_the_centre_replaces_a_phrase() -> None:
    (thanks,) = announcer(prompts={"waiting-thanks": "Ta."}).on_hold("", "en")
    assert isinstance(thanks, Prompt)
    assert thanks.text == "Ta."


def test_the_reason_of_a_hold_is_told_where_there_is_a_prompt_for_it() -> None:
    made = announcer(prompts={"hold-asking-a-friend": "Your agent asks a friend."})
    assert names(made.on_hold("asking a friend", "en")) == ["hold-asking-a-friend", "waiting-thanks"]
    assert names(made.on_hold("coffee", "en")) == ["waiting-thanks"]


def test_who_is_just_being_answered_is_told_nothing() -> None:
    assert announcer().waiting("gone", "en", 0) == ()


def test_a_queue_changes_only_what_it_says() -> None:
    every, queue_says = AnnouncementSettings(every_s=20, wait=False), AnnouncementSettings(position=False)
    assert every.changed_by(queue_says) == AnnouncementSettings(every_s=20, wait=False, position=False)
    assert every.changed_by(None) is every


def test_numbers_are_spoken_by_the_languages_own_rules() -> None:
    assert Say("number", "2") in announcer().waiting("c2", "es", 0)
