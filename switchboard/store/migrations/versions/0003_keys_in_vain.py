"""How often callers pressed nothing, or what does not fit, at each node"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("calls", sa.Column("missed", sa.JSON(), nullable=False, server_default="{}"))
