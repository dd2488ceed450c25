"""The search of the pages' lists: where a text may be for a connection or a profile to be found."""

import json
from collections.abc import Iterable
from typing import Any

from django.db.models import BooleanField, F, Func, Model, Q, TextField, Value
from django.db.models.functions import Cast

from providers.core.registry import all_providers

from .lookup import former_alias_q, id_or_alias_q
from .models import Connection, Profile, has_name_key
from .texts import folded

MOST_SPELLINGS = 200  # of one tag: SQLite takes conditions a thousand deep
MOST_WORDS = 6  # of one search; more narrow nothing


class HasValue(Func):
    """True where one of the values of a JSON object contains a text in lower case. What a room
    keeps beside the settings, under a name with a dot, is left out.
    """

    arity = 2
    output_field = BooleanField()
    # SQLite's; the joiner of the two expressions ends the call of json_each
    template = (
        "EXISTS (SELECT 1 FROM json_each(%(expressions)s) > 0 AND instr(json_each.key, '.') = 0)"
    )
    arg_joiner = ") WHERE instr(lower(json_each.value), "

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """With PostgreSQL's table of the values of an object."""
        return self.as_sql(
            compiler,
            connection,
            template=(
                "EXISTS (SELECT 1 FROM jsonb_each_text(%(expressions)s) > 0"
                " AND strpos(one.key, '.') = 0)"
            ),
            arg_joiner=") AS one WHERE strpos(lower(one.value), ",
            **extra,
        )


def has_words(model: type[Model], text: str, beside_names: bool = False) -> Q:
    """The condition that each word of a text is in a connection or a profile.

    Of both: name, alias or former alias, tags, or it is the id. Of a connection: its provider, the
    models of its profiles, and what its settings say, such as hosts and references; secrets are
    not among them. Of a profile: its model, and the name and alias of its connection.

    `beside_names`: where one word is not looked for where `is_called` looks, for whoever has done
    that already.
    """
    condition = Q()
    lists = model._default_manager.order_by().values_list("tags", flat=True).distinct()
    tags = {one for tags in lists for one in tags}
    words = text.split()[:MOST_WORDS]
    for word in words:
        searched = folded(word)
        found = tagged(one for one in tags if searched in folded(one))
        if not beside_names or len(words) > 1:
            found |= is_called(model, word)
        condition &= found | (_in_connection(word) if model is Connection else _in_profile(word))
    return condition


def is_called(model: type[Model], text: str) -> Q:
    """The condition that a text is in the name, the alias or a former one, or is the id."""
    return (
        id_or_alias_q(text)
        | Q(alias__contains=text.lower())
        | in_name(text)
        | former_alias_q(model, alias__contains=text.lower())
    )


def in_name(text: str, of: str = "", how: str = "contains") -> Q:
    """The condition that the name contains a text, without regard to case and accents.

    `of`: it is about the row there, e.g. `connection__`. `how`: another look-up of Django's, such
    as `startswith`.
    """
    if not folded(text):  # nothing but accents
        return Q(**{f"{of}name__{how}": text})
    without_key = ~has_name_key(of) & Q(**{f"{of}name__i{how}": text})
    return (has_name_key(of) & Q(**{f"{of}name_key__{how}": folded(text)})) | without_key


def tagged(tags: Iterable[str]) -> Q:
    """The condition that a row has one of these tags; the query has the alias `tags_text`, see
    `with_texts`.
    """
    found = Q(pk__in=())
    for one in sorted(tags)[:MOST_SPELLINGS]:
        # as the JSON column's text has it: escaped in SQLite, plain in PostgreSQL
        found |= Q(tags_text__contains=json.dumps(one)) | Q(tags_text__contains=f'"{one}"')
    return found


def with_texts(rows: Any) -> Any:
    """The rows with their tags and settings as texts to search in."""
    texts = {f"{column}_text": Cast(column, TextField()) for column in ("tags", "settings")}
    return rows.alias(**texts)


def _in_connection(word: str) -> Q:
    named = [
        one.id
        for one in all_providers()
        if word.lower() in one.id or folded(word) in folded(one.name)
    ]
    serving = Profile.objects.filter(model__icontains=word).order_by().values("connection_id")
    in_settings = Q(HasValue(F("settings"), Value(word.lower())))
    if (
        word.isascii()
    ):  # a look at the whole text first spares most rows; it has other letters escaped
        in_settings = Q(settings_text__icontains=word) & in_settings
    return Q(provider_id__in=named) | Q(pk__in=serving) | in_settings


def _in_profile(word: str) -> Q:
    # looked for once, and not in the connection of each profile
    named = Connection.objects.filter(Q(alias__contains=word.lower()) | in_name(word))
    return Q(model__icontains=word) | Q(connection__in=named.order_by().values("pk"))
