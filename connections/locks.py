"""The order in which changes lock rows, and another try for a change that the database ended.

On PostgreSQL two changes that lock the same rows in different orders wait for each other until one
of them is ended. So every change takes its locks in this order, each kind once, all rows of a kind
with one `hold`:

1. connection types, by key
2. connections, by id
3. profiles, by id
4. rows that belong to those: fallbacks, defaults, checks, tokens, approvals of hosts, former
   aliases
5. new rows and new aliases: of connections by alias, then of profiles by alias. A unique alias is a
   lock too: whoever inserts one that another transaction has inserted waits for it.

All of these locks are `FOR NO KEY UPDATE`, so that a foreign key to a locked row, which is checked
when a transaction commits, waits for nobody. Only a deletion locks its row `FOR UPDATE`, before it
looks for what needs the row.

Nobody waits for the change counter: see change_counter.py.

On SQLite a change holds the whole file from its first statement to its end, so there is no order to
keep, and the shorter a change is the better. Changes wait for it in turn (backoffice/sqlite), and
those that take long, `long_change`, only one at a time.

Whatever takes long (validation, comparison, encryption) is done before the locks, from what was
read without them. Under them it is only looked whether that is still so: a plan reads, an import
writes what was planned.

Whatever the database ends all the same for the sake of another (deadlock, serialization failure, a
busy file) is tried again by `retried`, a few times. After that the caller gets the 503 of
outages.py.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import OperationalError, models, transaction
from django.db import connection as database
from django.views.decorators.debug import sensitive_variables

from .outages import BUSY, database_outage

MOST_TRIES = 6
TRIES_END = 3.0  # seconds after which there is no further try
PAUSE = 0.02  # seconds, at most, before the second try; twice that before the third, and so on

P = ParamSpec("P")
R = TypeVar("R")
Row = TypeVar("Row", bound=models.Model)


def hold(rows: "models.QuerySet[Row]", keys: Iterable[Any]) -> dict[Any, Row]:
    """Locks the rows with these primary keys until the transaction ends, in their order.

    Returns those that are there, as they are now. Rows may still be made that refer to them, but
    they cannot be deleted.
    """
    found = rows.select_for_update(of=("self",), no_key=True).filter(pk__in=set(keys))
    return {row.pk: row for row in found.order_by("pk")}


@contextmanager
def long_change() -> Iterator[None]:
    """A transaction that takes long: on SQLite such changes wait for each other first, so that a
    short one, such as a switch, waits for one of them at most.
    """
    with getattr(database, "long_change", nullcontext)(), transaction.atomic():
        yield


def retried(service: Callable[P, R]) -> Callable[P, R]:
    """The service, called again when the database ended its transaction for the sake of another.

    It must be able to begin anew: all it changes is in the database. Inside of a transaction it is
    not called again, since all of that is lost; whoever opened it may.
    """

    @wraps(service)
    @sensitive_variables()  # the arguments hold secrets
    def tried(*args: P.args, **kwargs: P.kwargs) -> R:
        began = time.monotonic()
        for number in range(1, MOST_TRIES):
            try:
                return service(*args, **kwargs)
            except OperationalError as error:
                is_late = time.monotonic() - began > TRIES_END
                if database.in_atomic_block or is_late or database_outage(error) is not BUSY:
                    raise
                time.sleep(random.uniform(0, PAUSE * 2**number))  # noqa: S311 no secret
        return service(*args, **kwargs)

    return tried
