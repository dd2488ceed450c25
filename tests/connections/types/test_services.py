"""Connection types: who has a key, installing, new versions, removing, files, and what other
processes see.
"""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import simple_icons_pack
from django.contrib.auth.models import Group, Permission
from django.core.checks import run_checks
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import connection as database
from django.db import connections as databases

from connections import catalog, change_counter, conf, runtime, services
from connections.models import ChangeStamp, Connection, ConnectionType
from connections.resolving import MACHINE
from connections.types import services as type_services
from providers.core.registry import UnknownProvider, get_provider
from providers.core.schema import settings_fields
from tests.fakes import OLDER_KEY, connect, reload
from tests.people import browser

from .manifests import SETTINGS, document, second

pytestmark = pytest.mark.django_db
KEY = "acme.helpdesk"


@pytest.fixture
def installed() -> type_services.InstalledType:
    """Acme, version 1."""
    return type_services.install_type(document(), actor=None)


@pytest.fixture
def row(installed: type_services.InstalledType) -> Connection:
    """A connection of it."""
    return connect(KEY, settings=SETTINGS)


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """CONNECTIONS_TYPES_DIR, empty."""
    settings.CONNECTIONS_TYPES_DIR = str(tmp_path)
    return tmp_path


def refusal(act: Callable[[], Any]) -> str:
    """Why a service says no."""
    with pytest.raises(services.Invalid) as refused:
        act()
    return " ".join(f"{one.code}: {one.message}" for one in refused.value.errors)


def install(text: str) -> type_services.InstalledType:
    return type_services.install_type(text, actor=None)


# Installing


@pytest.mark.server
def test_an_installed_type_is_a_provider(installed: type_services.InstalledType):
    provider = get_provider(KEY)
    assert (provider.name, list(settings_fields(provider))[:3]) == (
        "Acme Helpdesk",
        ["variant", "subdomain", "api_key"],
    )
    assert (installed.changed, installed.previous) == (True, None)


@pytest.mark.server
def test_its_document_is_kept_as_it_was_given():
    text = f"# by hand\n{document()}"
    install(text)
    stored = ConnectionType.objects.get()
    assert (stored.key, stored.version, stored.document, stored.installed_by) == (
        KEY,
        1,
        text,
        None,
    )


@pytest.mark.server
def test_the_same_document_again_is_nothing(installed: type_services.InstalledType):
    before = ChangeStamp.objects.get().number
    assert (install(document()).changed, install(f"# again\n{document()}").changed) == (
        False,
        False,
    )
    assert ChangeStamp.objects.get().number == before


def test_other_content_needs_another_version(installed: type_services.InstalledType):
    assert "Raise the version to 2." in refusal(lambda: install(document(label="Acme")))


def test_a_lower_version_is_refused():
    install(document(version=3, migrations=[{"from": 1}, {"from": 2}]))
    assert refusal(lambda: install(document(version=2, migrations=[{"from": 1}]))).startswith(
        "older_version: Version 3"
    )


@pytest.mark.server
def test_connections_of_a_newer_version_are_not_taken_back(row: Connection):
    Connection.objects.update(type_version=4)
    ConnectionType.objects.all().delete()
    assert "There are connections of version 4" in refusal(lambda: install(document()))


def test_a_document_that_is_wrong_says_every_place():
    with pytest.raises(services.Invalid) as refused:
        install(document(icon="Not an icon", version=0))
    assert {one.field for one in refused.value.errors} == {"icon", "version"}


def test_a_mark_that_nobody_ships_is_refused_with_the_nearest():
    with pytest.raises(services.Invalid) as refused:
        install(document(mark="shopfy"))
    [error] = refused.value.errors
    assert error.field == "mark" and "Did you mean shopify?" in error.message


def test_a_type_whose_mark_is_dropped_later_stays(monkeypatch):
    install(document(mark="shopify"))
    monkeypatch.setattr(simple_icons_pack, "get_icon", lambda name: None)
    catalog.forget()
    catalog.confirm_types()
    assert catalog.installed_types()[KEY].manifest.mark == "shopify"


def test_a_document_that_is_too_large_names_the_limit():
    assert "larger than 256 KB" in refusal(lambda: install(document() + "# " + "x" * 300_000))


@pytest.mark.parametrize(
    "text", ["", "]", "a: &a [*a]", "\x00", "key: !!python/object:os.system x", "[]", "5", "\udc80"]
)
def test_nonsense_is_refused_with_a_sentence(text: str):
    assert refusal(lambda: install(text))


def test_a_default_for_a_secret_is_refused():
    fields = [
        {"key": "api_key", "kind": "secret", "default": "acme-secret-0000"},
        {"key": "subdomain", "kind": "slug"},
    ]
    assert "acme-secret-0000" not in refusal(
        lambda: install(document(fields=fields, variants=None, auth=None, test=None))
    )


@pytest.mark.parametrize("key", ["openai", "zendesk"])
def test_the_key_of_another_is_refused_and_its_owner_named(key: str):
    assert f"The key {key} belongs to" in refusal(lambda: install(document(key=key)))


def test_the_key_of_a_page_is_refused():
    assert "reserved" in refusal(lambda: install(document(key="install")))


@pytest.mark.parametrize("key", ["env", "open-ai", "open.ai"])
def test_references_stay_those_of_one_provider(key: str):
    assert "section_taken" in refusal(lambda: install(document(key=key)))


@pytest.mark.server
def test_several_types_are_installed_together_or_not_at_all():
    good = {"type": "acme-one", "label": "One", "fields": [{"fieldName": "apiKey"}]}
    bad = {"type": "openai", "label": "Two", "fields": [{"fieldName": "apiKey"}]}
    with pytest.raises(services.Invalid):
        type_services.install_types(json.dumps([good, bad]), actor=None)
    assert not ConnectionType.objects.exists()
    found = type_services.install_types(json.dumps([good, bad | {"type": "acme-two"}]), actor=None)
    assert [one.manifest.label for one in found] == ["One", "Two"] and get_provider(
        found[1].manifest.key
    )


def test_the_document_made_of_cognigys_schema_can_be_read_and_installed_again():
    schema = json.dumps(
        {
            "type": "acmePower",
            "label": "Acme",
            "fields": [{"fieldName": "apiKey"}, {"fieldName": "region"}],
        }
    )
    first = type_services.install_types(schema, actor=None)[0]
    assert first.manifest.guesses
    stored = ConnectionType.objects.get()
    assert (
        stored.document != schema
        and not type_services.install_types(stored.document, actor=None)[0].changed
    )
    assert not type_services.install_types(schema, actor=None)[0].changed


def test_only_an_administrator_may(people):
    for name, person in people.items():
        if name == "administrator":
            assert type_services.install_type(document(), actor=person).changed
        else:
            for act in (type_services.install_type, type_services.preview_type):
                with pytest.raises(PermissionDenied):
                    act(document(), actor=person)
            with pytest.raises(PermissionDenied):
                type_services.remove_type(KEY, actor=person)
            with pytest.raises(PermissionDenied):
                type_services.sync_types(actor=person)


def test_a_preview_writes_nothing(row: Connection):
    found = type_services.preview_type(second(), actor=None)
    assert (found.installed, found.count, found.move.moved, found.refusals) == (
        1,
        1,
        ("Production",),
        (),
    )
    assert [one.message for one in found.move.notices] == [
        "1 connection needs: Region (Production)."
    ]
    assert reload(row).type_version == 1 and ConnectionType.objects.get().version == 1


def test_a_preview_says_why_it_would_be_refused(installed: type_services.InstalledType):
    assert (
        type_services.preview_type(document(label="Other"), actor=None).refusals[0].code
        == "same_version"
    )


# New versions


@pytest.mark.server
def test_a_new_version_brings_its_connections_up(row: Connection):
    done = install(second())
    found = reload(row)
    assert (done.previous, done.move.moved, found.type_version, found.version) == (
        1,
        ("Production",),
        2,
        2,
    )
    assert (found.settings, dict(found.credentials)) == (
        {"variant": "key", "subdomain": "north"},
        {"token": SETTINGS["api_key"]},
    )
    assert services.versions(found)[0].changes


def test_a_reference_is_renamed_too(installed: type_services.InstalledType, settings: Any):
    settings.CONNECTIONS_REFERENCE_SECTIONS = ["AcmeHelpdesk"]
    row = connect(KEY, settings=SETTINGS | {"api_key": "$AcmeHelpdesk:ApiKey"})
    install(second())
    assert reload(row).settings["token"] == "$AcmeHelpdesk:ApiKey"


def test_connections_that_lack_something_now_are_saved_and_named(row: Connection):
    other = connect(KEY, name="Second", settings=SETTINGS | {"region": "eu"})
    assert [one.message for one in install(second()).notices] == [
        "1 connection needs: Region (Production)."
    ]
    with pytest.raises(services.Unusable) as refused:
        runtime.resolved_settings(reload(row))
    assert (
        refused.value.code == "invalid_settings" and runtime.resolved_settings(reload(other)).token
    )


def test_connections_that_cannot_be_decrypted_stay_and_follow_later(row: Connection, settings: Any):
    own, settings.FERNET_KEYS = settings.FERNET_KEYS, [OLDER_KEY]
    done = install(second())
    assert (
        done.move.left == ("Production",)
        and "stays at the older version" in done.notices[0].message
    )
    assert reload(row).type_version == 1
    settings.FERNET_KEYS = own
    services.update_connection(
        reload(row), actor=None, settings={"variant": "key", "subdomain": "north", "region": "eu"}
    )
    assert (reload(row).type_version, dict(reload(row).credentials)) == (
        2,
        {"token": SETTINGS["api_key"]},
    )


def test_a_missing_secret_keeps_being_noted_under_its_new_name(
    installed: type_services.InstalledType,
):
    row = connect(
        KEY,
        settings={"variant": "key", "subdomain": "north"},
        missing_secrets=["api_key"],
        is_active=False,
    )
    install(second())
    assert reload(row).lacking == ["token"]


def test_a_secret_never_becomes_a_plain_setting(row: Connection):
    plain = [
        {"key": "subdomain", "kind": "slug"},
        {"key": "token", "label": "Token", "help": "No secret any more."},
    ]
    step = {"use": "header", "name": "X-Acme-Key", "value": "{token}"}
    text = document(
        version=2,
        variants=None,
        fields=plain,
        auth=step,
        migrations=[{"from": 1, "rename": {"api_key": "token"}, "drop": ["variant"]}],
    )
    refusal(lambda: install(text))
    assert reload(row).type_version == 1


def test_a_save_of_the_old_form_is_judged_by_the_new_version(row: Connection):
    install(second())
    with pytest.raises(services.Invalid) as refused:
        services.update_connection(row, actor=None, settings=SETTINGS)
    assert "unknown_field" in [one.code for one in refused.value.errors]


# Where stored credentials go


ELSEWHERE = {
    "base_url": "https://{subdomain}.acme.example.net/api",
    "allowed_hosts": ["*.acme.example.net"],
}
STEERED = [{"from": 1, "rename": {"api_key": "token"}, "set": {"subdomain": "mallory"}}]


@pytest.mark.parametrize(
    "changes",
    [
        ELSEWHERE,
        {"migrations": STEERED},
        {"base_url": "https://mallory.acme.example.com/{subdomain}"},
    ],
)
def test_stored_credentials_go_elsewhere_only_by_who_could_take_them_out(
    row: Connection, administrator, changes: dict[str, Any]
):
    text = second(**changes)
    assert type_services.preview_type(text, actor=administrator).redirected
    Group.objects.get(name="Administrators").permissions.remove(
        Permission.objects.get(codename="export_secrets")
    )
    person = type(administrator).objects.get(pk=administrator.pk)
    assert "redirected" in refusal(lambda: type_services.install_type(text, actor=person))
    type_services.install_type(second(), actor=person)
    assert reload(row).type_version == 2


def test_connections_without_a_type_do_not_give_their_secrets_to_the_next_one(
    row: Connection, administrator
):
    ConnectionType.objects.all().delete()
    assert type_services.preview_type(document(), actor=administrator).redirected
    Connection.objects.update(credentials_key=None)
    assert not type_services.preview_type(document(), actor=administrator).redirected


# Removing


@pytest.mark.server
def test_a_type_in_use_is_not_removed(row: Connection):
    with pytest.raises(
        services.InUse, match=r"Still used by Production\. Delete these connections first"
    ):
        type_services.remove_type(KEY, actor=None)
    services.delete_connection(row, actor=None)
    type_services.remove_type(KEY, actor=None)
    with pytest.raises(UnknownProvider):
        get_provider(KEY)


@pytest.mark.parametrize("key", ["openai", "zendesk"])
def test_what_comes_with_switchboard_is_not_removed(key: str):
    assert "Only what was installed can be removed here." in refusal(
        lambda: type_services.remove_type(key, actor=None)
    )


def test_what_is_not_there_is_not_removed():
    with pytest.raises(ConnectionType.DoesNotExist):
        type_services.remove_type("nothing", actor=None)


@pytest.mark.server
def test_a_connection_of_a_type_that_was_just_removed_is_refused(
    installed: type_services.InstalledType,
):
    ConnectionType.objects.all().delete()  # by another process
    assert "unknown_provider" in refusal(lambda: connect(KEY, settings=SETTINGS))


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_removing_and_adding_at_once_leave_no_orphan():
    for _ in range(5):
        install(document())
        barrier = threading.Barrier(2)

        def both(act: Callable[[], Any], barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            try:
                act()
            except (services.InUse, services.Invalid):
                pass
            finally:
                databases.close_all()

        acts = [
            lambda: type_services.remove_type(KEY, actor=None),
            lambda: connect(KEY, settings=SETTINGS),
        ]
        threads = [threading.Thread(target=both, args=(act,)) for act in acts]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert Connection.objects.exists() == ConnectionType.objects.exists()
        Connection.objects.all().delete()
        ConnectionType.objects.all().delete()


# What other processes see


def in_another_process(text: str) -> None:
    """A row as another process writes it: this one has read nothing of it."""
    manifest = type_services.read_types(text)[0]
    values = {"version": manifest.version, "document": text, "digest": catalog.digest_of(text)}
    ConnectionType.objects.update_or_create(key=manifest.key, defaults=values)


@pytest.mark.server
def test_what_another_process_installs_is_there_on_the_next_page(operator):
    assert browser(operator).get(f"/connections/add/{KEY}/").status_code == 404
    in_another_process(document())
    assert browser(operator).get(f"/connections/add/{KEY}/").status_code == 200
    ConnectionType.objects.all().delete()
    assert browser(operator).get(f"/connections/add/{KEY}/").status_code == 404


@pytest.mark.server
def test_what_another_process_installs_can_be_used_at_once(row: Connection):
    in_another_process(second())
    Connection.objects.update(settings=row.settings | {"region": "eu"})
    assert runtime.resolved_settings(reload(row)).token.get_secret_value() == SETTINGS["api_key"]


def test_a_provider_of_code_costs_no_query(django_assert_num_queries: Any):
    with django_assert_num_queries(0):
        catalog.confirm_types("openai")


@pytest.mark.server
def test_a_type_costs_one_small_query(
    installed: type_services.InstalledType, django_assert_num_queries: Any
):
    with django_assert_num_queries(1) as queries:
        catalog.confirm_types(KEY)
    assert "document" not in queries.captured_queries[0]["sql"]


def test_a_stored_document_that_cannot_be_read_is_left_out(
    row: Connection, administrator, caplog: pytest.LogCaptureFixture
):
    ConnectionType.objects.update(document="future: true", digest="x")
    client = browser(administrator)
    for path in (
        "/connections/",
        "/connections/add/",
        "/types/",
        f"/types/{KEY}/",
        f"/types/{KEY}/remove/",
        row.get_absolute_url(),
    ):
        assert client.get(path).status_code == 200, path
    assert "left out" in caplog.text
    assert install(document()).changed  # mends it
    assert runtime.resolved_settings(reload(row))


def test_a_row_with_the_key_of_code_changes_nothing():
    ConnectionType.objects.create(
        key="openai", version=1, document=document(key="openai"), digest="x"
    )
    catalog.confirm_types()
    assert get_provider("openai").name == "OpenAI"


@pytest.mark.server
def test_installing_moves_the_change_stamp():
    before = change_counter.read_change_counter()
    install(document())
    assert change_counter.read_change_counter() > before


# References


def with_variable(name: str) -> str:
    fields = [
        {"key": "subdomain", "kind": "slug"},
        {"key": "api_key", "kind": "secret", "environment": name},
    ]
    return document(variants=None, auth={"use": "bearer", "token": "{api_key}"}, fields=fields)


def resolve(reference: str) -> str:
    return str(conf.resolver().resolve(reference, True, MACHINE).state)


@pytest.mark.server
@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "FERNET_KEYS", "ACME_KEY", "fernet_keys", "DATABASE_URL"]
)
def test_an_installed_type_opens_no_variable(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(name, "a value nobody may read")
    install(with_variable(name))
    assert (resolve(f"$Env:{name}"), settings_fields(get_provider(KEY))["api_key"].environment) == (
        "denied",
        "",
    )


def test_a_variable_that_is_listed_is_open_and_shown(
    settings: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ACME_KEY", "acme-1")
    settings.CONNECTIONS_REFERENCE_ENV = ["ACME_KEY"]
    install(with_variable("ACME_KEY"))
    assert (
        resolve("$Env:ACME_KEY"),
        settings_fields(get_provider(KEY))["api_key"].environment,
    ) == ("resolved", "ACME_KEY")


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("ACME_KEY", "resolved"),
        ("SECRET_KEY", "denied"),
        ("Fernet_Keys", "denied"),
        ("CACHE_URL", "denied"),
    ],
)
def test_a_file_opens_its_variables_but_never_our_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, state: str
):
    monkeypatch.setenv(name, "a value")
    (folder / "acme.yaml").write_text(with_variable(name))
    catalog.confirm_types()
    assert resolve(f"$Env:{name}") == state


def test_a_type_that_is_installed_opens_no_section(
    installed: type_services.InstalledType, monkeypatch: pytest.MonkeyPatch
):
    section = get_provider(KEY).section
    monkeypatch.setenv(f"{section}__ApiKey", "acme-1")
    assert resolve(f"${section}:ApiKey") == "denied"


def test_a_type_of_a_file_opens_its_section(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "acme.yaml").write_text(document())
    catalog.confirm_types()
    section = get_provider(KEY).section
    monkeypatch.setenv(f"{section}__ApiKey", "acme-1")
    assert resolve(f"${section}:ApiKey") == "resolved"


# Files


def test_a_file_is_a_type_and_a_broken_one_is_left_out_and_reported(folder: Path):
    (folder / "acme.yaml").write_text(document())
    (folder / "broken.yaml").write_text("key: [")
    (folder / "openai.json").write_text(
        '{"type": "openai", "label": "X", "fields": [{"fieldName": "apiKey"}]}'
    )
    (folder / "notes.txt").write_text("no type")
    catalog.confirm_types()
    assert get_provider(KEY).name == "Acme Helpdesk"
    found = [one for one in run_checks(tags=["connections"]) if one.id == "connections.W004"]
    assert ["broken.yaml" in one.msg for one in found] == [True, False] and "openai.json" in found[
        1
    ].msg


def test_a_folder_that_is_not_there_is_reported(settings: Any):
    settings.CONNECTIONS_TYPES_DIR = "/no/such/folder"
    catalog.confirm_types()
    assert [one.id for one in run_checks(tags=["connections"])] == ["connections.W004"]


def test_two_files_with_one_key_are_reported(folder: Path):
    for name in ("a.yaml", "b.yaml"):
        (folder / name).write_text(document())
    assert catalog.type_problems() == {"b.yaml": "a.yaml has the key acme.helpdesk too."}


def test_a_file_comes_before_what_is_installed(row: Connection, folder: Path):
    (folder / "acme.yaml").write_text(document(label="From the folder"))
    catalog.confirm_types()
    catalog.forget()
    catalog.confirm_types()
    assert get_provider(KEY).name == "From the folder"
    assert "connections.W006" in [
        one.id for one in run_checks(tags=["connections"], databases=["default"])
    ]
    entry = type_services.connection_type(KEY)
    assert (entry.source, entry.file, entry.row is not None, entry.used_by) == (
        "directory",
        "acme.yaml",
        True,
        1,
    )
    type_services.remove_type(KEY, actor=None)  # the row, which serves nobody
    assert "the file acme.yaml" in refusal(lambda: type_services.remove_type(KEY, actor=None))


def test_installing_the_key_of_a_file_is_refused(folder: Path):
    (folder / "acme.yaml").write_text(document())
    assert "the file acme.yaml in CONNECTIONS_TYPES_DIR" in refusal(lambda: install(document()))


def test_connections_of_files_are_brought_up_by_sync(row: Connection, folder: Path):
    ConnectionType.objects.all().delete()
    (folder / "acme.yaml").write_text(second())
    catalog.forget()
    behind = [
        one
        for one in run_checks(tags=["connections"], databases=["default"])
        if one.id == "connections.W005"
    ]
    assert len(behind) == 1 and "connectiontype sync" in behind[0].hint
    done = type_services.sync_types(actor=None)
    assert [(one.key, one.version, one.move.moved) for one in done] == [(KEY, 2, ("Production",))]
    assert (
        dict(reload(row).credentials) == {"token": SETTINGS["api_key"]}
        and type_services.sync_types(actor=None) == []
    )


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_migrate_brings_them_up_too(folder: Path):
    install(document())
    row = connect(KEY, settings=SETTINGS)
    ConnectionType.objects.all().delete()
    (folder / "acme.yaml").write_text(second())
    catalog.forget()
    call_command("migrate", verbosity=0)
    assert reload(row).type_version == 2


@pytest.mark.server
def test_many_rows_and_types_are_listed_with_few_queries(
    row: Connection, django_assert_max_num_queries: Any
):
    with django_assert_max_num_queries(4):
        type_services.connection_types()
    assert database.vendor in ("sqlite", "postgresql")


# Like a provider of code, everywhere


def test_the_api_and_its_document_know_an_installed_type(
    installed: type_services.InstalledType, administrator
):
    client = browser(administrator)
    body = {
        "alias": "acme",
        "name": "Acme",
        "providerId": KEY,
        "settings": {"variant": "key", "subdomain": "north", "apiKey": "acme-0123456789"},
    }
    made = client.post(
        "/api/v1/connections", body, content_type="application/json", HTTP_ACCEPT="application/json"
    )
    assert (made.status_code, made.json()["settings"]["apiKey"]) == (201, "acme-***"), made.content
    wrong = client.post(
        "/api/v1/connections",
        {**body, "alias": "b", "settings": {"variant": "key", "subdomain": "a.b"}},
        content_type="application/json",
    )
    assert {one["pointer"] for one in wrong.json()["errors"]} == {
        "/settings/subdomain",
        "/settings/apiKey",
    }
    assert KEY in [one["id"] for one in client.get("/api/v1/providers").json()["items"]]
    assert (
        client.get(f"/api/v1/providers/{KEY}").json()["settingsSchema"]["fields"][0]["key"]
        == "variant"
    )
    assert KEY in client.get("/api/v1/schema").content.decode()
    assert client.get("/api/v1/connections?providerId=" + KEY).json()["total"] == 1


def test_the_connection_command_knows_an_installed_type(
    row: Connection, capsys: pytest.CaptureFixture[str]
):
    catalog.forget()  # another process
    call_command("connection", "dump", "-n", "Production")
    dumped = capsys.readouterr().out
    assert "subdomain: north" in dumped and SETTINGS["api_key"] not in dumped
