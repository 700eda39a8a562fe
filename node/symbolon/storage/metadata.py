"""The one `MetaData` that every table of the node is registered on, and the column types they share.

Each area declares its tables in its own `<area>_schema` module. Constraint names follow one convention, so
that migrations can name what they change on SQLite and on PostgreSQL alike.
"""

from typing import Final

from sqlalchemy import BigInteger, Integer, MetaData

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Holds every table of the node."""

RowId: Final = BigInteger().with_variant(Integer(), "sqlite")
"""64-bit row number. SQLite gives its fast row id only to a primary key spelt INTEGER."""
