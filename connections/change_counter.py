"""The change counter: a number that grows in the transaction of every change, and on PostgreSQL a
notification with it.

Whoever remembers rows (the gateway, in every worker) compares it. Django's signals miss what goes
around the models, such as `QuerySet.update`; whoever uses that on what is remembered calls
`bump_change_counter` in the same transaction.

On PostgreSQL the number is the sum of several rows. A change counts in one that no other
transaction has locked, and adds a row if there is none: so no change ever waits for another one's
count, and there are as many rows as there were changes at the same moment. A worker of the version
before reads row 1 alone; it hears of what is counted elsewhere by the notification.
"""

import random
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection as database
from django.db import transaction
from django.db.models import F, Sum
from django.db.models.signals import m2m_changed, post_delete, post_save

from .models import (
    ApiToken,
    ChangeStamp,
    Connection,
    ConnectionShare,
    DefaultProfile,
    Fallback,
    IssuerRule,
    Membership,
    Profile,
    ProfileShare,
    SectionTeam,
    Team,
    TrustedIssuer,
)
from .redis_cache import REDIS, redis_address, redis_client

CHANNEL = "switchboard_changed"
NOT_CONTENT = ({"last_check"}, {"last_login"}, {"last_used_at"})


# https://www.postgresql.org/docs/current/sql-select.html#SQL-FOR-UPDATE-SHARE
TABLE = ChangeStamp._meta.db_table
COUNT_IN_A_FREE_ROW = f"""
WITH free AS (SELECT id FROM {TABLE} ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED),
counted AS (
    UPDATE {TABLE} SET number = number + 1 FROM free WHERE {TABLE}.id = free.id RETURNING 1
)
SELECT count(*), pg_notify('{CHANNEL}', '') FROM counted
"""  # noqa: S608 names of our own
NEW_ROWS = 2, 2**62  # the ids of further rows; row 1 is there from the start


def read_change_counter() -> int:
    """The number as it is committed now. One query."""
    return int(ChangeStamp.objects.aggregate(number=Sum("number"))["number"] or 0)


def bump_change_counter() -> None:
    """Counts a change, as part of the transaction that makes it. Waits for nobody."""
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute(COUNT_IN_A_FREE_ROW)  # the message goes out when the change commits
            is_counted = cursor.fetchone()[0]
        if not is_counted:
            ChangeStamp.objects.create(pk=random.randint(*NEW_ROWS), number=1)  # noqa: S311 no secret
    elif not ChangeStamp.objects.filter(pk=1).update(number=F("number") + 1):
        ChangeStamp.objects.get_or_create(pk=1)  # emptied by hand
    if redis_address():
        transaction.on_commit(_publish, robust=True)


def _publish() -> None:
    """Tells those who listen. A Redis that is away fails no save, and delays one at most."""
    from redis import RedisError

    if REDIS.is_away:
        return
    try:
        with redis_client() as client:
            client.publish(CHANNEL, "")
    except (RedisError, OSError) as error:
        REDIS.note_failure(type(error).__name__)


def _changed(
    update_fields: Any = None, action: str = "", raw: bool = False, **_kwargs: Any
) -> None:
    is_content = update_fields is None or set(update_fields) not in NOT_CONTENT
    if is_content and not raw and action in ("", "post_add", "post_remove", "post_clear"):
        bump_change_counter()


def watch_changes() -> None:
    """Connects the signals. Called once, when Django is ready."""
    user = get_user_model()
    of_teams = (Team, Membership, ConnectionShare, ProfileShare, SectionTeam)
    rows = (Connection, Profile, Fallback, DefaultProfile, *of_teams)
    callers = (ApiToken, TrustedIssuer, IssuerRule, user, Group)
    for model in (*rows, *callers):
        post_save.connect(_changed, model, dispatch_uid=f"change-counter-{model.__name__}")
        post_delete.connect(_changed, model, dispatch_uid=f"change-counter-{model.__name__}-gone")
    for through in (
        ApiToken.profiles.through,
        IssuerRule.profiles.through,
        user.groups.through,
        user.user_permissions.through,
        Group.permissions.through,
    ):
        m2m_changed.connect(_changed, through, dispatch_uid=f"change-counter-{through.__name__}")
