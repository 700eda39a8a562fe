"""Tables of the people of a node: who they are, what was changed about them, failed sign-ins, approvals.

Names, roles, credentials and what a request is about are sealed; pseudonyms, counts and dates are not.
"""

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table

from symbolon.storage.metadata import RowId, metadata

operator_entry: Final = Table(
    "operator_entry",
    metadata,
    Column("pseudonym", String(32), primary_key=True, comment="random, for journals; never given again"),
    Column("name_digest", LargeBinary(16), nullable=False, unique=True, comment="keyed digest of the name"),
    Column(
        "subject_digest",
        LargeBinary(16),
        nullable=True,
        unique=True,
        comment="keyed digest of OIDC issuer and subject; null: signs in with a password",
    ),
    Column("record", LargeBinary, nullable=False, comment="sealed: name, role, how it signs in"),
    Column("password", LargeBinary, nullable=True, comment="sealed: scrypt parameters, salt and hash"),
    comment="Operators of this node",
)

operator_change: Final = Table(
    "operator_change",
    metadata,
    Column("id", RowId, primary_key=True, comment="ascending in the order of the changes"),
    Column("at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    Column("whom", String(32), nullable=False, comment="pseudonym of the operator that was changed"),
    Column("what", String(16), nullable=False, comment="added, role, password or removed"),
    Column("by", String(32), nullable=False, comment="pseudonym of who did it"),
    comment="Changes to operators; rows are only ever added",
)

sign_in_failure: Final = Table(
    "sign_in_failure",
    metadata,
    Column(
        "name_digest",
        LargeBinary(16),
        primary_key=True,
        comment="keyed digest of the name tried, known or not",
    ),
    Column("failures", Integer, nullable=False, comment="attempts since the last good one"),
    Column("last_at_s", RowId, nullable=False, comment="the newest, seconds since 1970-01-01 UTC"),
    Column(
        "blocked_until_s", RowId, nullable=False, comment="no attempt before, seconds since 1970-01-01 UTC"
    ),
    comment="Sign-ins that failed or never finished",
)

approval_request: Final = Table(
    "approval_request",
    metadata,
    Column("id", String(16), primary_key=True, comment="ap- and hexadecimal digits"),
    Column("action", String(32), nullable=False, comment="what is to be done"),
    Column("digest", LargeBinary(32), nullable=False, comment="SHA-256 of action and subject"),
    Column("words", LargeBinary, nullable=False, comment="sealed: the same for people"),
    Column("requested_by", String(32), nullable=False, comment="the author's pseudonym"),
    Column("requested_at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    Column("expires_at_s", RowId, nullable=False, comment="end, seconds since 1970-01-01 UTC"),
    Column("after_change", RowId, nullable=False, comment="newest operator_change at the time, or 0"),
    Column("state", String(8), nullable=False, comment="waiting, approved, denied or used"),
    Column("decided_by", String(32), nullable=False, comment="pseudonym of who approved or denied, or empty"),
    Index(None, "requested_by", "action", "digest"),
    comment="Requests for a second pair of eyes, and what became of them",
)
