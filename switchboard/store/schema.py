"""The tables of the records. Times are Unix milliseconds (UTC); ids count the happenings of all tables together, so
that rows of different tables sort into the order of the journal."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"},
)


class CleanText(TypeDecorator[str]):
    """Text without NUL, which PostgreSQL cannot store and callers can send."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value.replace("\0", "\ufffd") if value and "\0" in value else value


def _id() -> Column[int]:
    return Column("id", BigInteger, primary_key=True, autoincrement=False)


def _ms(name: str) -> Column[int]:
    """A moment or a duration that is always known."""
    return Column(name, BigInteger, nullable=False)


def _ms_or_none(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=True)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _text(name: str) -> Column[str]:
    """Empty where there is nothing to say."""
    return Column(name, CleanText, nullable=False)


def _json(name: str) -> Column[object]:
    return Column(name, JSON, nullable=False)


journal_position = Table(
    "journal_position",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _text("file"),
    Column("offset", BigInteger, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("next_id", BigInteger, nullable=False),
    _ms("at_ms"),
    comment="One row: everything before `offset` in `file` is stored; `at_ms` is the time of the last record.",
)

contacts = Table(
    "contacts",
    metadata,
    _id(),
    _text("contact"),
    _text("queue"),
    _text("channel"),
    _text("caller"),
    Column("callback", Boolean, nullable=False),
    Column("consult", Boolean, nullable=False),
    _text("moved_from"),
    _text("step"),
    _count("entry_position"),
    _ms("arrived_ms"),
    _ms("queued_ms"),
    _ms_or_none("offered_ms"),
    _ms_or_none("answered_ms"),
    _ms_or_none("ended_ms"),
    _text("outcome"),
    _text("ended_by"),
    _text("transferred_to"),
    _text("agent"),
    _ms("wait_ms"),
    _ms("talk_ms"),
    _ms("hold_ms"),
    _ms("wrap_up_ms"),
    _count("handed_over"),
    _count("offers"),
    _count("declined"),
    _count("no_answer"),
    _count("offer_failed"),
    _ms("answered_within_ms"),
    _ms("short_abandon_ms"),
    _text("language"),
    _text("intent"),
    _json("skills"),
    _json("attributes"),
    Index(None, "contact"),
    Index(None, "arrived_ms"),
    Index(None, "answered_ms"),
    Index(None, "ended_ms"),
    comment="One row for each stay of a contact in a queue; a contact that moves or is transferred has several.",
)

waits = Table(
    "waits",
    metadata,
    _id(),
    Column("contact_id", BigInteger, nullable=False),
    _ms("from_ms"),
    _ms_or_none("to_ms"),
    Index(None, "contact_id"),
    Index(None, "from_ms", "to_ms"),
    comment="When each contact waited: more than once where a talk failed to begin, or a callback rested.",
)

offers = Table(
    "offers",
    metadata,
    _id(),
    _text("offer"),
    _text("contact"),
    Column("contact_id", BigInteger, nullable=False),
    _text("queue"),
    _text("step"),
    _text("agent"),
    _ms("offered_ms"),
    _ms_or_none("accepted_ms"),
    _ms_or_none("ended_ms"),
    _text("cause"),
    Index(None, "contact_id"),
    Index(None, "offered_ms"),
    Index(None, "ended_ms"),
    comment="Every ringing of an agent; `cause` says why it came to nothing. `contact_id` is the row in contacts.",
)

agent_states = Table(
    "agent_states",
    metadata,
    _id(),
    _text("agent"),
    _text("state"),
    _text("reason"),
    _text("contact"),
    Column("handled_id", BigInteger, nullable=True),
    _ms("from_ms"),
    _ms_or_none("to_ms"),
    Index(None, "agent", "from_ms"),
    Index(None, "from_ms", "to_ms"),
    comment="What each agent did and when, signed out left out. `handled_id`: the row in contacts handled last.",
)

calls = Table(
    "calls",
    metadata,
    _id(),
    _text("contact"),
    _text("caller"),
    _text("dialled"),
    _text("flow"),
    _text("node"),
    _text("language"),
    _text("intent"),
    _ms("started_ms"),
    _ms_or_none("ended_ms"),
    _text("outcome"),
    Column("contained", Boolean, nullable=False),
    _count("entered"),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("missed", JSON, nullable=False, server_default="{}"),
    _json("attributes"),
    Index(None, "contact"),
    Index(None, "started_ms"),
    Index(None, "ended_ms"),
    comment="One row for each caller's way through the flows; `version` is that of the flows (0: not published).",
)

visits = Table(
    "visits",
    metadata,
    _id(),
    _ms("at_ms"),
    _text("contact"),
    _text("flow"),
    _text("node"),
    _text("via"),
    Index(None, "contact"),
    comment="The nodes that callers came through, and by which exit of the node before.",
)

story = Table(
    "story",
    metadata,
    _id(),
    _ms("at_ms"),
    _text("kind"),
    _text("name"),
    _text("contact"),
    _text("agent"),
    _text("data"),
    Index(None, "contact"),
    Index(None, "at_ms"),
    comment="Every event and decision of the router, as the journal has it (`data` is its JSON).",
)

facts = Table(
    "facts",
    metadata,
    _id(),
    _ms("at_ms"),
    _text("kind"),
    _text("contact"),
    _text("agent"),
    _text("actor"),
    _json("data"),
    Index(None, "contact"),
    Index(None, "kind", "at_ms"),
    comment="What is no business of the router: dispositions, recordings, voicemails, surveys, starts and stops.",
)

audit = Table(
    "audit",
    metadata,
    _id(),
    _ms("at_ms"),
    _text("actor"),
    _text("door"),
    _text("operation"),
    _text("agent"),
    _text("contact"),
    _text("refused"),
    _json("asked"),
    _json("before"),
    _json("after"),
    Index(None, "at_ms"),
    Index(None, "contact"),
    comment="Every change that somebody made or was refused.",
)

queue_log = Table(
    "queue_log",
    metadata,
    _id(),
    _ms("at_ms"),
    _text("callid"),
    _text("queuename"),
    _text("agent"),
    _text("event"),
    _text("data1"),
    _text("data2"),
    _text("data3"),
    _text("data4"),
    _text("data5"),
    Index(None, "at_ms"),
    comment="The happenings in the words of Asterisk's queue_log.",
)

queue_log_file = Table(
    "queue_log_file",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("written_id", BigInteger, nullable=False),
    Column("inode", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    comment="One row: which rows of queue_log are in the file, and the file as it was then.",
)

# Published versions of the flows. People made them, so no journal can make them anew: a rebuild leaves them alone.

flow_blobs = Table(
    "flow_blobs",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    comment="What the files of versions hold, each content once, by its SHA-256.",
)

flow_versions = Table(
    "flow_versions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    _count("base"),
    _ms("created_ms"),
    _text("author"),
    _text("note"),
    _text("hash"),
    _json("files"),
    comment="Versions; they never change. `files`: the blob of each by its place; `base`: what it was made from.",
)

flow_plans = Table(
    "flow_plans",
    metadata,
    Column("revision", Integer, primary_key=True, autoincrement=False),
    _ms("at_ms"),
    _text("actor"),
    _text("what"),
    _json("plan"),
    comment="What was in force since when; the newest row holds. Of two who change it at once one is refused.",
)

KEPT = frozenset({flow_blobs, flow_versions, flow_plans})
"""The tables that a rebuild of the records leaves alone."""
