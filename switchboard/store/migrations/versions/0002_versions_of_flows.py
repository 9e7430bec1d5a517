"""Published versions of the flows, and which of them each call had"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "flow_blobs",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_flow_blobs"),
        comment="What the files of versions hold, each content once, by its SHA-256.",
    )
    op.create_table(
        "flow_plans",
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name="pk_flow_plans"),
        comment="What was in force since when; the newest row holds. Of two who change it at once one is refused.",
    )
    op.create_table(
        "flow_versions",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_flow_versions"),
        comment="Versions; they never change. `files`: the blob of each by its place; `base`: what it was made from.",
    )
    op.add_column("calls", sa.Column("version", sa.Integer(), nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "postgresql":
        words = "One row for each caller's way through the flows; `version` is that of the flows (0: not published)."
        op.create_table_comment("calls", words)
