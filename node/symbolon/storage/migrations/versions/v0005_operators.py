"""Operators of the node, their approvals, and which of them a journal line is due to."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Makes the tables; lines written before count as those of whoever could read the folder."""
    op.add_column(
        "journal_line",
        sa.Column(
            "operator",
            sa.String(32),
            nullable=False,
            server_default="local",
            comment="pseudonym of the operator it is due to; local: a node without operators",
        ),
    )
    op.create_table(
        "operator_entry",
        sa.Column(
            "pseudonym", sa.String(32), nullable=False, comment="random, for journals; never given again"
        ),
        sa.Column("name_digest", sa.LargeBinary(16), nullable=False, comment="keyed digest of the name"),
        sa.Column(
            "subject_digest",
            sa.LargeBinary(16),
            nullable=True,
            comment="keyed digest of OIDC issuer and subject; null: signs in with a password",
        ),
        sa.Column("record", sa.LargeBinary, nullable=False, comment="sealed: name, role, how it signs in"),
        sa.Column(
            "password", sa.LargeBinary, nullable=True, comment="sealed: scrypt parameters, salt and hash"
        ),
        sa.PrimaryKeyConstraint("pseudonym", name="pk_operator_entry"),
        sa.UniqueConstraint("name_digest", name="uq_operator_entry_name_digest"),
        sa.UniqueConstraint("subject_digest", name="uq_operator_entry_subject_digest"),
        comment="Operators of this node",
    )
    op.create_table(
        "operator_change",
        sa.Column("id", _ROW_ID, nullable=False, comment="ascending in the order of the changes"),
        sa.Column("at_s", _ROW_ID, nullable=False, comment="seconds since 1970-01-01 UTC"),
        sa.Column(
            "whom", sa.String(32), nullable=False, comment="pseudonym of the operator that was changed"
        ),
        sa.Column("what", sa.String(16), nullable=False, comment="added, role, password or removed"),
        sa.Column("by", sa.String(32), nullable=False, comment="pseudonym of who did it"),
        sa.PrimaryKeyConstraint("id", name="pk_operator_change"),
        comment="Changes to operators; rows are only ever added",
    )
    op.create_table(
        "sign_in_failure",
        sa.Column(
            "name_digest",
            sa.LargeBinary(16),
            nullable=False,
            comment="keyed digest of the name tried, known or not",
        ),
        sa.Column("failures", sa.Integer, nullable=False, comment="attempts since the last good one"),
        sa.Column("last_at_s", _ROW_ID, nullable=False, comment="the newest, seconds since 1970-01-01 UTC"),
        sa.Column(
            "blocked_until_s",
            _ROW_ID,
            nullable=False,
            comment="no attempt before, seconds since 1970-01-01 UTC",
        ),
        sa.PrimaryKeyConstraint("name_digest", name="pk_sign_in_failure"),
        comment="Sign-ins that failed or never finished",
    )
    op.create_table(
        "approval_request",
        sa.Column("id", sa.String(16), nullable=False, comment="ap- and hexadecimal digits"),
        sa.Column("action", sa.String(32), nullable=False, comment="what is to be done"),
        sa.Column("digest", sa.LargeBinary(32), nullable=False, comment="SHA-256 of action and subject"),
        sa.Column("words", sa.LargeBinary, nullable=False, comment="sealed: the same for people"),
        sa.Column("requested_by", sa.String(32), nullable=False, comment="the author's pseudonym"),
        sa.Column("requested_at_s", _ROW_ID, nullable=False, comment="seconds since 1970-01-01 UTC"),
        sa.Column("expires_at_s", _ROW_ID, nullable=False, comment="end, seconds since 1970-01-01 UTC"),
        sa.Column(
            "after_change", _ROW_ID, nullable=False, comment="newest operator_change at the time, or 0"
        ),
        sa.Column("state", sa.String(8), nullable=False, comment="waiting, approved, denied or used"),
        sa.Column(
            "decided_by",
            sa.String(32),
            nullable=False,
            comment="pseudonym of who approved or denied, or empty",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_approval_request"),
        comment="Requests for a second pair of eyes, and what became of them",
    )
    op.create_index(
        "ix_approval_request_requested_by_action_digest",
        "approval_request",
        ["requested_by", "action", "digest"],
    )
