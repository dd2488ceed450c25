"""The pages of packages: what is in one, what would become of it, what became of it."""

import io
import re
import zipfile
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from connections import services
from connections.models import Connection, PackageUpload, Profile
from connections.packages import services as package_services
from tests.fakes import OTHER_SECRET, SECRET, connect, profile_of, reload
from tests.pages import HTMX, entries, html, told, value_of, words, world
from tests.people import browser

pytestmark = pytest.mark.django_db
EXPORT, IMPORT = "/packages/export/", "/packages/import/"
PASSPHRASE = "correct horse battery"
MEGABYTE = 1024 * 1024


@pytest.fixture
def client(operator) -> Client:
    """The operator's browser."""
    return browser(operator)


@pytest.fixture
def boss(administrator) -> Client:
    """The administrator's browser."""
    return browser(administrator)


def package(*rows: Connection, **more: Any) -> bytes:
    """A package of these, or of everything."""
    profiles = list(Profile.objects.all())
    return package_services.export_package(
        rows or list(Connection.objects.all()), profiles, actor=None, **more
    )


def file(content: bytes, name: str = "switchboard.zip") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "application/zip")


def uploaded(client: Client, content: bytes) -> str:
    """The address of the plan."""
    response = client.post(IMPORT, {"file": file(content)})
    assert response.status_code == 302, words(response)
    return str(response["Location"])


def item(row: Any) -> str:
    return f"item-{type(row).__name__.lower()}:{row.pk}"


# Export


def test_the_page_shows_what_will_be_in_it(connection: Connection, client: Client):
    profile_of(connection)
    shown = words(client.get(EXPORT))
    assert (
        "The one connection there is" in shown and "Production production Fake, 1 profile" in shown
    )


def test_only_what_is_chosen_is_in_it(connection: Connection, client: Client):
    other = connect(name="Other")
    shown = words(client.get(f"{EXPORT}?ids={other.pk}"))
    assert "1 connection" in shown and "Other" in shown and "Production" not in shown
    response = client.post(EXPORT, {"ids": str(other.pk)})
    with zipfile.ZipFile(io.BytesIO(response.content)) as opened:
        assert [name for name in opened.namelist() if name.startswith("connections/")] == [
            "connections/other.yaml"
        ]


def test_the_page_says_what_becomes_of_secrets(connection: Connection, client: Client):
    response = client.get(EXPORT)
    assert "no secret is in the file" in words(response) and "production.api_key" in words(response)
    assert "spare_key" not in words(response) and SECRET not in html(response)
    connect(name="Other")
    assert words(client.get(EXPORT)).count("Here these become placeholders") == 1


def test_a_reference_becomes_no_placeholder(fake, client: Client):
    connect(settings={"api_key": "$Fake:ApiKey"})
    assert "production.api_key" not in words(client.get(EXPORT))


def test_the_download_is_a_package_that_no_cache_keeps(connection: Connection, client: Client):
    response = client.post(EXPORT, {})
    assert (response.status_code, response["Content-Type"], response["Cache-Control"]) == (
        200,
        "application/zip",
        "no-store",
    )
    assert re.fullmatch(
        r'attachment; filename="switchboard-\d{4}-\d\d-\d\d\.zip"', response["Content-Disposition"]
    )
    assert zipfile.is_zipfile(io.BytesIO(response.content))


def test_profiles_come_along_when_asked_for(connection: Connection, client: Client):
    profile_of(connection)
    contents = [
        zipfile.ZipFile(io.BytesIO(client.post(EXPORT, given).content)).namelist()
        for given in ({}, {"profiles": "on"})
    ]
    assert ["profiles/answers.yaml" in names for names in contents] == [False, True]


def test_only_who_may_export_secrets_is_asked_for_a_passphrase(
    connection: Connection, client: Client, boss: Client
):
    assert "passphrase" not in re.findall(r'name="([^"]*)"', html(client.get(EXPORT)))
    assert 'name="passphrase"' in html(boss.get(EXPORT)) and "has the keys" in words(
        boss.get(EXPORT)
    )


def test_a_passphrase_of_who_may_not_is_not_taken(connection: Connection, client: Client):
    content = client.post(EXPORT, {"passphrase": PASSPHRASE, "again": PASSPHRASE}).content
    assert "secrets.sealed" not in zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_a_sealed_package_has_its_secrets_sealed(connection: Connection, boss: Client):
    content = boss.post(EXPORT, {"passphrase": PASSPHRASE, "again": PASSPHRASE}).content
    assert "secrets.sealed" in zipfile.ZipFile(io.BytesIO(content)).namelist()


@pytest.mark.parametrize(
    ("passphrase", "again"),
    [(PASSPHRASE, "another passphrase"), (PASSPHRASE, ""), ("short", "short")],
)
def test_a_bad_passphrase_is_refused_and_not_repeated(
    connection: Connection, boss: Client, passphrase: str, again: str
):
    response = boss.post(EXPORT, {"passphrase": passphrase, "again": again})
    assert response["Content-Type"].startswith("text/html") and 'role="alert"' in html(response)
    assert f'"{passphrase}"' not in html(response)


def test_nothing_to_export_is_said(client: Client):
    assert "There is nothing to export" in words(client.get(EXPORT))
    assert client.post(EXPORT, {})["Content-Type"].startswith("text/html")


# Upload


@pytest.mark.server
def test_a_package_waits_encrypted_and_nothing_is_imported(
    connection: Connection, client: Client, operator
):
    content, before = package(), world()
    uploaded(client, content)
    row = PackageUpload.objects.get()
    assert (row.user, row.file_name, world()) == (operator, "switchboard.zip", before)
    assert b"switchboard-package" not in bytes(row.content) and content not in bytes(row.content)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + b"x" * 100])
def test_what_is_no_package_is_refused_at_its_field(client: Client, content: bytes):
    response = client.post(IMPORT, {"file": file(content)})
    assert response.status_code == 200 and response.context["form"].errors["file"]
    assert PackageUpload.objects.count() == 0


def test_no_file_is_told(client: Client):
    assert "This is missing" in words(client.post(IMPORT, {}))


def test_a_file_that_is_too_large_is_refused_with_the_limit(client: Client):
    response = client.post(IMPORT, {"file": file(b"x" * (50 * MEGABYTE))})
    assert "A package has at most 10 MB." in words(response) and PackageUpload.objects.count() == 0


def test_an_upload_is_its_persons_own(connection: Connection, client: Client, boss: Client):
    address = uploaded(client, package())
    assert told(boss.get(address))[0].startswith("This package is not here any more")
    boss.post(address, {"action": "drop"})
    assert PackageUpload.objects.count() == 1


@pytest.mark.server
def test_an_upload_is_gone_after_an_hour_and_cleaned_with_the_next(
    connection: Connection, client: Client
):
    address = uploaded(client, package())
    PackageUpload.objects.update(date_created=timezone.now() - timedelta(minutes=61))
    response = client.get(address)
    assert response["Location"] == IMPORT and "waits for an hour" in told(response)[0]
    uploaded(client, package())
    assert PackageUpload.objects.count() == 1


@pytest.mark.server
def test_a_person_has_at_most_five(connection: Connection, client: Client):
    addresses = [uploaded(client, package()) for _ in range(7)]
    assert PackageUpload.objects.count() == 5
    assert [client.get(one).status_code for one in addresses] == [302, 302, 200, 200, 200, 200, 200]


def test_a_package_is_dropped(connection: Connection, client: Client):
    response = client.post(uploaded(client, package()), {"action": "drop"})
    assert (response["Location"], PackageUpload.objects.count()) == (IMPORT, 0)


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_plan_is_for_those_who_may_import(
    connection: Connection, client: Client, viewer, nobody, method: str
):
    address = uploaded(client, package())
    assert getattr(browser(viewer), method)(address).status_code == 403
    assert getattr(browser(nobody), method)(address)["Location"].startswith("/sign-in/")


# The plan


def test_importing_what_was_exported_changes_nothing(connection: Connection, client: Client):
    profile_of(connection)
    address, before = uploaded(client, package()), world()
    response = client.get(address)
    assert (
        "Everything in this package is here already" in words(response)
        and words(response).count("identical") == 2
    )
    chosen = re.findall(
        r'<select name="(item-[^"]*)".*?<option value="([^"]*)" selected>',
        html(response),
        re.DOTALL,
    )
    assert "was here already" in words(client.post(address, {"action": "apply", **dict(chosen)}))
    assert world() == before


def test_a_conflict_names_what_differs_and_is_kept_unless_decided(
    connection: Connection, client: Client
):
    address = uploaded(client, package())
    services.update_connection(
        connection, actor=None, name="Mine", settings={"organization": "org-mine"}, merge=True
    )
    response = client.get(address)
    assert "differs" in words(response) and "Organization" in words(response)
    assert re.search(r'<option value="keep" selected>', html(response))
    before = world()
    assert "kept as it was here" in words(client.post(address, {"action": "apply"}))
    assert world() == before


def test_each_choice_does_what_it_says(connection: Connection, client: Client):
    content = package()
    services.update_connection(connection, actor=None, name="Mine")
    for choice, names in (
        ("skip", {"Mine"}),
        ("merge", {"Mine"}),
        ("copy", {"Mine", "Production"}),
        ("replace", {"Production"}),
    ):
        response = client.post(
            uploaded(client, content), {"action": "apply", item(connection): choice}
        )
        assert response.status_code == 200, words(response)
        assert set(Connection.objects.values_list("name", flat=True)) == names, choice
    assert PackageUpload.objects.count() == 0


def test_choices_can_be_looked_at_before_they_are_made(connection: Connection, client: Client):
    address = uploaded(client, package())
    services.update_connection(connection, actor=None, name="Mine")
    before = world()
    for headers in ({}, HTMX):
        response = client.post(
            address, {"action": "plan", item(connection): "replace"}, headers=headers
        )
        assert re.search(r'<option value="replace" selected>', html(response)) and world() == before
        assert ("<html" in html(response)) == (not headers)


def test_a_new_connection_without_its_key_is_inactive_and_says_so(
    connection: Connection, client: Client
):
    content = package()
    connection.delete()
    response = client.post(uploaded(client, content), {"action": "apply"})
    row = Connection.objects.get()
    assert "Needs its key" in words(response) and row.get_absolute_url() in html(response)
    assert (row.is_active, row.lacking) == (False, ["api_key"])


def test_a_missing_secret_becomes_a_reference(connection: Connection, client: Client, settings):
    settings.CONNECTIONS_CONFIG = {"Fake": {"ApiKey": SECRET}}
    content = package()
    connection.delete()
    address = uploaded(client, content)
    given = {"secret-production.api_key": "$Fake:ApiKey"}
    assert (
        value_of(client.post(address, {**given, "action": "plan"}), "secret-production.api_key")
        == "$Fake:ApiKey"
    )
    client.post(address, {**given, "action": "apply"})
    row = Connection.objects.get()
    assert (row.settings["api_key"], row.is_active, row.lacking) == ("$Fake:ApiKey", True, [])


def test_a_missing_secret_is_taken_from_another_connection(connection: Connection, client: Client):
    content = package(connection)
    connection.delete()
    connect(name="Other", settings={"api_key": OTHER_SECRET})
    address = uploaded(client, content)
    assert '<option value="other">Other</option>' in html(client.get(address))
    shown = client.post(address, {"action": "plan", "from-production.api_key": "other"})
    assert 'name="from-production.api_key" value="other"' in html(shown)
    response = client.post(address, {"action": "apply", "from-production.api_key": "other"})
    assert Connection.objects.get(alias="production").credentials["api_key"] == OTHER_SECRET
    assert OTHER_SECRET not in html(response)


def test_a_key_that_is_typed_as_a_reference_is_refused_and_not_repeated(
    connection: Connection, client: Client
):
    content = package()
    connection.delete()
    address = uploaded(client, content)
    for action in ("plan", "apply"):
        response = client.post(address, {"action": action, "secret-production.api_key": SECRET})
        assert "begins with a dollar sign" in words(response) and SECRET not in html(response)
    assert Connection.objects.count() == 0


def test_sealed_keys_come_with_the_passphrase(connection: Connection, client: Client):
    content = package(passphrase=PASSPHRASE)
    connection.delete()
    address = uploaded(client, content)
    shown = client.post(address, {"action": "plan", "passphrase": PASSPHRASE})
    assert PASSPHRASE not in html(shown)
    sealed = value_of(shown, "passphrase-sealed")
    assert sealed
    client.post(address, {"action": "apply", "passphrase-sealed": sealed})
    assert Connection.objects.get().credentials["api_key"] == SECRET


@pytest.mark.parametrize("passphrase", ["wrong passphrase", "$Wrong:Passphrase"])
def test_a_wrong_passphrase_imports_nothing_and_is_not_repeated(
    connection: Connection, client: Client, passphrase: str
):
    content = package(passphrase=PASSPHRASE)
    connection.delete()
    response = client.post(uploaded(client, content), {"action": "apply", "passphrase": passphrase})
    assert 'role="alert"' in html(response) and passphrase not in html(response)
    assert Connection.objects.count() == 0


def test_leaving_sealed_keys_out_is_said_in_so_many_words(connection: Connection, client: Client):
    content = package(passphrase=PASSPHRASE)
    connection.delete()
    address = uploaded(client, content)
    assert "Enter the passphrase, or tick" in words(client.post(address, {"action": "apply"}))
    assert Connection.objects.count() == 0
    client.post(address, {"action": "apply", "without_secrets": "on"})
    assert Connection.objects.get().lacking == ["api_key"]


@pytest.mark.parametrize(
    "given",
    [
        {"item-nonsense": "replace"},
        {"secret-nonsense": "$Fake:ApiKey"},
        {"from-nonsense": "x" * 500},
    ],
)
def test_nonsense_in_the_choices_is_a_page_that_says_so(
    connection: Connection, client: Client, given: dict[str, str]
):
    address, before = uploaded(client, package()), world()
    for action in ("plan", "apply"):
        assert client.post(address, {"action": action, **given}).status_code == 200
    assert world() == before


def test_what_one_may_not_do_an_import_does_not_do(connection: Connection, viewer):
    from django.contrib.auth.models import Permission, User

    viewer.user_permissions.add(
        *Permission.objects.filter(codename__in=["add_connection", "change_connection"])
    )
    profile_of(connection)
    content = package()
    Profile.objects.all().delete()
    client = browser(User.objects.get(pk=viewer.pk))
    response = client.post(IMPORT, {"file": file(content)})
    if response.status_code == 302:
        response = client.post(response["Location"], {"action": "apply"})
    assert response.status_code == 403 and Profile.objects.count() == 0


def test_a_lost_upload_key_is_an_upload_that_is_gone(
    connection: Connection, client: Client, settings
):
    address = uploaded(client, package())
    settings.FERNET_KEYS = ["another-key-for-tests-only-0123456789abcdef"]
    assert client.get(address)["Location"] == IMPORT


def test_the_row_is_not_touched_by_looking(connection: Connection, client: Client):
    client.get(uploaded(client, package()))
    assert reload(connection).version == connection.version


# A connection added from the plan


def test_a_connection_can_be_added_for_a_missing_key_and_nothing_chosen_is_lost(
    client: Client, connection: Connection
):
    other = connect(name="Another")
    content = package(connection, other)
    services.delete_connection(connection, actor=None)
    services.update_connection(other, actor=None, name="Changed")
    page, name = uploaded(client, content), f"{connection.alias}.api_key"
    button = re.search(
        rf'name="add-here" value="from-{name}"[^>]*formaction="([^"]*)"', html(client.get(page))
    )
    assert button and "accepts=provider%3Afake" in button[1]
    typed = {
        item(other): "merge",
        f"secret-{name}": "",
        "install_types": "on",
        "add-here": f"from-{name}",
    }
    answer = client.post(unescape(button[1]), typed)
    cards = html(client.get(answer["Location"]))
    assert "/connections/add/fake/" in cards and "/connections/add/echo/" not in cards
    query = answer["Location"].partition("?")[2]
    back = client.post(f"/connections/add/fake/?{query}", entries(name="Spare"))
    restored = client.get(back["Location"])
    form = restored.context["form"]
    assert (form.data[f"from-{name}"], form.data[item(other)], form.data["install_types"]) == (
        "spare",
        "merge",
        "on",
    )
    assert f'name="from-{name}" value="spare"' in html(restored)


def test_enter_on_the_plan_shows_what_the_choices_do(client: Client, connection: Connection):
    content = package(connection)
    services.delete_connection(connection, actor=None)
    first = re.search(
        r"<button[^>]*>",
        html(client.get(uploaded(client, content))).partition('id="package-plan"')[2],
    )
    assert first and 'value="plan"' in first[0]


# As much as a package holds


def many(connections: int, profiles: int = 0) -> None:
    """Connections `c-0000`, ..., each with so many profiles."""
    rows = [
        Connection(alias=f"c-{n:04}", name=f"C {n:04}", provider_id="fake", lacking=["api_key"])
        for n in range(connections)
    ]
    Connection.objects.bulk_create(rows)
    Profile.objects.bulk_create(
        Profile(
            alias=f"p-{n:04}-{m}",
            name=f"P {n:04}",
            capability="Chat",
            model="m",
            connection=row,
        )
        for n, row in enumerate(rows)
        for m in range(profiles)
    )


def test_as_many_choices_are_taken_as_a_package_may_need(fake, client: Client):
    many(3)
    content = package_services.export_package(Connection.objects.all(), actor=None)
    Connection.objects.all().delete()
    address = uploaded(client, content)
    names = re.findall(r'name="((?:item|secret|from)-[^"]+)"', html(client.get(address)))
    assert len(names) == 9  # a choice, a reference and a connection for each
    others = [f"{name}-{number}" for name in names for number in range(2000 // 3)]
    response = client.post(address, {"action": "apply", **dict.fromkeys(names + others, "")})
    assert response.status_code == 200 and Connection.objects.count() == 3


def test_what_fits_into_no_package_is_offered_in_parts(fake, client: Client):
    many(1000, profiles=1)
    shown = words(client.get(EXPORT))
    assert "1 of 2: c-0000 to c-0949" in shown and "2 of 2: c-0950 to c-0999" in shown
    response = client.post(EXPORT, {"part": "2", "profiles": "on"})
    names = zipfile.ZipFile(io.BytesIO(response.content)).namelist()
    assert len([name for name in names if name.startswith("connections/")]) == 50
    assert "More than one package holds" in words(client.post(EXPORT, {"profiles": "on"}))


def test_what_the_list_shows_can_be_exported(fake, client: Client):
    connect(name="Ours", tags=["prod"]), connect(name="Others")
    page = html(client.get("/connections/?tag=prod&sort=-name"))
    link = re.search(r'href="([^"]*packages/export[^"]*)">Export all 1 that fit', page)
    assert link and link[1].endswith("?tag=prod")
    assert "1 connection" in words(client.get(link[1]))
    response = client.post(EXPORT, {"tag": "prod"})
    names = zipfile.ZipFile(io.BytesIO(response.content)).namelist()
    assert [name for name in names if name.startswith("connections/")] == ["connections/ours.yaml"]


def test_all_that_match_are_exported_and_of_profiles_only_those(fake, client: Client):
    ours, other = connect(name="Ours", tags=["prod"]), connect(name="Others")
    profile = profile_of(ours, name="Asked", tags=["chat"])
    profile_of(ours, name="Another"), profile_of(other, name="Third")
    chosen = {"action": "export", "all": "match", "match": "tag=chat", "seen": "2"}
    page = client.post("/profiles/bulk/", chosen, follow=True)
    assert "2 were chosen when you looked, 1 is now." in words(page)
    form = {"of": "profile", "all": "match", "match": "tag=chat", "profiles": "on"}
    names = zipfile.ZipFile(io.BytesIO(client.post(EXPORT, form).content)).namelist()
    assert {"connections/ours.yaml", f"profiles/{profile.alias}.yaml"} <= set(names)
    assert len([name for name in names if "/" in name]) == 2
