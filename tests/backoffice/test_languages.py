"""Pages are in the language of the person or of the browser; what machines read stays English."""

from io import StringIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from django.core.management import call_command
from django.template import engines
from django.utils import timezone, translation

from backoffice import catalogues, health
from backoffice.people.services import choose
from tests.pages import html, words
from tests.people import browser
from tools import catalogue

pytestmark = pytest.mark.django_db
GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.5"}


def test_a_page_is_in_the_language_of_the_browser(viewer):
    german = browser(viewer).get("/you/", headers=GERMAN)
    english = browser(viewer).get("/you/")
    assert (german["Content-Language"], english["Content-Language"]) == ("de", "en")
    assert '<html lang="de">' in html(german) and "Sprache" in words(german)
    assert '<html lang="en">' in html(english) and "Language" in words(english)
    assert "Accept-Language" in german["Vary"]


def test_what_a_person_chose_wins_over_the_browser(viewer):
    choose(viewer, "en", "")
    assert "Language" in words(browser(viewer).get("/you/", headers=GERMAN))


def test_the_choice_is_made_on_a_page_and_told_in_its_language(viewer):
    client = browser(viewer)
    posted = {"language": "de", "time_zone": "Asia/Tokyo"}
    shown = client.post("/you/", posted, follow=True)
    assert "Ihre Einstellungen sind gespeichert." in words(shown)
    assert 'value="Asia/Tokyo" selected' in html(shown)
    assert client.get("/nowhere/")["Content-Language"] == "de"


def test_times_are_in_the_zone_that_the_person_chose(viewer, connection):
    choose(viewer, "", "Asia/Tokyo")
    client = browser(viewer)
    client.cookies["zone"] = "Europe/Berlin"
    assert " JST" in html(client.get(connection.get_absolute_url()))
    assert timezone.get_current_timezone_name() == "UTC"  # it ended with the answer


def test_who_is_not_signed_in_can_change_the_language(client):
    assert '<button class="link" name="language" value="de"' in html(client.get("/sign-in/"))
    client.post("/language/", {"language": "de", "next": "/sign-in/"})
    assert client.get("/sign-in/")["Content-Language"] == "de"


def test_numbers_keep_their_point_since_drawings_and_fields_hold_them():
    with translation.override("de"):
        assert engines["django"].from_string("{{ n }}").render({"n": 1234.5}) == "1234.5"


@pytest.mark.parametrize("path", ["/api/v1/connections/none", "/api/nothing", "/health/ready"])
def test_what_machines_read_is_english(administrator, path, monkeypatch):
    monkeypatch.setattr(health, "READY_SECONDS", 60)
    client = browser(administrator)
    german, english = client.get(path, headers=GERMAN), client.get(path)
    assert german.content == english.content and "Content-Language" not in german
    assert "Accept-Language" not in german.get("Vary", "")


def test_a_command_is_english():
    said = StringIO()
    call_command("check", stdout=said)
    assert "System check identified no issues" in said.getvalue()


def test_the_catalogues_are_compiled_once_for_their_content(settings, tmp_path: Path):
    settings.LOCALE_PATHS = [catalogues.compiled_folder(tmp_path / "static")]
    catalogues.load_catalogues()
    [file] = settings.LOCALE_PATHS[0].rglob("*.mo")
    written = file.stat().st_mtime_ns
    catalogues.load_catalogues()
    assert file.stat().st_mtime_ns == written


def test_a_folder_that_cannot_be_written_leaves_english_and_a_warning(
    settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "file").touch()
    settings.LOCALE_PATHS = [tmp_path / "file" / "locale"]
    catalogues.load_catalogues()
    assert "Pages are in English" in caplog.text


@pytest.mark.parametrize(
    ("message", "german", "fault"),
    [
        ("Save", "", "not translated"),
        ("%(n)s of {all}", "{all}", "other placeholders"),
        ('<a href="%(there)s">Here</a>', "Hier", "other placeholders"),
        (("one row", "%(n)s rows"), ("eine Zeile", "%(m)s Zeilen"), "other placeholders"),
    ],
)
def test_a_translation_that_lacks_or_differs_is_named(message, german, fault):
    catalog = Catalog(locale="de")
    catalog.add(message, german)
    [found] = catalogue.faults(catalog)
    assert found.startswith(fault)


def test_a_translation_with_the_same_placeholders_is_taken():
    catalog = Catalog(locale="de")
    catalog.add(("one row", "%(n)s rows"), ("eine Zeile", "%(n)s Zeilen"))
    catalog.add("%(n)s of {all}", "{all}, davon %(n)s")
    assert list(catalogue.faults(catalog)) == []
