"""Tables of a founder: how it voted, the proposals it knows, the invitations it approved.

Nothing here is secret from the other founders, and an invitation is kept without its code; so nothing is
sealed.
"""

from typing import Final

from sqlalchemy import Boolean, Column, Index, LargeBinary, String, Table, UniqueConstraint

from symbolon.storage.metadata import RowId, metadata

founding_vote: Final = Table(
    "founding_vote",
    metadata,
    Column(
        "version",
        RowId,
        primary_key=True,
        autoincrement=False,
        comment="version of the targets that was voted on",
    ),
    Column("base", LargeBinary(32), nullable=False, comment="SHA-256 of the members.json it starts from"),
    Column("proposal", LargeBinary(32), nullable=False, comment="SHA-256 of the proposal that was signed"),
    Column(
        "binds_until_s",
        RowId,
        nullable=False,
        comment="until then nothing else is signed on that base; seconds since 1970-01-01 UTC",
    ),
    Index("ix_founding_vote_base", "base"),
    comment="One vote for each version, written down before it is signed",
)

founding_proposal: Final = Table(
    "founding_proposal",
    metadata,
    Column("sha256", LargeBinary(32), primary_key=True, comment="SHA-256 of the document"),
    Column("version", RowId, nullable=False, comment="version of the targets it would make"),
    Column("base", LargeBinary(32), nullable=False, comment="SHA-256 of the members.json it starts from"),
    Column("makes", LargeBinary(32), nullable=False, comment="SHA-256 of the members.json it would make"),
    Column("matter", LargeBinary(32), nullable=False, comment="names what is proposed, on whatever base"),
    Column("routine", Boolean, nullable=False, comment="whether all of it can carry its own proof"),
    Column("document", LargeBinary, nullable=False, comment="the proposal, canonical JSON"),
    Column("proposer", String(64), nullable=False, comment="founder it came from"),
    Column("received_at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    Column(
        "approved_at_s",
        RowId,
        nullable=True,
        comment="when this founder approved it; seconds since 1970-01-01 UTC",
    ),
    Index("ix_founding_proposal_version", "version"),
    Index("ix_founding_proposal_makes", "makes"),
    Index("ix_founding_proposal_matter", "matter"),
    comment="Proposals made here or received from other founders",
)

founding_signature: Final = Table(
    "founding_signature",
    metadata,
    Column("id", RowId, primary_key=True, comment="row number"),
    Column("proposal", LargeBinary(32), nullable=False, comment="SHA-256 of the proposal, or of a root"),
    Column("role", String(16), nullable=False, comment="root or targets: what was signed"),
    Column("key_id", String(64), nullable=False, comment="key that signed, as root names it"),
    Column("signature", LargeBinary, nullable=False, comment="over the metadata that the proposal makes"),
    UniqueConstraint("proposal", "role", "key_id"),
    comment="Signatures under proposals, this founder's and others'",
)

founding_invitation: Final = Table(
    "founding_invitation",
    metadata,
    Column("sha256", LargeBinary(32), primary_key=True, comment="hash of the invitation's code"),
    Column("member", String(64), nullable=False, comment="id that it is bound to"),
    Column("sponsor", String(64), nullable=False, comment="founder that wrote it"),
    Column("terms", LargeBinary, nullable=False, comment="what it admits, canonical JSON"),
    Column("authority", LargeBinary, nullable=False, comment="certificate that a joining caller is known by"),
    Column("expires_at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    Column("state", String(16), nullable=False, comment="offered, approved, used, withdrawn"),
    comment="Invitations this founder wrote, or was asked to approve",
)
