"""The first records"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "agent_states",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("handled_id", sa.BigInteger(), nullable=True),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_agent_states"),
        comment="What each agent did and when, signed out left out. `handled_id`: the row in contacts handled last.",
    )
    op.create_index("ix_agent_states_agent_from_ms", "agent_states", ["agent", "from_ms"])
    op.create_index("ix_agent_states_from_ms_to_ms", "agent_states", ["from_ms", "to_ms"])
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        comment="Every change that somebody made or was refused.",
    )
    op.create_index("ix_audit_at_ms", "audit", ["at_ms"])
    op.create_index("ix_audit_contact", "audit", ["contact"])
    op.create_table(
        "calls",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("dialled", sa.Text(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("intent", sa.Text(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("contained", sa.Boolean(), nullable=False),
        sa.Column("entered", sa.Integer(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
        comment="One row for each caller's way through the flows.",
    )
    op.create_index("ix_calls_contact", "calls", ["contact"])
    op.create_index("ix_calls_ended_ms", "calls", ["ended_ms"])
    op.create_index("ix_calls_started_ms", "calls", ["started_ms"])
    op.create_table(
        "contacts",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("callback", sa.Boolean(), nullable=False),
        sa.Column("consult", sa.Boolean(), nullable=False),
        sa.Column("moved_from", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("entry_position", sa.Integer(), nullable=False),
        sa.Column("arrived_ms", sa.BigInteger(), nullable=False),
        sa.Column("queued_ms", sa.BigInteger(), nullable=False),
        sa.Column("offered_ms", sa.BigInteger(), nullable=True),
        sa.Column("answered_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("transferred_to", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("wait_ms", sa.BigInteger(), nullable=False),
        sa.Column("talk_ms", sa.BigInteger(), nullable=False),
        sa.Column("hold_ms", sa.BigInteger(), nullable=False),
        sa.Column("wrap_up_ms", sa.BigInteger(), nullable=False),
        sa.Column("handed_over", sa.Integer(), nullable=False),
        sa.Column("offers", sa.Integer(), nullable=False),
        sa.Column("declined", sa.Integer(), nullable=False),
        sa.Column("no_answer", sa.Integer(), nullable=False),
        sa.Column("offer_failed", sa.Integer(), nullable=False),
        sa.Column("answered_within_ms", sa.BigInteger(), nullable=False),
        sa.Column("short_abandon_ms", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("intent", sa.Text(), nullable=False),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contacts"),
        comment="One row for each stay of a contact in a queue; a contact that moves or is transferred has several.",
    )
    op.create_index("ix_contacts_answered_ms", "contacts", ["answered_ms"])
    op.create_index("ix_contacts_arrived_ms", "contacts", ["arrived_ms"])
    op.create_index("ix_contacts_contact", "contacts", ["contact"])
    op.create_index("ix_contacts_ended_ms", "contacts", ["ended_ms"])
    op.create_table(
        "facts",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_facts"),
        comment="What is no business of the router: dispositions, recordings, voicemails, surveys, starts and stops.",
    )
    op.create_index("ix_facts_contact", "facts", ["contact"])
    op.create_index("ix_facts_kind_at_ms", "facts", ["kind", "at_ms"])
    op.create_table(
        "journal_position",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("next_id", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal_position"),
        comment="One row: everything before `offset` in `file` is stored; `at_ms` is the time of the last record.",
    )
    op.create_table(
        "offers",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("offer", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("offered_ms", sa.BigInteger(), nullable=False),
        sa.Column("accepted_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_offers"),
        comment="Every ringing of an agent; `cause` says why it came to nothing. `contact_id` is the row in contacts.",
    )
    op.create_index("ix_offers_contact_id", "offers", ["contact_id"])
    op.create_index("ix_offers_ended_ms", "offers", ["ended_ms"])
    op.create_index("ix_offers_offered_ms", "offers", ["offered_ms"])
    op.create_table(
        "queue_log",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("callid", sa.Text(), nullable=False),
        sa.Column("queuename", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("data1", sa.Text(), nullable=False),
        sa.Column("data2", sa.Text(), nullable=False),
        sa.Column("data3", sa.Text(), nullable=False),
        sa.Column("data4", sa.Text(), nullable=False),
        sa.Column("data5", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_queue_log"),
        comment="The happenings in the words of Asterisk's queue_log.",
    )
    op.create_index("ix_queue_log_at_ms", "queue_log", ["at_ms"])
    op.create_table(
        "queue_log_file",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("written_id", sa.BigInteger(), nullable=False),
        sa.Column("inode", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_queue_log_file"),
        comment="One row: which rows of queue_log are in the file, and the file as it was then.",
    )
    op.create_table(
        "story",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_story"),
        comment="Every event and decision of the router, as the journal has it (`data` is its JSON).",
    )
    op.create_index("ix_story_at_ms", "story", ["at_ms"])
    op.create_index("ix_story_contact", "story", ["contact"])
    op.create_table(
        "visits",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_visits"),
        comment="The nodes that callers came through, and by which exit of the node before.",
    )
    op.create_index("ix_visits_contact", "visits", ["contact"])
    op.create_table(
        "waits",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_waits"),
        comment="When each contact waited: more than once where a talk failed to begin, or a callback rested.",
    )
    op.create_index("ix_waits_contact_id", "waits", ["contact_id"])
    op.create_index("ix_waits_from_ms_to_ms", "waits", ["from_ms", "to_ms"])
