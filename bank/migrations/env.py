"""Alembic's environment: one connection, given by `schema.py`, on either database."""

from typing import Any, Literal

from alembic import context
from sqlalchemy.types import TypeDecorator

from bank.db import Base


def render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our own column types as what they are in the database: a migration outlives the code."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


config = context.config
connection = config.attributes["connection"]

context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
    compare_type=True,
    render_item=render,
)
with context.begin_transaction():
    context.run_migrations()
