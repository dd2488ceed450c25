"""Calls of a profile as code at this server's address, with a token for them."""

from typing import Any, NamedTuple

from django.http import HttpRequest

from connections import services
from connections.models import ApiToken, Profile
from providers.core.base import Capability

from . import snippets


class Snippet(NamedTuple):
    """A program: its language for people, and its text."""

    language: str
    text: str


def snippets_for(
    request: HttpRequest, profile: Profile, body: dict[str, Any], token: str = snippets.TOKEN
) -> list[Snippet]:
    """A request to a profile as code, for people to copy. `body` is in OpenAI's format."""
    base_url, body = request.build_absolute_uri("/v1"), {"model": profile.alias, **body}
    if profile.capability == Capability.EMBEDDING:
        path, call, result = "embeddings", "embeddings.create", "answer.data[0].embedding"
    else:
        path, call = "chat/completions", "chat.completions.create"
        result = "answer.choices[0].message.content"
    return [
        Snippet("curl", snippets.curl(base_url, path, body, token)),
        Snippet("Python", snippets.python(base_url, call, body, result, token)),
        Snippet("JavaScript", snippets.javascript(base_url, call, body, result, token)),
    ]


def make_token(profile: Profile, user: Any) -> tuple[ApiToken, str]:
    """A token for this profile alone, and its text. Raises PermissionDenied.

    Whoever makes tokens in teams alone makes it for one of them, that of the profile before others.
    """
    add = "connections.add_apitoken"
    teams = [] if services.may(user, add, ApiToken()) else services.teams_to_add(user, "apitoken")
    teams.sort(key=lambda one: one != profile.team)
    return services.create_token(
        f"Calls of {profile.alias}"[:100],
        user=user,
        actor=user,
        scopes=[services.Scope.GATEWAY_USE],
        profiles=[str(profile.pk)],
        team=next(iter(teams), None),
    )
