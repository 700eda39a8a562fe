"""Own keys of a received set stand apart from their outputs: a session asks before it reads those."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drops what is held: nothing is lost but one delta session, as the next one asks for the set anew."""
    for name in ("received_part", "received_set"):
        op.execute(sa.delete(sa.table(name)))
