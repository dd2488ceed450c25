"""Packages: what is exported comes back the same, and what becomes of conflicts."""

import uuid
from hashlib import sha256
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from connections import services
from connections.models import Connection, Profile, RevealRecord
from connections.packages import services as package_services
from connections.packages.format import sealing
from connections.packages.format.archive import unpack
from connections.packages.format.files import Package, read_package
from connections.packages.services import Decisions, PackageConflict, PackageError, Plan
from tests.fakes import OTHER_SECRET, SECRET, connect, profile_of, reload
from tests.httpserver import authority

from .test_archive import zipped

pytestmark = pytest.mark.django_db
PASSPHRASE = "correct horse battery staple"


def export(*rows: Connection, profiles: Any = (), passphrase: str = "") -> bytes:
    return package_services.export_package(rows, profiles, actor=None, passphrase=passphrase)


def plan(content: bytes, actor: Any = None, passphrase: str = "", **decisions: Any) -> Plan:
    return package_services.plan_import(
        content, actor=actor, passphrase=passphrase, decisions=Decisions(**decisions)
    )


def take(content: bytes, actor: Any = None, passphrase: str = "", **decisions: Any) -> Plan:
    return package_services.import_package(
        content, actor=actor, passphrase=passphrase, decisions=Decisions(**decisions)
    )


def columns(row: Any) -> dict[str, Any]:
    """What two installations should agree about."""
    names = (
        "id",
        "alias",
        "name",
        "provider_id",
        "is_active",
        "tags",
        "settings",
        "credentials",
        "lacking",
        "type_version",
    )
    return {name: getattr(row, name) for name in names}


def documents(package: Package) -> Any:
    return package.connections, package.profiles, package.types


def item(found: Plan, kind: str = "connection") -> package_services.PlanItem:
    return next(one for one in found.items if one.kind == kind)


# There and back


@pytest.mark.server
def test_a_sealed_package_brings_everything_back(connection, dear, monkeypatch):
    monkeypatch.setattr(sealing, "N", dear)
    before, content = columns(connection), export(connection, passphrase=PASSPHRASE)
    connection.delete()
    done = take(content, passphrase=PASSPHRASE)
    assert columns(Connection.objects.get()) == before
    assert (item(done).state, item(done).action, item(done).row_id) == (
        "new",
        "create",
        str(before["id"]),
    )


@pytest.mark.server
def test_importing_what_was_exported_changes_nothing(connection):
    profile_of(connection)
    content = export(connection, profiles=Profile.objects.all(), passphrase=PASSPHRASE)
    for passphrase in ("", PASSPHRASE):
        done = take(content, passphrase=passphrase)
        assert done.is_noop and {one.state for one in done.items} == {"identical"}
    assert (
        reload(connection).version,
        connection.history.count(),
        Profile.objects.get().version,
    ) == (1, 1, 1)


def test_a_package_without_secrets_makes_an_inactive_connection_that_needs_its_key(connection):
    content = export(connection)
    connection.delete()
    done = take(content)
    row = Connection.objects.get()
    assert (row.is_active, row.lacking, row.credentials) == (False, ["api_key"], None)
    assert item(done).missing_secrets == ("production.api_key",)
    assert (
        done.placeholders[0].name == "production.api_key"
        and done.placeholders[0].setting == "API key"
    )
    assert take(content).is_noop


def test_a_row_that_lacks_its_key_travels_on(connection):
    content = export(connection)
    connection.delete()
    take(content)
    again = export(Connection.objects.get(), passphrase=PASSPHRASE)
    before = columns(Connection.objects.get())
    Connection.objects.all().delete()
    take(again, passphrase=PASSPHRASE)
    assert columns(Connection.objects.get()) == before


def test_a_reference_travels_as_it_is(fake):
    row = connect(settings={"api_key": "$Fake:ApiKey", "organization": "$Fake:Organization"})
    content = export(row)
    assert read_package(content).connections[0].secrets == {"api_key": "$Fake:ApiKey"}
    row.delete()
    take(content)
    assert Connection.objects.get().settings == {
        "api_key": "$Fake:ApiKey",
        "organization": "$Fake:Organization",
    }


def test_a_secret_map_travels_entry_by_entry():
    row = connect(
        "custom",
        settings={
            "configs": {"region": "no", "1": "1e5"},
            "secrets": {"a.b": SECRET, "placeholder": "$OpenAI:ApiKey"},
        },
    )
    content, before = export(row, passphrase=PASSPHRASE), columns(row)
    row.delete()
    take(content, passphrase=PASSPHRASE)
    assert columns(Connection.objects.get()) == before


@pytest.mark.server
def test_an_export_is_the_same_each_time_but_for_its_date(connection):
    assert documents(read_package(export(connection))) == documents(
        read_package(export(connection))
    )


@pytest.mark.server
def test_profiles_bring_their_connections_and_their_fallbacks(connection):
    first, second = profile_of(connection, name="First"), profile_of(connection, name="Second")
    for one, other in ((first, second), (second, first)):
        services.update_profile(one, actor=None, fallbacks=[other])
    content = package_services.export_package([], [first, second], actor=None)
    assert "production came along" in " ".join(read_package(content).manifest.notes)
    names = {first.pk: [second.pk], second.pk: [first.pk]}
    for one in (first, second):
        services.update_profile(one, actor=None, fallbacks=[])
    Profile.objects.all().delete()
    Connection.objects.all().delete()
    take(content)
    assert {
        row.pk: [step.fallback_id for step in row.fallback_steps.all()]
        for row in Profile.objects.all()
    } == names
    assert take(content).is_noop


def test_a_fallback_that_is_nowhere_is_left_out_and_named(connection):
    first, second = profile_of(connection, name="First"), profile_of(connection, name="Second")
    services.update_profile(first, actor=None, fallbacks=[second])
    content = export(connection, profiles=[first])
    first.delete()
    second.delete()
    assert "second" in item(take(content), "profile").notes[0]
    assert not Profile.objects.get().fallback_steps.exists()


def test_a_profile_finds_the_connection_with_its_alias(connection):
    profile = profile_of(connection)
    content = export(connection, profiles=[profile])
    profile.delete()
    connection.delete()
    other = connect()
    done = take(content)
    assert item(done).state == "identical" and item(done).row_id == str(other.pk)
    assert Profile.objects.get().connection == other


# Conflicts


@pytest.fixture
def changed(connection):
    """A package, and its connection as somebody changed it since."""
    content = export(connection, passphrase=PASSPHRASE)
    services.update_connection(
        connection, actor=None, name="Mine", settings={"api_key": OTHER_SECRET, "samples": 3}
    )
    return content


@pytest.mark.server
def test_a_conflict_aborts_and_writes_nothing(changed):
    with pytest.raises(PackageConflict) as refused:
        take(changed, passphrase=PASSPHRASE)
    assert item(refused.value.plan).differences == ("Name", "Samples", "API key")
    assert Connection.objects.get().name == "Mine"


@pytest.mark.server
def test_one_conflict_aborts_what_is_new_too(changed):
    other = connect(name="Other")
    content = export(*Connection.objects.all())
    other.delete()
    services.update_connection(Connection.objects.get(), actor=None, name="Again")
    with pytest.raises(PackageConflict):
        take(content)
    assert Connection.objects.count() == 1


def test_keep_mine(changed):
    take(changed, passphrase=PASSPHRASE, on_conflict="keep")
    assert Connection.objects.get().name == "Mine" and Connection.objects.get().version == 2


@pytest.mark.server
def test_replace_mine(changed):
    take(changed, passphrase=PASSPHRASE, on_conflict="replace")
    row = Connection.objects.get()
    assert (row.name, row.settings, dict(row.credentials)) == (
        "Production",
        {},
        {"api_key": SECRET},
    )


def test_replace_without_the_secret_keeps_the_stored_one(changed):
    done = take(changed, on_conflict="replace")
    row = Connection.objects.get()
    assert (row.name, dict(row.credentials), row.is_active) == (
        "Production",
        {"api_key": OTHER_SECRET},
        True,
    )
    assert item(done).missing_secrets == ()


@pytest.mark.server
def test_import_as_a_copy(changed):
    profile = profile_of(Connection.objects.get())
    content = export(Connection.objects.get(), profiles=[profile])
    services.update_connection(Connection.objects.get(), actor=None, name="Again")
    services.update_profile(profile, actor=None, name="Again")
    take(content, on_conflict="copy")
    copy = Connection.objects.get(alias="production-2")
    assert copy.pk != Connection.objects.get(alias="production").pk and not copy.is_active
    assert Profile.objects.get(alias="answers-2").connection == copy


@pytest.mark.server
def test_merge_fills_what_is_empty(fake):
    full = connect(
        tags=["a"],
        settings={
            "api_key": SECRET,
            "spare_key": OTHER_SECRET,
            "samples": 4,
            "organization": "theirs",
        },
    )
    content = export(full, passphrase=PASSPHRASE)
    full.delete()
    connect(settings={"api_key": OTHER_SECRET, "organization": "mine"})
    take(content, passphrase=PASSPHRASE, on_conflict="merge")
    row = Connection.objects.get()
    assert row.settings == {"organization": "mine", "samples": 4} and row.tags == ["a"]
    assert dict(row.credentials) == {"api_key": OTHER_SECRET, "spare_key": OTHER_SECRET}


@pytest.mark.server
def test_two_connections_of_a_package_never_become_one_row(fake):
    one, other = connect(name="One"), connect(name="Other")
    content, other_id = export(one, other), f"connection:{other.pk}"
    other.delete()
    Connection.objects.filter(pk=one.pk).update(alias="other")
    refused = plan(content, on_conflict="replace").conflicts
    assert [(found.alias, found.state) for found in refused] == [
        ("other", "new")
    ] and "alias other is taken" in refused[0].notes[0]
    take(content, on_conflict="replace", items={other_id: "copy"})
    assert sorted(Connection.objects.values_list("alias", "name")) == [
        ("other", "One"),
        ("other-2", "Other"),
    ]


def test_a_decision_about_one_item_comes_before_the_rest(changed):
    row = Connection.objects.get()
    take(changed, items={f"connection:{row.pk}": "keep"}, on_conflict="abort")
    assert reload(row).version == 2


def test_skipping_what_is_new_leaves_it_out(connection):
    content, key = export(connection), f"connection:{connection.pk}"
    connection.delete()
    assert take(content, items={key: "skip"}).is_noop
    assert not Connection.objects.exists()


def test_another_provider_under_this_alias_can_only_be_kept_or_copied(connection):
    content = export(connection)
    connection.delete()
    connect("custom", name="Production", settings={"secrets": {"a": SECRET}})
    for wanted in ("abort", "replace", "merge"):
        assert item(plan(content, on_conflict=wanted)).action == "refuse"
    assert item(plan(content, on_conflict="keep")).state == "unusable"
    take(content, on_conflict="copy")
    assert Connection.objects.get(alias="production-2").provider_id == "fake"


@pytest.mark.server
def test_a_plan_writes_nothing(changed):
    before = [columns(row) | {"version": row.version} for row in Connection.objects.all()]
    for wanted in ("abort", "keep", "replace", "copy", "merge"):
        plan(changed, passphrase=PASSPHRASE, on_conflict=wanted)
    assert [columns(row) | {"version": row.version} for row in Connection.objects.all()] == before
    assert Connection.history.count() == 2


# Addresses


def moved(connection: Connection) -> bytes:
    """A package whose address is another than the one that is stored."""
    content = export(connection)
    services.update_connection(
        connection, actor=None, settings={"api_key": SECRET, "base_url": "https://mine.example.com"}
    )
    return content


def test_a_stored_key_never_follows_the_address_of_a_package(connection):
    content = moved(connection)
    with pytest.raises(PackageConflict) as refused:
        take(content, on_conflict="replace")
    found = item(refused.value.plan)
    assert found.missing_secrets == ("production.api_key",) and any(
        "Map the secret" in note for note in found.notes
    )
    assert reload(connection).settings == {"base_url": "https://mine.example.com"}


def test_with_the_secret_mapped_the_address_may_change(connection):
    take(moved(connection), on_conflict="replace", secrets={"production.api_key": "$Fake:ApiKey"})
    assert reload(connection).settings == {"api_key": "$Fake:ApiKey"}


def test_merging_brings_no_secret_to_another_address(fake):
    row = connect(settings={"api_key": SECRET, "spare_key": OTHER_SECRET})
    content = export(row, passphrase=PASSPHRASE)
    row.delete()
    connect(settings={"api_key": SECRET, "base_url": "https://mine.example.com"})
    take(content, passphrase=PASSPHRASE, on_conflict="merge")
    assert dict(Connection.objects.get().credentials) == {"api_key": SECRET}


def test_a_missing_secret_can_be_taken_of_a_connection_with_the_same_address(connection):
    content = export(connection)
    connection.delete()
    connect(name="Source", settings={"api_key": OTHER_SECRET})
    take(content, secrets={"production.api_key": "connection:source"})
    row = Connection.objects.get(alias="production")
    assert (dict(row.credentials), row.is_active, row.lacking) == (
        {"api_key": OTHER_SECRET},
        True,
        [],
    )


@pytest.mark.parametrize(
    "source",
    [
        {"settings": {"api_key": SECRET, "base_url": "https://other.example.com"}},
        {"settings": {"api_key": SECRET, "ca_certificate": authority()[0]}},
        {"settings": {"api_key": SECRET, "proxy": "http://proxy.example.com"}},
        {"provider_id": "custom", "settings": {"secrets": {"a": SECRET}}},
    ],
)
def test_a_missing_secret_is_not_taken_for_another_address_or_provider(connection, source):
    content = export(connection)
    connection.delete()
    connect(name="Source", **source)
    with pytest.raises(PackageConflict) as refused:
        take(content, secrets={"production.api_key": "connection:source"})
    assert "another" in item(refused.value.plan).notes[0]


def test_taking_the_secret_of_a_connection_needs_the_right_to_change_it(connection, operator):
    content = export(connection)
    connection.delete()
    connect(name="Source")
    operator.groups.clear()
    _allow(operator, "view_connection", "add_connection")
    with pytest.raises(PermissionDenied):
        take(content, actor=operator, secrets={"production.api_key": "connection:source"})


def _allow(user: Any, *names: str) -> None:
    from django.contrib.auth.models import Permission

    user.user_permissions.add(
        *Permission.objects.filter(content_type__app_label="connections", codename__in=names)
    )


def test_a_secret_is_taken_from_a_connection_that_the_same_package_makes(fake):
    mine = connect(name="A mine", settings={"api_key": SECRET})
    source = connect(name="Source", settings={"api_key": OTHER_SECRET})
    content = export(mine, source, passphrase=PASSPHRASE)
    Connection.objects.all().delete()
    for named in ("connection:source", f"connection:{source.pk}"):
        take(content, passphrase=PASSPHRASE, secrets={"a-mine.api_key": named})
        keys = {row.alias: row.credentials["api_key"] for row in Connection.objects.all()}
        assert keys == {"a-mine": OTHER_SECRET, "source": OTHER_SECRET}
        Connection.objects.all().delete()


def test_a_profile_finds_a_new_connection_of_its_package_by_alias(connection):
    profile_of(connection)
    files = unpack(export(connection, profiles=[Profile.objects.get()]))
    mine, other = str(connection.pk).encode(), str(uuid.uuid4()).encode()
    path = next(name for name in files if name.startswith("profiles/"))
    old, new = files[path], files[path].replace(mine, other)
    sums = [sha256(one).hexdigest().encode() for one in (old, new)]
    content = zipped({name: one.replace(*sums) for name, one in {**files, path: new}.items()})
    Profile.objects.all().delete()
    connection.delete()
    take(content)
    assert Profile.objects.get().connection == Connection.objects.get()


@pytest.mark.parametrize("value", ["sk-in-clear-123", "$broken", "connection:", "", "***"])
def test_a_placeholder_is_mapped_to_nothing_but_references_and_connections(connection, value):
    with pytest.raises(PackageError) as refused:
        plan(export(connection), secrets={"production.api_key": value})
    assert refused.value.code == "bad_decision" and "sk-in" not in str(refused.value)


def test_decisions_about_what_is_not_in_the_package_are_refused(connection):
    content = export(connection)
    for wrong in (
        {"items": {f"connection:{uuid.uuid4()}": "keep"}},
        {"items": {f"connection:{connection.pk}": "burn"}},
        {"on_conflict": "burn"},
        {"secrets": {"other.api_key": "$Fake:ApiKey"}},
    ):
        with pytest.raises(PackageError, match=r"not in this package|Choose"):
            plan(content, **wrong)


# Rights


@pytest.mark.parametrize("person", ["administrator", "operator", "viewer", "stranger", "nobody"])
def test_who_may_export_seal_and_import(connection, people, person):
    actor = people[person]
    content = export(connection)
    may = {
        "export": lambda: package_services.export_package([connection], actor=actor),
        "seal": lambda: package_services.export_package(
            [connection], actor=actor, passphrase=PASSPHRASE
        ),
        "plan": lambda: plan(content, actor=actor),
        "import": lambda: take(content, actor=actor),
    }
    able = []
    for name, act in may.items():
        try:
            act()
            able.append(name)
        except PermissionDenied:
            pass
    rights = {
        "administrator": ["export", "seal", "plan", "import"],
        "operator": ["export", "plan", "import"],
        "viewer": ["export"],
    }
    assert able == rights.get(person, [])


def test_it_is_written_down_who_took_secrets_along(connection, administrator):
    package_services.export_package([connection], actor=administrator, passphrase=PASSPHRASE)
    package_services.export_package([connection], actor=administrator)
    record = RevealRecord.objects.get()
    assert (record.outcome, record.connections, record.token_name) == (
        "exported",
        ["production"],
        "ada, a package",
    )


def test_a_short_passphrase_is_refused(connection):
    for weak in ("short", "a" * 40, "x" * 2000):
        with pytest.raises(PackageError, match="12"):
            export(connection, passphrase=weak)


def test_nothing_is_no_package(db):
    with pytest.raises(PackageError, match="nothing to export"):
        export()


# Other states of rows


def test_what_cannot_be_decrypted_is_missing_and_said(connection, settings):
    settings.FERNET_KEYS = ["another-key-for-tests-only-0123456789abcdef"]
    content = export(connection, passphrase=PASSPHRASE)
    found = read_package(content)
    assert "could not be decrypted" in found.manifest.notes[0] and found.secrets(PASSPHRASE) == {}
    assert take(content, passphrase=PASSPHRASE).is_noop


def test_a_connection_of_an_unknown_provider_is_left_to_a_decision(connection):
    content = export(connection)
    connection.delete()
    from providers.core import registry

    kept = registry._registered.pop("fake")
    try:
        found = item(plan(content))
        assert (found.state, found.action, found.choices) == ("missing_type", "refuse", ("skip",))
        assert take(content, items={found.id: "skip"}).is_noop
    finally:
        registry._registered["fake"] = kept


def test_settings_of_a_newer_version_are_refused_by_name(connection, fake, monkeypatch):
    monkeypatch.setattr(fake, "version", 3)
    Connection.objects.update(type_version=3)
    content = export(reload(connection))
    monkeypatch.setattr(fake, "version", 1)
    connection.delete()
    assert "version 3 of fake" in item(plan(content)).notes[0]


def test_settings_of_an_older_version_are_brought_up(connection, fake, monkeypatch):
    content = export(connection, passphrase=PASSPHRASE)
    bare = export(connection)
    connection.delete()
    monkeypatch.setattr(fake, "version", 2)
    monkeypatch.setattr(
        fake,
        "migrated",
        classmethod(
            lambda cls, version, values: {"spare_key": values["api_key"], "api_key": "$Fake:ApiKey"}
        ),
    )
    take(content, passphrase=PASSPHRASE)
    row = Connection.objects.get()
    assert (dict(row.credentials), row.settings, row.type_version) == (
        {"spare_key": SECRET},
        {"api_key": "$Fake:ApiKey"},
        2,
    )
    row.delete()
    take(bare)
    assert Connection.objects.get().lacking == ["spare_key"]


@pytest.mark.server
def test_documents_do_not_show_in_which_order_a_database_keeps_settings(connection):
    """PostgreSQL sorts the keys of an object by their length."""
    services.update_connection(
        connection,
        actor=None,
        settings={
            "organization": "o",
            "region": "us",
            "base_url": "https://a.example.com",
            "api_key": SECRET,
        },
    )
    profile = profile_of(connection, settings={"temperature": 0.5, "max_tokens": 5})
    before = read_package(export(connection, profiles=[profile]))
    for row in (reload(connection), profile):
        type(row).objects.filter(pk=row.pk).update(settings=dict(reversed(row.settings.items())))
    after = read_package(export(connection, profiles=[profile]))
    orders = [
        [list(one.settings) for one in (*found.connections, *found.profiles)]
        for found in (before, after)
    ]
    assert orders[0] == orders[1] and len(orders[0][0]) == 3
