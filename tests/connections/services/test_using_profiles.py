"""What the gateway asks of profiles and tokens: read for use, judged, in few queries."""

import uuid
from datetime import timedelta
from typing import Any, get_args

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections import runtime, services
from connections.fallback_codes import DEFAULT_FALLBACK_CODES, FALLBACK_CODES, FallbackCode
from connections.models import ApiToken, Connection, Profile
from connections.profile_settings import (
    ChatOverride,
    ChatSettings,
    EmbeddingOverride,
    EmbeddingSettings,
)
from providers.core.chat import ChatRequest, EmbeddingRequest
from providers.core.errors import CODES
from tests.fakes import profile_of

CHAT = {
    "temperature": 0.5,
    "max_tokens": 10,
    "stop": ["END"],
    "fallback_on": ["dns"],
    "allowed_overrides": ["stop", "max_tokens"],
}


# Settings: no database


def test_what_moves_on_are_codes_of_provider_errors_and_never_bad_request():
    of_connections = {"connection_inactive", "missing_key"}
    assert set(FALLBACK_CODES) == set(get_args(FallbackCode))
    assert set(FALLBACK_CODES) - of_connections <= CODES - {"bad_request"}
    usual = {"unauthorized", "quota", "rate_limited", "timeout", "refused", "error"}
    assert usual | of_connections == DEFAULT_FALLBACK_CODES < set(FALLBACK_CODES)


@pytest.mark.parametrize(
    ("fallback_on", "moves", "stays"),
    [
        (None, "timeout", "dns"),
        (["dns"], "dns", "timeout"),
        ([], None, "timeout"),
        (None, "quota", "bad_request"),
    ],
)
def test_a_profile_says_which_failures_move_on(fallback_on: Any, moves: str | None, stays: str):
    settings = ChatSettings(fallback_on=fallback_on)
    assert (moves is None or settings.moves_on(moves)) and not settings.moves_on(stays)


def test_every_field_of_a_request_has_its_name_among_the_overrides():
    fields = set(ChatRequest.model_fields) - ChatRequest.ALWAYS - {"max_completion_tokens"}
    assert set(get_args(ChatOverride)) == fields | {"other"}
    assert set(get_args(EmbeddingOverride)) == set(
        EmbeddingRequest.model_fields
    ) - EmbeddingRequest.ALWAYS | {"other"}


NAMES = ["stop", "max_completion_tokens", "n", "logprobs"]


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        (None, []),
        ([], NAMES),
        (["stop", "max_tokens"], ["n", "logprobs"]),
        (["other"], ["stop", "max_completion_tokens", "n"]),
        (["n", "other"], ["stop", "max_completion_tokens"]),
    ],
)
def test_a_profile_says_what_requests_may_set(allowed: Any, refused: list[str]):
    assert ChatSettings(allowed_overrides=allowed).refused_overrides(NAMES) == refused


def test_max_tokens_is_no_field_of_embeddings():
    assert EmbeddingSettings(allowed_overrides=["dimensions"]).refused_overrides(
        ["dimensions", "max_tokens"]
    ) == ["max_tokens"]


def test_the_defaults_of_a_request_are_what_is_set_and_no_rules():
    given = {
        "temperature": 0.0,
        "stop": ["END"],
        "max_tokens_limit": 5,
        "system_prompt_template": "Hi",
        "allowed_overrides": [],
    }
    assert ChatSettings(**given).request_defaults() == {"temperature": 0.0, "stop": ["END"]}
    assert (
        EmbeddingSettings(dimensions=3).request_defaults(),
        EmbeddingSettings().request_defaults(),
    ) == ({"dimensions": 3}, {})


# Profiles


@pytest.fixture
def chain(connection: Connection) -> list[Profile]:
    return [profile_of(connection, name=name) for name in ("Zebra", "Ape")]


@pytest.fixture
def profile(connection: Connection, chain: list[Profile]) -> Profile:
    return profile_of(connection, settings=CHAT, fallbacks=chain)


@pytest.mark.server
@pytest.mark.django_db
@pytest.mark.parametrize("spelling", ["answers", "ANSWERS", "id", "hex"])
def test_a_profile_is_found_with_all_that_using_it_needs(
    profile: Profile, chain: list[Profile], spelling: str
):
    found = runtime.find_profile(
        {"id": str(profile.pk), "hex": profile.pk.hex}.get(spelling, spelling)
    )
    assert (found.id, found.alias, found.name, found.version, found.capability) == (
        profile.pk,
        "answers",
        "Answers",
        1,
        "Chat",
    )
    assert (found.connection_id, found.model, found.is_active) == (
        profile.connection_id,
        "fake-chat",
        True,
    )
    assert found.settings == ChatSettings(**CHAT) and found.fallback_ids == tuple(
        one.pk for one in chain
    )


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["nothing", "a\x00b", "", str(uuid.UUID(int=1)), "ß" * 40])
def test_an_unknown_profile_is_said_to_be_unknown(profile: Profile, name: str):
    with pytest.raises(Profile.DoesNotExist):
        runtime.find_profile(name)


@pytest.mark.server
@pytest.mark.django_db
def test_a_profile_takes_two_queries(profile: Profile, django_assert_num_queries: Any):
    with django_assert_num_queries(2):
        runtime.find_profile("answers")


@pytest.mark.django_db
def test_an_inactive_profile_is_found_and_says_so(profile: Profile):
    services.set_profile_active(profile, False, actor=None)
    assert runtime.find_profile("answers").is_active is False


@pytest.mark.django_db
@pytest.mark.parametrize("stored", [{"temperature": 7}, {"retired": 1}, {"stop": "END"}])
def test_settings_that_are_no_longer_valid_name_the_profile_and_the_field(
    profile: Profile, stored: dict[str, Any]
):
    Profile.objects.filter(pk=profile.pk).update(settings=stored)
    with pytest.raises(services.Unusable, match=f"answers .*{next(iter(stored))}") as caught:
        runtime.find_profile("answers")
    assert caught.value.code == "invalid_settings"


@pytest.mark.django_db
def test_a_capability_that_is_gone_is_no_crash(profile: Profile):
    Profile.objects.filter(pk=profile.pk).update(capability="Speech")
    with pytest.raises(services.Unusable):
        runtime.find_profile("answers")


@pytest.mark.server
@pytest.mark.django_db
def test_the_default_profile_is_found_by_its_capability(
    profile: Profile, django_assert_num_queries: Any
):
    services.set_default_profiles({"Chat": profile}, actor=None)
    with django_assert_num_queries(2):
        found = runtime.find_default_profile("Chat")
    assert found == runtime.find_profile("answers")
    assert runtime.find_default_profile("Embedding") is None


# Callers


def token_of(user: Any, **limits: Any) -> str:
    return services.create_token(
        "CI", user=user, actor=None, **{"scopes": ["gateway:use"], **limits}
    )[1]


@pytest.mark.server
@pytest.mark.django_db
def test_a_caller_is_found_by_the_token_with_every_limit(operator: Any, profile: Profile):
    text = token_of(
        operator,
        profiles=["answers"],
        expires_in_days=1,
        requests_per_minute=60,
        tokens_per_day=5000,
    )
    found, row = services.find_caller(text), ApiToken.objects.get()
    assert (found.user_id, found.user_name) == (operator.pk, "olaf")
    assert (found.token_id, found.token_name, found.prefix) == (row.pk, "CI", text[:11])
    assert (found.scopes, found.profile_ids) == (
        frozenset({"gateway:use"}),
        frozenset({profile.pk}),
    )
    assert (found.requests_per_minute, found.tokens_per_day, found.expires_at) == (
        60,
        5000,
        row.expires_at,
    )


@pytest.mark.django_db
def test_an_unlimited_caller_has_no_limits(operator: Any):
    found = services.find_caller(token_of(operator))
    assert (
        found.profile_ids,
        found.requests_per_minute,
        found.tokens_per_day,
        found.networks,
    ) == (None, None, None, ())


@pytest.mark.django_db
def test_nobody_is_found_by_what_is_no_token_of_now(operator: Any):
    revoked, expired = token_of(operator), token_of(operator)
    services.revoke_token(ApiToken.objects.get(prefix=revoked[:11]), actor=None)
    ApiToken.objects.filter(prefix=expired[:11]).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert [
        services.find_caller(text)
        for text in (revoked, expired, "sb_wrong", "", token_of(operator) + "x")
    ] == [None] * 5


@pytest.mark.django_db
def test_who_may_use_profiles(people: dict[str, Any]):
    may = {
        name: services.caller_of(person).may_use_profiles
        for name, person in people.items()
        if person.pk
    }
    assert may == {"administrator": True, "operator": True, "viewer": False, "stranger": False}
    assert [services.find_caller(token_of(people[name])).may_use_profiles for name in may] == list(
        may.values()
    )


@pytest.mark.django_db
def test_who_is_deactivated_uses_nothing(operator: Any):
    operator.is_active = False
    assert services.caller_of(operator).may_use_profiles is False


def test_nobody_is_a_caller_who_may_nothing():
    assert services.caller_of(AnonymousUser()).may_use_profiles is False


@pytest.mark.django_db
def test_scopes_limit_tokens_and_not_people(operator: Any):
    reader, user, admin = (
        services.find_caller(token_of(operator, scopes=[scope]))
        for scope in ("profiles:read", "gateway:use", "admin")
    )
    asked = [
        services.allows(one, "gateway:use")
        for one in (reader, user, admin, services.caller_of(operator), None)
    ]
    assert asked == [False, True, True, True, True]


@pytest.mark.server
@pytest.mark.django_db
def test_a_caller_takes_few_queries(operator: Any):
    text = token_of(operator)
    services.find_caller(text)  # notes when the token was used, once a minute
    with CaptureQueriesContext(database) as seen:
        services.find_caller(text)
    assert len(seen) <= 4
