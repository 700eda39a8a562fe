"""Runs the migrations on the connection that `symbolon.storage.schema_version` passes in.

Alembic executes this file by path. The connection is already inside one write transaction, so a migration
takes effect whole or not at all, on SQLite too.
"""

from alembic import context

from symbolon.storage.metadata import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
