"""What a founder keeps: votes, proposals, signatures, invitations."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SECONDS = "seconds since 1970-01-01 UTC"


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "founding_vote",
        sa.Column(
            "version",
            _ROW_ID,
            nullable=False,
            autoincrement=False,
            comment="version of the targets that was voted on",
        ),
        sa.Column(
            "base", sa.LargeBinary(32), nullable=False, comment="SHA-256 of the members.json it starts from"
        ),
        sa.Column(
            "proposal", sa.LargeBinary(32), nullable=False, comment="SHA-256 of the proposal that was signed"
        ),
        sa.Column(
            "binds_until_s",
            _ROW_ID,
            nullable=False,
            comment=f"until then nothing else is signed on that base; {_SECONDS}",
        ),
        sa.PrimaryKeyConstraint("version", name="pk_founding_vote"),
        comment="One vote for each version, written down before it is signed",
    )
    op.create_index("ix_founding_vote_base", "founding_vote", ["base"])
    op.create_table(
        "founding_proposal",
        sa.Column("sha256", sa.LargeBinary(32), nullable=False, comment="SHA-256 of the document"),
        sa.Column("version", _ROW_ID, nullable=False, comment="version of the targets it would make"),
        sa.Column(
            "base", sa.LargeBinary(32), nullable=False, comment="SHA-256 of the members.json it starts from"
        ),
        sa.Column(
            "makes", sa.LargeBinary(32), nullable=False, comment="SHA-256 of the members.json it would make"
        ),
        sa.Column(
            "matter", sa.LargeBinary(32), nullable=False, comment="names what is proposed, on whatever base"
        ),
        sa.Column("routine", sa.Boolean, nullable=False, comment="whether all of it can carry its own proof"),
        sa.Column("document", sa.LargeBinary, nullable=False, comment="the proposal, canonical JSON"),
        sa.Column("proposer", sa.String(64), nullable=False, comment="founder it came from"),
        sa.Column("received_at_s", _ROW_ID, nullable=False, comment=_SECONDS),
        sa.Column(
            "approved_at_s",
            _ROW_ID,
            nullable=True,
            comment=f"when this founder approved it; {_SECONDS}",
        ),
        sa.PrimaryKeyConstraint("sha256", name="pk_founding_proposal"),
        comment="Proposals made here or received from other founders",
    )
    op.create_index("ix_founding_proposal_version", "founding_proposal", ["version"])
    op.create_index("ix_founding_proposal_makes", "founding_proposal", ["makes"])
    op.create_index("ix_founding_proposal_matter", "founding_proposal", ["matter"])
    op.create_table(
        "founding_signature",
        sa.Column("id", _ROW_ID, nullable=False, comment="row number"),
        sa.Column(
            "proposal", sa.LargeBinary(32), nullable=False, comment="SHA-256 of the proposal, or of a root"
        ),
        sa.Column("role", sa.String(16), nullable=False, comment="root or targets: what was signed"),
        sa.Column("key_id", sa.String(64), nullable=False, comment="key that signed, as root names it"),
        sa.Column(
            "signature", sa.LargeBinary, nullable=False, comment="over the metadata that the proposal makes"
        ),
        sa.UniqueConstraint("proposal", "role", "key_id", name="uq_founding_signature_proposal_role_key_id"),
        sa.PrimaryKeyConstraint("id", name="pk_founding_signature"),
        comment="Signatures under proposals, this founder's and others'",
    )
    op.create_table(
        "founding_invitation",
        sa.Column("sha256", sa.LargeBinary(32), nullable=False, comment="hash of the invitation's code"),
        sa.Column("member", sa.String(64), nullable=False, comment="id that it is bound to"),
        sa.Column("sponsor", sa.String(64), nullable=False, comment="founder that wrote it"),
        sa.Column("terms", sa.LargeBinary, nullable=False, comment="what it admits, canonical JSON"),
        sa.Column(
            "authority",
            sa.LargeBinary,
            nullable=False,
            comment="certificate that a joining caller is known by",
        ),
        sa.Column("expires_at_s", _ROW_ID, nullable=False, comment=_SECONDS),
        sa.Column("state", sa.String(16), nullable=False, comment="offered, approved, used, withdrawn"),
        sa.PrimaryKeyConstraint("sha256", name="pk_founding_invitation"),
        comment="Invitations this founder wrote, or was asked to approve",
    )
