"""Rows by the hundred thousand: COPY on PostgreSQL, executemany on SQLite, with the types and ids of the tables."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.orm import Session

from bank.db import Base, core, table

BLOCK = 500

Row = Mapping[str, Any]


class Numbers:
    """Fresh ids for one unit of work, taken as the tables themselves would: by sequence, or after the last one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: dict[type[Base], Iterator[int]] = {}
        self._last: dict[type[Base], int] = {}

    def of(self, model: type[Base]) -> int:
        """The next id of a table."""
        found = next(self._waiting.get(model, iter(())), None)
        if found is not None:
            return found
        self._waiting[model] = iter(self._block(model))
        return next(self._waiting[model])

    def _block(self, model: type[Base]) -> Sequence[int]:
        connection, name = core(self._session), table(model).name
        if connection.dialect.name == "postgresql":
            drawn = sa.func.nextval(sa.func.pg_get_serial_sequence(name, "id"))
            return list(connection.scalars(sa.select(drawn).select_from(sa.func.generate_series(1, BLOCK))))
        # The write lock is held: nobody else takes one until this unit of work ends.
        last = self._last.get(model)
        if last is None:
            last = connection.scalar(sa.select(sa.func.max(table(model).c.id))) or 0
        self._last[model] = last + BLOCK
        return range(last + 1, last + BLOCK + 1)


def row_of(model: type[Base], /, **values: Any) -> dict[str, Any]:
    """A whole row, with the defaults of its table; its id is the table's to give where `values` names none."""
    fixed, made = _defaults(model)
    return {**fixed, **{name: make(None) for name, make in made if name not in values}, **values}


@lru_cache(maxsize=64)
def _defaults(model: type[Base]) -> tuple[dict[str, Any], list[tuple[str, Callable[[Any], Any]]]]:
    fixed: dict[str, Any] = {}
    made = []
    for column in table(model).columns:
        default: Any = column.default
        if default is not None and default.is_callable:
            made.append((column.name, default.arg))
        elif column.name != "id":
            fixed[column.name] = default.arg if default is not None else None
    return fixed, made


def pour(session: Session, target: sa.Table, rows: Iterable[Row]) -> None:
    """Insert rows that all name the same columns."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    connection = core(session)
    columns = [column.name for column in target.columns if column.name in first]
    tuples = _tuples(connection.dialect, target, columns, chain([first], rows))
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        into = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(target.name), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with driver.cursor() as cursor, cursor.copy(into) as copy:
            for values in tuples:
                copy.write_row(values)
    else:
        statement = sa.insert(target).compile(dialect=connection.dialect, column_keys=columns)
        driver.executemany(str(statement), tuples)


def _tuples(
    dialect: sa.Dialect, target: sa.Table, columns: Sequence[str], rows: Iterable[Row]
) -> Iterator[Sequence[Any]]:
    """The rows as the driver takes them: each value through its column's own type."""
    found = [target.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in columns]
    processors: list[tuple[int, Callable[[Any], Any]]] = [
        (place, processor) for place, processor in enumerate(found) if processor is not None
    ]
    pick = itemgetter(*columns)
    for row in rows:
        values = list(pick(row))
        for place, processor in processors:
            values[place] = processor(values[place])
        yield values
