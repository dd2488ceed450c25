"""The replacement of a connection that matters now."""

from django.db.models import F, Q

from connections.models import Connection, KeyReplacement

State = KeyReplacement.State
OPEN_STATES = (State.OPEN, State.WATCHING)
# What is not over: a key that was refused is until it is replaced or forgotten.
NEWS = Q(state__in=OPEN_STATES) | Q(
    state=State.GONE_BACK,
    is_by_itself=True,
    credentials__isnull=False,
    connection__settings_version=F("settings_version"),
)


def replacement_of(connection: Connection) -> KeyReplacement | None:
    """The replacement that is open or watched, else the last one that still keeps a key, else the
    last one. None for a connection whose key was never replaced.
    """
    rows = list(KeyReplacement.objects.filter(connection=connection).select_related("begun_by"))
    rows.sort(key=lambda row: (row.state not in OPEN_STATES, not row.has_other))
    return rows[0] if rows else None


def news_of(connection: Connection) -> KeyReplacement | None:
    """The replacement that somebody should know of: open, watched, or gone back by itself while
    nobody has acted on it. One query.
    """
    rows = KeyReplacement.objects.filter(connection=connection).filter(NEWS)
    return rows.select_related("begun_by").order_by("-date_begun").first()


def is_untouched(replacement: KeyReplacement, connection: Connection) -> bool:
    """False when somebody changed the connection's settings since: a key that was stored before
    must not come back beside an address that somebody else has chosen.
    """
    return replacement.settings_version == connection.settings_version
