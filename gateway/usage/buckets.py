"""Times and texts as the databases group them: one expression for SQLite and for PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Aggregate, CharField, DateTimeField, Func, TextField

QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Bucket(Func):
    """The quarter, hour or day (UTC) in which a time lies, as a text that
    `datetime.fromisoformat` reads.

    SQLite keeps times as text in UTC. Django's own Trunc calls Python for each row there.
    """

    output_field = CharField()

    def __init__(self, column: str, length: timedelta) -> None:
        super().__init__(column)
        self.length = length

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> Any:
        """The same in the words of the database."""
        column, params = compiler.compile(self.source_expressions[0])
        return bucket_sql(connection.vendor, column, self.length), params


def bucket_sql(vendor: str, column: str, length: timedelta) -> str:
    """The expression of a Bucket, for a database and a column in quotes."""
    if vendor == "postgresql":
        step = f"{length.total_seconds():.0f} seconds"
        origin = "TIMESTAMP '2000-01-01'"
        return f"date_bin('{step}', {column} AT TIME ZONE 'UTC', {origin})::text"
    if length == QUARTER:  # the first characters of the text; of the minutes only their quarter
        quarter = f"printf('%%02d', substr({column}, 15, 2) / 15 * 15)"
        return f"substr({column}, 1, 14) || {quarter}"
    return f"substr({column}, 1, {13 if length == HOUR else 10})"


class Unindexed(Func):
    """A time that SQLite compares without an index: there it would prefer the index of a long time
    to the few ids that are asked for besides (sqlite.org/optoverview.html#disqualifying_terms).
    """

    output_field = DateTimeField()
    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """The same value as an expression."""
        return super().as_sql(compiler, connection, template="+%(expressions)s", **context)


class Joined(Aggregate):
    """The values of a column, joined by spaces; NULL where there are none."""

    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """By SQLite's function."""
        template = "GROUP_CONCAT(%(expressions)s, ' ')"
        return super().as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """By PostgreSQL's function."""
        template = "STRING_AGG(%(expressions)s::text, ' ')"
        return super().as_sql(compiler, connection, template=template, **context)


def begin(at: datetime, length: timedelta) -> datetime:
    """The beginning of the quarter, the hour or the day (UTC) in which a time lies."""
    return at - (at - EPOCH) % length
