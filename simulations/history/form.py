"""The normal form of a history: what every reader makes and every estimate is made from.

A history is a directory with three Parquet files, one for each table here, and `import.json`, which says where they
come from. Moments are Unix milliseconds (UTC), durations milliseconds; a null is not known. One row of `contacts` is
one stay of a contact in a queue: a contact that moves or is transferred to another queue has several, of one `contact`.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Outcome = Literal["answered", "abandoned", "left", "overflowed", "moved", "failed", "open"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
OUTCOME_MEANINGS = {
    "answered": "an agent talked with the contact",
    "abandoned": "hung up while waiting",
    "left": "took a way out: a key, a callback, a message",
    "overflowed": "waited too long, or nobody was there",
    "moved": "was put elsewhere while waiting",
    "failed": "ended by a fault before anybody talked",
    "open": "the records end, or the phone system was restarted, before this contact did",
}


class Column(NamedTuple):
    """A column of the normal form, with what it means for people."""

    name: str
    type: Any
    meaning: str


CONTACTS = (
    Column("contact", pa.string(), "its name in the source; empty where it has none"),
    Column("queue", pa.string(), "the queue"),
    Column("kind", pa.string(), "what it is about, where that is known (an intent, a reason, a dialled number)"),
    Column("channel", pa.string(), "`voice`, `chat`, `email`, ..."),
    Column("caller", pa.string(), "who called, as a keyed hash: equal callers are equal, and nobody reads the number"),
    Column("arrived_ms", pa.int64(), "when it came to the queue"),
    Column("wait_ms", pa.int64(), "until an agent answered, or until it left the queue"),
    Column("outcome", pa.string(), "one of " + ", ".join(f"`{name}`" for name in OUTCOMES)),
    Column("exit", pa.string(), "how exactly it left: the key pressed, `timeout`, `empty`, ..."),
    Column("agent", pa.string(), "who answered"),
    Column("ring_ms", pa.int64(), "how long the phone of the agent who answered rang"),
    Column("talk_ms", pa.int64(), "talk; with the hold in it where the source does not tell them apart"),
    Column("hold_ms", pa.int64(), "on hold, during the talk"),
    Column("wrap_up_ms", pa.int64(), "work after the talk"),
    Column("offers", pa.int32(), "how often an agent's phone rang for it"),
    Column("refused", pa.int32(), "how many of these were not answered or declined"),
    Column("position", pa.int32(), "its place in the queue when it came"),
    Column("ended_by", pa.string(), "`caller`, `agent` or `transfer`"),
    Column("transferred_to", pa.string(), "where it was transferred to"),
    Column("source", pa.string(), "the file or table that it comes from"),
)
AGENT_TIMES = (
    Column("agent", pa.string(), "the agent"),
    Column("queue", pa.string(), "in which queue; empty: in all of the agent's"),
    Column("state", pa.string(), "`available` (signed in: ready, ringing or busy) or `paused`"),
    Column("reason", pa.string(), "why paused"),
    Column("from_ms", pa.int64(), "since when"),
    Column("to_ms", pa.int64(), "until when"),
)
CHOICES = (
    Column("contact", pa.string(), "the call"),
    Column("at_ms", pa.int64(), "when"),
    Column("flow", pa.string(), "the flow"),
    Column("node", pa.string(), "the node at which the caller chose"),
    Column("choice", pa.string(), "by which exit: keys, `silence` (no input), `hang up`, ..."),
)


def _schema(columns: tuple[Column, ...]) -> Any:
    return pa.schema([(column.name, column.type) for column in columns])


CONTACTS_SCHEMA = _schema(CONTACTS)
AGENT_TIMES_SCHEMA = _schema(AGENT_TIMES)
CHOICES_SCHEMA = _schema(CHOICES)

_NO_CHARACTER = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\x{fffe}\x{ffff}]"
"""What YAML does not allow in text (YAML 1.2, section 5.1)."""

LINE, FILE = "line", "file"
"""While it is read, each contact also has the line and the number of the file it comes from."""
READING_SCHEMA = CONTACTS_SCHEMA.append(pa.field(LINE, pa.int64())).append(pa.field(FILE, pa.int32()))

Ints = NDArray[numpy.int64]
Floats = NDArray[numpy.float64]


@dataclass(frozen=True, slots=True)
class History:
    """The three tables, contacts in order of arrival, and what `import.json` tells about their making."""

    contacts: Any
    agent_times: Any
    choices: Any
    about: dict[str, Any]

    def ints(self, column: str) -> Ints:
        """A column of whole numbers of `contacts`; what is not known is -1."""
        filled: Ints = self.contacts[column].fill_null(-1).to_numpy()
        return filled

    def texts(self, column: str) -> NDArray[numpy.object_]:
        found: NDArray[numpy.object_] = self.contacts[column].to_numpy()
        return found


def contacts_table(columns: dict[str, Any], count: int) -> Any:
    """A table in READING_SCHEMA of these columns (`count` values each); what is missing is empty or not known."""
    arrays = []
    for field in READING_SCHEMA:
        values = columns.get(field.name)
        if values is None:
            arrays.append(pa.repeat(pa.scalar(_nothing(field), field.type), count))
        elif isinstance(values, (pa.Array, pa.ChunkedArray)):
            arrays.append(values.cast(field.type))
        else:
            arrays.append(pa.array(values, field.type))
    return pa.table(arrays, schema=READING_SCHEMA)


def readable(table: Any) -> Any:
    """The table with U+FFFD for characters that are none (control characters, mostly of damaged rows), as for bytes
    that are not of the encoding: no name from records may make a scenario that cannot be read."""
    for place, field in enumerate(table.schema):
        if field.type == pa.string() and pc.any(pc.match_substring_regex(table[place], _NO_CHARACTER)).as_py():
            table = table.set_column(
                place, field, pc.replace_substring_regex(table[place], _NO_CHARACTER, "\N{REPLACEMENT CHARACTER}")
            )
    return table


def _nothing(field: Any) -> str | int | None:
    """What stands in a column of which the source knows nothing."""
    if field.type == pa.string():
        return "voice" if field.name == "channel" else ""
    return 0 if field.name in ("offers", "refused") else None


def agent_times_table(rows: list[tuple[str, str, str, str, int, int]]) -> Any:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(AGENT_TIMES_SCHEMA)
    return pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, AGENT_TIMES_SCHEMA, strict=True)],
        schema=AGENT_TIMES_SCHEMA,
    )


def choices_table(rows: list[tuple[str, int, str, str, str]]) -> Any:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(CHOICES_SCHEMA)
    return pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, CHOICES_SCHEMA, strict=True)],
        schema=CHOICES_SCHEMA,
    )
