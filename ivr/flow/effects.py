"""What the flow machine wants done: its outputs, carried out by a shell (Asterisk, the text-mode caller, simulation).

`start` and `resume` return a list of effects. All but the last are done at once and need no answer; the last one is
what the session waits for, and its result comes back as an input (`ivr.flow.inputs`). Times are integer milliseconds.
"""

from typing import Any, Literal

import msgspec

from ivr.words import What

Value = str | int | float | bool | None


class Prompt(msgspec.Struct, frozen=True, tag_field="kind", tag="prompt"):
    """A prompt by name; `text` is what it says in the session's language, `sounds` the files that say it.

    A sound is an Asterisk sound name (`vm-goodbye`) or `centre:NAME` for a recording of the centre itself.
    """

    name: str
    text: str = ""
    sounds: tuple[str, ...] = ()


class Say(msgspec.Struct, frozen=True, tag_field="kind", tag="say"):
    """A value spoken by the language's own rules. Dates and times are ISO 8601 with the centre's offset; money is an
    amount and a currency, such as `12.50 EUR`."""

    what: What
    value: str


class Recorded(msgspec.Struct, frozen=True, tag_field="kind", tag="recorded"):
    """What the caller has just recorded: the id of a `VoicemailTaken`."""

    recording: str


Spoken = Prompt | Say | Recorded


class Effect(msgspec.Struct, frozen=True, tag_field="effect", tag=True):
    """Base of all effects."""


class SetLanguage(Effect, frozen=True):
    """From now on the caller hears `language` (a tag such as `en` or `es`). At once."""

    language: str


class Notify(Effect, frozen=True):
    """Tell others of this call, by the webhook of this name or by e-mail. At once: the call does not wait for it."""

    flow: str
    node: str
    webhook: str = ""
    data: dict[str, str | int | float | bool] = {}
    to: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""


class SurveyAnswered(Effect, frozen=True):
    """The caller has answered a question of this survey: with a score (`csat`, `nps`, `ces`) or with a recorded
    `comment`. At once."""

    survey: str
    question: Literal["csat", "nps", "ces", "comment"]
    score: int = 0
    recording: str = ""


class Reviewed(Effect, frozen=True):
    """The caller has decided on a recording taken for review: it counts from now on (it is listed, it waits in its
    queue), or it is thrown away. At once. One on which nobody decides counts when the call is over."""

    recording: str
    kept: bool = True


class Play(Effect, frozen=True):
    """Play these; answered by `Played`. One of `keys` ends it."""

    spoken: tuple[Spoken, ...]
    keys: str = ""


class Collect(Effect, frozen=True):
    """Play these and take keys; answered by `Keys`.

    Ends at `max_digits`, at a key of `terminators` (not part of the digits), or when no key comes for
    `first_digit_ms` after the prompts or `inter_digit_ms` after a key. With `barge_in` a key during the prompts ends
    them and counts. `sensitive` digits may appear in no log, journal or recording.
    """

    spoken: tuple[Spoken, ...]
    max_digits: int
    terminators: str = ""
    first_digit_ms: int = 5_000
    inter_digit_ms: int = 3_000
    barge_in: bool = True
    sensitive: bool = False


class LookUp(Effect, frozen=True):
    """Fetch data over HTTP; answered by `LookedUp` or `LookupFailed`. `body` is sent as JSON.

    For `cache_ms` an equal question may be answered from memory. A `sensitive` one carries digits that may appear in no
    log or journal, nor in that memory.
    """

    url: str
    method: Literal["GET", "POST"] = "GET"
    query: dict[str, str] = {}
    body: dict[str, Any] | None = None
    headers: dict[str, str] = {}
    timeout_ms: int = 3_000
    cache_ms: int = 0
    sensitive: bool = False


class Query(Effect, frozen=True):
    """Ask a database of the centre by one SELECT with these bound parameters; answered by `LookedUp` (the first row
    as a mapping with status 200, or status 404) or `LookupFailed`. Cached and `sensitive` as `LookUp`."""

    database: str
    sql: str
    parameters: dict[str, str | int | float | bool] = {}
    timeout_ms: int = 3_000
    cache_ms: int = 0
    sensitive: bool = False


class Verify(Effect, frozen=True):
    """Whether `pin` is that of `who`, by `check` or else by the centre's own PINs; answered by `Verified`.

    After `attempts` wrong ones in a row, in whatever calls, `who` is locked for `lockout_ms`. The PIN may appear in no
    log, journal or recording.
    """

    who: str
    pin: str
    check: LookUp | Query | None = None
    attempts: int = 5
    lockout_ms: int = 1_800_000

    def __repr__(self) -> str:
        return f"Verify({self.who!r}, ***)"


class Enqueue(Effect, frozen=True):
    """Let the caller wait for an agent; answered by `Dequeued` when the talk is over or the router gave the caller
    back, or by `WayOut` when one of `keys` is pressed. `attributes` are what routing conditions see as `contact.*`.

    By a key of `keep_place` the caller goes elsewhere in the flow and yet keeps the place: an agent's answer takes the
    caller away from there, a later `Enqueue` goes on waiting, and `BookCallback` leaves the place to a callback.
    """

    queue: str
    attributes: dict[str, str | int | float | bool] = {}
    priority: int | None = None
    preferred_agent: str | None = None
    keys: str = ""
    keep_place: str = ""


class BookCallback(Effect, frozen=True):
    """Ring the caller back instead of letting them wait; answered by `CallbackBooked` or `EffectFailed`.

    Without `at_ms` as soon as it would be the caller's turn: one who waits in `queue` (or went out of it keeping the
    place) leaves the place to the callback. With `at_ms` (Unix ms) at that time.
    """

    queue: str
    number: str
    at_ms: int | None = None
    attributes: dict[str, str | int | float | bool] = {}
    priority: int | None = None


class TakeVoicemail(Effect, frozen=True):
    """Record what the caller says after these and a beep; answered by `VoicemailTaken` or `EffectFailed`. It is stored
    and, with `queue`, waits there as a contact of its own. It ends at a key of `terminators`, after `silence_ms` of
    silence or at `max_ms`; shorter than `min_ms` it is thrown away. Who hangs up has left it too; a `message` is then
    what the caller came for. With `review` it does not count before `Reviewed`."""

    spoken: tuple[Spoken, ...]
    mailbox: str
    queue: str | None = None
    attributes: dict[str, str | int | float | bool] = {}
    max_ms: int = 180_000
    min_ms: int = 2_000
    silence_ms: int = 5_000
    terminators: str = "#"
    message: bool = True
    review: bool = False


class Dial(Effect, frozen=True):
    """Connect the caller with an outside number; answered by `DialEnded` when it is over. It rings for `ring_ms`, and
    the talk ends after `max_ms`."""

    number: str
    ring_ms: int = 30_000
    max_ms: int = 3_600_000


class HangUp(Effect, frozen=True):
    """End the call; nothing comes after it."""

    reason: str = "normal"


AnyEffect = (
    SetLanguage
    | Notify
    | SurveyAnswered
    | Reviewed
    | Play
    | Collect
    | LookUp
    | Query
    | Verify
    | Enqueue
    | BookCallback
    | TakeVoicemail
    | Dial
    | HangUp
)
