"""By which rules the keys of a list were made."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; lists imported before count as keyed by other rules."""
    op.add_column(
        "supplier_import",
        sa.Column(
            "key_rules", sa.Text, nullable=True, comment="schemes of its keys; null: before these were noted"
        ),
    )
