"""Bodies of profiles, as the services take them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .. import services
from ..lookup import all_by_id_or_alias, get_by_id_or_alias
from ..models import Connection, Profile
from .camelcase import decapitalized
from .fields import inner_names
from .profile_serializers import profile_settings_kinds


def translated(values: dict[str, Any], by: str, stored: Profile | None = None) -> dict[str, Any]:
    """A valid body as the services take it. `by`: who asks, should it name a former alias.

    Raises Invalid for an unknown connection or another provider's model.
    """
    arguments: dict[str, Any] = {
        name: values[name]
        for name in ("alias", "capability", *Profile.editable_columns)
        if name in values
    }
    connection = stored.connection if stored else None
    if "connection_id" in values:
        connection = get_by_id_or_alias(Connection.objects.listed(), values["connection_id"], by)
        if connection is None:
            raise services.Invalid(
                [
                    services.FieldError(
                        "connection_id",
                        "not_found",
                        "There is no such connection.",
                    )
                ]
            )
        arguments["connection"] = connection
    if "model" in values:
        arguments["model"] = _model_id(values["model"], connection)
    if values.get("settings") is not None:
        capability = values.get("capability") or (stored.capability if stored else "")
        arguments["settings"] = _inner_settings(capability, values["settings"])
    if "fallback_profile_ids" in values:
        arguments["fallbacks"] = _profiles(values["fallback_profile_ids"] or [], by)
    return arguments


def _profiles(names: list[str], by: str) -> list[Profile]:
    found = all_by_id_or_alias(Profile.objects.all(), names, by)
    if not found.keys() >= set(names):
        raise services.Invalid(
            [
                services.FieldError(
                    "fallback_profile_ids",
                    "not_found",
                    "One of these profiles is not there.",
                )
            ]
        )
    return [found[one] for one in names]


def _model_id(model: dict[str, str], connection: Connection | None) -> str:
    if connection and model["provider_id"] != connection.provider_id:
        text = (
            f"{connection.alias} is a connection of {connection.provider_id}, not of this model's "
            "provider."
        )
        raise services.Invalid([services.FieldError("model.provider_id", "mismatch", text)])
    return model["model_id"]


def _inner_settings(capability: str, posted: dict[str, Any]) -> dict[str, Any]:
    """Posted settings, by their names in Python.

    `$type` may be left out. Raises Invalid when it names another capability.
    """
    kind = posted.get("$type", decapitalized(capability))
    if kind != decapitalized(capability):
        raise services.Invalid(
            [
                services.FieldError(
                    "settings.$type",
                    "mismatch",
                    f"A {capability} profile takes {decapitalized(capability)}.",
                )
            ]
        )
    return inner_names(
        profile_settings_kinds(capability),
        {name: value for name, value in posted.items() if name != "$type"},
    )


@contextmanager
def as_in_the_body() -> Iterator[None]:
    """Let what the services refuse inside name the fields as the body does."""
    names = {
        "connection": "connection_id",
        "model": "model.model_id",
        "fallbacks": "fallback_profile_ids",
    }
    try:
        yield
    except services.Invalid as refused:
        errors = [
            services.FieldError(names.get(one.field, one.field), one.code, one.message)
            for one in refused.errors
        ]
        raise services.Invalid(errors) from None
