"""Forms as a browser posts them, the texts of a page, and the changes that a request made."""

import re
from html import unescape
from typing import Any

from django.contrib.messages import get_messages
from django.db import connection as database
from django.http import HttpResponse

from connections.models import (
    ApiToken,
    Connection,
    ConnectionCheck,
    DefaultProfile,
    FormerAlias,
    HostApproval,
    KeyReplacement,
    ListChoice,
    Profile,
    Task,
)
from providers.core.base import Provider
from providers.core.schema import settings_fields

from .fakes import SECRET

HTMX = {"HX-Request": "true"}


def entries(settings: dict[str, Any] | None = None, **columns: Any) -> dict[str, Any]:
    """The entries that a connection's form posts: `settings` with their prefix, and the columns."""
    given = {"api_key": SECRET} if settings is None else settings
    return {
        "name": "Production",
        "tags": "",
        "is_active": "on",
        "is_checked": "on",
        **{f"settings-{name}": value for name, value in given.items()},
        **columns,
    }


def typed(provider: type[Provider[Any]], settings: dict[str, Any]) -> dict[str, str]:
    """Settings as a person types them."""
    fields = settings_fields(provider)
    found = {
        name: _as_typed(fields[name].kind, value)
        for name, value in settings.items()
        if not fields[name].is_map
    }
    return found | {
        key: text
        for name, value in settings.items()
        if fields[name].is_map
        for key, text in rows(name, value).items()
    }


def rows(name: str, entries: dict[str, str]) -> dict[str, str]:
    """The entries of a map as its rows post them."""
    pairs = [
        (f"{name}-{number}", key, value) for number, (key, value) in enumerate(entries.items())
    ]
    return {f"{row}-key": key for row, key, _ in pairs} | {
        f"{row}-value": value for row, _, value in pairs
    }


def _as_typed(kind: str, value: Any) -> str:
    if kind == "headers":
        return "\n".join(f"{name}: {text}" for name, text in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)


def html(response: HttpResponse) -> str:
    """The page as text."""
    return response.content.decode()


def words(response: HttpResponse) -> str:
    """The text of the page without tags, in single blanks."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html(response))).split())


def value_of(response: HttpResponse, name: str) -> str | None:
    """The value of the input of this name; None when it has none."""
    tags = re.findall(
        rf'<(?:input|textarea)\b[^>]*\bname="{re.escape(name)}"[^>]*>', html(response)
    )
    assert tags, f"no input named {name}"
    found = re.search(r'\bvalue="([^"]*)"', tags[0])
    return unescape(found[1]) if found else None


def told(response: HttpResponse) -> list[str]:
    """The messages of a redirect."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def world() -> list[Any]:
    """Everything a request could have changed."""
    found: list[Any] = []
    with database.cursor() as cursor:
        for model in (
            Connection,
            Profile,
            ConnectionCheck,
            ApiToken,
            DefaultProfile,
            HostApproval,
            FormerAlias,
            KeyReplacement,
            ListChoice,
            Task,
        ):
            cursor.execute(f"SELECT * FROM {model._meta.db_table} ORDER BY {model._meta.pk.column}")
            found.append(cursor.fetchall())
    return [*found, Connection.history.count(), Profile.history.count()]
