"""The mapping file: which column of a CSV or Parquet file is what, for exports of any phone system."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from documents import DocumentError, Problem, Source, nearest, validate
from simulations.history.form import Outcome
from simulations.history.units import UNIT_MS, format_of

Unit = Literal["ms", "s", "min", "h"]
Text = Literal[
    "contact", "queue", "kind", "channel", "caller", "agent", "outcome", "exit", "ended_by", "transferred_to"
]
Moment = Literal["arrived", "answered", "ended"]
Duration = Literal["wait", "ring", "talk", "hold", "wrap_up", "handle"]
Count = Literal["offers", "refused", "position"]

MOMENTS: tuple[Moment, ...] = ("arrived", "answered", "ended")
DURATIONS: tuple[Duration, ...] = ("wait", "ring", "talk", "hold", "wrap_up", "handle")
COUNTS: tuple[Count, ...] = ("offers", "refused", "position")
TEXTS: tuple[Text, ...] = (
    "contact",
    "queue",
    "kind",
    "channel",
    "caller",
    "agent",
    "outcome",
    "exit",
    "ended_by",
    "transferred_to",
)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_format(text: str) -> str:
    format_of(text)
    return text


class InUnit(_Model):
    """A column of durations that are not in seconds."""

    column: str
    unit: Unit


class DateAndTime(_Model):
    """A moment whose day and clock stand in two columns."""

    date: str
    time: str


def _no_list(value: Any) -> Any:
    if isinstance(value, list):
        raise ValueError("a column, or {date: NAME, time: NAME} belongs here, not a list")
    return value


MomentColumn = Annotated[str | DateAndTime, BeforeValidator(_no_list)]


class Columns(_Model):
    """What stands in which column. Only `arrived` is needed, and what tells how the contact ended: `outcome`, or else
    `agent`, `answered` or `talk` (who has none of it was not answered).

    A moment is one column, or `{date: NAME, time: NAME}`. Where `answered` or `ended` has the date of the arrival, a
    clock that is half a day behind it is one of the next day: the contact went over midnight.

    Durations are in seconds, or `{column: NAME, unit: ms, min or h}`; `1:35` and `0:01:35` are understood, too.
    `handle` is talk, hold and wrap-up in one, for exports that know no more.
    """

    arrived: MomentColumn
    answered: MomentColumn | None = None
    ended: MomentColumn | None = None
    contact: str | None = None
    queue: str | None = None
    kind: str | None = None
    channel: str | None = None
    caller: str | None = None
    agent: str | None = None
    outcome: str | None = None
    exit: str | None = None
    ended_by: str | None = None
    transferred_to: str | None = None
    wait: str | InUnit | None = None
    ring: str | InUnit | None = None
    talk: str | InUnit | None = None
    hold: str | InUnit | None = None
    wrap_up: str | InUnit | None = None
    handle: str | InUnit | None = None
    offers: str | None = None
    refused: str | None = None
    position: str | None = None

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if not (self.outcome or self.agent or self.answered or self.talk):
            raise ValueError("nothing tells which contacts were answered: name the column of 'outcome', or of 'agent'")
        if self.handle is not None and self.talk is not None:
            raise ValueError("'handle' is for exports without 'talk'; here both are named")
        return self

    def names(self, field: str) -> dict[str, str]:
        """What is read for this field, and its column in the file: two things for a date and its time."""
        match getattr(self, field):
            case None:
                return {}
            case InUnit(column=column) | str(column):
                return {field: column}
            case DateAndTime(date=date, time=time):
                return {f"{field}.date": date, f"{field}.time": time}
        raise TypeError(field)

    def of_the_arrivals_day(self, moment: Moment) -> bool:
        """This moment has a clock of its own, and the date of the arrival."""
        arrived, other = self.arrived, getattr(self, moment)
        return isinstance(arrived, DateAndTime) and isinstance(other, DateAndTime) and arrived.date == other.date

    def unit(self, field: Duration) -> Unit:
        value = getattr(self, field)
        return value.unit if isinstance(value, InUnit) else "s"

    def named(self) -> dict[str, str]:
        """Field to column, of all that are named."""
        return {what: column for field in type(self).model_fields for what, column in self.names(field).items()}


class Mapping(_Model):
    """How a file is to be read. What is left out is found out from the file itself: the delimiter, the encoding, the
    decimal sign, how times are written.

    `time_zone` is that of times without an offset. `fixed` gives values to what has no column
    (`fixed: {queue: sales}`), `values` other names to what stands in a column (`values: {queue: {"600": sales}}`),
    `outcomes` the meaning of the cells of `outcome`. `only` keeps the rows whose cells are among these and passes over
    the others (`only: {Direction: [inbound]}`).
    """

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: str | None = None
    decimal: Literal[".", ","] | None = None
    time_zone: str | None = None
    time_format: Annotated[str, AfterValidator(_known_format)] | None = None
    columns: Columns
    outcomes: dict[str, Outcome] = {}
    values: dict[Text, dict[str, str]] = {}
    fixed: dict[Text, str] = {}
    only: dict[str, tuple[str, ...]] = {}


_WORDS: dict[Outcome, tuple[str, ...]] = {
    "answered": (
        "answered",
        "answer",
        "handled",
        "completed",
        "complete",
        "connected",
        "accepted",
        "ok",
        "yes",
        "true",
    ),
    "abandoned": ("abandoned", "abandon", "abandoned in queue", "lost", "missed", "no answer", "noanswer", "hung up"),
    "left": ("left", "callback", "voicemail", "exit"),
    "overflowed": ("overflowed", "overflow", "timeout", "timed out", "diverted"),
    "moved": ("moved", "transferred", "requeued"),
    "failed": ("failed", "error", "busy", "congestion"),
    "open": ("open",),
}


def outcomes_known(mapping: Mapping) -> dict[str, str]:
    """Cells of `outcome` (folded) and what they mean: the mapping's own words before the usual ones."""
    usual: dict[str, str] = {word: outcome for outcome, words in _WORDS.items() for word in words}
    usual |= {word.strip().casefold(): outcome for word, outcome in mapping.outcomes.items()}
    return usual


def mapping_of_header(file: str, header: Sequence[str]) -> Mapping:
    """For a file whose columns have our own names: `arrived`, `queue`, `wait_s`, `talk_ms`, ... The arrival may also be
    `arrived_date` and `arrived_time`, or `date` and `time`.

    Raises DocumentError when it has no column `arrived`: then somebody must write a mapping.
    """
    folded = {name.casefold(): name for name in header if name}
    columns: dict[str, Any] = {name: column for name, column in folded.items() if name in Columns.model_fields}
    pairs = [(moment, f"{moment}_date", f"{moment}_time") for moment in MOMENTS]
    for moment, day, clock in [*pairs, ("arrived", "date", "time")]:
        if moment not in columns and day in folded and clock in folded:
            columns[moment] = {"date": folded[day], "time": folded[clock]}
    for name, column in folded.items():
        base, _, unit = name.rpartition("_")
        if base in MOMENTS:
            columns.setdefault(base, column)
        elif base in DURATIONS and unit in UNIT_MS:
            columns.setdefault(base, {"column": column, "unit": unit})
    if "arrived" not in columns:
        shown = ", ".join(name for name in header if name)
        if not shown:
            raise DocumentError([Problem("there is no row with the names of columns: the file is empty", file)])
        near = nearest("arrived", folded.values())
        meant = f" ({near})" if near.startswith("did you mean") else ""
        hint = "write what they mean into a mapping and give it with --mapping, see docs/history.md"
        message = f"nothing says what its columns mean, and there is no column 'arrived'{meant}; it has: {shown}"
        raise DocumentError([Problem(message, file, hint=hint)])
    return validate(Source(file, {"columns": columns}, {}), Mapping)
