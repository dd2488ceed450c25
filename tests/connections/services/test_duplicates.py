"""Copies of connections and profiles."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.test import Client

from connections import selectors, services
from connections.health.services import health
from connections.models import Connection, Profile
from tests.fakes import OLDER_KEY, OTHER_SECRET, SECRET, connect, fake_provider, profile_of, reload
from tests.pages import entries, html, told, words
from tests.people import browser, person

pytestmark = pytest.mark.django_db
MAPS = {"configs": {"region": "eu"}, "secrets": {"api-key": SECRET, "other": "$Custom:Token"}}


@pytest.fixture
def adder(db: None) -> Any:
    """Somebody who may see and add, and change nothing."""
    user = person("anna")
    user.user_permissions.set(
        Permission.objects.filter(
            codename__in=["view_connection", "add_connection", "view_profile", "add_profile"]
        )
    )
    return user


def copy(row: Connection, actor: Any = None, **names: str) -> Connection:
    return reload(services.duplicate_connection(row, actor=actor, **names).row)


@pytest.mark.server
def test_a_copy_has_everything_but_its_names_and_is_inactive(fake: Any):
    row = connect(
        settings={
            "api_key": SECRET,
            "spare_key": "$Fake:SpareKey",
            "organization": "org-1",
            "samples": 3,
        },
        tags=["eu", "new"],
    )
    found = copy(row)
    assert (found.name, found.alias, found.is_active, found.version) == (
        "Production copy",
        "production-copy",
        False,
        1,
    )
    assert (found.provider_id, found.tags, found.settings) == (
        row.provider_id,
        ["eu", "new"],
        row.settings,
    )
    assert (dict(found.credentials), found.lacking, found.pk != row.pk) == (
        {"api_key": SECRET},
        [],
        True,
    )


@pytest.mark.server
def test_names_are_counted(connection: Connection):
    first, second = copy(connection), copy(connection)
    third = copy(first)
    assert [one.name for one in (first, second, third)] == [
        "Production copy",
        "Production copy 2",
        "Production copy 3",
    ]
    assert len({one.alias for one in (connection, first, second, third)}) == 4


def test_a_long_name_stays_within_bounds(fake: Any):
    assert copy(connect(name="n" * 255)).name == "n" * 250 + " copy"


def test_a_copy_may_be_named(connection: Connection):
    found = copy(connection, name="Staging", alias="the-staging-one")
    assert (found.name, found.alias) == ("Staging", "the-staging-one")


@pytest.mark.server
def test_a_taken_alias_is_refused_and_nothing_is_written(connection: Connection):
    with pytest.raises(services.Invalid) as refused:
        copy(connection, alias="production")
    assert [(one.field, one.code) for one in refused.value.errors] == [("alias", "unique")]
    assert Connection.objects.count() == 1


def test_the_history_says_of_what_it_is_a_copy(connection: Connection, operator: Any):
    found = copy(connection, operator)
    (version,) = services.versions(found)
    assert (version.user, version.changes) == (operator, ("created", "copied from production"))
    assert found.created_by == operator


def test_secrets_come_along_only_for_those_who_may_change_them(fake: Any, adder: Any):
    row = connect(settings={"api_key": SECRET, "spare_key": "$Fake:SpareKey"})
    found = copy(row, adder)
    assert (found.credentials, found.lacking, found.settings) == (
        None,
        ["api_key"],
        {"spare_key": "$Fake:SpareKey"},
    )
    assert health(found).label == "Needs its key"


def test_entries_of_a_secret_map_are_named_one_by_one(adder: Any):
    row = connect("custom", settings=MAPS)
    found = copy(row, adder)
    assert found.settings == {"configs": {"region": "eu"}, "secrets": {"other": "$Custom:Token"}}
    assert (found.credentials, found.lacking) == (None, ["secrets.api-key"])
    assert dict(copy(row).credentials) == {"secrets": {"api-key": SECRET}}


def test_what_cannot_be_decrypted_is_lacking(fake: Any, settings: Any):
    row = connect(settings={"api_key": SECRET, "organization": "org-1"})
    settings.FERNET_KEYS = [OLDER_KEY]
    found = copy(reload(row))
    assert (found.credentials, found.lacking, found.settings) == (
        None,
        ["api_key"],
        {"organization": "org-1"},
    )
    assert found.is_decryptable


def test_a_copy_of_an_older_version_is_of_todays():
    with fake_provider():
        row = connect(settings={"api_key": SECRET, "organization": "org-1"})

    def migrated(cls: Any, version: int, values: dict[str, Any]) -> dict[str, Any]:
        return {"spare_key": values["api_key"], **values, "organization": "org-2"}

    with fake_provider(version=2, migrated=classmethod(migrated)):
        found = copy(row)
    assert (found.type_version, found.settings) == (2, {"organization": "org-2"})
    assert dict(found.credentials) == {"api_key": SECRET, "spare_key": SECRET}
    assert reload(row).type_version == 1


def test_an_address_still_guards_the_secret_of_a_copy(connection: Connection):
    found = copy(connection)
    with pytest.raises(services.Invalid) as refused:
        services.update_connection(
            found, actor=None, settings={"base_url": "https://elsewhere.example.com/v1"}
        )
    assert [(one.field, one.code) for one in refused.value.errors] == [
        ("settings.api_key", "secret_required")
    ]


def test_a_connection_of_a_provider_that_is_gone_is_not_copied():
    with fake_provider(id="gone"):
        row = connect("gone")
    with pytest.raises(services.Invalid) as refused:
        copy(row)
    assert [one.code for one in refused.value.errors] == ["unknown_provider"]


def test_a_viewer_copies_nothing(connection: Connection, viewer: Any):
    for duplicate, row in (
        (services.duplicate_connection, connection),
        (services.duplicate_profile, profile_of(connection)),
    ):
        with pytest.raises(PermissionDenied):
            duplicate(row, actor=viewer)
    assert (Connection.objects.count(), Profile.objects.count()) == (1, 1)


@pytest.mark.server
def test_a_profile_is_copied_with_its_fallbacks_and_is_no_default(connection: Connection):
    others = [profile_of(connection, name=name) for name in ("Second", "First")]
    row = profile_of(connection, settings={"temperature": 0.5}, tags=["eu"], fallbacks=others)
    services.set_default_profiles({"Chat": row}, actor=None)
    found = reload(services.duplicate_profile(row, actor=None).row)
    assert (found.name, found.alias, found.is_active, found.tags) == (
        "Answers copy",
        "answers-copy",
        False,
        ["eu"],
    )
    assert (found.connection, found.model, found.settings) == (
        connection,
        "fake-chat",
        {"temperature": 0.5},
    )
    assert [one.name for one in selectors.fallback_chain(found)] == ["Second", "First"]
    assert services.default_profiles()["Chat"] == row
    assert services.versions(found)[0].changes == ("created", "copied from answers")


# The pages


@pytest.fixture
def client(operator: Any) -> Client:
    return browser(operator)


def test_the_button_makes_a_copy_and_opens_its_form_in_which_active_is_what_it_was(
    connection: Connection, client: Client
):
    answer = client.post(f"/connections/{connection.pk}/duplicate/")
    found = Connection.objects.get(alias="production-copy")
    assert answer["Location"].startswith(f"/connections/{found.pk}/edit/?") and not found.is_active
    shown = client.get(answer["Location"])
    assert "This is a copy. It is inactive until you save it." in words(shown)
    assert shown.context["form"]["is_active"].value() is True
    client.post(answer["Location"], entries({}, name="Staging", version="1"))
    assert (reload(found).name, reload(found).is_active, dict(reload(found).credentials)) == (
        "Staging",
        True,
        {"api_key": SECRET},
    )


def test_a_copy_of_an_inactive_connection_stays_inactive(connection: Connection, client: Client):
    services.set_active(connection, False, actor=None)
    shown = client.post(f"/connections/{connection.pk}/duplicate/", follow=True)
    assert shown.context["form"]["is_active"].value() is False


def test_the_note_is_gone_once_the_copy_is_saved(connection: Connection, client: Client):
    edit = client.post(f"/connections/{connection.pk}/duplicate/")["Location"]
    client.post(edit, entries({}, name="Staging", version="1"))
    shown = client.get(edit)
    assert "This is a copy" not in words(shown)


def test_who_may_not_change_a_copy_sees_it_and_what_it_lacks(connection: Connection, adder: Any):
    shown = browser(adder).post(f"/connections/{connection.pk}/duplicate/", follow=True)
    assert (
        shown.redirect_chain[-1][0]
        == f"/connections/{Connection.objects.get(alias='production-copy').pk}/"
    )
    assert "It came without api_key" in words(shown) and SECRET not in html(shown)


def test_a_profile_is_copied_on_its_page(connection: Connection, client: Client):
    profile = profile_of(connection)
    answer = client.post(f"/profiles/{profile.pk}/duplicate/")
    shown = client.get(answer["Location"])
    assert "This is a copy. It is inactive until you save it." in words(shown)
    assert shown.context["form"]["is_active"].value() is True
    client.post(
        answer["Location"],
        {
            "name": "Shorter",
            "connection": "production",
            "model": "m",
            "is_active": "on",
            "version": "1",
        },
    )
    assert Profile.objects.get(alias="answers-copy").is_active


def test_a_refusal_is_told_where_the_button_was(client: Client):
    with fake_provider(id="gone"):
        row = connect("gone")
    answer = client.post(f"/connections/{row.pk}/duplicate/")
    assert answer["Location"] == row.get_absolute_url() and "gone" in told(answer)[0]


@pytest.mark.parametrize("path", ["connections", "profiles"])
def test_only_those_who_may_add_see_the_button(
    connection: Connection, operator: Any, viewer: Any, path: str
):
    row = connection if path == "connections" else profile_of(connection)
    address = f"/{path}/{row.pk}/duplicate/"
    assert address in html(browser(operator).get(row.get_absolute_url()))
    assert address not in html(browser(viewer).get(row.get_absolute_url()))


def test_a_connection_of_another_key_is_untouched_by_its_copy(connection: Connection):
    found = copy(connection)
    services.update_connection(found, actor=None, settings={"api_key": OTHER_SECRET})
    assert dict(reload(connection).credentials) == {"api_key": SECRET}
