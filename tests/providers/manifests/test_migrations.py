"""A newer version of a type takes the settings of the older ones along, and never makes a secret
readable.
"""

import pytest

from providers.core.registry import get_provider
from providers.core.schema import validate
from providers.manifests import compare, provider_of

from .manifests import manifest, problems

OLD = "[{key: key, kind: secret}, {key: region}, {key: brand}]"
NEW = (
    "[{key: api_token, kind: secret}, {key: region}, {key: plan, kind: choice, choices: [free, "
    "paid]}]"
)
STEP = "migrations: [{from: 1, rename: {key: api_token}, drop: [brand], set: {plan: free}}]"


def test_settings_are_renamed_dropped_and_set():
    provider = provider_of(manifest(STEP, version="2", fields=NEW))
    values = {"key": "$Acme:Key", "region": "eu", "brand": "x"}
    assert provider.migrated(1, values) == {
        "api_token": "$Acme:Key",
        "region": "eu",
        "plan": "free",
    }
    assert values == {"key": "$Acme:Key", "region": "eu", "brand": "x"}


def test_what_is_of_today_stays():
    provider = provider_of(manifest(STEP, version="2", fields=NEW))
    assert provider.migrated(2, {"key": "x"}) == {"key": "x"}


def test_several_versions_are_made_up_for_in_turn():
    steps = "migrations: [{from: 2, rename: {b: c}}, {from: 1, rename: {a: b}}, {from: 3, drop: d}]"
    provider = provider_of(manifest(steps, version="5", fields="[{key: c}]"))
    assert provider.migrated(1, {"a": "1", "d": "2"}) == {"c": "1"}
    assert provider.migrated(2, {"b": "1", "d": "2"}) == {"c": "1"}


def test_two_fields_may_change_places():
    provider = provider_of(
        manifest(
            "migrations: [{from: 1, rename: {a: b, b: a}}]",
            version="2",
            fields="[{key: a}, {key: b}]",
        )
    )
    assert provider.migrated(1, {"a": "1", "b": "2"}) == {"b": "1", "a": "2"}


@pytest.mark.parametrize(
    ("step", "place", "said"),
    [
        ("{from: 2}", "migrations[0].from", "this is version 2"),
        ("{from: 1, rename: {key: nobody}}", "migrations[0].rename", "not a field of this version"),
        ("{from: 1, rename: {a: region, b: region}}", "migrations[0].rename", "same name"),
        ("{from: 1, rename: {a: region}, drop: [a]}", "migrations[0].drop", "Do one of them"),
        ("{from: 1, set: {nobody: x}}", "migrations[0].set", "not a field"),
        ("{from: 1, set: {api_token: x}}", "migrations[0].set", "a secret"),
        ("{from: 1, set: {plan: dear}}", "migrations[0].set", "no choice"),
        ("{from: 0}", "migrations[0].from", "at least 1"),
    ],
)
def test_a_step_that_leads_nowhere_is_refused(step: str, place: str, said: str):
    assert said in problems(f"migrations: [{step}]", version="2", fields=NEW)[place]


def test_two_steps_from_one_version_are_refused():
    assert (
        "Two steps"
        in problems("migrations: [{from: 1}, {from: 1}]", version="2")["migrations[1].from"]
    )


def test_a_version_that_takes_everything_along_may_come():
    assert compare(manifest(fields=OLD), manifest(STEP, version="2", fields=NEW)) == []


@pytest.mark.parametrize(
    ("steps", "fields", "said"),
    [
        ("", "[{key: key, kind: secret}, {key: region}]", "The field brand is gone"),
        (
            "migrations: {from: 1, rename: {key: plain}}",
            "[{key: plain}, {key: region}, {key: brand}]",
            "would become plain",
        ),
        ("", "[{key: key}, {key: region}, {key: brand}]", "would become key"),
        ("variants: [{key: a, label: A}]", OLD, "has variants now"),
    ],
)
def test_a_version_that_loses_or_shows_something_is_refused(steps: str, fields: str, said: str):
    assert said in " ".join(
        compare(manifest(fields=OLD), manifest(steps, version="2", fields=fields))
    )


def test_a_plain_field_may_become_a_secret():
    assert (
        compare(
            manifest(fields="[{key: a}]"), manifest(version="2", fields="[{key: a, kind: secret}]")
        )
        == []
    )


def test_a_secret_that_is_dropped_on_the_way_may_come_back_as_a_plain_field():
    steps = "migrations: [{from: 1, drop: [a]}]"
    assert (
        compare(
            manifest(fields="[{key: a, kind: secret}]"),
            manifest(steps, version="2", fields="[{key: a, required: false}]"),
        )
        == []
    )


def test_a_variant_that_is_gone_must_become_another():
    old = manifest("variants: [{key: a, label: A}, {key: b, label: B}]")
    assert "The variant b is gone" in " ".join(
        compare(old, manifest("variants: [{key: a, label: A}]", version="2"))
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"key": "other"}, "another type"),
        ({"version": "1"}, "is newer than 1"),
        ({"label": "Other", "version": "2"}, "Give it a higher version"),
    ],
)
def test_versions_only_go_up(changes: dict[str, str], said: str):
    assert said in " ".join(compare(manifest(version="2"), manifest(**changes)))


def test_the_same_version_may_come_again():
    assert compare(manifest(version="2"), manifest(version="2")) == []


def test_zendesk_s_first_version_becomes_its_second():
    provider = get_provider("zendesk")
    values = provider.migrated(
        1, {"subdomain": "acme", "email": "a@example.com", "key": "t", "brand": "1"}
    )
    assert validate(provider, values)[1] == [] and values["variant"] == "api_token"
