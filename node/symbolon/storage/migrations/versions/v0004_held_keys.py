"""Own keys of a received set stand apart from their outputs: a session asks before it reads those."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drops what is held: the next session asks for the set anew, which debits the whole list once more."""
    for name in ("received_part", "received_set"):
        op.execute(sa.delete(sa.table(name)))
    if op.get_context().dialect.supports_comments:
        comments = {
            "kind": "keys, outputs, probes (own), entries, hits",
            "number": "of the delta; of own keys ascending from 1; else 0",
        }
        for column, comment in comments.items():
            op.alter_column("received_part", column, comment=comment)
